"""Child of perf_peers: torch.compile of the network that onnx2torch makes."""
import os

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import onnx2torch
import torch

import peer


def make(model, feed, threads):
    torch.set_num_threads(threads)
    network = torch.compile(onnx2torch.convert(model).eval(), mode="max-autotune", dynamic=False)
    values = [torch.from_numpy(value) for value in feed.values()]

    def run():
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        with torch.inference_mode():
            network(*values)

    return run


peer.serve(torch.__version__, make)
