"""The project's programs as the scripts of this folder run them."""
import os
import subprocess
import sys


def tool(options, name, *arguments):
    ran = subprocess.run([os.path.join(options.binaries, name), *arguments], capture_output=True, text=True)
    if ran.returncode:
        sys.exit(f"{name} {' '.join(arguments)}: exit {ran.returncode}\n{ran.stderr[-2000:]}")
    return ran.stdout


def model_of(options, network):
    """(file, folder for what is made of it) of a network of the zoo or of FILE.onnx."""
    folder = os.path.join(options.work, os.path.basename(network).removesuffix(".onnx"))
    os.makedirs(folder, exist_ok=True)
    if network.endswith(".onnx"):
        return network, folder
    model = os.path.join(folder, "model.onnx")
    tool(options, "nasc-zoo", network, "-o", model)
    return model, folder
