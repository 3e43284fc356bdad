// Products over listed weight tiles whose A is stored transposed: of inputs with a row for each neuron and a column for each sample.
#include "gemm_list.h"

#define LISTED(RV, RS, ...)                       \
  LISTED1(tn, false, true, v, 4, RV, __VA_ARGS__)  \
  LISTED1(tt, false, false, v, 4, RV, __VA_ARGS__) \
  LISTED1(tn, false, true, s, 1, RS, __VA_ARGS__)  \
  LISTED1(tt, false, false, s, 1, RS, __VA_ARGS__)

// RV, RS: as in gemm.cu.
LISTED(3, 2, 128x32, 128, 32, 16, 8, 8, 2)
LISTED(4, 4, 32x32, 32, 32, 32, 8, 4, 4)
