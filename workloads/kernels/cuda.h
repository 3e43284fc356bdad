// What CUDA C++ adds to C++, for clang without a CUDA installation.
#pragma once

#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __host__ __attribute__((host))
#define __shared__ __attribute__((shared))
#define __constant__ __attribute__((constant))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))

typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;
typedef int int32_t;
typedef long long int64_t;

// Vector types of clang, not structs: a structure is loaded member by member.
typedef float float2 __attribute__((ext_vector_type(2)));
typedef float float4 __attribute__((ext_vector_type(4)));
typedef unsigned uint2 __attribute__((ext_vector_type(2)));
typedef unsigned uint4 __attribute__((ext_vector_type(4)));

// threadIdx, blockIdx, blockDim, gridDim: reading a member reads the special register.
#define SREG_(member, builtin) \
  __declspec(property(get = get_##member)) unsigned member; \
  static __device__ __forceinline__ unsigned get_##member() { return builtin(); }
struct threadIdx_t { SREG_(x, __nvvm_read_ptx_sreg_tid_x) SREG_(y, __nvvm_read_ptx_sreg_tid_y) SREG_(z, __nvvm_read_ptx_sreg_tid_z) };
struct blockIdx_t { SREG_(x, __nvvm_read_ptx_sreg_ctaid_x) SREG_(y, __nvvm_read_ptx_sreg_ctaid_y) SREG_(z, __nvvm_read_ptx_sreg_ctaid_z) };
struct blockDim_t { SREG_(x, __nvvm_read_ptx_sreg_ntid_x) SREG_(y, __nvvm_read_ptx_sreg_ntid_y) SREG_(z, __nvvm_read_ptx_sreg_ntid_z) };
struct gridDim_t { SREG_(x, __nvvm_read_ptx_sreg_nctaid_x) SREG_(y, __nvvm_read_ptx_sreg_nctaid_y) SREG_(z, __nvvm_read_ptx_sreg_nctaid_z) };
extern const __device__ __attribute__((weak)) threadIdx_t threadIdx;
extern const __device__ __attribute__((weak)) blockIdx_t blockIdx;
extern const __device__ __attribute__((weak)) blockDim_t blockDim;
extern const __device__ __attribute__((weak)) gridDim_t gridDim;
#undef SREG_

// From sm_70 on threads of a warp need not be together: shuffles and votes name those that take part, here all.
#if __CUDA_ARCH__ >= 700
#define __nvvm_shfl_bfly_f32(x, lane, c) __nvvm_shfl_sync_bfly_f32(0xffffffff, x, lane, c)
#define VOTE_SYNC_(p) "vote.sync.ballot.b32 %0, " p ", 0xffffffff;"
#else
#define VOTE_SYNC_(p) "vote.ballot.b32 %0, " p ";"
#endif

// __syncthreads is a builtin of clang.
