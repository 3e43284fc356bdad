// Memory microbenchmarks: latency by pointer chasing, bandwidth by streams, shared-memory bank conflicts, atomics.
// Latency kernels store the clock cycles of their last pass over the chain.
#include "../kernels/cuda.h"

#define REP4(x) x x x x
#define REP16(x) REP4(REP4(x))
#define REP64(x) REP4(REP16(x))

// clock32 reads the SM's cycle counter; the dependence on after keeps it behind the load that made it.
__device__ __forceinline__ unsigned clock32(uint64_t after) {
  unsigned t;
  asm volatile("{ .reg .u64 x; mov.u64 x, %1; mov.u32 %0, %%clock; }" : "=r"(t) : "l"(after) : "memory");
  return t;
}

// CHASE defines a kernel in which one thread follows a chain of 64-bit addresses with one kind of load: 64 x steps
// dependent loads untimed, and as many timed.
#define CHASE(NAME, LOAD)                                                                \
  __global__ void chase_##NAME(uint64_t start, unsigned *cycles, uint64_t *out, int steps) { \
    uint64_t p = start;                                                                  \
    unsigned t0 = 0, t1 = 0;                                                             \
    _Pragma("nounroll") for (int pass = 0; pass < 2; pass++) {                           \
      t0 = clock32(p);                                                                   \
      _Pragma("nounroll") for (int i = 0; i < steps; i++) {                              \
        REP64(asm volatile(LOAD " %0, [%0];" : "+l"(p)::"memory");)                      \
      }                                                                                  \
      *out = p;                                                                          \
      t1 = clock32(p);                                                                   \
    }                                                                                    \
    *cycles = t1 - t0;                                                                   \
  }

// vec4 moves in one 128-bit instruction; clang splits a struct of four floats into two of 64 bits.
typedef float vec4 __attribute__((ext_vector_type(4)));

extern "C" {
CHASE(cached, "ld.global.ca.u64")
CHASE(l2, "ld.global.cg.u64")
CHASE(readonly, "ld.global.nc.u64")

// CHASE_SHARED: each of a warp's threads reads, with one kind of access of WORDS words, the place whose address it read last:
// its own. Thread i starts at place (i >> together) x stride of 2048 / WORDS, so with together = 0 a stride of 1 is free of
// conflicts, 2 a 2-way conflict ... and 0 a broadcast.
#define CHASE_SHARED(NAME, WORDS, ACCESS)                                                        \
  __global__ void chase_shared_##NAME(unsigned *cycles, unsigned *out, int stride, int together) { \
    __shared__ __attribute__((aligned(16))) unsigned s[2048];                                    \
    unsigned base = (unsigned)(uint64_t)(__attribute__((address_space(3))) unsigned *)s;         \
    for (unsigned i = threadIdx.x; i < 2048; i += blockDim.x) s[i] = base + i * 4;               \
    __syncthreads();                                                                             \
    unsigned p = base + (threadIdx.x >> together) * stride % (2048 / WORDS) * (4 * WORDS);       \
    unsigned t0 = 0, t1 = 0;                                                                     \
    _Pragma("nounroll") for (int pass = 0; pass < 2; pass++) {                                   \
      t0 = clock32(p);                                                                           \
      REP64(asm volatile(ACCESS : "+r"(p)::"memory");)                                           \
      out[threadIdx.x] = p;                                                                      \
      t1 = clock32(p);                                                                           \
    }                                                                                            \
    if (threadIdx.x == 0) *cycles = t1 - t0;                                                     \
  }
CHASE_SHARED(32, 1, "ld.shared.u32 %0, [%0];")
CHASE_SHARED(64, 2, "{ .reg .u32 x; ld.volatile.shared.v2.u32 {%0, x}, [%0]; }")
CHASE_SHARED(128, 4, "{ .reg .u32 x, y, z; ld.volatile.shared.v4.u32 {%0, x, y, z}, [%0]; }")
CHASE_SHARED(atomic, 1, "atom.shared.add.u32 %0, [%0], 0;")

// Streams of n floats, n a multiple of 4, 16 bytes a thread, in a grid-stride loop.
__global__ void stream_copy(vec4 *out, const vec4 *in, int n4) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n4; i += gridDim.x * blockDim.x) out[i] = in[i];
}

__global__ void stream_copy4(float *out, const float *in, int n) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) out[i] = in[i];
}

__global__ void stream_scale(vec4 *out, const vec4 *in, float a, int n4) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n4; i += gridDim.x * blockDim.x) out[i] = a * in[i];
}

__global__ void stream_triad(vec4 *out, const vec4 *b, const vec4 *c, float a, int n4) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n4; i += gridDim.x * blockDim.x) out[i] = b[i] + a * c[i];
}

// read_strided sums count elements a thread, neighbouring threads stride elements apart; mask is the footprint in
// elements less one, a power of two less one. With mask + 1 elements in L2 it measures L2's bandwidth.
__global__ void read_strided(float *out, const float *in, int stride, int mask, int count) {
  unsigned at = (blockIdx.x * blockDim.x + threadIdx.x) * stride, step = gridDim.x * blockDim.x * stride;
  float sum = 0;
#pragma unroll 4
  for (int i = 0; i < count; i++) {
    sum += in[at & mask];
    at += step;
  }
  if (sum == 1.5f) out[0] = sum;
}

// read_random sums count elements a thread at scattered places of mask + 1 elements.
__global__ void read_random(float *out, const float *in, unsigned mask, int count) {
  unsigned x = (blockIdx.x * blockDim.x + threadIdx.x) * 2654435761u + 12345u;
  float sum = 0;
#pragma unroll 4
  for (int i = 0; i < count; i++) {
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    sum += in[x & mask];
  }
  if (sum == 1.5f) out[0] = sum;
}

// Transposes of an n x n matrix, n a multiple of 32, with blocks of 32 x 8 threads and a tile in shared memory whose
// rows are WIDTH words apart: 32 makes reading a column a 32-way bank conflict, 33 none.
#define TRANSPOSE(NAME, WIDTH)                                                          \
  __global__ void transpose_##NAME(float *out, const float *in, int n) {                \
    __shared__ float tile[32][WIDTH];                                                   \
    int x = blockIdx.x * 32 + threadIdx.x, y = blockIdx.y * 32 + threadIdx.y;           \
    for (int j = 0; j < 32; j += 8) tile[threadIdx.y + j][threadIdx.x] = in[(y + j) * n + x]; \
    __syncthreads();                                                                    \
    x = blockIdx.y * 32 + threadIdx.x;                                                  \
    y = blockIdx.x * 32 + threadIdx.y;                                                  \
    for (int j = 0; j < 32; j += 8) out[(y + j) * n + x] = tile[threadIdx.x][threadIdx.y + j]; \
  }
TRANSPOSE(unpadded, 32)
TRANSPOSE(padded, 33)

// atomic_add adds 1 to counters[i & mask], i the thread's number in the grid, count times.
__global__ void atomic_add(unsigned *counters, unsigned mask, int count) {
  unsigned *at = counters + ((blockIdx.x * blockDim.x + threadIdx.x) & mask);
  for (int i = 0; i < count; i++) asm volatile("red.global.add.u32 [%0], 1;" ::"l"(at) : "memory");
}
}
