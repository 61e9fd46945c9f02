"""What the children of perf_peers have in common: they read `run THREADS CALLS` lines and answer with milliseconds."""
import os
import sys
import time

import numpy as np
import onnx


def inputs(model):
    """Arrays by name, extents that are not known 1."""
    rng = np.random.default_rng(0)
    graph = onnx.load(model, load_external_data=False).graph
    weights = {w.name for w in graph.initializer}
    feed = {}
    for i in graph.input:
        if i.name in weights:
            continue
        kind = i.type.tensor_type
        shape = [d.dim_value or 1 for d in kind.shape.dim]
        feed[i.name] = (rng.standard_normal(shape).astype(np.float32) if kind.elem_type == onnx.TensorProto.FLOAT
                        else np.ones(shape, onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)))
    return feed


def resident_mb():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM"):
                return float(line.split()[1]) / 1024
    return 0.0


def serve(version, make, pinned=True):
    """make(model, feed, threads) -> a function that runs the model once. Pinned: the calling thread works, too."""
    model, *counts = sys.argv[1:]
    feed = inputs(model)
    base = resident_mb()
    runs = {}
    for n in map(int, counts):
        runs[n] = make(model, feed, n)
        runs[n]()
    if pinned:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print("ready", version.split("-")[0], f"{(resident_mb() - base) / len(runs):.1f}", flush=True)
    for line in sys.stdin:
        _, threads, calls = line.split()
        run, times = runs[int(threads)], []
        for _ in range(int(calls)):
            start = time.perf_counter()
            run()
            times.append(1e3 * (time.perf_counter() - start))
        print(" ".join(f"{t:.4f}" for t in times), flush=True)
