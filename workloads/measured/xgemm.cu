// C = alpha A B^T + beta C of 4096 x 4096 matrices after the scheme of Matsumoto et al. and of CLBlast's Xgemm, with the tuning
// parameters of gemm-gtx1080ti.csv. A is stored with m as its contiguous dimension, B with n, C with m.
//   MWG, NWG, KWG   tile of a block                      MDIMC, NDIMC   threads of a block, along m and n
//   MDIMA, NDIMB    threads along m (n) that load a tile of A (B) into shared memory
//   KWI             steps of k that are unrolled         VWM, VWN       elements of a vector access along m, n
//   SA, SB          tiles of A, B go through shared memory
// A thread computes MWG/MDIMC x NWG/NDIMC neighbouring elements (STRM = STRN = 0).
#define MWI (MWG / MDIMC)
#define NWI (NWG / NDIMC)
#define THREADS (MDIMC * NDIMC)
#define KDIMA (THREADS / MDIMA)
#define KDIMB (THREADS / NDIMB)

template <int N> struct __align__(N >= 4 ? 16 : 4 * N) vec { float v[N]; };
typedef vec<VWM> floatM;
typedef vec<VWN> floatN;

extern "C" __global__ void __launch_bounds__(THREADS) xgemm(int m, int n, int k, float alpha, float beta, const floatM *__restrict__ a, const floatN *__restrict__ b, floatM *c) {
#if SA
  __shared__ floatM tileA[KWG * MWG / VWM];
#endif
#if SB
  __shared__ floatN tileB[KWG * NWG / VWN];
#endif
  const int tx = threadIdx.x, ty = threadIdx.y;
#if SA || SB
  const int tid = tx + MDIMC * ty;
#endif
  const int rowA = m / VWM, rowB = n / VWN;
  const int m0 = blockIdx.x * (MWG / VWM), n0 = blockIdx.y * (NWG / VWN);
  float sum[NWI][MWI];
#pragma unroll
  for (int j = 0; j < NWI; j++)
#pragma unroll
    for (int i = 0; i < MWI; i++) sum[j][i] = 0.0f;

  for (int k0 = 0; k0 < k; k0 += KWG) {
#if SA
#pragma unroll
    for (int i = 0; i < MWG / MDIMA / VWM; i++)
#pragma unroll
      for (int j = 0; j < KWG / KDIMA; j++) {
        const int mm = i + tid % MDIMA * (MWG / MDIMA / VWM), kk = j + tid / MDIMA * (KWG / KDIMA);
        tileA[kk * (MWG / VWM) + mm] = a[(k0 + kk) * rowA + m0 + mm];
      }
#endif
#if SB
#pragma unroll
    for (int j = 0; j < KWG / KDIMB; j++)
#pragma unroll
      for (int i = 0; i < NWG / NDIMB / VWN; i++) {
        const int nn = i + tid % NDIMB * (NWG / NDIMB / VWN), kk = j + tid / NDIMB * (KWG / KDIMB);
        tileB[kk * (NWG / VWN) + nn] = b[(k0 + kk) * rowB + n0 + nn];
      }
#endif
#if SA || SB
    __syncthreads();
#endif
    for (int k1 = 0; k1 < KWG; k1 += KWI) {
#pragma unroll
      for (int k2 = 0; k2 < KWI; k2++) {
        const int kk = k1 + k2;
        floatM x[MWI / VWM];
        floatN y[NWI / VWN];
#pragma unroll
        for (int i = 0; i < MWI / VWM; i++) {
#if SA
          x[i] = tileA[kk * (MWG / VWM) + i + tx * (MWI / VWM)];
#else
          x[i] = a[(k0 + kk) * rowA + m0 + i + tx * (MWI / VWM)];
#endif
        }
#pragma unroll
        for (int j = 0; j < NWI / VWN; j++) {
#if SB
          y[j] = tileB[kk * (NWG / VWN) + j + ty * (NWI / VWN)];
#else
          y[j] = b[(k0 + kk) * rowB + n0 + j + ty * (NWI / VWN)];
#endif
        }
#pragma unroll
        for (int j = 0; j < NWI; j++)
#pragma unroll
          for (int i = 0; i < MWI; i++) sum[j][i] += x[i / VWM].v[i % VWM] * y[j / VWN].v[j % VWN];
      }
    }
#if SA || SB
    __syncthreads();
#endif
  }

#pragma unroll
  for (int j = 0; j < NWI; j++)
#pragma unroll
    for (int i = 0; i < MWI / VWM; i++) {
      floatM *to = c + (blockIdx.y * NWG + ty * NWI + j) * rowA + m0 + tx * (MWI / VWM) + i;
      floatM r;
      if (beta != 0.0f) r = *to;
#pragma unroll
      for (int v = 0; v < VWM; v++) r.v[v] = alpha * sum[j][i * VWM + v] + (beta != 0.0f ? beta * r.v[v] : 0.0f);
      *to = r;
    }
}
