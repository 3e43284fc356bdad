// Kernels with and without faults for the checks of what threads do; see checks_test.go.
#include "../../workloads/kernels/cuda.h"
typedef unsigned u;

// The barrier at the end of the loop is missing: a fast warp stores while a slow one still reads. With zeros for input
// every store leaves what was there.
extern "C" __global__ void loop_without_barrier(float *out, const float *in, int n) {
  __shared__ float s[64];
  int t = threadIdx.x;
  float a = 0;
  for (int r = 0; r < n; r++) {
    s[t] = in[t + r];
    __syncthreads();
    a += s[t ^ 32];
  }
  out[t] = a;
}

extern "C" __global__ void loop_with_barrier(float *out, const float *in, int n) {
  __shared__ float s[64];
  int t = threadIdx.x;
  float a = 0;
  for (int r = 0; r < n; r++) {
    s[t] = in[t + r];
    __syncthreads();
    a += s[t ^ 32];
    __syncthreads();
  }
  out[t] = a;
}

// Each warp clears the same words and goes on with what it has cleared itself.
extern "C" __global__ void cleared_by_all(u *out) {
  __shared__ volatile u s[32];
  u lane = threadIdx.x & 31;
  s[lane] = 0;
  out[threadIdx.x] = s[lane];
}

// A flag that one warp sets and the other reads.
extern "C" __global__ void flag(u *out) {
  __shared__ volatile u s[1];
  if (threadIdx.x < 32) s[0] = 0;
  else out[threadIdx.x] = s[0];
}

// Half of a warp's threads reach the barrier.
extern "C" __global__ void half_warp_barrier(u *out) {
  __shared__ volatile u s[64];
  u t = threadIdx.x;
  s[t] = t;
  if (t % 2 == 0) {
    __syncthreads();
    s[t] += 2;
  }
  out[t] = s[t];
}

// Threads that have exited are not missed.
extern "C" __global__ void early_exit(u *out, u n) {
  u t = threadIdx.x;
  if (t >= n) return;
  __shared__ u s[128];
  s[t] = t;
  __syncthreads();
  out[t] = s[n - 1 - t];
}

static __device__ __forceinline__ u shuffle(u v, u lane) {
  u r;
  asm volatile("shfl.idx.b32 %0, %1, %2, 31;" : "=r"(r) : "r"(v), "r"(lane));
  return r;
}

// The upper half reads from lane 0, which is not there.
extern "C" __global__ void shuffle_from_absent(u *out) {
  u v = threadIdx.x;
  if (threadIdx.x >= 16) v = shuffle(v, 0);
  out[threadIdx.x] = v;
}

extern "C" __global__ void shuffle_from_present(u *out) {
  u v = threadIdx.x;
  if (threadIdx.x >= 16) v = shuffle(v, 20);
  out[threadIdx.x] = v;
}
