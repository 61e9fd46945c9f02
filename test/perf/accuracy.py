"""Whole-network error against double precision beside ONNX Runtime's: accuracy.py [options] NETWORK..

Per network of the zoo (or FILE.onnx): relative root mean square of the difference from the executor in double precision over
--inputs seeded inputs, of the compiled library at default flags and of ONNX Runtime. Fails where ours is more than --most
times theirs. Needs numpy, onnx and onnxruntime; run by hand.
"""
import argparse
import os
import re
import shutil
import sys

import numpy
import onnxruntime
from programs import model_of, tool
from reference_onnxruntime import tensor_for, write


def ours(options, library, inputs, names, folder):
    given = []
    for name, array in inputs.items():
        path = os.path.join(folder, f"in_{len(given)}.npy")
        numpy.save(path, array)
        given += ["--input", f"{name}={path}"]
    out = os.path.join(folder, "out")
    tool(options, "nasc-run", "run", library, *given, "--output-dir", out)
    return [numpy.load(os.path.join(out, re.sub(r"[^A-Za-z0-9_]", "_", name) + ".npy")) for name in names]


def errors(options, network):
    model, folder = model_of(options, network)
    library = os.path.join(folder, "model.so")
    tool(options, "nasc", model, "-o", library, "-q", *options.flag)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    folders = {who: os.path.join(folder, who) for who in ("nasc", "peer")}
    for stale in folders.values():
        shutil.rmtree(stale, ignore_errors=True)
    for seed in range(options.inputs):
        generator = numpy.random.default_rng(seed)
        inputs = {declared.name: tensor_for(declared, generator) for declared in session.get_inputs()}
        outputs = {"peer": session.run(None, inputs), "nasc": ours(options, library, inputs, names, folder)}
        for who, data in folders.items():
            place = os.path.join(data, f"test_data_set_{seed}")
            os.makedirs(place, exist_ok=True)
            for k, (name, array) in enumerate(inputs.items()):
                write(os.path.join(place, f"input_{k}.pb"), array, name)
            for k, (name, array) in enumerate(zip(names, outputs[who])):
                write(os.path.join(place, f"output_{k}.pb"), array, name)
    out = []
    for who in ("nasc", "peer"):
        said = tool(options, "nasc-execute", model, "--double", "--data", folders[who])
        squares = [float(x) ** 2 for x in re.findall(r" rms ([\d.e+-]+)", said)]
        assert len(squares) == options.inputs * len(names), said
        out.append((sum(squares) / len(squares)) ** 0.5)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+")
    parser.add_argument("--binaries", default="build/release/bin")
    parser.add_argument("--work", default="accuracy.tmp")
    parser.add_argument("--inputs", type=int, default=8)
    parser.add_argument("--most", type=float, default=1.1)
    parser.add_argument("--flag", action="append", default=[], help="of nasc; repeatable")
    options = parser.parse_args()
    worse = 0
    print(f"{'network':<22}{'nasc':>12}{'ORT':>12}{'ratio':>8}   relative RMS against double, {options.inputs} inputs")
    for network in options.networks:
        mine, theirs = errors(options, network)
        worse += mine > options.most * theirs
        print(f"{network:<22}{mine:>12.2e}{theirs:>12.2e}{mine / theirs:>8.2f}", flush=True)
    sys.exit(1 if worse else 0)


if __name__ == "__main__":
    main()
