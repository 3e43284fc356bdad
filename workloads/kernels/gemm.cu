// The family of gemm.h: dense and RDP products, and those of TDP's regular patterns.
#include "gemm.h"

// gemm_LAYOUT_VECTORS_SHAPE: with v all matrices are read and written 16 bytes at a time (C along rows where cc = 1, along
// columns where rc = 1), with s 4.
// RV, RS: blocks that shall fit on an SM with v and s; the more, the fewer registers a thread may take.
#define DENSE1(LAYOUT, AK, BNC, V, N, RESIDENT, SHAPE, BM, BN, BK, TM, TN, WK) \
  extern "C" __global__ void __launch_bounds__((BM / TM) * (BN / TN) * WK, RESIDENT) gemm_##LAYOUT##_##V##_##SHAPE(ARGS) { \
    gemm<BM, BN, BK, TM, TN, WK, AK, BNC, N, ALL>(PASS, blockIdx.x, blockIdx.y, Tiles{});                                  \
  }
#define LAYOUTS(KIND, RV, RS, ...)              \
  KIND(nn, true, true, v, 4, RV, __VA_ARGS__) \
  KIND(nt, true, false, v, 4, RV, __VA_ARGS__) \
  KIND(tn, false, true, v, 4, RV, __VA_ARGS__) \
  KIND(tt, false, false, v, 4, RV, __VA_ARGS__) \
  KIND(nn, true, true, s, 1, RS, __VA_ARGS__) \
  KIND(nt, true, false, s, 1, RS, __VA_ARGS__) \
  KIND(tn, false, true, s, 1, RS, __VA_ARGS__) \
  KIND(tt, false, false, s, 1, RS, __VA_ARGS__)

LAYOUTS(DENSE1, 2, 2, 128x128, 128, 128, 8, 8, 8, 1)
LAYOUTS(DENSE1, 4, 3, 128x64, 128, 64, 8, 8, 8, 1)
LAYOUTS(DENSE1, 3, 3, 64x64, 64, 64, 16, 8, 8, 2)
LAYOUTS(DENSE1, 3, 2, 128x32, 128, 32, 16, 8, 8, 2)
LAYOUTS(DENSE1, 4, 4, 32x32, 32, 32, 32, 8, 4, 4)

#define TILED1(LAYOUT, AK, BNC, V, N, RESIDENT, SHAPE, BM, BN, BK, TM, TN, WK) \
  extern "C" __global__ void __launch_bounds__((BM / TM) * (BN / TN) * WK, RESIDENT)                                               \
      gemm_tdp_##LAYOUT##_##V##_##SHAPE(ARGS, int dp, int bias, int across, int g, int apart, int inverse) {                        \
    gemm<BM, BN, BK, TM, TN, WK, AK, BNC, N, BN>(PASS, blockIdx.x, blockIdx.y, Tiles{dp, bias, across, g, apart, inverse});      \
  }
LAYOUTS(TILED1, 4, 3, 128x64, 128, 64, 8, 8, 8, 1)
LAYOUTS(TILED1, 3, 3, 64x64, 64, 64, 16, 8, 8, 2)
LAYOUTS(TILED1, 3, 2, 128x32, 128, 32, 16, 8, 8, 2)
LAYOUTS(TILED1, 4, 4, 32x32, 32, 32, 32, 8, 4, 4)

// The gradient of the weights under TDP: block x computes the x-th kept tile of C.
#define GRADIENT(V, N, T, BK, TM, TN, WK)                                                                                                  \
  extern "C" __global__ void __launch_bounds__(T * T / (TM * TN) * WK) gemm_gradient_tn_##V##_##T##x##T(ARGS, int dp, int bias, int tileColumns) { \
    int tile = bias + blockIdx.x * dp;                                                                                                     \
    gemm<T, T, BK, TM, TN, WK, false, true, N, ALL>(PASS, (unsigned)tile % (unsigned)tileColumns, (unsigned)tile / (unsigned)tileColumns, Tiles{}); \
  }
GRADIENT(v, 4, 32, 32, 8, 4, 4)
GRADIENT(s, 1, 32, 32, 8, 4, 4)
GRADIENT(v, 4, 64, 16, 8, 8, 2)
GRADIENT(s, 1, 64, 16, 8, 8, 2)
