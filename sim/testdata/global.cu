// Races on global memory, and what orders accesses to it: global_race_test.go.
#include "cuda.h"

typedef unsigned u;
#define T threadIdx.x
#define I (blockIdx.x * blockDim.x + threadIdx.x)
#define N (gridDim.x * blockDim.x)

// Each thread reads what its neighbour has, and stores: of another block at the edges.
extern "C" __global__ void in_place(u *a, u *b) { a[I] += a[(I + 1) % N]; }

// The same into another array: nothing to say.
extern "C" __global__ void out_of_place(u *a, u *b) { b[I] = a[I] + a[(I + 1) % N]; }

// All blocks store to the same places: their number, or the same.
extern "C" __global__ void all_store(u *a, u *b) { a[T] = blockIdx.x; }
extern "C" __global__ void all_store_same(u *a, u *b) { a[T] = 7; }

// Neighbouring bytes of a word are another's.
extern "C" __global__ void own_bytes(u *a, u *b) { ((unsigned char *)a)[T * gridDim.x + blockIdx.x] = T; }

// Sums: with an atomic, and without.
extern "C" __global__ void atomic_sum(u *a, u *b) { __nvvm_atom_add_gen_i((int *)a, I); }
extern "C" __global__ void plain_sum(u *a, u *b) { *(volatile u *)&b[T] = 0; a[0] += I; }
extern "C" __global__ void atomic_and_store(u *a, u *b) {
  if (blockIdx.x == 1) a[0] = 5;
  else __nvvm_atom_add_gen_i((int *)a, I);
}

// Within a block a barrier orders; without one other warps' values are read.
extern "C" __global__ void block_barrier(u *a, u *b) {
  a[I] = T;
  __syncthreads();
  b[I] = a[blockIdx.x * blockDim.x + (T + 32) % blockDim.x];
}
extern "C" __global__ void block_without(u *a, u *b) {
  a[I] = T;
  b[I] = ((volatile u *)a)[0] * 0 + a[blockIdx.x * blockDim.x + (T + 32) % blockDim.x];
}

// The last block to finish adds up what the others have stored: a fence orders (CUDA's threadFenceReduction).
__device__ void last_block(u *a, u *b, bool fence) {
  a[8 + I] = I;
  if (fence) __nvvm_membar_gl();
  __syncthreads();
  __attribute__((shared)) static u last;
  if (T == 0) last = __nvvm_atom_add_gen_i((int *)a, 1) == gridDim.x - 1;
  __syncthreads();
  if (last) {
    u sum = 0;
    for (u i = T; i < N; i += blockDim.x) sum += a[8 + i];
    b[T] = sum;
    if (T == 0) a[0] = 0;
  }
}
extern "C" __global__ void last_with_fence(u *a, u *b) { last_block(a, b, true); }
extern "C" __global__ void last_without_fence(u *a, u *b) { last_block(a, b, false); }

// A barrier of the whole grid: thread 0 fences for its block, which it has met at a barrier.
extern "C" __global__ void grid_barrier(u *a, u *b) {
  a[8 + I] = I;
  __syncthreads();
  if (T == 0) {
    __nvvm_membar_gl();
    __nvvm_atom_add_gen_i((int *)a, 1);
    while (*(volatile u *)a < gridDim.x) {}
  }
  __syncthreads();
  b[I] = a[8 + (I + blockDim.x) % N];
}

// A lock: what it protects is fenced before it is given back, or is not.
__device__ void locked(u *a, bool fence) {
  if (T != 0) return;
  while (__nvvm_atom_cas_gen_i((int *)a, 0, 1) != 0) {}
  a[1] += blockIdx.x;
  if (fence) __nvvm_membar_gl();
  __nvvm_atom_xchg_gen_i((int *)a, 0);
}
extern "C" __global__ void lock_with_fence(u *a, u *b) { locked(a, true); }
extern "C" __global__ void lock_without_fence(u *a, u *b) { locked(a, false); }

// A flag: the value is fenced, then a volatile flag is set that another block waits for.
extern "C" __global__ void flag(u *a, u *b) {
  if (blockIdx.x == 0 && T == 0) {
    a[1] = 42;
    __nvvm_membar_gl();
    *(volatile u *)a = 1;
  }
  if (blockIdx.x == 1 && T == 0) {
    while (*(volatile u *)a == 0) {}
    b[0] = a[1];
  }
}

// Threads of one warp store different values to one place.
extern "C" __global__ void lanes(u *a, u *b) { a[blockIdx.x * 64 + T / 2] = T; }
