"""Layers that the benchmark networks do not have, beside ONNX Runtime: odd_shapes.py [options] [NAME-PART..]

Each line of LAYERS is a small network: a few layers of one kind one after the other. Per network: least time of nasc's default
code and of ONNX Runtime, runs of both in turn, with one and with two threads, their ratio, and what the compiler gave up.
What runs several times as long as its neighbours is a hole in a schedule, which no benchmark network would show.
Run by hand on an idle machine; the Python that runs it needs onnx and onnxruntime.
"""
import argparse
import os
import re
import subprocess
import time

import numpy
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from programs import tool


class Net:
    """A graph of one input, [N,C,..]; `value` is the last tensor."""

    def __init__(self, *shape):
        self.nodes, self.weights, self.value, self.channels = [], [], "x", shape[1]
        self.input = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)
        self.generator = numpy.random.default_rng(0)

    def constant(self, array):
        name = f"c{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(numpy.asarray(array), name))
        return name

    def random(self, *shape, inputs):
        return self.constant((self.generator.standard_normal(shape) * (2 / inputs) ** 0.5).astype(numpy.float32))

    def node(self, op, *more, of=None, **attributes):
        """op(value or `of`, more..) becomes the value."""
        inputs = [of or self.value, *(m if isinstance(m, str) else self.constant(m) for m in more)]
        self.value = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [self.value], **attributes))
        return self.value

    def conv(self, outputs, kernel=3, stride=1, group=1, act="Relu", of=None):
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        per_group = self.channels // group
        self.node("Conv", self.random(outputs, per_group, *sides, inputs=per_group * sides[0] * sides[1]),
                  numpy.zeros(outputs, numpy.float32), of=of, strides=[stride] * 2, pads=[k // 2 for k in sides] * 2, group=group)
        self.channels = outputs
        return self.node(act) if act else self.value

    def up(self, outputs, kernel, steps):
        self.node("ConvTranspose", self.random(self.channels, outputs, kernel, kernel, inputs=self.channels * kernel**2 / steps**2),
                  strides=[steps] * 2, pads=[(kernel - steps) // 2] * 4)
        self.channels = outputs
        return self.value

    def save(self, path):
        graph = helper.make_graph(self.nodes, "layers", [self.input], [helper.make_empty_tensor_value_info(self.value)], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(onnx.shape_inference.infer_shapes(model), path)


def chain(*channels, kernel=3):
    def make(n):
        for c in channels:
            n.conv(c, kernel)
    return make


def windows(kernel, act="Relu"):
    def make(n):
        for _ in range(4):
            n.conv(n.channels, kernel, group=n.channels, act=act)
            n.conv(n.channels, 1, act=None)
    return make


def groups(count):
    def make(n):
        for _ in range(4):
            n.conv(n.channels, group=count)
            n.conv(n.channels, 1)
    return make


def dense(growth):
    def make(n):
        for _ in range(6):
            before, width = n.value, n.channels
            n.node("Relu")
            n.conv(growth, act=None)
            n.node("Concat", n.value, of=before, axis=1)
            n.channels = width + growth
    return make


def branches(*outputs):
    def make(n):
        for _ in range(3):
            before, width, made = n.value, n.channels, []
            for k, c in enumerate(outputs):
                n.channels = width
                made.append(n.conv(c, 3 if k % 2 else 1, of=before))
            n.node("Concat", *made[1:], of=made[0], axis=1)
            n.channels = sum(outputs)
    return make


def transposed(outputs, kernel, steps):
    def make(n):
        n.conv(n.channels)
        n.up(outputs, kernel, steps)
        n.conv(n.channels)
    return make


def means(n):
    n.conv(n.channels, 1)
    for _ in range(3):
        n.node("AveragePool", kernel_shape=[3, 3], strides=[1, 1], pads=[1] * 4)
        n.conv(n.channels, 1)


def channels_last(n):
    """Two blocks of ConvNeXt without their activation."""
    for _ in range(2):
        before, c = n.value, n.channels
        n.conv(c, 7, group=c, act=None)
        n.node("Transpose", perm=[0, 2, 3, 1])
        n.node("LayerNormalization", numpy.ones(c, numpy.float32), numpy.zeros(c, numpy.float32), axis=-1)
        n.node("MatMul", n.random(c, 4 * c, inputs=c))
        n.node("Relu")
        n.node("MatMul", n.random(4 * c, c, inputs=4 * c))
        n.node("Transpose", perm=[0, 3, 1, 2])
        n.node("Add", before)


def dilated(n):
    for d in (2, 4, 6):
        n.node("Conv", n.random(n.channels, n.channels, 3, 3, inputs=9 * n.channels), dilations=[d] * 2, pads=[d] * 4)
        n.node("Relu")


def volume(n):
    for c in (32, 32, 20):
        n.node("Conv", n.random(c, n.channels, 3, 3, 3, inputs=27 * n.channels), pads=[1] * 6)
        n.node("Relu")
        n.channels = c


def line(n):
    for c, kernel, dilation in ((384, 3, 1), (384, 3, 2), (256, 5, 4), (100, 1, 1)):
        n.node("Conv", n.random(c, n.channels, kernel, inputs=kernel * n.channels), dilations=[dilation], pads=[dilation * (kernel // 2)] * 2)
        n.node("Relu")
        n.channels = c


def recurrent(n):
    """Eight steps of a cell on [N, features]."""
    a, b = n.random(64, 64, inputs=64), n.random(64, 64, inputs=64)
    x, state = n.value, n.node("MatMul", a)
    for _ in range(8):
        kept = n.node("MatMul", b, of=state)
        n.node("MatMul", a, of=x)
        n.node("Add", kept)
        state = n.node("Tanh")


LAYERS = [
    ("3x3 64 96 64 96 @28", (1, 64, 28, 28), chain(96, 64, 96, 64)),
    ("3x3 72 104 72 104 @29", (1, 72, 29, 29), chain(104, 72, 104, 72)),
    ("3x3 36 x3 @56", (1, 36, 56, 56), chain(36, 36, 36)),
    ("3x3 24 x3 @28", (1, 24, 28, 28), chain(24, 24, 24)),
    ("3x3 18 x3 @56", (1, 18, 56, 56), chain(18, 18, 18)),
    ("3x3 136 264 136 @57", (1, 136, 57, 57), chain(264, 136)),
    ("3x3 64 -> 12 @56", (1, 64, 56, 56), chain(64, 12)),
    ("3x3 64 -> 3 @56", (1, 64, 56, 56), chain(64, 3)),
    ("1x1 64 -> 2 @56", (1, 64, 56, 56), chain(64, 2, kernel=1)),
    ("1x7 7x1 192 @17", (1, 192, 17, 17), lambda n: [n.conv(192, k) for k in ((1, 7), (7, 1), (1, 3), (3, 1))]),
    ("3x3 dilated 64 @33", (1, 64, 33, 33), dilated),
    ("3x3 windows 64 @56", (1, 64, 56, 56), windows(3)),
    ("3x3 windows 72 @56", (1, 72, 56, 56), windows(3)),
    ("3x3 windows 40 @28", (1, 40, 28, 28), windows(3)),
    ("5x5 windows 120 @28", (1, 120, 28, 28), windows(5, "HardSwish")),
    ("3x3 32 groups 128 @56", (1, 128, 56, 56), groups(32)),
    ("3x3 6 groups 144 @28", (1, 144, 28, 28), groups(6)),
    ("dense, 12 each @32", (1, 16, 32, 32), dense(12)),
    ("dense, 16 each @32", (1, 16, 32, 32), dense(16)),
    ("branches 24 40 20 12 @28", (1, 96, 28, 28), branches(24, 40, 20, 12)),
    ("branches 32 32 16 16 @28", (1, 96, 28, 28), branches(32, 32, 16, 16)),
    ("transposed 2x2 s2 32 @56", (1, 32, 56, 56), transposed(32, 2, 2)),
    ("transposed 4x4 s2 64 @28", (1, 64, 28, 28), transposed(36, 4, 2)),
    ("transposed 5x5 s3 32 @20", (1, 32, 20, 20), transposed(32, 5, 3)),
    ("transposed 16x16 s8 64 @16", (1, 64, 16, 16), transposed(21, 16, 8)),
    ("bordered means 64 @35", (1, 64, 35, 35), means),
    ("channels last 96 @56", (1, 96, 56, 56), channels_last),
    ("3x3x3 8 @16,28,28", (1, 8, 16, 28, 28), volume),
    ("1-D 80 @300", (1, 80, 300), line),
    ("recurrent 64", (1, 64), recurrent),
]


def least_times(options, model, library, threads, flags=(), feed=None):
    """(nasc's, ONNX Runtime's) in ms; flags: of nasc-run; feed: inputs by name, one random when absent."""
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    best = [float("inf"), float("inf")]
    for _ in range(options.passes):
        said = tool(options, "nasc-run", "bench", library, "--random", "--threads", str(threads), *flags)
        best[0] = min(best[0], float(re.search(r"min ([\d.]+) ms", said)[1]))
        session = onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
        x = session.get_inputs()[0]
        given = feed or {x.name: numpy.random.default_rng(1).random(x.shape).astype(numpy.float32)}
        end = time.perf_counter() + options.seconds
        while time.perf_counter() < end:
            begin = time.perf_counter()
            session.run(None, given)
            best[1] = min(best[1], 1e3 * (time.perf_counter() - begin))
        del session  # and its threads
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="parts of names; all layers when absent")
    parser.add_argument("--binaries", default="build/release/bin")
    parser.add_argument("--work", default="odd_shapes.tmp")
    parser.add_argument("--passes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0.5, help="of ONNX Runtime per pass")
    options = parser.parse_args()
    os.makedirs(options.work, exist_ok=True)
    for name, shape, make in LAYERS:
        if options.names and not any(part in name for part in options.names):
            continue
        model, library = (os.path.join(options.work, "layers" + end) for end in (".onnx", ".so"))
        net = Net(*shape)
        make(net)
        net.save(model)
        ran = subprocess.run([os.path.join(options.binaries, "nasc"), model, "-o", library, "-v"], capture_output=True, text=True)
        if ran.returncode:
            print(f"{name:<28}{ran.stderr.strip().splitlines()[-1]}")
            continue
        columns = []
        for threads in (1, 2):
            ours, theirs = least_times(options, model, library, threads)
            columns.append(f"{ours:>9.3f} ms {theirs:>9.3f} ms {theirs / ours:>6.2f}")
        given_up = sum("in textual order instead" in line for line in ran.stderr.splitlines() + ran.stdout.splitlines())
        print(f"{name:<28}{' |'.join(columns)}{f'   {given_up} kernels not as scheduled' if given_up else ''}", flush=True)


if __name__ == "__main__":
    main()
