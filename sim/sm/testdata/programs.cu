// Whole programs that together use most of the instruction set; exec_programs_test.go computes the same in Go.
#include "../../../workloads/kernels/cuda.h"

extern "C" __global__ void histogram(const unsigned *in, unsigned *bins, int n) {
  __shared__ unsigned s[64];
  for (int i = threadIdx.x; i < 64; i += blockDim.x) s[i] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += blockDim.x * gridDim.x)
    __nvvm_atom_add_gen_i((int *)&s[in[i] % 64], 1);
  __syncthreads();
  for (int i = threadIdx.x; i < 64; i += blockDim.x) __nvvm_atom_add_gen_i((int *)&bins[i], s[i]);
}

static __device__ __forceinline__ int up(int v, int d) {
  int r;
  asm volatile("shfl.up.b32 %0, %1, %2, 0;" : "=r"(r) : "r"(v), "r"(d));
  return r;
}

// Inclusive prefix sum of one block of 256 values.
extern "C" __global__ void scan(const int *in, int *out) {
  __shared__ int sums[8];
  int t = threadIdx.x, lane = t & 31, warp = t >> 5;
  int v = in[blockIdx.x * 256 + t];
  for (int d = 1; d < 32; d *= 2) {
    int u = up(v, d);
    if (lane >= d) v += u;
  }
  if (lane == 31) sums[warp] = v;
  __syncthreads();
  if (warp == 0) {
    int s = lane < 8 ? sums[lane] : 0;
    for (int d = 1; d < 8; d *= 2) {
      int u = up(s, d);
      if (lane >= d) s += u;
    }
    if (lane < 8) sums[lane] = s;
  }
  __syncthreads();
  out[blockIdx.x * 256 + t] = v + (warp ? sums[warp - 1] : 0);
}

extern "C" __global__ void transpose(const float *in, float *out, int w, int h) {
  __shared__ float tile[32][33];
  int x = blockIdx.x * 32 + threadIdx.x, y = blockIdx.y * 32 + threadIdx.y;
  for (int j = 0; j < 32; j += 8)
    if (x < w && y + j < h) tile[threadIdx.y + j][threadIdx.x] = in[(y + j) * w + x];
  __syncthreads();
  x = blockIdx.y * 32 + threadIdx.x, y = blockIdx.x * 32 + threadIdx.y;
  for (int j = 0; j < 32; j += 8)
    if (x < h && y + j < w) out[(y + j) * h + x] = tile[threadIdx.x][threadIdx.y + j];
}

extern "C" __global__ void reduce(const float *in, float *out, int n) {
  __shared__ float s[256];
  float v = 0;
  for (int i = threadIdx.x; i < n; i += 256) v += in[i];
  s[threadIdx.x] = v;
  __syncthreads();
  for (int d = 128; d > 0; d /= 2) {
    if (threadIdx.x < d) s[threadIdx.x] += s[threadIdx.x + d];
    __syncthreads();
  }
  if (threadIdx.x == 0) *out = s[0];
}

extern "C" __global__ void spmv(const int *row, const int *col, const float *val, const float *x, float *y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  float s = 0;
  for (int k = row[i]; k < row[i + 1]; k++) s = __builtin_fmaf(val[k], x[col[k]], s);
  y[i] = s;
}

extern "C" __global__ void bitonic(int *data) {
  __shared__ int s[512];
  int t = threadIdx.x;
  s[t] = data[t];
  __syncthreads();
  for (int k = 2; k <= 512; k *= 2)
    for (int j = k / 2; j > 0; j /= 2) {
      int p = t ^ j;
      if (p > t && (s[t] > s[p]) == ((t & k) == 0)) {
        int x = s[t];
        s[t] = s[p];
        s[p] = x;
      }
      __syncthreads();
    }
  data[t] = s[t];
}

