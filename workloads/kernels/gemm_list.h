#pragma once
#include "gemm.h"

// A product over listed weight tiles, the weights being B.
#define LISTED1(LAYOUT, AK, BNC, V, N, RESIDENT, SHAPE, BM, BN, BK, TM, TN, WK) \
  extern "C" __global__ void __launch_bounds__((BM / TM) * (BN / TN) * WK, RESIDENT)                                                \
      gemm_list_##LAYOUT##_##V##_##SHAPE(ARGS, const int *start, const int *list, int across) {                                     \
    gemm<BM, BN, BK, TM, TN, WK, AK, BNC, N, BN, true>(PASS, blockIdx.x, blockIdx.y, Tiles{1, 0, across, 1, 1, 0, start, list});    \
  }
