"""How many labelled images compiled models get right: top1.py DATA COUNT MODEL.so..

DATA is a CIFAR-10 binary file, or IMAGES,LABELS of IDX files; each also .gz. Needs numpy; the libraries are called through
their C interface.
"""
import ctypes as c
import gzip
import os
import sys

import numpy as np

CIFAR_MEAN, CIFAR_DEVIATION = (0.4914, 0.4822, 0.4465), (0.2471, 0.2435, 0.2616)
MNIST_MEAN, MNIST_DEVIATION = 0.1307, 0.3081
F32 = 1


class Tensor(c.Structure):
    _fields_ = [("data", c.c_void_p), ("shape", c.POINTER(c.c_int64)), ("strides", c.c_void_p), ("rank", c.c_int32),
                ("dtype", c.c_int32), ("device", c.c_int32), ("reserved", c.c_int32)]


def content(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as f:
        return np.frombuffer(f.read(), np.uint8)


def read(data):
    """Normalised images [n, channels, rows, columns], labels."""
    if "," not in data:
        rows = content(data).reshape(-1, 1 + 3 * 32 * 32)
        x = rows[:, 1:].reshape(-1, 3, 32, 32) / 255.0
        x = (x - np.reshape(CIFAR_MEAN, (1, 3, 1, 1))) / np.reshape(CIFAR_DEVIATION, (1, 3, 1, 1))
        return x.astype(np.float32), rows[:, 0]
    images, labels = (content(f) for f in data.split(","))
    x = (images[16:].reshape(-1, 1, 28, 28) / 255.0 - MNIST_MEAN) / MNIST_DEVIATION
    return x.astype(np.float32), labels[8:]


def tensor(array):
    shape = (c.c_int64 * array.ndim)(*array.shape)
    return Tensor(array.ctypes.data, shape, None, array.ndim, F32, 0, 0)


class Library:
    def __init__(self, path):
        prefix = os.path.splitext(os.path.basename(path))[0].replace("-", "_")
        library = c.CDLL(os.path.abspath(path))
        self.run_entry = getattr(library, prefix + "_run")
        self.handle = c.c_void_p()
        if getattr(library, prefix + "_create")(None, c.byref(self.handle)) != 0:
            raise SystemExit(path + ": cannot be created")

    def run(self, image, classes):
        scores = np.zeros((1, classes), np.float32)
        if self.run_entry(self.handle, c.byref(tensor(image)), c.byref(tensor(scores))) != 0:
            raise SystemExit("a run failed")
        return scores[0]


def main():
    images, labels = read(sys.argv[1])
    count = min(int(sys.argv[2]), len(images))
    for path in sys.argv[3:]:
        model = Library(path)
        right = sum(int(model.run(np.ascontiguousarray(images[k:k + 1]), 10).argmax() == labels[k]) for k in range(count))
        print(f"{path}: {right} of {count} right")


if __name__ == "__main__":
    main()
