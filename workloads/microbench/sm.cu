// Microbenchmarks of the streaming multiprocessor: latency by dependent chains, throughput by independent streams, register
// banks, dual issue, divergence, barriers. Latency kernels store clock cycles of chains of 32 and of 64 instructions: the
// difference is 32 instructions, to the cycle. Each instruction is written as PTX from which ptxas makes the one wanted; a
// test looks at the machine code.
#include "../kernels/cuda.h"

#define REP4(x) x x x x
#define REP8(x) REP4(x) REP4(x)
#define REP16(x) REP4(REP4(x))
#define REP32(x) REP16(x) REP16(x)

__device__ __forceinline__ unsigned clock32() {
  unsigned t;
  asm volatile("mov.u32 %0, %%clock;" : "=r"(t)::"memory");
  return t;
}

// LATENCY defines a kernel with a chain of OP, which reads and writes %0 (of type T, constraint C) and may read %1 and %2.
// The second of two passes counts: the first fills the instruction cache. So do the second and third difference: ptxas
// schedules the first reading of the clock together with the code before.
#define STEP(C, OP) asm volatile(OP : "+" C(x) : C(a), C(b));
#define LATENCY(NAME, T, C, OP)                                          \
  __global__ void latency_##NAME(unsigned *cycles, T *out, T a, T b) {   \
    T x = a + (T)threadIdx.x;                                            \
    unsigned t[4] = {};                                                  \
    _Pragma("nounroll") for (int pass = 0; pass < 2; pass++) {           \
      STEP(C, OP)                                                        \
      out[threadIdx.x] = x;                                              \
      t[0] = clock32();                                                  \
      STEP(C, OP)                                                        \
      out[threadIdx.x] = x;                                              \
      t[1] = clock32();                                                  \
      REP32(STEP(C, OP))                                                 \
      out[threadIdx.x] = x;                                              \
      t[2] = clock32();                                                  \
      REP32(STEP(C, OP))                                                 \
      REP32(STEP(C, OP))                                                 \
      out[threadIdx.x] = x;                                              \
      t[3] = clock32();                                                  \
    }                                                                    \
    for (int i = 0; i < 3; i++) cycles[i] = t[i + 1] - t[i];             \
  }

// THROUGHPUT defines a kernel that runs 256 x n times OP, in eight independent chains.
#define THROUGHPUT(NAME, T, C, OP)                                                            \
  __global__ void throughput_##NAME(T *out, T a, T b, int n) {                                \
    T x[8];                                                                                   \
    for (int i = 0; i < 8; i++) x[i] = a + (T)(threadIdx.x + i);                              \
    _Pragma("nounroll") for (int i = 0; i < n; i++) {                                         \
      REP32(_Pragma("unroll") for (int j = 0; j < 8; j++) asm volatile(OP : "+" C(x[j]) : C(a), C(b));) \
    }                                                                                         \
    T sum = 0;                                                                                \
    for (int i = 0; i < 8; i++) sum += x[i];                                                  \
    out[threadIdx.x] = sum;                                                                   \
  }

#define BOTH(NAME, T, C, OP) LATENCY(NAME, T, C, OP) THROUGHPUT(NAME, T, C, OP)

