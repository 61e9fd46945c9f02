"""Child of perf_peers: ONNX Runtime."""
import onnxruntime as ort

import peer


def make(model, feed, threads):
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    if threads > 1:  # the calling thread is pinned to the first processor by itself
        options.add_session_config_entry(
            "session.intra_op_thread_affinities",
            ";".join(str(k + 1) for k in range(1, threads)))
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, feed)


peer.serve(ort.__version__, make)
