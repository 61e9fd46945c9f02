"""Child of perf_peers: OpenVINO, which pins its own threads."""
import openvino as ov

import peer


def make(model, feed, threads):
    core = ov.Core()
    network = core.read_model(model)
    network.reshape({name: list(value.shape) for name, value in feed.items()})
    request = core.compile_model(network, "CPU", {
        "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32"}).create_infer_request()
    return lambda: request.infer(feed, share_inputs=True, share_outputs=True)


peer.serve(ov.__version__, make, pinned=False)
