// Kernels that go wrong, and like ones that do not: launch_test.go and check_test.go.
#include "../../workloads/kernels/cuda.h"

typedef unsigned u;

extern "C" __global__ void saxpy(float *y, const float *x, float a, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = __builtin_fmaf(a, x[i], y[i]);
}

// Each thread reads what the next but 32 wrote: another warp's.
extern "C" __global__ void no_barrier(u *out) {
  __shared__ volatile u s[128];
  u t = threadIdx.x;
  s[t] = t;
  out[t] = s[(t + 32) % 128];
}

extern "C" __global__ void with_barrier(u *out) {
  __shared__ volatile u s[128];
  u t = threadIdx.x;
  s[t] = t;
  __syncthreads();
  out[t] = s[(t + 32) % 128];
}

// The second round overwrites what others may still read: the barrier at the loop's end is missing.
extern "C" __global__ void loop_race(u *out) {
  __shared__ volatile u s[128];
  u t = threadIdx.x, r = 0;
  for (u i = 0; i < 2; i++) {
    s[t] = t * (i + 1);
    __syncthreads();
    r += s[(t + 32) % 128];
  }
  out[t] = r;
}

// Two warps store different values.
extern "C" __global__ void write_write(u *out) {
  __shared__ volatile u s[32];
  u t = threadIdx.x;
  s[t % 32] = t;
  __syncthreads();
  out[t] = s[t % 32];
}

// All store the same value: no race.
extern "C" __global__ void same_value(u *out) {
  __shared__ volatile u s[1];
  s[0] = 7;
  __syncthreads();
  out[threadIdx.x] = s[0];
}

// Threads of one warp store different values to one word.
extern "C" __global__ void lanes(u *out) {
  __shared__ volatile u s[16];
  u t = threadIdx.x;
  s[t / 2] = t;
  __syncthreads();
  out[t] = s[t % 16];
}

// Neighbouring bytes of one word by different warps: no race.
extern "C" __global__ void bytes(u *out) {
  __shared__ volatile unsigned char s[128];
  u t = threadIdx.x;
  s[(t % 32) * 4 + t / 32] = t;
  __syncthreads();
  out[t] = s[(t % 32) * 4 + 3 - t / 32];
}

// The last steps of a reduction inside a warp need no barrier on this hardware.
extern "C" __global__ void warp_tail(u *out) {
  __shared__ volatile u s[128];
  u t = threadIdx.x;
  s[t] = t;
  __syncthreads();
  if (t < 64) s[t] += s[t + 64];
  __syncthreads();
  if (t < 32) {
    s[t] += s[t + 32];
    s[t] += s[t ^ 16];
    s[t] += s[t ^ 8];
    s[t] += s[t ^ 4];
    s[t] += s[t ^ 2];
    s[t] += s[t ^ 1];
  }
  if (t == 0) out[0] = s[0];
}

// Two warps produce, two consume, by named barriers; with wrong = 1 the consumers wait at a barrier of their own.
extern "C" __global__ void named(u *out, int wrong) {
  __shared__ volatile u s[64];
  u t = threadIdx.x;
  if (t < 64) {
    s[t] = 3 * t;
    asm volatile("bar.arrive 1, 128;" ::: "memory");
    if (wrong) asm volatile("bar.sync 2, 64;" ::: "memory");
  } else {
    if (wrong) asm volatile("bar.sync 3, 64;" ::: "memory");
    else asm volatile("bar.sync 1, 128;" ::: "memory");
    out[t] = s[t - 64];
  }
}

extern "C" __global__ void counts(u *out) {
  __shared__ u s[4];
  u t = threadIdx.x;
  if (t < 4) s[t] = 0;
  __syncthreads();
  __nvvm_atom_add_gen_i((int *)&s[t % 4], 1);
  __syncthreads();
  if (t < 4) out[t] = s[t];
}

// Reads beyond what was written: 96 of 128 words.
extern "C" __global__ void uninit_shared(u *out) {
  __shared__ volatile u s[128];
  u t = threadIdx.x;
  if (t < 96) s[t] = t;
  __syncthreads();
  out[t] = s[t];
}

extern "C" __global__ void uninit_local(u *out, int n) {
  volatile u a[16];
  for (int i = 0; i < n; i++) a[i] = i;
  out[threadIdx.x] = a[threadIdx.x % 16];
}

// Half of the block waits at another barrier than the rest.
extern "C" __global__ void deadlock(u *out) {
  if (threadIdx.x < 64) asm volatile("bar.sync 1, 128;");
  else asm volatile("bar.sync 2, 128;");
  out[threadIdx.x] = 1;
}

extern "C" __global__ void forever(volatile u *flag) {
  while (*flag == 0) {}
}

extern "C" __global__ void read_at(const u *p, u *out, long long bytes) { out[threadIdx.x] = *(const u *)((const char *)p + bytes + 4 * threadIdx.x); }

extern "C" __global__ void __launch_bounds__(64) bounded(u *out) { out[threadIdx.x] = 1; }

extern __shared__ u dynamic[];
extern "C" __global__ void big(u *out) {
  __shared__ u s[2048];
  s[threadIdx.x] = threadIdx.x;
  dynamic[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = s[31 - threadIdx.x] + dynamic[threadIdx.x ^ 1];
}

__device__ __noinline__ u deep(u n) { return n == 0 ? 1 : deep(n - 1) * 3 + (n & 7) * deep(n / 2 & 1); }
extern "C" __global__ void recursive(u *out, u n) { out[threadIdx.x] = deep(n); }

extern "C" __global__ void trap(u *out) {
  if (threadIdx.x == 37) asm volatile("trap;");
  out[threadIdx.x] = 1;
}

// Racing over device memory: what each thread gets depends on the order of all.
extern "C" __global__ void tickets(u *next, u *order, u *last, volatile u *flag) {
  u t = blockIdx.x * blockDim.x + threadIdx.x, mine;
  asm volatile("atom.global.add.u32 %0,[%1],1;" : "=r"(mine) : "l"(next));
  order[t] = mine;
  asm volatile("atom.global.exch.b32 %0,[%1],%2;" : "=r"(mine) : "l"(last + mine % 7), "r"(t));
  order[t] += mine << 16;
  *flag = t;  // a plain store by all, read by all
  u seen = *flag;
  last[8 + seen % 64] = t;
}

// Blocks wait for each other by flags: each takes up what the block before it left.
extern "C" __global__ void chain(volatile u *flags, volatile u *sum, u *out) {
  u b = blockIdx.x;
  if (threadIdx.x == 0) {
    while (b > 0 && flags[b - 1] == 0) {}
    asm volatile("membar.gl;");
    sum[b] = (b ? sum[b - 1] : 0) + b + 1;
    asm volatile("membar.gl;");
    flags[b] = 1;
    out[b] = sum[b];
  }
}
