"""PyCUDA on the simulated GPU: kernels from source, arrays, reductions, scans, constants, streams and events."""
import os
import sys

import numpy as np
import pycuda.autoinit  # noqa: F401  makes the context
import pycuda.driver as cuda
from pycuda import cumath, gpuarray
from pycuda.compiler import SourceModule
from pycuda.elementwise import ElementwiseKernel
from pycuda.reduction import ReductionKernel
from pycuda.scan import InclusiveScanKernel

rng = np.random.default_rng(1)
assert cuda.Device(0).compute_capability() == (6, 1)

# A kernel from source: In, Out, a constant, dynamic shared memory, a time by events.
module = SourceModule("""
__constant__ float factor;
__global__ void reverse(float *out, const float *in) {
  extern __shared__ float block[];
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  block[threadIdx.x] = in[i];
  __syncthreads();
  out[i] = factor * block[blockDim.x - 1 - threadIdx.x];
}""")
address, size = module.get_global("factor")
assert size == 4
cuda.memcpy_htod(address, np.float32(3))
x = rng.standard_normal(1024).astype(np.float32)
out = np.empty_like(x)
reverse = module.get_function("reverse")
assert reverse.num_regs > 0 and reverse.shared_size_bytes == 0
start, end = cuda.Event(), cuda.Event()
start.record()
reverse(cuda.Out(out), cuda.In(x), block=(128, 1, 1), grid=(8, 1), shared=512)
end.record()
end.synchronize()
np.testing.assert_array_equal(out, 3 * x.reshape(8, 128)[:, ::-1].ravel())
assert 0 < end.time_since(start) < 10

# Arrays, functions, comparisons, slices, fills.
a, b = (gpuarray.to_gpu(rng.standard_normal(1000).astype(np.float32)) for _ in range(2))
np.testing.assert_allclose((a + 2 * b - a * b / 4).get(), a.get() + 2 * b.get() - a.get() * b.get() / 4, rtol=1e-5)
np.testing.assert_allclose(cumath.exp(a).get(), np.exp(a.get()), rtol=1e-5)
np.testing.assert_array_equal((a > b).get(), (a.get() > b.get()))
np.testing.assert_array_equal(a[10:500:3].get(), a.get()[10:500:3])
np.testing.assert_array_equal(gpuarray.arange(0, 100, dtype=np.int32).get(), np.arange(100, dtype=np.int32))
np.testing.assert_allclose(gpuarray.sum(a).get(), a.get().sum(), rtol=1e-4)
np.testing.assert_allclose(gpuarray.dot(a, b).get(), a.get() @ b.get(), rtol=1e-4, atol=1e-4)
np.testing.assert_array_equal(gpuarray.max(a).get(), a.get().max())

# Kernels that PyCUDA makes of expressions.
axpy = ElementwiseKernel("float s, float *x, float *y, float *z", "z[i] = s * x[i] + y[i]")
z = gpuarray.empty_like(a)
axpy(np.float32(2), a, b, z)
np.testing.assert_allclose(z.get(), 2 * a.get() + b.get(), rtol=1e-6)
norm = ReductionKernel(np.float32, neutral="0", reduce_expr="a+b", map_expr="x[i]*x[i]", arguments="float *x")
np.testing.assert_allclose(norm(a).get(), (a.get() ** 2).sum(), rtol=1e-4)
counts = gpuarray.to_gpu(rng.integers(0, 9, 1500).astype(np.int32))
want = np.cumsum(counts.get())
InclusiveScanKernel(np.int32, "a+b")(counts)
np.testing.assert_array_equal(counts.get(), want)

# Two streams, page-locked memory, asynchronous copies.
streams = [cuda.Stream() for _ in range(2)]
hosts = [cuda.pagelocked_empty(256, np.float32) for _ in streams]
devices = [cuda.mem_alloc(1024) for _ in streams]
for i, (stream, host, device) in enumerate(zip(streams, hosts, devices)):
    host[:] = i + np.arange(256)
    cuda.memcpy_htod_async(device, host, stream)
    reverse(device, device, block=(256, 1, 1), grid=(1, 1), shared=1024, stream=stream)
    cuda.memcpy_dtoh_async(host, device, stream)
for i, (stream, host) in enumerate(zip(streams, hosts)):
    stream.synchronize()
    np.testing.assert_array_equal(host, 3 * (i + np.arange(256, dtype=np.float32))[::-1])

# A fault is PyCUDA's error.
try:
    reverse(np.intp(0), cuda.In(x), block=(128, 1, 1), grid=(1, 1), shared=512)
    cuda.Context.synchronize()
except cuda.LogicError as e:
    print("PyCUDA: kernels, arrays, reductions and scans agree with NumPy;", e, file=sys.stderr)
    sys.stderr.flush()
    os._exit(0)  # the context is gone, of which PyCUDA would warn for each of its objects
else:
    sys.exit("a store to address 0 is no error")
