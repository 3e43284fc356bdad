// What the kernels of update.cu and tiles.cu share; see update.cu for how matrices and momenta are stored.
#pragma once
#include "cuda.h"

#define BIAS float *b, float *bv, const float *bg, int nb, int boff, int bstep

// Element i of the bias, of which boff, boff+bstep, … have a gradient.
__device__ __forceinline__ void bias(int i, BIAS, float rate, float momentum) {
  if (i >= nb) return;
  int d = i - boff;
  float v = momentum * bv[i];
  if (d >= 0 && d % bstep == 0) v -= rate * bg[d / bstep];
  bv[i] = v;
  b[i] += v;
}

__device__ __forceinline__ void step(float4 *w, float4 *v, float4 g, float rate, float momentum) {
  float4 b = momentum * *v - rate * g;
  *v = b;
  *w += b;
}

// One block's sum of 256 numbers, to thread 0.
__device__ __forceinline__ float total(float s) {
  __shared__ float sums[8];
#pragma unroll
  for (int d = 16; d > 0; d /= 2) s += __nvvm_shfl_bfly_f32(s, d, 31);
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = s;
  __syncthreads();
  s = 0.0f;
#pragma unroll
  for (int w = 0; w < 8; w++) s += sums[w];
  return s;
}

__device__ __forceinline__ float square(float4 v) { return v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w; }