extern "C" {
BOTH(ffma, float, "f", "fma.rn.f32 %0, %1, %2, %0;")
BOTH(fadd, float, "f", "add.f32 %0, %0, %1;")
BOTH(fmul, float, "f", "mul.f32 %0, %0, %1;")
BOTH(iadd_lop, int, "r", "add.s32 %0, %0, %1; xor.b32 %0, %0, %2;")
BOTH(lop3, unsigned, "r", "lop3.b32 %0, %0, %1, %2, 0xe8;")
BOTH(xmad, unsigned, "r", "{ .reg .u16 h, l, g; mov.b32 {h, g}, %1; mov.b32 {l, g}, %2; mad.wide.u16 %0, h, l, %0; }")
BOTH(shl, unsigned, "r", "shl.b32 %0, %0, %1;")
BOTH(shr, unsigned, "r", "shr.b32 %0, %0, %1;")
BOTH(shf, unsigned, "r", "shf.l.wrap.b32 %0, %0, %1, %2;")
BOTH(bfe, unsigned, "r", "bfe.u32 %0, %0, %1, %2;")
BOTH(bfi, unsigned, "r", "bfi.b32 %0, %1, %0, %2, 5;")
BOTH(iscadd, unsigned, "r", "mad.lo.u32 %0, %0, 4, %1;")
BOTH(imnmx, int, "r", "min.s32 %0, %0, %1; max.s32 %0, %0, %2;")
BOTH(fmnmx, float, "f", "min.f32 %0, %0, %1; max.f32 %0, %0, %2;")
BOTH(sel, int, "r", "{ .reg .pred p; setp.ne.s32 p, %1, 7; selp.s32 %0, %2, %0, p; }")
BOTH(prmt, unsigned, "r", "prmt.b32 %0, %0, %1, %2;")
BOTH(dfma, double, "d", "fma.rn.f64 %0, %1, %2, %0;")
BOTH(dadd, double, "d", "add.f64 %0, %0, %1;")
BOTH(dmul, double, "d", "mul.f64 %0, %0, %1;")
BOTH(hfma2, unsigned, "r", "fma.rn.f16x2 %0, %1, %2, %0;")
BOTH(hadd2, unsigned, "r", "add.f16x2 %0, %0, %1;")
BOTH(hmul2, unsigned, "r", "mul.f16x2 %0, %0, %1;")
BOTH(mufu_rsq, float, "f", "rsqrt.approx.ftz.f32 %0, %0;")
BOTH(mufu_lg2, float, "f", "lg2.approx.ftz.f32 %0, %0;")
BOTH(popc, unsigned, "r", "popc.b32 %0, %0;")
BOTH(flo, unsigned, "r", "bfind.u32 %0, %0;")
BOTH(f2f, float, "f", "cvt.rni.f32.f32 %0, %0;")
BOTH(f2i_i2f, float, "f", "{ .reg .s32 i; cvt.rzi.s32.f32 i, %0; cvt.rn.f32.s32 %0, i; }")
BOTH(shfl, unsigned, "r", "shfl.bfly.b32 %0, %0, %1, 0x1f;")
BOTH(imad, unsigned, "r", "mad.lo.u32 %0, %0, %1, %2;")
BOTH(isetp, int, "r", "{ .reg .pred p; setp.lt.s32 p, %0, %1; selp.s32 %0, %1, %2, p; }")
BOTH(fsetp, float, "f", "{ .reg .pred p; setp.lt.f32 p, %0, %1; selp.f32 %0, %1, %2, p; }")

BOTH(imad_hi, int, "r", "mad.hi.sat.s32 %0, %0, %1, %2;")
BOTH(f2f64, double, "d", "cvt.rni.f64.f64 %0, %0;")

// LDC: a table of zeros; from the second on, each load's result is the address of the next.
__constant__ uint8_t zeros[1056];
BOTH(ldc, unsigned, "r", "{ .reg .u64 t, i; mov.u64 t, zeros; cvt.u64.u32 i, %0; add.u64 t, t, i; ld.const.u8 %0, [t]; }")

// THROUGHPUT_LDS: 256 x n shared loads of 32, 64 or 128 bits, lanes side by side.
#define THROUGHPUT_LDS(NAME, WORDS, LOAD)                                                \
  __global__ void throughput_##NAME(unsigned *out, int n) {                              \
    __shared__ __attribute__((aligned(16))) unsigned s[1024 * WORDS];                    \
    unsigned at = (unsigned)(uint64_t)(__attribute__((address_space(3))) unsigned *)s + threadIdx.x * (4 * WORDS), x = 0; \
    _Pragma("nounroll") for (int i = 0; i < n; i++) {                                    \
      REP32(REP8(asm volatile(LOAD : "=r"(x) : "r"(at));))                               \
    }                                                                                    \
    out[threadIdx.x] = x;                                                                \
  }
THROUGHPUT_LDS(lds, 1, "ld.volatile.shared.u32 %0, [%1];")
THROUGHPUT_LDS(lds64, 2, "{ .reg .u32 x; ld.volatile.shared.v2.u32 {%0, x}, [%1]; }")
THROUGHPUT_LDS(lds128, 4, "{ .reg .u32 x, y, z; ld.volatile.shared.v4.u32 {%0, x, y, z}, [%1]; }")

// banks runs 256 x n FFMAs with three registers each; the Go program gives them other registers (banks.go).
// Inputs that all warps share come through the read-only path: from L2 alone, one slice would serve every warp of the chip.
__global__ void banks(float *__restrict__ out, const float *__restrict__ in, int n) {
  float x[8], a[8], b[8];
  for (int i = 0; i < 8; i++) x[i] = in[i] + threadIdx.x, a[i] = in[8 + i], b[i] = in[16 + i];
#pragma nounroll
  for (int i = 0; i < n; i++) {
    REP32(_Pragma("unroll") for (int j = 0; j < 8; j++) asm volatile("fma.rn.f32 %0, %1, %2, %0;" : "+f"(x[j]) : "f"(a[j]), "f"(b[j]));)
  }
  float sum = 0;
  for (int i = 0; i < 8; i++) sum += x[i];
  out[threadIdx.x] = sum;
}

