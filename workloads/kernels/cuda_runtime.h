// What CUDA C++ programs expect beyond cuda.h: names of CUDA's headers for use without a CUDA installation, with what
// warpdrop sim FILE.cu compiles. The library's functions are here as far as they are one instruction or a few.
#pragma once
#include "cuda.h"


struct dim3 {
  unsigned x, y, z;
  __host__ __device__ constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
// What host code calls. It is read and not compiled; kernels are launched by warpdrop sim.
extern "C" int cudaConfigureCall(dim3, dim3, unsigned long = 0, void * = 0);
typedef int cudaError_t;
typedef struct CUstream_st *cudaStream_t;
typedef struct CUevent_st *cudaEvent_t;
enum { cudaSuccess = 0 };
enum cudaMemcpyKind { cudaMemcpyHostToHost, cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice, cudaMemcpyDefault };
template <class T> cudaError_t cudaMalloc(T **, unsigned long);
template <class T> cudaError_t cudaMallocManaged(T **, unsigned long, unsigned = 1);
template <class T> cudaError_t cudaMallocHost(T **, unsigned long);
template <class T> cudaError_t cudaMemcpyToSymbol(const T &, const void *, unsigned long, unsigned long = 0, cudaMemcpyKind = cudaMemcpyHostToDevice);
template <class T> cudaError_t cudaMemcpyFromSymbol(void *, const T &, unsigned long, unsigned long = 0, cudaMemcpyKind = cudaMemcpyDeviceToHost);
cudaError_t cudaFree(void *);
cudaError_t cudaFreeHost(void *);
cudaError_t cudaMemcpy(void *, const void *, unsigned long, cudaMemcpyKind);
cudaError_t cudaMemcpyAsync(void *, const void *, unsigned long, cudaMemcpyKind, cudaStream_t = 0);
cudaError_t cudaMemset(void *, int, unsigned long);
cudaError_t cudaDeviceSynchronize();
cudaError_t cudaDeviceReset();
cudaError_t cudaSetDevice(int);
cudaError_t cudaGetLastError();
const char *cudaGetErrorString(cudaError_t);
cudaError_t cudaStreamCreate(cudaStream_t *);
cudaError_t cudaStreamSynchronize(cudaStream_t);
cudaError_t cudaStreamDestroy(cudaStream_t);
cudaError_t cudaEventCreate(cudaEvent_t *);
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t = 0);
cudaError_t cudaEventSynchronize(cudaEvent_t);
cudaError_t cudaEventElapsedTime(float *, cudaEvent_t, cudaEvent_t);
cudaError_t cudaEventDestroy(cudaEvent_t);

struct __attribute__((aligned(8))) int2 { int x, y; };
struct __attribute__((aligned(16))) int4 { int x, y, z, w; };
struct int3 { int x, y, z; };
struct uint3 { unsigned x, y, z; };
struct float3 { float x, y, z; };
struct __attribute__((aligned(16))) double2 { double x, y; };
struct __attribute__((aligned(4))) char4 { signed char x, y, z, w; };
struct __attribute__((aligned(4))) uchar4 { unsigned char x, y, z, w; };

#define WD_FN static __device__ __forceinline__

WD_FN float2 make_float2(float x, float y) { return {x, y}; }
WD_FN float3 make_float3(float x, float y, float z) { return {x, y, z}; }
WD_FN float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
WD_FN int2 make_int2(int x, int y) { return {x, y}; }
WD_FN int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
WD_FN uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
WD_FN uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
WD_FN double2 make_double2(double x, double y) { return {x, y}; }

