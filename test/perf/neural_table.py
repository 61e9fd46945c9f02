"""The table of neural mode: neural_table.py [options] prepare|check|time NETWORK..

Per network of the zoo: ONNX Runtime, the exact code with default schedules and tuned, the neural winner with default
schedules and tuned; multiplications, parameters, the verdicts of the winner.

prepare  compiles the four libraries (minutes); the search is resumed from its journal when there is one
check    the exported network: ONNX checker, ONNX Runtime against the library on random images, a plan and a candidate of the
         journal compiled again to the same bytes
time     measures all by turns, seconds per network; run it on an idle machine
Needs Python with numpy, onnx and onnxruntime for check, and for the first column of time.
"""
import argparse
import filecmp
import json
import os
import re
import subprocess
import sys
import time

KINDS = ["exact", "exact_tuned", "neural", "neural_tuned"]


class Place:
    def __init__(self, options, network):
        self.o, self.network = options, network
        self.folder = os.path.join(options.work, network)
        os.makedirs(self.folder, exist_ok=True)
        self.model = self.path("model.onnx")

    def path(self, name):
        return os.path.join(self.folder, name)

    def tool(self, name, *arguments):
        start = time.time()
        ran = subprocess.run([os.path.join(self.o.binaries, name), *arguments], capture_output=True, text=True)
        if ran.returncode:
            sys.exit(f"{name} {' '.join(arguments)}: exit {ran.returncode}\n{ran.stderr[-2000:]}")
        return ran.stdout + ran.stderr, time.time() - start

    def nasc(self, kind, *arguments):
        return self.tool("nasc", self.model, "-o", self.path(kind + ".so"), "--prefix=model", *arguments)

    def neural(self):
        return ["--neural", "--budget=" + self.o.budget, "--journal", self.path("journal"), *self.o.flag]


def prepare(p):
    if not os.path.exists(p.model):
        p.tool("nasc-zoo", p.network, "-o", p.model)
    print(f"== {p.network}")
    _, seconds = p.nasc("exact", "-q")
    print(f"exact: compiled in {seconds:.1f} s")
    said, seconds = p.nasc("neural", "--emit=lib,onnx,plan", "--report", p.path("report.html"), *p.neural())
    with open(p.path("neural.txt"), "w") as f:
        f.write(said)
    print(said + f"neural: searched and compiled in {seconds:.1f} s", flush=True)
    for kind, more in [("exact_tuned", []), ("neural_tuned", p.neural())]:
        _, seconds = p.nasc(kind, "-q", "--tune=" + p.o.tune, "--tuning-db=none", *more)
        print(f"{kind}: {seconds:.1f} s", flush=True)


def check(p):
    import numpy
    import onnx
    import onnxruntime
    exported = p.path("neural.onnx")
    onnx.checker.check_model(onnx.load(exported), full_check=True)
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    worst = 0
    for seed in range(4):
        image = numpy.random.default_rng(seed).standard_normal(given.shape).astype(numpy.float32)
        wanted = session.run(None, {given.name: image})[0]
        numpy.save(p.path("image.npy"), image)
        p.tool("nasc-run", "run", p.path("neural.so"), "--input", given.name + "=" + p.path("image.npy"), "--output-dir", p.path("out"))
        got = [numpy.load(os.path.join(p.path("out"), f)) for f in sorted(os.listdir(p.path("out"))) if f.endswith(".npy")][0]
        worst = max(worst, float(numpy.max(numpy.abs(got - wanted)) / max(1, numpy.max(numpy.abs(wanted)))))
    opset = [i.version for i in onnx.load(exported).opset_import if i.domain in ("", "ai.onnx")][0]
    print(f"{p.network}: exported network passes the checker (opset {opset}); ONNX Runtime against the library: {worst:.2g}")
    os.makedirs(p.path("again"), exist_ok=True)  # of the same name: a library knows it
    p.nasc("again/neural", "-q", "--plan", p.path("neural.plan"))
    same = filecmp.cmp(p.path("again/neural.so"), p.path("neural.so"), shallow=False)
    print(f"{p.network}: its plan compiles to {'the same' if same else 'OTHER'} bytes")
    winner = re.search(r"winner: candidate (\d+)", open(p.path("neural.txt")).read())
    if winner:
        p.nasc("again/neural", "-q", "--candidate", winner[1], *p.neural())
        same &= filecmp.cmp(p.path("again/neural.so"), p.path("neural.so"), shallow=False)
        print(f"{p.network}: candidate {winner[1]} of the journal compiles to {'the same' if same else 'OTHER'} bytes")
    return same and worst <= 1e-4


