// Device functions, recursion, jump tables, globals with initial values, constants, all kinds of shared memory.
#include "cuda.h"

__constant__ float coefficients[16];
__constant__ int offsets[4] = {1, 2, 3, 4};
__device__ int counter = 7;
__device__ float scratch[100];
__device__ int *pointer = &counter;
extern __shared__ float dynamic[];

extern "C" __device__ __noinline__ int fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
extern "C" __device__ __noinline__ int triple(int n) { counter += n; return n * 3 + counter; }
extern "C" __device__ __noinline__ int quadruple(int n) { return n * 4; }

typedef int (*Function)(int);
__device__ Function table[2] = {triple, quadruple};

extern "C" __global__ void memories(float *a, int n, double d) {
  __shared__ float tile[256];
  int i = threadIdx.x;
  tile[i] = a[i] * coefficients[i & 15] + offsets[i & 3];
  __syncthreads();
  dynamic[i] = tile[255 - i];
  __syncthreads();
  a[i] = dynamic[n - i] + scratch[i] + counter + (float)d + *pointer;
}

extern "C" __global__ void recursion(int *a, int n) { a[threadIdx.x] = fibonacci(n); }

extern "C" __global__ void calls(int *a, int n) { a[0] = triple(n) + triple(n + 1); }

extern "C" __global__ void indirect(int *a, int n) { a[0] = table[n & 1](n); }

extern "C" __global__ void branches(int *a, int n) {
  switch (n) {
  case 0: a[0] = 5; break;
  case 1: a[1] += 7; break;
  case 2: a[2] ^= 9; break;
  case 3: a[8] = a[9] * 3; break;
  case 4: a[1] = a[4] / a[5]; break;
  case 5: a[2] = a[6] % a[7]; break;
  case 6: a[9] = 1; break;
  }
}