extern "C" __global__ void dgemm(const double *a, const double *b, double *c, int n) {
  __shared__ double as[16][16], bs[16][16];
  int r = blockIdx.y * 16 + threadIdx.y, q = blockIdx.x * 16 + threadIdx.x;
  double s = 0;
  for (int k = 0; k < n; k += 16) {
    as[threadIdx.y][threadIdx.x] = a[r * n + k + threadIdx.x];
    bs[threadIdx.y][threadIdx.x] = b[(k + threadIdx.y) * n + q];
    __syncthreads();
    for (int i = 0; i < 16; i++) s = __builtin_fma(as[threadIdx.y][i], bs[i][threadIdx.x], s);
    __syncthreads();
  }
  c[r * n + q] = s;
}

extern "C" __global__ void nbody(const float4 *p, float4 *f, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float4 me = p[i], a = {0, 0, 0, 0};
  for (int j = 0; j < n; j++) {
    float4 o = p[j];
    float dx = o.x - me.x, dy = o.y - me.y, dz = o.z - me.z;
    float d2 = dx * dx + dy * dy + dz * dz + 0.01f;
    float inv = __nvvm_rsqrt_approx_f(d2);
    float s = o.w * inv * inv * inv;
    a.x += dx * s, a.y += dy * s, a.z += dz * s;
  }
  f[i] = a;
}

__device__ __noinline__ int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

extern "C" __global__ void recursion(int *out) { out[threadIdx.x] = fib(threadIdx.x % 13); }

extern "C" __global__ void switches(const int *in, int *out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  int v = in[i], r;
  switch (v & 15) {
    case 0: r = v * 3; break;
    case 1: r = v ^ 0x55; break;
    case 2: r = v / 7; break;
    case 3: r = v % 9; break;
    case 4: r = v << 3; break;
    case 5: r = v >> 2; break;
    case 6: r = -v; break;
    case 7: r = in[v % n]; break;
    case 8: r = v * v; break;
    case 9: r = v + 1000; break;
    case 10: for (r = 0; v > 0; v /= 3) { if (v == 7) break; if (v & 1) continue; r += v; } break;
    default: r = 42;
  }
  out[i] = r;
}

extern "C" __global__ void __launch_bounds__(256) sgemm(const float *a, const float *b, float *c, int n) {
  __shared__ float4 as[8][32], bs[8][32];
  int t = threadIdx.x, tx = t % 16, ty = t / 16;
  float acc[8][8] = {};
  a += blockIdx.y * 128, b += blockIdx.x * 128;
  for (int k = 0; k < n; k += 8) {
    as[t / 32][t % 32] = *(const float4 *)(a + (k + t / 32) * n + t % 32 * 4);
    bs[t / 32][t % 32] = *(const float4 *)(b + (k + t / 32) * n + t % 32 * 4);
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 8; i++) {
      float4 p = as[i][ty], q = as[i][ty + 16], r = bs[i][tx], s = bs[i][tx + 16];
      float x[8] = {p.x, p.y, p.z, p.w, q.x, q.y, q.z, q.w}, y[8] = {r.x, r.y, r.z, r.w, s.x, s.y, s.z, s.w};
#pragma unroll
      for (int j = 0; j < 8; j++)
#pragma unroll
        for (int l = 0; l < 8; l++) acc[j][l] = __builtin_fmaf(x[j], y[l], acc[j][l]);
    }
    __syncthreads();
  }
  for (int j = 0; j < 8; j++)
    for (int l = 0; l < 8; l++)
      c[(blockIdx.y * 128 + ty * 4 + j % 4 + j / 4 * 64) * n + blockIdx.x * 128 + tx * 4 + l % 4 + l / 4 * 64] = acc[j][l];
}

// Masked step: branch divergence and 64-bit indices.
extern "C" __global__ void sgd(float *w, const float *g, const float *m, float rate, long long n) {
  for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += (long long)gridDim.x * blockDim.x)
    if (m[i] != 0) w[i] -= rate * g[i] / m[i];
}
