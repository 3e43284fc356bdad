// Across lanes and threads: shuffles, votes, barriers with a reduction, atomics, generic addresses, special registers.
#include "../../../workloads/kernels/cuda.h"

#define SHFL(name, mode, b, c) \
  extern "C" __global__ void name(const int *in, int *out) { \
    int t = threadIdx.x, r, p; \
    asm volatile("{.reg .pred p; shfl." mode ".b32 %0|p, %2, " b ", " c "; selp.s32 %1,1,0,p;}" : "=r"(r), "=r"(p) : "r"(in[t])); \
    out[t] = r, out[32 + t] = p; \
  }
SHFL(shfl_up, "up", "3", "0x0")
SHFL(shfl_down, "down", "5", "0x1f")
SHFL(shfl_bfly, "bfly", "9", "0x1f")
SHFL(shfl_idx, "idx", "2", "0x181f")

extern "C" __global__ void votes(const int *in, unsigned *out) {
  int t = threadIdx.x, v = in[t];
  unsigned b, all, any;
  asm volatile("{.reg .pred p,q; setp.gt.s32 p,%3,5; vote.ballot.b32 %0,p; vote.all.pred q,p; selp.u32 %1,1,0,q; vote.any.pred q,p; selp.u32 %2,1,0,q;}"
               : "=r"(b), "=r"(all), "=r"(any) : "r"(v));
  out[t] = b, out[blockDim.x + t] = all, out[2 * blockDim.x + t] = any;
}

extern "C" __global__ void barriers(const int *in, unsigned *out) {
  int t = threadIdx.x, v = in[t];
  unsigned n, all, any;
  asm volatile("{.reg .pred p; setp.gt.s32 p,%1,5; bar.red.popc.u32 %0,0,p;}" : "=r"(n) : "r"(v));
  asm volatile("{.reg .pred p,q; setp.gt.s32 p,%1,5; bar.red.and.pred q,0,p; selp.u32 %0,1,0,q;}" : "=r"(all) : "r"(v));
  asm volatile("{.reg .pred p,q; setp.gt.s32 p,%1,5; bar.red.or.pred q,0,p; selp.u32 %0,1,0,q;}" : "=r"(any) : "r"(v));
  out[t] = n, out[blockDim.x + t] = all, out[2 * blockDim.x + t] = any;
}

// One cell an operation.
extern "C" __global__ void atomics(unsigned *cells, unsigned long long *wide, float *sums, unsigned *old) {
  unsigned t = blockIdx.x * blockDim.x + threadIdx.x, r;
  asm volatile("atom.global.add.u32 %0,[%1],%2;" : "=r"(r) : "l"(cells), "r"(1));
  old[t] = r;
  asm volatile("red.global.min.s32 [%0],%1;" ::"l"(cells + 1), "r"(-t));
  asm volatile("red.global.max.u32 [%0],%1;" ::"l"(cells + 2), "r"(t));
  asm volatile("atom.global.inc.u32 %0,[%1],%2;" : "=r"(r) : "l"(cells + 3), "r"(9));
  asm volatile("red.global.xor.b32 [%0],%1;" ::"l"(cells + 4), "r"(t));
  asm volatile("red.global.or.b32 [%0],%1;" ::"l"(cells + 5), "r"(1u << (t % 32)));
  asm volatile("red.global.add.u64 [%0],%1;" ::"l"(wide), "l"((unsigned long long)t << 30));
  unsigned long long seen = wide[1], was;
  for (;;) {  // a maximum by compare-and-swap
    if (seen >= t) break;
    asm volatile("atom.global.cas.b64 %0,[%1],%2,%3;" : "=l"(was) : "l"(wide + 1), "l"(seen), "l"((unsigned long long)t));
    if (was == seen) break;
    seen = was;
  }
  asm volatile("red.global.add.f32 [%0],%1;" ::"l"(sums), "f"(0.5f));
}

// The address is shared, local or global memory by thread.
extern "C" __global__ void generic(int *global, int *out) {
  __shared__ int s[96];
  int l[4], t = threadIdx.x;
  s[t] = 1000 + t;
  for (int i = 0; i < 4; i++) l[i] = 2000 + t * 4 + i;
  __syncthreads();
  int *p = t % 3 == 0 ? s + t : t % 3 == 1 ? l + (t & 3) : global + t;
  int v = *(volatile int *)p;
  *(volatile int *)p = v + 1;
  out[t] = *(volatile int *)p;
}

extern "C" __global__ void specials(unsigned *out) {
  unsigned lt, ge, lane, t = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  asm volatile("mov.u32 %0,%%lanemask_lt; mov.u32 %1,%%lanemask_ge; mov.u32 %2,%%laneid;" : "=r"(lt), "=r"(ge), "=r"(lane));
  unsigned *o = out + 6 * (t + blockDim.x * blockDim.y * blockDim.z * (blockIdx.x + gridDim.x * blockIdx.y));
  o[0] = threadIdx.x | threadIdx.y << 8 | threadIdx.z << 16;
  o[1] = lt, o[2] = ge, o[3] = lane, o[4] = blockIdx.x | blockIdx.y << 16, o[5] = gridDim.x | gridDim.y << 16;
}
