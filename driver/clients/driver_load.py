"""The driver library itself, by ctypes: 64 threads with a stream each, and 1,000 modules that come and go without memory growing."""
import ctypes
import os
import sys
import threading
from ctypes import byref, c_float, c_int, c_size_t, c_uint, c_void_p

cuda = ctypes.CDLL("libcuda.so.1")
image = open(os.path.join(os.path.dirname(__file__), "../../sim/testdata/checks.cubin"), "rb").read()


def ok(result, what):
    if result:
        raise SystemExit(f"{what}: error {result}")


def call(name, *arguments):
    ok(getattr(cuda, name)(*arguments), name)


call("cuInit", 0)
context, module, saxpy = c_void_p(), c_void_p(), c_void_p()
call("cuDevicePrimaryCtxRetain", byref(context), 0)
call("cuCtxSetCurrent", context)
call("cuModuleLoadData", byref(module), image)
call("cuModuleGetFunction", byref(saxpy), module, b"saxpy")
n, rounds, wrong = 96, 4, []


def work(number):
    try:
        call("cuCtxSetCurrent", context)
        stream, x, y = c_void_p(), c_void_p(), c_void_p()
        call("cuStreamCreate", byref(stream), 1)
        for p in x, y:
            call("cuMemAlloc_v2", byref(p), c_size_t(4 * n))
        ones, back = (c_float * n)(*[1] * n), (c_float * n)()
        for p in x, y:
            call("cuMemcpyHtoDAsync_v2", p, ones, c_size_t(4 * n), stream)
        a, count = c_float(number), c_int(n)
        parameters = (c_void_p * 4)(*[ctypes.addressof(v) for v in (y, x, a, count)])
        for _ in range(rounds):
            call("cuLaunchKernel", saxpy, *[c_uint(v) for v in (1, 1, 1, n, 1, 1, 0)], stream, parameters, None)
        call("cuMemcpyDtoHAsync_v2", back, y, c_size_t(4 * n), stream)
        call("cuStreamSynchronize", stream)
        if list(back) != [1 + rounds * number] * n:
            wrong.append(f"thread {number} got {back[0]}, want {1 + rounds * number}")
        for p in x, y:
            call("cuMemFree_v2", p)
        call("cuStreamDestroy_v2", stream)
    except BaseException as e:  # a thread's own does not end the program
        wrong.append(f"thread {number}: {e}")


threads = [threading.Thread(target=work, args=(i,)) for i in range(64)]
for t in threads:
    t.start()
for t in threads:
    t.join()
if wrong:
    sys.exit("; ".join(wrong[:5]))


def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")


free, total, left = c_size_t(), c_size_t(), c_size_t()
call("cuMemGetInfo_v2", byref(free), byref(total))
for i in range(1100):
    if i == 100:
        before = resident()
    m, f = c_void_p(), c_void_p()
    call("cuModuleLoadData", byref(m), image)
    call("cuModuleGetFunction", byref(f), m, b"saxpy")
    call("cuModuleUnload", m)
grown = resident() - before
call("cuMemGetInfo_v2", byref(left), byref(total))
if left.value != free.value or grown > 8 << 20:
    sys.exit(f"1000 modules later {free.value - left.value} bytes of the card and {grown} of the process are gone")
print(f"driver: 64 threads agree; 1000 modules later the process has {grown / 2**20:.1f} MiB more", file=sys.stderr)
