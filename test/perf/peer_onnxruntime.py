"""Child of perf_peers: times ONNX Runtime. Reads `run THREADS CALLS` lines, answers with milliseconds."""
import os
import sys
import time

import numpy as np
import onnxruntime as ort


def session(model, threads):
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    if threads > 1:  # the calling thread is pinned to the first processor by itself
        options.add_session_config_entry(
            "session.intra_op_thread_affinities",
            ";".join(str(k + 1) for k in range(1, threads)))
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def inputs(s):
    rng = np.random.default_rng(0)
    feed = {}
    for i in s.get_inputs():
        shape = [d if isinstance(d, int) else 1 for d in i.shape]
        feed[i.name] = (rng.standard_normal(shape).astype(np.float32)
                        if "float" in i.type else np.ones(shape, np.int64))
    return feed


def resident_mb():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM"):
                return float(line.split()[1]) / 1024
    return 0.0


def main():
    model, *counts = sys.argv[1:]
    cpus = sorted(os.sched_getaffinity(0))
    base = resident_mb()
    sessions = {int(n): session(model, int(n)) for n in counts}
    os.sched_setaffinity(0, {cpus[0]})
    feed = inputs(next(iter(sessions.values())))
    for s in sessions.values():
        s.run(None, feed)
    print("ready", ort.__version__, f"{(resident_mb() - base) / len(sessions):.1f}", flush=True)
    for line in sys.stdin:
        _, threads, calls = line.split()
        s, times = sessions[int(threads)], []
        for _ in range(int(calls)):
            start = time.perf_counter()
            s.run(None, feed)
            times.append(1e3 * (time.perf_counter() - start))
        print(" ".join(f"{t:.4f}" for t in times), flush=True)


main()