// Order of memory accesses.
WD_FN void __threadfence() { asm volatile("membar.gl;" ::: "memory"); }
WD_FN void __threadfence_block() { asm volatile("membar.cta;" ::: "memory"); }
WD_FN void __threadfence_system() { asm volatile("membar.sys;" ::: "memory"); }
// Across a warp. All lanes of the mask take part, as CUDA demands. Before Volta a warp runs in lockstep; since then what
// takes part are the threads that are together, which __syncwarp brings together first.
#if __CUDA_ARCH__ >= 700
WD_FN void __syncwarp(unsigned mask = ~0u) { asm volatile("bar.warp.sync %0;" ::"r"(mask) : "memory"); }
#define WD_TOGETHER_(name, mode, operands) "{.reg .b32 m; activemask.b32 m; " name ".sync." mode " " operands ", m;}"
#else
WD_FN void __syncwarp(unsigned = ~0u) { asm volatile("" ::: "memory"); }
#define WD_TOGETHER_(name, mode, operands) name "." mode " " operands ";"
#endif
#define WD_SHFL_(name, mode, clamp) \
  WD_FN int name(int v, int d, int width = 32) { \
    int r, c = ((32 - width) << 8) | clamp; \
    asm volatile(WD_TOGETHER_("shfl", mode ".b32", "%0, %1, %2, %3") : "=r"(r) : "r"(v), "r"(d), "r"(c)); \
    return r; \
  } \
  WD_FN unsigned name(unsigned v, int d, int width = 32) { return (unsigned)name((int)v, d, width); } \
  WD_FN float name(float v, int d, int width = 32) { return __builtin_bit_cast(float, name(__builtin_bit_cast(int, v), d, width)); } \
  WD_FN long long name(long long v, int d, int width = 32) { \
    unsigned lo = name((unsigned)v, d, width), hi = name((unsigned)(v >> 32), d, width); \
    return (long long)((unsigned long long)hi << 32 | lo); \
  } \
  WD_FN double name(double v, int d, int width = 32) { return __builtin_bit_cast(double, name(__builtin_bit_cast(long long, v), d, width)); } \
  template <class T> WD_FN T name##_sync(unsigned mask, T v, int d, int width = 32) { \
    __syncwarp(mask); \
    return name(v, d, width); \
  }
WD_SHFL_(__shfl, "idx", 31)
WD_SHFL_(__shfl_up, "up", 0)
WD_SHFL_(__shfl_down, "down", 31)
WD_SHFL_(__shfl_xor, "bfly", 31)

WD_FN unsigned __ballot(int p) {
  unsigned r;
  asm volatile("{.reg .pred p; setp.ne.s32 p, %1, 0; " WD_TOGETHER_("vote", "ballot.b32", "%0, p") "}" : "=r"(r) : "r"(p));
  return r;
}
WD_FN int __all(int p) { unsigned active = __ballot(1); return __ballot(p) == active; }
WD_FN int __any(int p) { return __ballot(p) != 0; }
WD_FN unsigned __activemask() { return __ballot(1); }
WD_FN unsigned __ballot_sync(unsigned mask, int p) {
  __syncwarp(mask);
  return __ballot(p) & mask;
}
WD_FN int __all_sync(unsigned mask, int p) { return __ballot_sync(mask, p) == (mask & __ballot(1)); }
WD_FN int __any_sync(unsigned mask, int p) { return __ballot_sync(mask, p) != 0; }
WD_FN int __syncthreads_count(int p) {
  int r;
  asm volatile("{.reg .pred p; setp.ne.s32 p, %1, 0; bar.red.popc.u32 %0, 0, p;}" : "=r"(r) : "r"(p) : "memory");
  return r;
}
WD_FN int __syncthreads_or(int p) { return __syncthreads_count(p) != 0; }
WD_FN int __syncthreads_and(int p) { return __syncthreads_count(!p) == 0; }

// Atomics, on shared or global memory.
#define WD_ATOMIC_(name, T, letter, text) \
  WD_FN T name(T *p, T v) { \
    T r; \
    asm volatile("atom." text " %0, [%1], %2;" : "=" letter(r) : "l"(p), letter(v) : "memory"); \
    return r; \
  }
