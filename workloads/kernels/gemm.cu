// One family of single-precision GEMM for every method: C = alpha * A B with A m x k, B k x n, C m x n, each matrix given
// by a row stride and a column stride in elements. A layout (NN, NT, TN) is a choice of strides, and so is RDP: keeping
// the rows i with (i - b) mod dp = 0 of a dimension is an offset of b-1 and a stride of dp in it, so the same code reads
// only kept rows and columns and scatters to kept places. The dimension with stride one is a template parameter: it
// decides which threads read neighbouring addresses.
//
// TDP keeps weight tile (i, j), number i * tile_columns + j, where (number - (b-1)) mod dp = 0. In the products with the
// weights as B the loop over k visits the kept tiles only; in the gradient of the weights only kept tiles are computed.
#include "cuda.h"

enum Walk { ALL, TILES };

// tiles describes which k tiles a column of output tiles visits.
struct Tiles {
  int dp, bias;  // pattern, bias from 0
  int along;     // how the tile number grows with the k tile …
  int across;    // … and with the n tile
};

// firstKept returns the first i in [0, n) with (i * along + base - bias) mod dp = 0, n if there is none.
__device__ __forceinline__ int firstKept(int along, int base, int dp, int bias, int n) {
  int r = base % dp, step = along % dp;
  for (int i = 0; i < dp && i < n; i++) {
    if (r == bias) return i;
    r += step;
    if (r >= dp) r -= dp;
  }
  return n;
}

// period returns the distance between kept tiles: dp / gcd(dp, along).
__device__ __forceinline__ int period(int along, int dp) {
  int a = dp, b = along % dp;
  while (b) {
    int t = a % b;
    a = b;
    b = t;
  }
  return dp / a;
}

template <int BM, int BN, int BK, int TM, int TN, bool AK, bool BNC, int WALK>
__device__ __forceinline__ void gemm(float *__restrict__ C, const float *__restrict__ A, const float *__restrict__ B, int m, int n, int k,
                                     int ra, int ca, int rb, int cb, int rc, int cc, float alpha, int bx, int by, Tiles tiles) {
  constexpr int THREADS = (BM / TM) * (BN / TN);
  constexpr int LA = BM * BK / THREADS, LB = BN * BK / THREADS;
  __shared__ __attribute__((aligned(16))) float As[2][BK][BM + 4];
  __shared__ __attribute__((aligned(16))) float Bs[2][BK][BN + 4];
  const int tid = threadIdx.x;
  const int tx = tid % (BN / TN), ty = tid / (BN / TN);
  const int m0 = by * BM, n0 = bx * BN;

  // Where this thread's elements of the two tiles stand.
  int am[LA], ak[LA], bn[LB], bk[LB];
#pragma unroll
  for (int i = 0; i < LA; i++) {
    int e = tid + i * THREADS;
    am[i] = AK ? e / BK : e % BM;
    ak[i] = AK ? e % BK : e / BM;
  }
#pragma unroll
  for (int i = 0; i < LB; i++) {
    int e = tid + i * THREADS;
    bn[i] = BNC ? e % BN : e / BK;
    bk[i] = BNC ? e / BN : e % BK;
  }

  float acc[TM][TN];
#pragma unroll
  for (int i = 0; i < TM; i++)
#pragma unroll
    for (int j = 0; j < TN; j++) acc[i][j] = 0.0f;

  // Steps of BK along k; with TILES they jump from kept tile to kept tile, 32 wide.
  int at = 0, jump = 0, inner = 0;
  constexpr int STEPS = WALK == TILES ? 32 / BK : 1;
  if (WALK == TILES) {
    int count = (k + 31) / 32;
    at = firstKept(tiles.along, bx * tiles.across, tiles.dp, tiles.bias, count) * 32;
    jump = period(tiles.along, tiles.dp) * 32;
  }
  float fa[LA], fb[LB];
  auto fetch = [&](int k0) {
#pragma unroll
    for (int i = 0; i < LA; i++) {
      int r = m0 + am[i], c = k0 + ak[i];
      fa[i] = r < m && c < k ? A[r * ra + c * ca] : 0.0f;
    }
#pragma unroll
    for (int i = 0; i < LB; i++) {
      int r = k0 + bk[i], c = n0 + bn[i];
      fb[i] = r < k && c < n ? B[r * rb + c * cb] : 0.0f;
    }
  };
  auto keep = [&](int buffer) {
#pragma unroll
    for (int i = 0; i < LA; i++) As[buffer][ak[i]][am[i]] = fa[i];
#pragma unroll
    for (int i = 0; i < LB; i++) Bs[buffer][bk[i]][bn[i]] = fb[i];
  };
  int buffer = 0;
  if (at < k) {
    fetch(at);
    keep(0);
  }
  __syncthreads();
  while (at < k) {
    int next;
    if (WALK == TILES) {
      inner++;
      next = inner == STEPS ? at - (STEPS - 1) * BK + jump : at + BK;
      if (inner == STEPS) inner = 0;
    } else {
      next = at + BK;
    }
    if (next < k) fetch(next);
#pragma unroll
    for (int kk = 0; kk < BK; kk++) {
      float a[TM], b[TN];
#pragma unroll
      for (int i = 0; i < TM; i += 4) *(float4 *)&a[i] = *(const float4 *)&As[buffer][kk][ty * 4 + i * (BM / TM)];
#pragma unroll
      for (int j = 0; j < TN; j += 4) *(float4 *)&b[j] = *(const float4 *)&Bs[buffer][kk][tx * 4 + j * (BN / TN)];
#pragma unroll
      for (int i = 0; i < TM; i++)
#pragma unroll
        for (int j = 0; j < TN; j++) acc[i][j] = __builtin_fmaf(a[i], b[j], acc[i][j]);
    }
    if (next < k) {
      buffer ^= 1;
      keep(buffer);
      __syncthreads();
    }
    at = next;
  }
#pragma unroll
  for (int i = 0; i < TM; i++) {
    int r = m0 + ty * 4 + (i / 4) * 4 * (BM / TM) + i % 4;
#pragma unroll
    for (int j = 0; j < TN; j++) {
      int c = n0 + tx * 4 + (j / 4) * 4 * (BN / TN) + j % 4;
      if (r < m && c < n) C[r * rc + c * cc] = alpha * acc[i][j];
    }
  }
}

