// One family of single-precision GEMM for every method: C = alpha * A B + beta * C, A m x k, B k x n, C m x n, each matrix
// given by a row stride and a column stride in elements. A layout (NN, NT, TN, TT) is a choice of strides, and so is RDP:
// keeping the rows i with (i - b) mod dp = 0 of a dimension is an offset of b-1 and a stride of dp in it, so the same code
// reads only kept rows and columns and scatters to kept places. The dimension that is contiguous (or nearest to it) is a
// template parameter: it decides which threads read neighbouring addresses.
//
// TDP keeps weight tile (i, j), number i * tile_columns + j, where (number - (b-1)) mod dp = 0, or those of a list. In the products
// with the weights as B the loop over k visits the kept tiles only; in the gradient of the weights only kept tiles are computed.
//
// A block computes a BM x BN tile of C, a thread TM x TN of it in 4x4 pieces. Tiles of A and B go through two shared
// buffers, the next one on its way in registers while this one is used; so do the operands of the next step along k. With
// WK > 1 the block's warps share the depth of a tile and add their sums up in shared memory at the end. With gridDim.z > 1
// blocks share k; the last of a tile to arrive adds the parts in order, so that the result does not depend on which it is.
#pragma once
#include "cuda.h"

// How a product walks along k: over all of it, or over the kept tiles, of so many rows and columns.
enum Walk { ALL = 0 };

// Tiles says which k tiles a column of output tiles visits: number k tile * along + n tile * across, where it is bias modulo
// dp. With g = gcd(along, dp) they are apart = dp / g tiles from each other; inverse is that of along / g modulo apart.
// With a list column x visits the tiles list[start[x]] - x * across up to where column x + 1 begins.
struct Tiles {
  int dp, bias, across, g, apart, inverse;
  const int *start, *list;
};

// first returns the first k tile that column x visits, or a number beyond all.
__device__ __forceinline__ int first(const Tiles &t, int x) {
  int r = (unsigned)(t.bias + t.dp - (unsigned)(x * t.across) % (unsigned)t.dp) % (unsigned)t.dp;
  int q = (unsigned)r / (unsigned)t.g;
  return q * t.g == r ? (unsigned)(q * t.inverse) % (unsigned)t.apart : 1 << 30;
}

// stepA, stepB: bytes from one tile of A or B to the next along k (BK elements); chunk: elements of k that a block of
// blockIdx.z takes, a multiple of BK.
#define ARGS float *__restrict__ C, const float *__restrict__ A, const float *__restrict__ B, int m, int n, int k, int ra, int ca, int rb, int cb, int rc, int cc, \
             float alpha, float beta, int chunk, long long stepA, long long stepB, float *__restrict__ partial, unsigned *__restrict__ ticket
#define PASS C, A, B, m, n, k, ra, ca, rb, cb, rc, cc, alpha, beta, chunk, stepA, stepB, partial, ticket

// Stage is one operand's way from global to shared memory: a tile of BX rows or columns (x) by BK along k. KC: k is the
// contiguous dimension. V elements a load.
template <int BX, int BK, int KS, int THREADS, bool KC, int V>
struct Stage {
  static constexpr int UNITS = (KC ? BK : BX) / V;    // loads along the contiguous dimension
  static constexpr int LOADS = BX * BK / V / THREADS; // loads a thread
  static constexpr int APART = THREADS / UNITS;       // distance of a thread's loads in the other dimension
  static constexpr int LD = BX + 4;                   // row of shared memory: transposing stores without conflicts
  static constexpr int SLICE = KS * LD + (BK == KS ? 0 : 128 / BK);  // the slices of k start in different banks
  static constexpr int SIZE = SLICE * (BK / KS);
  static_assert(LOADS * V * THREADS == BX * BK && THREADS % UNITS == 0, "tile and threads do not fit");

  const char *at;          // this thread's first load of the next tile
  unsigned offset[LOADS];  // bytes from there to its other loads
  float value[LOADS * V];
  unsigned to;             // its place in shared memory

  static __device__ __forceinline__ int column(int tid) { return tid % UNITS * V; }
  static __device__ __forceinline__ int other(int tid) { return tid / UNITS; }

