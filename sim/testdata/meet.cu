// Blocks that wait for each other in any order: run with the blocks that an SM holds at once.
#include "../../workloads/kernels/cuda.h"

typedef unsigned u;

// Every block waits for all: none can end before the last has begun.
extern "C" __global__ void meet(u *count, u *out) {
  if (threadIdx.x == 0) {
    u seen;
    asm volatile("atom.global.add.u32 %0,[%1],1;" : "=r"(seen) : "l"(count));
    while (*(volatile u *)count < gridDim.x) {}
    out[blockIdx.x] = seen;
  }
}

// The same with flags: a block waits for the one after it.
extern "C" __global__ void backwards(volatile u *flags, u *out) {
  if (threadIdx.x == 0) {
    u b = blockIdx.x;
    while (b + 1 < gridDim.x && flags[b + 1] == 0) {}
    out[b] = b + 1 < gridDim.x ? flags[b + 1] + 1 : 1;
    asm volatile("membar.gl;");
    flags[b] = out[b];
  }
}

// Warps of one block that wait for each other in a loop, without a barrier.
extern "C" __global__ void relay(u *out) {
  __shared__ volatile u turn;
  u warp = threadIdx.x / 32, n = blockDim.x / 32;
  if (threadIdx.x == 0) turn = n - 1;
  __syncthreads();
  if (threadIdx.x % 32 == 0) {
    while (turn != warp) {}
    out[blockIdx.x * n + warp] = turn;
    turn = warp - 1;
  }
}

// Floating point sums by atomics: their order decides the last bit.
extern "C" __global__ void sums(float *sum, const float *in) {
  u i = blockIdx.x * blockDim.x + threadIdx.x;
  asm volatile("red.global.add.f32 [%0],%1;" ::"l"(sum), "f"(in[i]));
}
