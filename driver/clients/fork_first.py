"""A program may fork before it uses CUDA, and both halves may then use it; after the first call a child may not."""
import ctypes
import os
import sys

cuda = ctypes.CDLL("libcuda.so.1")


def child(want):
    pid = os.fork()
    if pid == 0:
        os._exit(0 if cuda.cuInit(0) == want else 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


assert child(0) == 0, "a child of before the first call"
assert cuda.cuInit(0) == 0
assert child(3) == 0, "a child of after it is told CUDA_ERROR_NOT_INITIALIZED"
print("fork: before and after the first call", file=sys.stderr)