def peer_ms(p, threads, calls):
    """ONNX Runtime in a process of its own."""
    code = ("import onnxruntime as o,numpy as n,sys,time\n"
            "s=o.SessionOptions();s.intra_op_num_threads=int(sys.argv[2])\n"
            "s=o.InferenceSession(sys.argv[1],s,providers=['CPUExecutionProvider'])\n"
            "f={i.name:n.random.standard_normal(i.shape).astype(n.float32) for i in s.get_inputs()}\n"
            "for k in range(3+int(sys.argv[3])):\n"
            "  a=time.perf_counter();s.run(None,f)\n"
            "  if k>2:print(1e3*(time.perf_counter()-a))\n")
    ran = subprocess.run([sys.executable, "-c", code, p.model, str(threads), str(calls)], capture_output=True, text=True)
    return [float(x) for x in ran.stdout.split()] if ran.returncode == 0 else []


def ours_ms(p, kind, threads, calls):
    said, _ = p.tool("nasc-run", "bench", p.path(kind + ".so"), "--random", "--threads", str(threads), "--repeat", str(calls))
    return [float(x) for x in re.findall(r"(?:min|median) ([\d.]+) ms", said)]


def measure(p):
    best = {}
    calls = p.o.calls
    for _ in range(p.o.rounds):
        for threads in (1, 2):
            for kind in ["peer"] + KINDS:
                ms = peer_ms(p, threads, calls) if kind == "peer" else ours_ms(p, kind, threads, calls)
                if ms:
                    best[kind, threads] = min(min(ms), best.get((kind, threads), 1e9))
    with open(p.path("times.json"), "w") as f:
        json.dump({f"{k} {t}": v for (k, t), v in best.items()}, f)
    said = open(p.path("neural.txt")).read() if os.path.exists(p.path("neural.txt")) else ""
    print(f"== {p.network}: least ms of {p.o.rounds} rounds of {calls} calls")
    print(f"{'threads':>8}{'ORT':>10}" + "".join(f"{k:>14}" for k in KINDS) + "   neural against exact, tuned against tuned, tuned against ORT")
    for threads in (1, 2):
        v = {k: best.get((k, threads), float("nan")) for k in ["peer"] + KINDS}
        print(f"{threads:>8}{v['peer']:>10.2f}" + "".join(f"{v[k]:>14.2f}" for k in KINDS) +
              f"   {v['exact'] / v['neural']:.2f}  {v['exact_tuned'] / v['neural_tuned']:.2f}  {v['peer'] / v['neural_tuned']:.2f}")
    for line in said.splitlines():
        if re.match(r"neural:|  (winner|capacity|naswot|fisher|synflow|jacov|output|measured|judged|no candidate)", line):
            print("  " + line.strip())
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["prepare", "check", "time"])
    parser.add_argument("networks", nargs="+")
    parser.add_argument("--binaries", default="build/release/bin")
    parser.add_argument("--work", default="perf_neural.tmp")
    parser.add_argument("--budget", default="1000,300s")
    parser.add_argument("--tune", default="120s")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=60, help="of a round; the least of few calls is noise of 5 to 15 %%")
    parser.add_argument("--flag", action="append", default=[], help="of the search; repeatable")
    options = parser.parse_args()
    verb = {"prepare": prepare, "check": check, "time": measure}[options.verb]
    done = [verb(Place(options, n)) for n in options.networks]
    sys.exit(1 if False in done else 0)


if __name__ == "__main__":
    main()