  // sx, sk: strides; x0: where the tile starts; count: how many x there are; beyond it the last ones are read again.
  __device__ __forceinline__ void init(const float *p, int x0, int count, int sx, int sk, int tid) {
    const int c = column(tid), o = other(tid);
    unsigned base = 0;
#pragma unroll
    for (int i = 0; i < LOADS; i++) {
      int y = o + i * APART;
      int x = x0 + (KC ? y : c);
      if (x > count - (KC ? 1 : V)) x = count - (KC ? 1 : V);
      unsigned at = 4u * ((unsigned)x * (unsigned)sx + (unsigned)(KC ? c : y) * (unsigned)sk);
      if (i == 0) base = at;
      offset[i] = at - base;
    }
    at = (const char *)p + base;
    to = index(KC ? c : o, KC ? o : c);
  }
  template <bool GUARD>
  __device__ __forceinline__ void fetch(bool go, int limit, int tid) {
#pragma unroll
    for (int i = 0; i < LOADS; i++) {
      bool in = !GUARD || (KC ? column(tid) : other(tid) + i * APART) < limit;
      const char *p = i == 0 ? at : at + offset[i];
      if (V == 4) {
        float4 v = {value[i * V], value[i * V + 1], value[i * V + 2], value[i * V + 3]};
        if (GUARD && !in) v = float4{0.0f, 0.0f, 0.0f, 0.0f};
        if (go && in) v = *(const float4 *)p;
        value[i * V] = v.x, value[i * V + 1] = v.y, value[i * V + 2] = v.z, value[i * V + 3] = v.w;
      } else {
        float v = value[i];
        if (GUARD && !in) v = 0.0f;
        if (go && in) v = *(const float *)p;
        value[i] = v;
      }
    }
  }
  static __device__ __forceinline__ int index(int kk, int x) { return kk / KS * SLICE + kk % KS * LD + x; }
  __device__ __forceinline__ void store(float *buffer) {
    float *p = buffer + to;
#pragma unroll
    for (int i = 0; i < LOADS; i++) {
      if (KC) {
#pragma unroll
        for (int v = 0; v < V; v++) p[v * LD + i * APART] = value[i * V + v];
      } else {
        // APART divides KS or is a multiple of it: the slice of i * APART does not depend on the thread.
        static_assert(KC || APART % KS == 0 || KS % APART == 0, "slices do not fit");
        if (V == 4) {
          float4 x = {value[i * V], value[i * V + 1], value[i * V + 2], value[i * V + 3]};
          *(float4 *)&p[index(i * APART, 0)] = x;
        } else {
          p[index(i * APART, 0)] = value[i];
        }
      }
    }
  }
};

// thread returns threadIdx.x, read again: a value that nothing keeps in a register meanwhile.
__device__ __forceinline__ int thread() {
  int t;
  asm volatile("mov.u32 %0, %%tid.x;" : "=r"(t));
  return t;
}

// loadL2 reads what other blocks have written.
__device__ __forceinline__ float loadL2(const float *p) {
  float v;
  asm volatile("ld.global.cg.f32 %0, [%1];" : "=f"(v) : "l"(p) : "memory");
  return v;
}

