// The family of gemm.h over listed weight tiles: products with the weights as B, forward (nn) and backward (nt), and their gradient.
#include "gemm_list.h"

#define LISTED(RV, RS, ...)                      \
  LISTED1(nn, true, true, v, 4, RV, __VA_ARGS__)  \
  LISTED1(nt, true, false, v, 4, RV, __VA_ARGS__) \
  LISTED1(nn, true, true, s, 1, RS, __VA_ARGS__)  \
  LISTED1(nt, true, false, s, 1, RS, __VA_ARGS__)

// RV, RS: as in gemm.cu.
LISTED(4, 3, 128x64, 128, 64, 8, 8, 8, 1)
LISTED(3, 3, 64x64, 64, 64, 16, 8, 8, 2)
LISTED(3, 2, 128x32, 128, 32, 16, 8, 8, 2)
LISTED(4, 4, 32x32, 32, 32, 32, 8, 4, 4)

// The gradient of the weights: block x computes the x-th tile of the list, numbered row by row.
#define GRADIENT(V, N, T, BK, TM, TN, WK)                                                                                              \
  extern "C" __global__ void __launch_bounds__(T * T / (TM * TN) * WK) gemm_gradient_list_tn_##V##_##T##x##T(ARGS, const int *list, int tileColumns) { \
    int tile = list[blockIdx.x];                                                                                                       \
    gemm<T, T, BK, TM, TN, WK, false, true, N, ALL>(PASS, (unsigned)tile % (unsigned)tileColumns, (unsigned)tile / (unsigned)tileColumns, Tiles{}); \
  }
GRADIENT(v, 4, 32, 32, 8, 4, 4)
GRADIENT(s, 1, 32, 32, 8, 4, 4)
GRADIENT(v, 4, 64, 16, 8, 8, 2)
GRADIENT(s, 1, 64, 16, 8, 8, 2)
