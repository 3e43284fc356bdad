// Line tables: an inlined function of a header, loops, a function that is called in the kernel's section.
#include "cuda.h"

__device__ __noinline__ float polynomial(float x, int n) {
  float y = 1;
  for (int i = 0; i < n; i++)
    y = y * x + i;
  return y;
}

extern "C" __global__ void inlined(const float *in, float *out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    out[i] =
        in[i] * in[i] + 1;
}

extern "C" __global__ void called(float *out, int n) {
  __shared__ float sum[64];
  sum[threadIdx.x] = polynomial(out[threadIdx.x], n);
  __syncthreads();
  out[threadIdx.x] = polynomial(sum[threadIdx.x ^ 1], n) +
                     sum[threadIdx.x];
}
