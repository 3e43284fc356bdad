// Kernels that have one fault each, and their healthy twins: what profile's advice is tested on.
#include "../../workloads/kernels/cuda.h"

// A transposition through tiles of shared memory whose columns lie in one bank, or, with a word of padding, do not.
template <int PAD> __device__ void transpose(float *out, const float *in, int n, float (*tile)[32 + PAD]) {
  int x = blockIdx.x * 32 + threadIdx.x, y = blockIdx.y * 32 + threadIdx.y;
  for (int i = 0; i < 32; i += 8)
    tile[threadIdx.y + i][threadIdx.x] = in[(y + i) * n + x];
  __syncthreads();
  x = blockIdx.y * 32 + threadIdx.x, y = blockIdx.x * 32 + threadIdx.y;
  for (int i = 0; i < 32; i += 8)
    out[(y + i) * n + x] = tile[threadIdx.x][threadIdx.y + i];
}
extern "C" __global__ void transpose_conflicts(float *out, const float *in, int n) {
  __shared__ float tile[32][32];
  transpose<0>(out, in, n, tile);
}
extern "C" __global__ void transpose_padded(float *out, const float *in, int n) {
  __shared__ float tile[32][33];
  transpose<1>(out, in, n, tile);
}

// A copy whose neighbouring threads are a row apart, or side by side.
extern "C" __global__ void copy_strided(float *out, const float *in, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  int j = i % n * n + i / n;
  out[j] = in[j];
}
extern "C" __global__ void copy_coalesced(float *out, const float *in, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  out[i] = in[i];
}

// An array that is indexed at run time lies in local memory; one that is not lies in registers.
extern "C" __global__ void local_array(float *out, const float *in, int n) {
  float a[64];
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  for (int k = 0; k < 64; k++)
    a[k] = in[i] * (float)k;
  float sum = 0;
  for (int k = 0; k < 64; k++)
    sum += a[(k * n + i) & 63];
  out[i] = sum;
}
extern "C" __global__ void register_array(float *out, const float *in, int n) {
  float a[4];
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float x = in[i];
#pragma unroll
  for (int k = 0; k < 4; k++)
    a[k] = x * (float)k;
  for (int k = 0; k < n; k++)
#pragma unroll
    for (int l = 0; l < 4; l++)
      a[l] = a[l] * x + (float)l;
  out[i] = a[0] + a[1] + a[2] + a[3];
}

// Work a thread that depends on its lane, or does not.
extern "C" __global__ void divergent(float *out, const float *in, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float x = in[i];
  if (threadIdx.x % 32 < 8)
    for (int k = 0; k < n; k++)
      x = x * x + 1.0f;
  else
    for (int k = 0; k < n; k++)
      x = x * 3.0f - (float)k;
  out[i] = x;
}