WD_ATOMIC_(atomicAdd, int, "r", "add.u32")
WD_ATOMIC_(atomicAdd, unsigned, "r", "add.u32")
WD_ATOMIC_(atomicAdd, unsigned long long, "l", "add.u64")
WD_ATOMIC_(atomicAdd, float, "f", "add.f32")
WD_ATOMIC_(atomicAdd, double, "d", "add.f64")
WD_ATOMIC_(atomicMin, int, "r", "min.s32")
WD_ATOMIC_(atomicMin, unsigned, "r", "min.u32")
WD_ATOMIC_(atomicMax, int, "r", "max.s32")
WD_ATOMIC_(atomicMax, unsigned, "r", "max.u32")
WD_ATOMIC_(atomicMin, long long, "l", "min.s64")
WD_ATOMIC_(atomicMax, long long, "l", "max.s64")
WD_ATOMIC_(atomicMin, unsigned long long, "l", "min.u64")
WD_ATOMIC_(atomicMax, unsigned long long, "l", "max.u64")
WD_ATOMIC_(atomicAnd, int, "r", "and.b32")
WD_ATOMIC_(atomicAnd, unsigned, "r", "and.b32")
WD_ATOMIC_(atomicOr, int, "r", "or.b32")
WD_ATOMIC_(atomicOr, unsigned, "r", "or.b32")
WD_ATOMIC_(atomicXor, int, "r", "xor.b32")
WD_ATOMIC_(atomicXor, unsigned, "r", "xor.b32")
WD_ATOMIC_(atomicInc, unsigned, "r", "inc.u32")
WD_ATOMIC_(atomicDec, unsigned, "r", "dec.u32")
WD_ATOMIC_(atomicExch, int, "r", "exch.b32")
WD_ATOMIC_(atomicExch, unsigned, "r", "exch.b32")
WD_ATOMIC_(atomicExch, unsigned long long, "l", "exch.b64")
WD_FN float atomicExch(float *p, float v) { return __builtin_bit_cast(float, atomicExch((int *)p, __builtin_bit_cast(int, v))); }
WD_FN int atomicSub(int *p, int v) { return atomicAdd(p, -v); }
WD_FN unsigned atomicSub(unsigned *p, unsigned v) { return atomicAdd(p, 0u - v); }
#define WD_CAS_(T, letter, text) \
  WD_FN T atomicCAS(T *p, T was, T v) { \
    T r; \
    asm volatile("atom." text " %0, [%1], %2, %3;" : "=" letter(r) : "l"(p), letter(was), letter(v) : "memory"); \
    return r; \
  }
WD_CAS_(int, "r", "cas.b32")
WD_CAS_(unsigned, "r", "cas.b32")
WD_CAS_(unsigned long long, "l", "cas.b64")

// Loads by the read-only path.
#define WD_LDG_(T, letter, text) \
  WD_FN T __ldg(const T *p) { \
    T r; \
    asm("ld.global.nc." text " %0, [%1];" : "=" letter(r) : "l"(p)); \
    return r; \
  }
WD_LDG_(int, "r", "s32")
WD_LDG_(unsigned, "r", "u32")
WD_LDG_(float, "f", "f32")
WD_LDG_(double, "d", "f64")
WD_LDG_(unsigned long long, "l", "u64")
WD_FN float4 __ldg(const float4 *p) {
  float4 r;
  asm("ld.global.nc.v4.f32 {%0,%1,%2,%3}, [%4];" : "=f"(r.x), "=f"(r.y), "=f"(r.z), "=f"(r.w) : "l"(p));
  return r;
}

// Integers.
WD_FN int __popc(unsigned x) { return __builtin_popcount(x); }
WD_FN int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
WD_FN int __clz(int x) { int r; asm("clz.b32 %0, %1;" : "=r"(r) : "r"(x)); return r; }
WD_FN int __ffs(int x) { return x ? __builtin_ctz(x) + 1 : 0; }
WD_FN unsigned __brev(unsigned x) { return __builtin_bitreverse32(x); }
WD_FN int __mulhi(int a, int b) { return (int)((long long)a * b >> 32); }
WD_FN unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((unsigned long long)a * b >> 32); }
WD_FN unsigned __byte_perm(unsigned a, unsigned b, unsigned s) { unsigned r; asm("prmt.b32 %0, %1, %2, %3;" : "=r"(r) : "r"(a), "r"(b), "r"(s)); return r; }
WD_FN int __dp4a(int a, int b, int c) { int r; asm("dp4a.s32.s32 %0, %1, %2, %3;" : "=r"(r) : "r"(a), "r"(b), "r"(c)); return r; }
WD_FN int min(int a, int b) { return a < b ? a : b; }
WD_FN int max(int a, int b) { return a > b ? a : b; }
WD_FN unsigned min(unsigned a, unsigned b) { return a < b ? a : b; }
WD_FN unsigned max(unsigned a, unsigned b) { return a > b ? a : b; }

