"""Models of a folder beside ONNX Runtime, default flags: real_models.py [options] FOLDER [NAME-PART..]

Each FOLDER/*/model.onnx is compiled and timed at one and at two threads with random inputs. Symbolic extents stay symbolic and
are 1 at run time, --dim NAME=N another number. Prints minima, the ratio, and kernels that the scheduler gave up. Run by hand on
an idle machine.
"""
import argparse
import glob
import os
import re
import subprocess

import numpy
import onnxruntime

from odd_shapes import least_times
from programs import tool

TYPES = {"float": "float32", "double": "float64"}


def inputs(model, info, extents):
    """({name: array}, flags of nasc-run): nasc's names of symbolic extents are those of the same input and dimension."""
    shown = dict(re.findall(r"^input\s+(\S+) \w+\[([^\]]*)\]", info, re.M))
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    feed, names = {}, {}
    for x in session.get_inputs():
        sizes = []
        for size in filter(None, shown[x.name].split(", ")):
            if not size.isdigit():
                names[size] = extents.get(size, 1)
            sizes.append(int(size) if size.isdigit() else names[size])
        kind = re.match(r"tensor\((\w+)\)", x.type)[1]
        kind = numpy.dtype(TYPES.get(kind, kind))
        random = numpy.random.default_rng(1).random(sizes)
        feed[x.name] = random.astype(kind) if kind.kind == "f" else numpy.zeros(sizes, kind)
    return feed, [flag for name, n in names.items() for flag in ("--dim", f"{name}={n}")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("names", nargs="*", help="parts of names; all models when absent")
    parser.add_argument("--binaries", default="build/release/bin")
    parser.add_argument("--work", default="real_models.tmp")
    parser.add_argument("--passes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0.5, help="of ONNX Runtime per pass")
    parser.add_argument("--dim", action="append", default=[], help="NAME=N, as nasc-run info names it")
    options = parser.parse_args()
    onnxruntime.set_default_logger_severity(4)
    os.makedirs(options.work, exist_ok=True)
    extents = {name: int(n) for name, n in (d.split("=") for d in options.dim)}
    library = os.path.join(options.work, "model.so")
    for model in sorted(glob.glob(os.path.join(options.folder, "*", "model.onnx"))):
        name = os.path.basename(os.path.dirname(model))
        if options.names and not any(part in name for part in options.names):
            continue
        ran = subprocess.run([os.path.join(options.binaries, "nasc"), model, "-o", library, "-v"], capture_output=True, text=True)
        if ran.returncode:
            print(f"{name:<30}{ran.stderr.strip().splitlines()[-1][:120]}")
            continue
        columns = []
        try:
            feed, flags = inputs(model, tool(options, "nasc-run", "info", library), extents)
            for threads in (1, 2):
                ours, theirs = least_times(options, model, library, threads, flags, feed)
                columns.append(f"{ours:>9.3f} ms {theirs:>9.3f} ms {theirs / ours:>6.2f}")
        except Exception as problem:  # of ONNX Runtime
            columns = [" ".join(str(problem).split())[:120]]
        given_up = sum("in textual order instead" in line for line in ran.stderr.splitlines() + ran.stdout.splitlines())
        print(f"{name:<30}{' |'.join(columns)}{f'   {given_up} kernels not as scheduled' if given_up else ''}", flush=True)


if __name__ == "__main__":
    main()
