"""Child of perf_peers: TVM with its default schedules; the tuner of its wheel (0.27) crashed where this was written."""
import multiprocessing

import onnx
import tvm
from tvm import relax
from tvm.relax.frontend.onnx import from_onnx

import peer

machine = None
team = 0  # threads of TVM's pool, which all machines share


def make(model, feed, threads):
    global machine
    if not machine:
        target = tvm.target.Target({"kind": "llvm", "mcpu": tvm.target.codegen.llvm_get_system_cpu(),
                                    "num-cores": multiprocessing.cpu_count()})
        module = from_onnx(onnx.load(model), shape_dict={name: list(v.shape) for name, v in feed.items()})
        with target:
            built = relax.build(relax.transform.DecomposeOpsForInference()(module), target)
        machine = relax.VirtualMachine(built, tvm.cpu())
        machine.set_input("main", *[tvm.runtime.tensor(v) for v in feed.values()])
    configure = tvm.get_global_func("runtime.config_threadpool")

    def run():
        global team
        if team != threads:
            configure(1, threads)
            team = threads
        machine.invoke_stateful("main")

    return run


peer.serve(tvm.__version__, make)