template <int BM, int BN, int BK, int TM, int TN, int WK, bool AK, bool BNC, int V, int WALK, bool LIST = false>
__device__ __forceinline__ void gemm(ARGS, int bx, int by, Tiles tiles) {
  constexpr int TX = BN / TN, TY = BM / TM, GROUP = TX * TY, THREADS = GROUP * WK, KS = BK / WK;
  constexpr int WX = TX < 8 ? TX : 8, WY = 32 / WX;  // a warp covers WX x WY threads of the tile
  static_assert(WX == 4 || WX == 8, "place knows these");
  typedef Stage<BM, BK, KS, THREADS, AK, V> StageA;
  typedef Stage<BN, BK, KS, THREADS, !BNC, V> StageB;
  constexpr int BUFFER = StageA::SIZE + StageB::SIZE;
  constexpr int ROOM = 2 * BUFFER > (WK > 1 ? BM * BN : 0) ? 2 * BUFFER : BM * BN;
  __shared__ __attribute__((aligned(16))) float shared[ROOM];
  // Lanes that differ in bit 0 share their rows of A, those that differ in bit 1 their columns of B: so a 128-bit load of
  // either takes two passes over the banks, not four.
  auto place = [](int tid, int &tx, int &ty) {
    const int lane = tid % 32, warp = tid % GROUP / 32;
    tx = (lane & 1) | (WX == 8 ? lane >> 3 << 1 : lane >> 2 & 2);
    ty = (lane >> 1 & 3) | (WX == 8 ? 0 : lane >> 4 << 2);
    tx += warp % (TX / WX) * WX;
    ty += warp / (TX / WX) * WY;
  };

  float acc[TM][TN];
#pragma unroll
  for (int i = 0; i < TM; i++)
#pragma unroll
    for (int j = 0; j < TN; j++) acc[i][j] = 0.0f;
  {
    const int tid = threadIdx.x;
    StageA a;
    StageB b;
    a.init(A, by * BM, m, ra, ca, tid);
    b.init(B, bx * BN, n, cb, rb, tid);
    int steps, limit, inner = 0;  // steps of BK along k; how much of the first one there is
    long long jumpA = 0, jumpB = 0, leap = 0;
    static_assert(WALK == ALL || WALK == BN, "a block is as wide as a weight tile");
    const int *listed, *end;  // lists: the tile behind the next one, and the end
    int tile, ahead;          // this tile and the next one
    if (LIST) {
      // The same from tile to tile of a list.
      listed = tiles.list + tiles.start[bx] + blockIdx.z, end = tiles.list + tiles.start[bx + 1];
      tile = 0, steps = 0;
      if (listed < end) {
        tile = *listed - bx * tiles.across;
        steps = ((unsigned)(end - listed - 1) / gridDim.z + 1) * (WALK / BK);
        listed += gridDim.z;
        ahead = listed < end ? *listed - bx * tiles.across : tile;
      }
      limit = k - tile * WALK;
      a.at += 4ll * WALK * tile * ca;
      b.at += 4ll * WALK * tile * rb;
    } else if (WALK != ALL) {
      // From kept tile to kept tile; the blocks of blockIdx.z take turns.
      int count = (k + WALK - 1) / WALK, apart = tiles.apart;
      int tile = first(tiles, bx) + blockIdx.z * apart;
      apart *= gridDim.z;
      steps = tile < count ? ((unsigned)(count - 1 - tile) / (unsigned)apart + 1) * (WALK / BK) : 0;
      limit = k - tile * WALK;
      a.at += 4ll * WALK * tile * ca;
      b.at += 4ll * WALK * tile * rb;
      leap = apart * WALK - WALK + BK;
      jumpA = 4ll * leap * ca;
      jumpB = 4ll * leap * rb;
    } else {
      // The odd step first: all others are whole.
      int k0 = blockIdx.z * chunk, length = k - k0 < chunk ? k - k0 : chunk;
      steps = (length + BK - 1) / BK;
      limit = length - (steps - 1) * BK;
      a.at += 4ll * k0 * ca;
      b.at += 4ll * k0 * rb;
    }
    if (steps > 0) {
      int tx, ty;
      place(tid, tx, ty);
      const int slice = tid / GROUP;
      float x[2][TM], y[2][TN];
      const float *sa = shared + slice * StageA::SLICE + ty * 4, *sb = shared + StageA::SIZE + slice * StageB::SLICE + tx * 4;
      auto operands = [&](int to, int kk, int buffer) {
#pragma unroll
        for (int i = 0; i < TM; i += 4) {
          float4 v = *(const float4 *)(sa + buffer + kk * StageA::LD + i * TY);
          x[to][i] = v.x, x[to][i + 1] = v.y, x[to][i + 2] = v.z, x[to][i + 3] = v.w;
        }
#pragma unroll
        for (int j = 0; j < TN; j += 4) {
          float4 v = *(const float4 *)(sb + buffer + kk * StageB::LD + j * TX);
          y[to][j] = v.x, y[to][j + 1] = v.y, y[to][j + 2] = v.z, y[to][j + 3] = v.w;
        }
      };
      a.template fetch<true>(true, limit, tid);
      b.template fetch<true>(true, limit, tid);
      if (WALK == ALL) {
        a.at += 4ll * limit * ca;
        b.at += 4ll * limit * rb;
      }
      a.store(shared);
      b.store(shared + StageA::SIZE);
      __syncthreads();
      int buffer = 0;
      operands(0, 0, 0);
      bool more;
      do {
        more = --steps > 0;
        if (LIST) {
          bool jump = BK == WALK || ++inner == WALK / BK;
          if (jump) {
            inner = 0;
            int leap = (ahead - tile) * WALK - WALK + BK;
            limit -= leap;
            a.at += 4ll * leap * ca;
            b.at += 4ll * leap * rb;
            tile = ahead;
            listed += gridDim.z;
            if (listed < end) ahead = *listed - bx * tiles.across;
          } else {
            limit -= BK;
            a.at += stepA;
            b.at += stepB;
          }
          a.template fetch<true>(more, limit, tid);
          b.template fetch<true>(more, limit, tid);
        } else if (WALK != ALL) {
          bool jump = BK == WALK || ++inner == WALK / BK;
          if (jump) inner = 0;
          limit -= jump ? (int)leap : BK;
          a.at += jump ? jumpA : stepA;
          b.at += jump ? jumpB : stepB;
          a.template fetch<true>(more, limit, tid);
          b.template fetch<true>(more, limit, tid);
        } else {
          a.template fetch<false>(more, BK, tid);
          b.template fetch<false>(more, BK, tid);
          a.at += stepA;
          b.at += stepB;
        }
#pragma unroll
        for (int kk = 0; kk < KS; kk++) {
          if (kk + 1 < KS) {
            operands((kk + 1) % 2, kk + 1, buffer);
          } else {
            buffer = BUFFER - buffer;
            a.store(shared + buffer);
            b.store(shared + buffer + StageA::SIZE);
            __syncthreads();
            operands(0, 0, buffer);
          }
          // In this order ptxas finds registers with few bank conflicts.
#pragma unroll
          for (int i = 0; i < TM; i++)
#pragma unroll
            for (int q = 0; q < TN; q++) {
              const int j = (q + i + 2) % TN;
              acc[i][j] = __builtin_fmaf(x[kk % 2][i], y[kk % 2][j], acc[i][j]);
            }
        }
      } while (more);
    }
  }

  const int tid = thread(), slice = tid / GROUP, at = tid % GROUP;
  if (WK > 1) {  // the slices of the block's depth
#pragma unroll
    for (int s = 1; s < WK; s++) {
      __syncthreads();
      if (slice == s) {
#pragma unroll
        for (int i = 0; i < TM; i++)
#pragma unroll
          for (int j = 0; j < TN; j++) shared[(i * TN + j) * GROUP + at] = acc[i][j];
      }
      __syncthreads();
      if (slice == 0) {
#pragma unroll
        for (int i = 0; i < TM; i++)
#pragma unroll
          for (int j = 0; j < TN; j++) acc[i][j] += shared[(i * TN + j) * GROUP + at];
      }
    }
    if (gridDim.z == 1 && slice > 0) return;
  }
  if (gridDim.z > 1) {  // the blocks of one tile
    const int tile = by * gridDim.x + bx;
    // One by one: sums that leave in vectors would have to stand in vectors, which costs register-bank conflicts in the loop.
    float *mine = partial + (long long)(tile * gridDim.z + blockIdx.z) * (BM * BN) + at;
    if (slice == 0) {
#pragma unroll
      for (int i = 0; i < TM; i++)
#pragma unroll
        for (int j = 0; j < TN; j++) mine[(i * TN + j) * GROUP] = acc[i][j];
    }
    __shared__ bool last;
    __nvvm_membar_gl();
    __syncthreads();
    if (tid == 0) {
      last = __nvvm_atom_inc_gen_ui(ticket + tile, gridDim.z - 1) == gridDim.z - 1;
      __nvvm_membar_gl();
    }
    __syncthreads();
    if (!last || slice > 0) return;
    const float *part = partial + (long long)tile * gridDim.z * (BM * BN) + at;
#pragma unroll
    for (int i = 0; i < TM; i++)
#pragma unroll
      for (int j = 0; j < TN; j++) acc[i][j] = 0.0f;
#pragma unroll 1
    for (int z = 0; z < gridDim.z; z++, part += BM * BN) {
#pragma unroll
      for (int i = 0; i < TM; i++)
#pragma unroll
        for (int j = 0; j < TN; j++) acc[i][j] += loadL2(part + (i * TN + j) * GROUP);
    }
  }
  int tx, ty;
  place(tid, tx, ty);
  const int r0 = by * BM + ty * 4, c0 = bx * BN + tx * 4;
  const bool add = beta != 0.0f;
#pragma unroll
  for (int i = 0; i < TM; i++)
#pragma unroll
    for (int j = 0; j < TN; j++) acc[i][j] *= alpha;
#pragma unroll
  for (int i = 0; i < TM; i += 4)
#pragma unroll
    for (int j = 0; j < TN; j += 4) {
      const int r = r0 + i * TY, c = c0 + j * TX;
      float *to = C + ((long long)r * rc + (long long)c * cc);
      if (V == 1) {
#pragma unroll
        for (int p = 0; p < 4; p++)
#pragma unroll
          for (int q = 0; q < 4; q++) {
            const bool in = r + p < m && c + q < n;
            float *at = to + ((long long)p * rc + (long long)q * cc);
            float v = 0.0f;
            if (in && add) v = *at;
            v = __builtin_fmaf(beta, v, acc[i + p][j + q]);
            if (in) *at = v;
          }
      } else if (cc == 1) {
#pragma unroll
        for (int p = 0; p < 4; p++) {
          const bool in = r + p < m && c < n;
          float4 *at = (float4 *)(to + (long long)p * rc), v = {0.0f, 0.0f, 0.0f, 0.0f};
          if (in && add) v = *at;
          v = beta * v + float4{acc[i + p][j], acc[i + p][j + 1], acc[i + p][j + 2], acc[i + p][j + 3]};
          if (in) *at = v;
        }
      } else {
#pragma unroll
        for (int q = 0; q < 4; q++) {
          const bool in = r < m && c + q < n;
          float4 *at = (float4 *)(to + (long long)q * cc), v = {0.0f, 0.0f, 0.0f, 0.0f};
          if (in && add) v = *at;
          v = beta * v + float4{acc[i][j + q], acc[i + 1][j + q], acc[i + 2][j + q], acc[i + 3][j + q]};
          if (in) *at = v;
        }
      }
    }
}
