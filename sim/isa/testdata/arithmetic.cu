// One of most kinds of arithmetic, conversion, warp and atomic instructions.
#include "cuda.h"

extern "C" __global__ void floats(float *a, double *d, int n) {
  int i = threadIdx.x;
  float x = a[i], y = a[i + n];
  a[i] = x * y + __builtin_fmaf(x, y, 2.5f) / y;
  a[i + 1] = __nvvm_sqrt_rn_f(x) + __nvvm_ex2_approx_ftz_f(y) + __nvvm_sin_approx_f(x) + __nvvm_rcp_rz_f(y);
  a[i + 2] = x < y ? -x : __builtin_fabsf(y);
  d[i] = d[i] * d[i + 1] + d[i + 2] / d[i + 3];
  a[i + 3] = (float)d[i] + (int)x + (unsigned)y + (float)(long long)d[i + 1] + (short)n + (signed char)(n >> 8);
}

extern "C" __global__ void integers(int *a, unsigned long long *b, int n) {
  int i = threadIdx.x;
  int x = a[i], y = a[i + 1];
  a[i] = x * y + (x >> (y & 31)) + ((unsigned)x << n) + (x & ~y | n ^ x);
  a[i + 1] = __builtin_popcount(x) + __builtin_clz(y) + (x < y ? x : y) + (int)((unsigned)x % 7u);
  b[i] = b[i] * b[i + 1] + (b[i + 2] >> n) + b[i + 3] / b[i + 4];
  a[i + 2] = __nvvm_prmt(x, y, n) + __nvvm_mulhi_i(x, y) + (x < 0 && y > n || x == n);
}

extern "C" __global__ void warps(int *a, float *f, int n) {
  int i = threadIdx.x;
  int x = a[i];
  int across, before, ballot;
  asm volatile("shfl.bfly.b32 %0, %1, 16, 31;" : "=r"(across) : "r"(x));
  asm volatile("shfl.up.b32 %0, %1, %2, 0;" : "=r"(before) : "r"(x), "r"(n));
  asm volatile("{ .reg .pred p; setp.gt.s32 p, %1, 0; vote.ballot.b32 %0, p; }" : "=r"(ballot) : "r"(x));
  a[i] = x + across + before + ballot;
  __shared__ int bins[64];
  __nvvm_atom_add_gen_i(&bins[x & 63], 1);
  __syncthreads();
  __nvvm_atom_max_gen_i(a + n, bins[i & 63]);
  __nvvm_atom_cas_gen_i(a + 1, x, n);
  __nvvm_atom_add_gen_f(f + n, 1.5f);
  for (int k = 0; k < x; k++) {
    if (a[k] == n) break;
    if (a[k] & 1) continue;
    f[k] += __nvvm_bar0_popc(k > n);
  }
}