#define ARGS float *__restrict__ C, const float *__restrict__ A, const float *__restrict__ B, int m, int n, int k, int ra, int ca, int rb, int cb, int rc, int cc, float alpha
#define PASS C, A, B, m, n, k, ra, ca, rb, cb, rc, cc, alpha

#define DENSE(NAME, BM, BN, BK, TM, TN, AK, BNC)                                                         \
  extern "C" __global__ void __launch_bounds__((BM / TM) * (BN / TN)) NAME(ARGS) {                       \
    gemm<BM, BN, BK, TM, TN, AK, BNC, ALL>(PASS, blockIdx.x, blockIdx.y, Tiles{1, 0, 0, 0});             \
  }
#define TILED(NAME, BM, BN, BK, TM, TN, AK, BNC)                                                         \
  extern "C" __global__ void __launch_bounds__((BM / TM) * (BN / TN)) NAME(ARGS, int dp, int bias, int along, int across) { \
    gemm<BM, BN, BK, TM, TN, AK, BNC, TILES>(PASS, blockIdx.x, blockIdx.y, Tiles{dp, bias, along, across}); \
  }

DENSE(gemm_nn_128x64, 128, 64, 8, 8, 8, true, true)
DENSE(gemm_nt_128x64, 128, 64, 8, 8, 8, true, false)
DENSE(gemm_tn_128x64, 128, 64, 8, 8, 8, false, true)
DENSE(gemm_nn_64x64, 64, 64, 16, 8, 4, true, true)
DENSE(gemm_nt_64x64, 64, 64, 16, 8, 4, true, false)
DENSE(gemm_tn_64x64, 64, 64, 16, 8, 4, false, true)
DENSE(gemm_nn_64x32, 64, 32, 16, 4, 4, true, true)
DENSE(gemm_nt_64x32, 64, 32, 16, 4, 4, true, false)
DENSE(gemm_tn_64x32, 64, 32, 16, 4, 4, false, true)
TILED(gemm_tdp_nn_64x32, 64, 32, 16, 4, 4, true, true)
TILED(gemm_tdp_nt_64x32, 64, 32, 16, 4, 4, true, false)
TILED(gemm_tdp_nn_128x32, 128, 32, 16, 8, 4, true, true)
TILED(gemm_tdp_nt_128x32, 128, 32, 16, 8, 4, true, false)

// The gradient of the weights under TDP: block x computes the x-th kept 32x32 tile of C.
extern "C" __global__ void __launch_bounds__(64) gemm_tdp_tn_32x32(ARGS, int dp, int bias, int tileColumns) {
  int tile = bias + blockIdx.x * dp;
  gemm<32, 32, 16, 4, 4, false, true, ALL>(PASS, tile % tileColumns, tile / tileColumns, Tiles{1, 0, 0, 0});
}

// Conventional dropout skipped by if-else (the paper's Fig. 1(b)): the same tiles, and round the inner product of each
// output element a test of its mask. Threads of a warp whose elements are dropped wait for those whose are not.
extern "C" __global__ void __launch_bounds__(256) gemm_masked_nn_32x32(ARGS, const unsigned char *mask) {
  constexpr int T = 32, R = 4;
  __shared__ float As[T][T + 1];
  __shared__ float Bs[T][T];
  const int tx = threadIdx.x % T, ty = threadIdx.x / T;
  const int c = blockIdx.x * T + tx, r0 = blockIdx.y * T;
  float acc[R];
  bool kept[R];
#pragma unroll
  for (int i = 0; i < R; i++) {
    int r = r0 + ty + i * 8;
    acc[i] = 0.0f;
    kept[i] = r < m && c < n && mask[r * n + c] != 0;
  }
  for (int k0 = 0; k0 < k; k0 += T) {
#pragma unroll
    for (int i = 0; i < R; i++) {
      int r = r0 + ty + i * 8, kb = k0 + ty + i * 8, ka = k0 + tx;
      As[ty + i * 8][tx] = r < m && ka < k ? A[r * ra + ka * ca] : 0.0f;
      Bs[ty + i * 8][tx] = kb < k && c < n ? B[kb * rb + c * cb] : 0.0f;
    }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < R; i++) {
      if (kept[i]) {
#pragma unroll
        for (int kk = 0; kk < T; kk++) acc[i] = __builtin_fmaf(As[ty + i * 8][kk], Bs[kk][tx], acc[i]);
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < R; i++) {
    int r = r0 + ty + i * 8;
    if (r < m && c < n) C[r * rc + c * cc] = alpha * acc[i];
  }
}