// Floating point. expf and logf go through base 2 with the approximate instructions: a few units in the last place off.
WD_FN float fminf(float a, float b) { return __builtin_fminf(a, b); }
WD_FN float fmaxf(float a, float b) { return __builtin_fmaxf(a, b); }
WD_FN float min(float a, float b) { return __builtin_fminf(a, b); }
WD_FN float max(float a, float b) { return __builtin_fmaxf(a, b); }
WD_FN float fabsf(float x) { return __builtin_fabsf(x); }
WD_FN float sqrtf(float x) { return __builtin_sqrtf(x); }
WD_FN float fmaf(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
WD_FN float floorf(float x) { return __builtin_floorf(x); }
WD_FN float ceilf(float x) { return __builtin_ceilf(x); }
WD_FN float truncf(float x) { return __builtin_truncf(x); }
WD_FN float rintf(float x) { return __builtin_rintf(x); }
WD_FN double fabs(double x) { return __builtin_fabs(x); }
WD_FN double sqrt(double x) { return __builtin_sqrt(x); }
WD_FN double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
WD_FN double floor(double x) { return __builtin_floor(x); }
WD_FN double fmin(double a, double b) { return __builtin_fmin(a, b); }
WD_FN double fmax(double a, double b) { return __builtin_fmax(a, b); }
WD_FN float rsqrtf(float x) { return __nvvm_rsqrt_approx_f(x); }
WD_FN float __fdividef(float a, float b) { float r; asm("div.approx.f32 %0, %1, %2;" : "=f"(r) : "f"(a), "f"(b)); return r; }
WD_FN float exp2f(float x) { return __nvvm_ex2_approx_f(x); }
WD_FN float log2f(float x) { return __nvvm_lg2_approx_f(x); }
WD_FN float __expf(float x) { return exp2f(x * 1.4426950408889634f); }
WD_FN float __logf(float x) { return log2f(x) * 0.6931471805599453f; }
// e^x = 2^n e^f with f in ln 2 times [-1/2, 1/2]; 2^n in two factors, since n goes to 128 and, for results below the least
// normal number, to -150.
WD_FN float expf(float x) {
  if (x != x) return x;
  x = __builtin_fminf(__builtin_fmaxf(x, -105.0f), 89.0f);  // 0 and infinity
  int n = (int)rintf(x * 1.4426950408889634f);
  float f = fmaf((float)n, -1.9082149292705877e-10f, fmaf((float)n, -0.693147180369123816490f, x));
  float half = __builtin_bit_cast(float, ((n >> 1) + 127) << 23), rest = __builtin_bit_cast(float, (n - (n >> 1) + 127) << 23);
  return exp2f(f * 1.4426950408889634f) * half * rest;
}
WD_FN float logf(float x) { return __logf(x); }
WD_FN float __sinf(float x) { return __nvvm_sin_approx_f(x); }
WD_FN float __cosf(float x) { return __nvvm_cos_approx_f(x); }
WD_FN int __float_as_int(float x) { return __builtin_bit_cast(int, x); }
WD_FN unsigned __float_as_uint(float x) { return __builtin_bit_cast(unsigned, x); }
WD_FN float __int_as_float(int x) { return __builtin_bit_cast(float, x); }
WD_FN float __uint_as_float(unsigned x) { return __builtin_bit_cast(float, x); }
WD_FN long long clock64() { long long r; asm volatile("mov.u64 %0, %%clock64;" : "=l"(r)); return r; }
WD_FN int clock() { int r; asm volatile("mov.u32 %0, %%clock;" : "=r"(r)); return r; }
