// Variables of a module: package sim's tests and example set and read them.
#include "../../workloads/kernels/cuda.h"

__constant__ float scale = 2;
__constant__ short offsets[3] = {1, 2, 3};
__device__ int calls;
__device__ float table[4] = {10, 20, 30, 40};

// Reads the constants by bank, and one by its generic address; counts its blocks.
extern "C" __global__ void look(float *out, int i) {
  const short *p = &offsets[i];
  if (threadIdx.x == 0) __nvvm_atom_add_gen_i(&calls, 1);
  out[threadIdx.x] = scale * table[threadIdx.x & 3] + *p;
}
