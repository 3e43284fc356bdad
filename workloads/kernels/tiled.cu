// Simple tiled products for two studies: what an if-else round the inner product saves (the paper's Fig. 1(b)), and which
// tile size and padding keep bank conflicts low. C = alpha * A B + beta * C with strides, as in gemm.cu.
//
// A block computes a T x T tile of C, a thread R x R elements of it, R = 1, 1, 2, 4 for T = 8, 16, 32, 64. Tiles of A and B
// go through shared memory, A transposed, so that the inner product reads neighbouring words of both. Storing A so makes
// the threads of a warp, which read along k, write down columns: rows of T words put them into few banks, rows a little
// longer into all (PAD). With NT, B has k as its contiguous dimension and goes the way of A.
#include "cuda.h"

#define ARGS float *__restrict__ C, const float *__restrict__ A, const float *__restrict__ B, int m, int n, int k, int ra, int ca, int rb, int cb, int rc, int cc, float alpha, float beta
#define PASS C, A, B, m, n, k, ra, ca, rb, cb, rc, cc, alpha, beta

// Weights are A, in T x T tiles: TDP keeps tile (i, j), number i * tiles a row + j, where (number - bias) mod dp = 0, and
// the loop visits those of row i only: they are dp apart.
template <int T, int R, bool PAD, bool MASKED, bool NT>
__device__ __forceinline__ void tiled(ARGS, const unsigned char *mask, int dp, int bias) {
  constexpr int SIDE = T / R, THREADS = SIDE * SIDE, LD = T + (PAD ? (T < 32 ? 32 / T : 1) : 0), LOADS = T * T / THREADS, LDB = NT ? LD : T;
  __shared__ float As[T * LD], Bs[T * LDB];  // [k][m], [k][n]
  const int tid = threadIdx.x, tx = tid % SIDE, ty = tid / SIDE;
  const int r0 = blockIdx.y * T, c0 = blockIdx.x * T;
  float acc[R][R];
  bool kept[R][R];
#pragma unroll
  for (int i = 0; i < R; i++)
#pragma unroll
    for (int j = 0; j < R; j++) {
      int r = r0 + ty + i * SIDE, c = c0 + tx + j * SIDE;
      acc[i][j] = 0.0f;
      kept[i][j] = MASKED && r < m && c < n && mask[r * n + c] != 0;
    }
  const int tiles = (k + T - 1) / T;
  int t = dp == 1 ? 0 : (unsigned)(bias + dp - (unsigned)(blockIdx.y * tiles) % (unsigned)dp) % (unsigned)dp;
  for (; t < tiles; t += dp) {
    const int k0 = t * T;
#pragma unroll
    for (int i = 0; i < LOADS; i++) {
      int e = tid + i * THREADS, inner = e % T, outer = e / T;
      As[inner * LD + outer] = r0 + outer < m && k0 + inner < k ? A[(r0 + outer) * ra + (k0 + inner) * ca] : 0.0f;
      const int kb = NT ? inner : outer, nb = NT ? outer : inner;
      Bs[kb * LDB + nb] = k0 + kb < k && c0 + nb < n ? B[(k0 + kb) * rb + (c0 + nb) * cb] : 0.0f;
    }
    __syncthreads();
    if (MASKED) {
      // Threads of a warp whose element is dropped wait for those whose is not.
#pragma unroll
      for (int i = 0; i < R; i++)
#pragma unroll
        for (int j = 0; j < R; j++)
          if (kept[i][j]) {
#pragma unroll
            for (int kk = 0; kk < T; kk++) acc[i][j] = __builtin_fmaf(As[kk * LD + ty + i * SIDE], Bs[kk * LDB + tx + j * SIDE], acc[i][j]);
          }
    } else {
#pragma unroll
      for (int kk = 0; kk < T; kk++) {
        float a[R], b[R];
#pragma unroll
        for (int i = 0; i < R; i++) a[i] = As[kk * LD + ty + i * SIDE];
#pragma unroll
        for (int j = 0; j < R; j++) b[j] = Bs[kk * LDB + tx + j * SIDE];
#pragma unroll
        for (int i = 0; i < R; i++)
#pragma unroll
          for (int j = 0; j < R; j++) acc[i][j] = __builtin_fmaf(a[i], b[j], acc[i][j]);
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < R; i++)
#pragma unroll
    for (int j = 0; j < R; j++) {
      int r = r0 + ty + i * SIDE, c = c0 + tx + j * SIDE;
      if (r >= m || c >= n) continue;
      float *to = C + (r * rc + c * cc);
      *to = beta != 0.0f ? alpha * acc[i][j] + beta * *to : alpha * acc[i][j];
    }
}

#define KERNEL(T, R, NAME) extern "C" __global__ void __launch_bounds__((T / R) * (T / R)) NAME##_##T
#define TILED(T, R)                                                                                                                 \
  KERNEL(T, R, tiled_pad)(ARGS, int dp, int bias) { tiled<T, R, true, false, false>(PASS, nullptr, dp, bias); }                     \
  KERNEL(T, R, tiled_plain)(ARGS, int dp, int bias) { tiled<T, R, false, false, false>(PASS, nullptr, dp, bias); }                  \
  KERNEL(T, R, masked_nn)(ARGS, const unsigned char *mask) { tiled<T, R, true, true, false>(PASS, mask, 1, 0); }                    \
  KERNEL(T, R, masked_nt)(ARGS, const unsigned char *mask) { tiled<T, R, true, true, true>(PASS, mask, 1, 0); }

// masked is the paper's kernel, padded; mask has a byte an element of C, row-major. tiled_pad is the same without the if-else.
TILED(8, 1)
TILED(16, 1)
TILED(32, 2)
TILED(64, 4)
