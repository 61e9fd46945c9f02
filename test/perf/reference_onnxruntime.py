"""Writes what ONNX Runtime computes as reference tensors for `nasc-run compare`.

    nasc-zoo resnet50 -o resnet50.onnx && nasc resnet50.onnx -o resnet50.so
    python3 test/perf/reference_onnxruntime.py resnet50.onnx resnet50.data
    nasc-run compare resnet50.so --data resnet50.data

prints the relative root mean square of the difference (rms), at most 1e-5 for ResNet-50 and DenseNet-161. Needs the
packages onnx, onnxruntime and numpy. Inputs are seeded; symbolic extents are 1.
"""

import os
import sys

import numpy
import onnxruntime
from onnx import numpy_helper


def tensor_for(declared, generator):
    shape = [extent if isinstance(extent, int) else 1 for extent in declared.shape]
    if "float" in declared.type:
        kind = {"tensor(float16)": numpy.float16, "tensor(double)": numpy.float64}.get(declared.type, numpy.float32)
        return generator.standard_normal(shape).astype(kind)
    return generator.integers(0, 2, shape).astype(numpy.int32 if "int32" in declared.type else numpy.int64)


def write(path, array, name):
    with open(path, "wb") as file:
        file.write(numpy_helper.from_array(array, name).SerializeToString())


def main(model, folder):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    generator = numpy.random.default_rng(0)
    inputs = {declared.name: tensor_for(declared, generator) for declared in session.get_inputs()}
    data = os.path.join(folder, "test_data_set_0")
    os.makedirs(data, exist_ok=True)
    for k, (name, array) in enumerate(inputs.items()):
        write(os.path.join(data, f"input_{k}.pb"), array, name)
    for k, (declared, array) in enumerate(zip(session.get_outputs(), session.run(None, inputs))):
        write(os.path.join(data, f"output_{k}.pb"), array, declared.name)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
