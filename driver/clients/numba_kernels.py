"""numba-cuda on the simulated GPU: kernels, shared memory, atomics, streams, events, pinned memory, beside NumPy."""
import math
import sys
import warnings

import numpy as np

warnings.filterwarnings("ignore")
from numba import cuda, float32


@cuda.jit
def axpy(x, y, a):
    i = cuda.grid(1)
    if i < x.size:
        y[i] = a * x[i] + math.sqrt(x[i])


@cuda.jit
def reduce(x, out):
    part = cuda.shared.array(128, float32)
    t, i = cuda.threadIdx.x, cuda.grid(1)
    part[t] = x[i] if i < x.size else 0
    cuda.syncthreads()
    n = 64
    while n > 0:
        if t < n:
            part[t] += part[t + n]
        cuda.syncthreads()
        n //= 2
    if t == 0:
        cuda.atomic.add(out, 0, part[0])


x = np.arange(1000, dtype=np.float32)
y = np.zeros_like(x)
axpy[8, 128](x, y, np.float32(2))
np.testing.assert_allclose(y, 2 * x + np.sqrt(x), rtol=1e-6)

total = np.zeros(1, np.float32)
reduce[8, 128](x, total)
assert total[0] == x.sum(), total

stream, begin, end = cuda.stream(), cuda.event(), cuda.event()
with cuda.pinned(x):
    d = cuda.to_device(x, stream=stream)
    begin.record(stream)
    axpy[8, 128, stream](d, d, np.float32(1))
    end.record(stream)
    end.synchronize()
assert 0.001 < begin.elapsed_time(end) < 1, begin.elapsed_time(end)  # milliseconds
np.testing.assert_allclose(d.copy_to_host(), x + np.sqrt(x), rtol=1e-6)

free, size = cuda.current_context().get_memory_info()
assert size == 11 << 30 and free < size, (free, size)
print("numba-cuda: kernels, shared memory, atomics, streams, events and pinned memory agree with NumPy", file=sys.stderr)