// dual runs 256 x n FFMAs and, independent of them, an eighth as many shared loads.
__global__ void dual(float *out, float a, float b, int n) {
  __shared__ float s[1024];
  s[threadIdx.x] = a;
  __syncthreads();
  unsigned at = (unsigned)(uint64_t)(__attribute__((address_space(3))) float *)&s[threadIdx.x];
  float x[8], y = 0;
  for (int i = 0; i < 8; i++) x[i] = a + threadIdx.x + i;
#pragma nounroll
  for (int i = 0; i < n; i++) {
    REP32(_Pragma("unroll") for (int j = 0; j < 8; j++) {
      asm volatile("fma.rn.f32 %0, %1, %2, %0;" : "+f"(x[j]) : "f"(a), "f"(b));
      if (j == 0) asm volatile("ld.volatile.shared.f32 %0, [%1];" : "=f"(y) : "r"(at));
    })
  }
  float sum = y;
  for (int i = 0; i < 8; i++) sum += x[i];
  out[threadIdx.x] = sum;
}

// split runs 32 FFMAs for each residue of the lane number mod ways, one after the other.
__global__ void split(unsigned *cycles, float *out, float a, float b, int ways) {
  int lane = threadIdx.x % ways;
  float x = a;
  unsigned t0 = 0, t1 = 0;
#pragma nounroll
  for (int pass = 0; pass < 2; pass++) {
    out[threadIdx.x] = x;
    t0 = clock32();
#pragma nounroll
    for (int i = 0; i < ways; i++)
      if (lane == i) { REP32(asm volatile("fma.rn.f32 %0, %1, %2, %0;" : "+f"(x) : "f"(a), "f"(b));) }
    out[threadIdx.x] = x;
    t1 = clock32();
  }
  if (threadIdx.x == 0) *cycles = t1 - t0;
}

// nested: a thread goes 1 + lane % outer times round a loop and there 1 + lane / 4 % inner times round another one.
__global__ void nested(float *out, float a, float b, int outer, int inner) {
  int n = 1 + threadIdx.x % outer, m = 1 + threadIdx.x / 4 % inner;
  float x = a;
#pragma nounroll
  for (int i = 0; i < n; i++)
#pragma nounroll
    for (int j = 0; j < m; j++) { REP16(asm volatile("fma.rn.f32 %0, %1, %2, %0;" : "+f"(x) : "f"(a), "f"(b));) }
  out[threadIdx.x] = x;
}

// masked runs 32 x n FFMAs, in four chains, in the threads whose byte of take is set.
__global__ void masked(float *out, const uint8_t *take, float a, float b, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float x[4] = {a, a, a, a};
  if (take[i]) {
#pragma nounroll
    for (int j = 0; j < n; j++) {
      REP8(_Pragma("unroll") for (int k = 0; k < 4; k++) asm volatile("fma.rn.f32 %0, %1, %2, %0;" : "+f"(x[k]) : "f"(a), "f"(b));)
    }
  }
  out[i] = x[0] + x[1] + x[2] + x[3];
}

// RESIDENT(N): each block counts itself among those on its SM, notes the most there have been, stays for some cycles and
// leaves. N values a thread are kept in registers meanwhile.
#define RESIDENT(N)                                                                                                                       \
  __global__ void resident_##N(unsigned *blocks, unsigned *most, float *out, const float *in, int cycles) {                               \
    float x[N], sum = 0;                                                                                                                  \
    _Pragma("unroll") for (int i = 0; i < N; i++) asm volatile("ld.global.nc.f32 %0, [%1];" : "=f"(x[i]) : "l"(in + i));         \
    unsigned sm;                                                                                                                          \
    asm volatile("mov.u32 %0, %%smid;" : "=r"(sm));                                                                                       \
    if (threadIdx.x == 0) {                                                                                                               \
      unsigned before, begin = clock32();                                                                                                 \
      asm volatile("atom.global.add.u32 %0, [%1], 1;" : "=r"(before) : "l"(blocks + sm) : "memory");                                      \
      asm volatile("red.global.max.u32 [%0], %1;" ::"l"(most + sm), "r"(before + 1) : "memory");                                          \
      while (clock32() - begin < cycles) {}                                                                                               \
    }                                                                                                                                     \
    __syncthreads();                                                                                                                      \
    _Pragma("unroll") for (int i = 0; i < N; i++) asm volatile("add.f32 %0, %0, %1;" : "+f"(sum) : "f"(x[i]));                            \
    if (threadIdx.x == 0) asm volatile("red.global.add.u32 [%0], %1;" ::"l"(blocks + sm), "r"(-1) : "memory");                            \
    out[threadIdx.x] = sum;                                                                                                               \
  }
RESIDENT(4) RESIDENT(20) RESIDENT(28) RESIDENT(36) RESIDENT(52) RESIDENT(68) RESIDENT(100) RESIDENT(150) RESIDENT(230)
}
