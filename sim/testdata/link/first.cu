// One half of a program that is compiled in parts: kernels whose functions and variables are partly in second.cu. whole.cu is both.
#include "cuda.h"
extern __device__ int counter;
extern __constant__ float scale[4];
extern __shared__ float added[];
__device__ float helper(float x, int n);
__device__ int depth(int n);
__device__ float sharing(float x);
__device__ float lasting(float x);
__device__ float table[4] = {1, 2, 3, 4};

extern "C" __global__ void calls(float *out, int n) {
  __shared__ float s[64];
  s[threadIdx.x & 63] = helper(out[threadIdx.x], n) * scale[n & 3] + counter;
  __syncthreads();
  out[threadIdx.x] = s[(threadIdx.x + 1) & 63] + depth(n) + table[n & 3];
}

extern "C" __global__ void shares(float *out, int n) {
  __shared__ char c[67];
  __shared__ double s[64];
  s[threadIdx.x & 63] = out[threadIdx.x] * 3.7;
  c[threadIdx.x + 3] = n;
  added[threadIdx.x] = n;
  __syncthreads();
  out[threadIdx.x] = s[(threadIdx.x + n) & 63] + c[n + 3] + sharing(n + threadIdx.x) + added[n];
}

extern "C" __global__ void alone(float *out, int n) {
  __shared__ float s[64];
  s[threadIdx.x & 63] = out[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = s[(threadIdx.x + n) & 63] + (added[threadIdx.x] = 3);
}

extern "C" __global__ void only_called(float *out, int n) {
  out[threadIdx.x] = sharing(n + threadIdx.x) + lasting(n);
}

extern "C" __global__ void only_lasting(float *out, int n) {
  __shared__ float s[64];
  s[threadIdx.x & 63] = n;
  __syncthreads();
  out[threadIdx.x] = s[n & 63] + lasting(threadIdx.x);
}
