"""Share of the multiply-add peak that direct convolutions reach inside of whole networks: kernel_table.py [options] NETWORK..

Per network of the zoo (or FILE.onnx), compiled with --winograd=off: `nasc-run profile` at one thread, whose peak is probed in
the same run; other layers have passed between two calls of a kernel, so its weights are cold. Prints per kernel the layer,
the share, that of what multiply-adds reach which read their operands from the first cache (processors with wide vectors clock
down under them), and the goal, which is of the former: 93 % where output rows have 14 elements or more, 88 % below, 85 % for stems (less than 16 input
channels) and rows of at most 4 elements. Depthwise kernels have no goal. Kernels below --least milliseconds are left out. With
--between, pairs of layers that no network has next to ones that all have: the first must reach 85 % of the second's share.
Run by hand on an idle machine.
"""
import argparse
import os
import re
import statistics

from programs import model_of, tool


def layers(nir):
    """Name of each program that is a convolution: (inputs of a group, groups, output columns, text)."""
    out = {}
    for name, body in re.findall(r"program (\w+) origin \"[^\"]*Conv[^\"]*\" \{(.*?)\n  \}", nir, re.S):
        tensors = dict(re.findall(r"tensor (\w+) : f32\[([^\]]*)\]", body))
        if not {"X", "W", "Y"} <= tensors.keys():
            continue
        x, w, y = ([int(n) for n in tensors[t].split(", ")] for t in "XWY")
        if len(y) != 4:
            continue
        stride = round(x[2] / y[2])
        groups = x[1] // w[1]
        text = f"{w[2]}x{w[3]} {x[1]}->{y[1]} @{y[3]}" + (f" s{stride}" if stride > 1 else "") + (f" g{groups}" if groups > 1 else "")
        out[name] = (w[1], groups, y[3], text)
    return out


def goal(inputs, groups, columns):
    if groups > 1 and inputs == 1:
        return None
    if inputs < 16 or columns <= 4:
        return 85
    return 93 if columns >= 14 else 88


def shares(options, network):
    """(text of layer, goal, share of peak, milliseconds, share of the rate with reads) of each convolution kernel of a network."""
    model, work = model_of(options, network)
    flags = ["--winograd=off", "-q", *options.flag]
    tool(options, "nasc", model, "-o", os.path.join(work, "model.nir"), "--emit=nir", *flags)
    library = os.path.join(work, "model.so")
    tool(options, "nasc", model, "-o", library, *flags)
    with open(os.path.join(work, "model.nir")) as file:
        convolutions = layers(file.read())
    said = [tool(options, "nasc-run", "profile", library, "--random", "--threads", "1", "--repeat", str(options.repeat))
            for _ in range(options.passes)]
    seen = {}
    for text in said:
        probed = re.search(r"peak ([\d.]+) GFLOP/s(?: \(([\d.]+) with operands read\))?", text)
        slower = float(probed[1]) / float(probed[2] or probed[1])
        for line in text.splitlines():
            field = line.split()
            if len(field) == 9 and field[8] in convolutions:
                seen.setdefault(field[8], []).append((float(field[3]), float(field[0]) / int(field[7]), float(field[3]) * slower))
    out = []
    for name, pairs in seen.items():
        inputs, groups, columns, text = convolutions[name]
        out.append((text, goal(inputs, groups, columns), statistics.median(p[0] for p in pairs), min(p[1] for p in pairs),
                    statistics.median(p[2] for p in pairs)))
    return out


def chain(options, channels, outputs, size, kernel, count=12):
    """A network of pairs of convolutions channels -> outputs -> channels, as many that weights leave the caches."""
    import numpy
    import onnx
    from onnx import helper, numpy_helper

    generator = numpy.random.default_rng(0)
    nodes, weights, name, width = [], [], "x", channels
    for k in range(2 * count):
        to = outputs if width == channels else channels
        w = generator.standard_normal((to, width, kernel, kernel)).astype(numpy.float32) / (width * kernel**2) ** 0.5
        weights.append(numpy_helper.from_array(w, f"w{k}"))
        nodes.append(helper.make_node("Conv", [name, f"w{k}"], [f"y{k}"], pads=[kernel // 2] * 4))
        name, width = f"y{k}", to
    value = lambda n: helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1, channels, size, size])
    graph = helper.make_graph(nodes, "chain", [value("x")], [value(name)], weights)
    path = os.path.join(options.work, f"chain_{channels}_{outputs}_{size}_{kernel}.onnx")
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


# (channels, outputs, columns, kernel) of a layer and of the usual one beside it
BESIDE = [((72, 104, 29, 3), (64, 96, 28, 3)), ((72, 104, 29, 1), (64, 96, 28, 1)), ((200, 120, 15, 3), (192, 128, 14, 3)),
          ((136, 264, 57, 1), (128, 256, 56, 1)), ((88, 88, 13, 3), (96, 96, 14, 3))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*")
    parser.add_argument("--binaries", default="build/release/bin")
    parser.add_argument("--work", default="kernel_table.tmp")
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--least", type=float, default=0.02, help="milliseconds")
    parser.add_argument("--flag", action="append", default=[], help="of nasc; repeatable")
    parser.add_argument("--between", action="store_true")
    options = parser.parse_args()
    os.makedirs(options.work, exist_ok=True)
    met = asked = reading_met = 0
    for network in options.networks:
        for text, least, share, ms, reading in sorted(shares(options, network), key=lambda row: row[0]):
            if ms < options.least:
                continue
            asked += least is not None
            met += least is not None and share >= least
            reading_met += least is not None and reading >= least
            verdict = "" if least is None else "met" if share >= least else "missed"
            print(f"{network:<24}{text:<30}{ms:>9.3f} ms{share:>7.1f} %{reading:>7.1f} %  goal {least or '-':>3} {verdict}", flush=True)
    if asked:
        print(f"{met} of {asked} kernels met their goal, {reading_met} with operands read")
    for pair in BESIDE if options.between else []:
        found = []
        for layer in pair:
            rows = shares(options, chain(options, *layer))
            found.append(sum(r[2] for r in rows) / len(rows))
        verdict = "met" if found[0] >= 0.85 * found[1] else "missed"
        print(f"{pair[0]} {found[0]:.1f} % beside {pair[1]} {found[1]:.1f} %: {found[0] / found[1]:.2f} {verdict}", flush=True)


if __name__ == "__main__":
    main()
