// Products on tensor cores (sm_75, sm_80): C = A B with A (m x k) and B (k x n) of halves, C and all sums FP32; rows of A
// and C may lie apart (every dp-th neuron of a layer), k and n are multiples of eight. Two tiles of 32 of k are in shared
// memory: one is multiplied while the next one comes, on sm_80 by cp.async, on sm_75 through registers.
#include "cuda.h"

constexpr int BK = 32;     // of k in a tile
constexpr int AROW = BK + 8; // halves in a row of A in shared memory: eight rows, read at once, are in different banks

__device__ __forceinline__ unsigned shared_address(const void *p) { return (unsigned)(uint64_t)(__attribute__((address_space(3))) const void *)p; }

__device__ __forceinline__ void load_matrices(unsigned (&r)[4], unsigned at) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at) : "memory");
}

__device__ __forceinline__ void load_transposed(unsigned (&r)[4], unsigned at) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at) : "memory");
}

// multiply adds a product of 16 x 16 and 16 x 8.
__device__ __forceinline__ void multiply(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
#if __CUDA_ARCH__ >= 800
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
  asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(b0));
  asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[2]), "r"(a[3]), "r"(b1));
#endif
}

// product is a block of BM x BN, of which a warp computes WM x WN.
template <int BM, int BN, int WM, int WN>
__device__ __forceinline__ void product(float *c, const uint16_t *a, const uint16_t *b, int m, int n, int k, int lda,
                                        int ldb, int ldc) {
  constexpr int threads = BM / WM * (BN / WN) * 32, brow = BN + 8;
  constexpr int achunks = BM * (BK / 8) / threads, bchunks = BK * (BN / 8) / threads; // of 16 bytes, a thread
  __shared__ __attribute__((aligned(16))) uint16_t sa[2][BM * AROW], sb[2][BK * brow];
  const int tid = threadIdx.x, lane = tid % 32, warp = tid / 32;
  const int row0 = blockIdx.y * BM, col0 = blockIdx.x * BN;
  const int wrow = warp / (BN / WN) * WM, wcol = warp % (BN / WN) * WN;

  const uint16_t *from[achunks + bchunks];
  bool inside[achunks + bchunks]; // as far as rows of A and columns of B go
  int at[achunks + bchunks], deep[achunks + bchunks]; // place in shared memory; of k in a tile
#pragma unroll
  for (int i = 0; i < achunks; i++) {
    const int chunk = tid + i * threads, row = chunk / (BK / 8), col = chunk % (BK / 8) * 8;
    inside[i] = row0 + row < m;
    deep[i] = col;
    at[i] = row * AROW + col;
    from[i] = a + (int64_t)(row0 + row) * lda + col;
  }
#pragma unroll
  for (int i = achunks; i < achunks + bchunks; i++) {
    const int chunk = tid + (i - achunks) * threads, row = chunk / (BN / 8), col = chunk % (BN / 8) * 8;
    inside[i] = col0 + col < n;
    deep[i] = row;
    at[i] = row * brow + col;
    from[i] = b + (int64_t)row * ldb + col0 + col;
  }
  auto place = [&](int stage, int i) { return i < achunks ? &sa[stage][at[i]] : &sb[stage][at[i]]; };
  const int64_t bstep = (int64_t)BK * ldb;

  float sum[WM / 16][WN / 8][4] = {};
  auto compute = [&](int stage) {
#pragma unroll
    for (int kk = 0; kk < BK; kk += 16) {
      unsigned fa[WM / 16][4], fb[WN / 16][4];
#pragma unroll
      for (int i = 0; i < WM / 16; i++)
        load_matrices(fa[i], shared_address(&sa[stage][(wrow + i * 16 + lane % 16) * AROW + kk + lane / 16 * 8]));
#pragma unroll
      for (int j = 0; j < WN / 16; j++)
        load_transposed(fb[j], shared_address(&sb[stage][(kk + lane % 16) * brow + wcol + j * 16 + lane / 16 * 8]));
#pragma unroll
      for (int i = 0; i < WM / 16; i++)
#pragma unroll
        for (int j = 0; j < WN / 8; j++) multiply(sum[i][j], fa[i], fb[j / 2][j % 2 * 2], fb[j / 2][j % 2 * 2 + 1]);
    }
  };

#if __CUDA_ARCH__ >= 800
  auto fetch = [&](int stage, int k0) {
#pragma unroll
    for (int i = 0; i < achunks + bchunks; i++) {
      const int bytes = inside[i] && k0 + deep[i] < k ? 16 : 0;
      asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(place(stage, i))), "l"(from[i]),
                   "r"(bytes) : "memory");
      from[i] += i < achunks ? BK : bstep;
    }
    asm volatile("cp.async.commit_group;" ::: "memory");
  };
  fetch(0, 0);
  int stage = 0;
  for (int k0 = 0; k0 < k; k0 += BK, stage ^= 1) {
    if (k0 + BK < k) {
      fetch(stage ^ 1, k0 + BK);
      asm volatile("cp.async.wait_group 1;" ::: "memory");
    } else {
      asm volatile("cp.async.wait_group 0;" ::: "memory");
    }
    __syncthreads();
    compute(stage);
    __syncthreads();
  }
#else
  uint4 held[achunks + bchunks];
  auto fetch = [&](int k0) {
#pragma unroll
    for (int i = 0; i < achunks + bchunks; i++) {
      held[i] = inside[i] && k0 + deep[i] < k ? *(const uint4 *)from[i] : (uint4)0;
      from[i] += i < achunks ? BK : bstep;
    }
  };
  auto put = [&](int stage) {
#pragma unroll
    for (int i = 0; i < achunks + bchunks; i++) *(uint4 *)place(stage, i) = held[i];
  };
  fetch(0);
  put(0);
  __syncthreads();
  int stage = 0;
  for (int k0 = 0; k0 < k; k0 += BK, stage ^= 1) {
    const bool more = k0 + BK < k;
    if (more) fetch(k0 + BK);
    compute(stage);
    if (more) put(stage ^ 1);
    __syncthreads();
  }
#endif

#pragma unroll
  for (int i = 0; i < WM / 16; i++)
#pragma unroll
    for (int j = 0; j < WN / 8; j++) {
      const int row = row0 + wrow + i * 16 + lane / 4, col = col0 + wcol + j * 8 + lane % 4 * 2;
      if (col >= n) continue;
      if (row < m) *(float2 *)&c[(int64_t)row * ldc + col] = (float2){sum[i][j][0], sum[i][j][1]};
      if (row + 8 < m) *(float2 *)&c[(int64_t)(row + 8) * ldc + col] = (float2){sum[i][j][2], sum[i][j][3]};
    }
}

#define TENSOR_(bm, bn, wm, wn)                                                                                          \
  extern "C" __global__ void __launch_bounds__(bm / wm * (bn / wn) * 32)                                                 \
  tensor_##bm##x##bn(float *c, const uint16_t *a, const uint16_t *b, int m, int n, int k, int lda, int ldb, int ldc) {  \
    product<bm, bn, wm, wn>(c, a, b, m, n, k, lda, ldb, ldc);                                                            \
  }
TENSOR_(128, 128, 64, 32)
TENSOR_(64, 64, 32, 32)
TENSOR_(32, 32, 16, 16)
