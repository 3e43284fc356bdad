// What a word LSTM needs beside products: gates, embedding, compaction. Matrices are row-major, row t * batch + b for step t and
// sequence b; the width H is a multiple of four. The gates of a row are [i | f | g | o], H of each.
#include "cuda.h"

__device__ __forceinline__ float power2(float x) { return __nvvm_ex2_approx_ftz_f(x); }
constexpr float LOG2E = 1.44269504f;

__device__ __forceinline__ float sigmoid(float x) { return __nvvm_rcp_approx_ftz_f(1.0f + power2(-x * LOG2E)); }

// tanh: near zero the Taylor series, whose next term is below rounding there; elsewhere 1 - 2/(1 + e^2x).
__device__ __forceinline__ float tanh(float x) {
  float s = x * x;
  if (s < 0.0625f) return x + x * s * (-0.33333333f + s * (0.13333333f + s * (-0.053968254f + s * 0.021869489f)));
  return 1.0f - 2.0f * __nvvm_rcp_approx_ftz_f(1.0f + power2(2.0f * LOG2E * x));
}

// One bit a lane: whether x is true there. In PTX because clang's builtin has no code for sm_61.
__device__ __forceinline__ unsigned ballot(bool x) {
  unsigned bits;
  asm volatile("{ .reg .pred p; setp.ne.u32 p, %1, 0; " VOTE_SYNC_("p") " }" : "=r"(bits) : "r"((unsigned)x));
  return bits;
}

extern "C" {

// One step of a layer: gates holds x W_x, of the step before recurrent = h W_h; afterwards gates holds i, f, g and o.
// c = f * before + i * g, h = o * tanh(c). A thread an element of n = batch * H.
__global__ void __launch_bounds__(128) lstm_forward(float *gates, const float *recurrent, const float *bias, const float *before, float *c, float *h, int n, int H) {
  int e = blockIdx.x * 128 + threadIdx.x;
  if (e >= n) return;
  int r = e / H, j = e - r * H, at = r * 4 * H + j;
  float i = sigmoid(gates[at] + recurrent[at] + bias[j]);
  float f = sigmoid(gates[at + H] + recurrent[at + H] + bias[j + H]);
  float g = tanh(gates[at + 2 * H] + recurrent[at + 2 * H] + bias[j + 2 * H]);
  float o = sigmoid(gates[at + 3 * H] + recurrent[at + 3 * H] + bias[j + 3 * H]);
  float s = f * before[e] + i * g;
  gates[at] = i;
  gates[at + H] = f;
  gates[at + 2 * H] = g;
  gates[at + 3 * H] = o;
  c[e] = s;
  h[e] = o * tanh(s);
}

// One step back: gates become their gradients. The gradient of h is that from above, up (rows of ld; kept columns off, off+step, …
// side by side, to be scaled; the others have none), and that from the step after, dh; dc is the gradient of c, kept up to date.
__global__ void __launch_bounds__(128) lstm_backward(float *gates, const float *up, const float *dh, float *dc, const float *before, const float *c, int n, int H,
                                                     int ld, int off, int step, float scale, int last) {
  int e = blockIdx.x * 128 + threadIdx.x;
  if (e >= n) return;
  int r = e / H, j = e - r * H, at = r * 4 * H + j, d = j - off;
  float dy = 0.0f;
  if (step == 1) {
    dy = up[r * ld + j] * scale;
  } else if (d >= 0 && d % step == 0) {
    dy = up[r * ld + d / step] * scale;
  }
  float ds = 0.0f;
  if (!last) {
    dy += dh[e];
    ds = dc[e];
  }
  float i = gates[at], f = gates[at + H], g = gates[at + 2 * H], o = gates[at + 3 * H], t = tanh(c[e]);
  ds += dy * o * (1.0f - t * t);
  gates[at] = ds * g * i * (1.0f - i);
  gates[at + H] = ds * before[e] * f * (1.0f - f);
  gates[at + 2 * H] = ds * i * (1.0f - g * g);
  gates[at + 3 * H] = dy * t * o * (1.0f - o);
  dc[e] = ds * f;
}

// x = the kept columns of y, scaled. Four columns a thread; n4 = rows * ld4; y has rows of H.
__global__ void __launch_bounds__(128) compact(float4 *x, const float *y, int n4, int columns, int ld4, int H, int off, int step, float scale) {
  int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n4) return;
  int r = i / ld4, c = (i - r * ld4) * 4;
  const float *row = y + r * H + off + c * step;
  float4 v;
  v.x = c < columns ? row[0] * scale : 0.0f;
  v.y = c + 1 < columns ? row[step] * scale : 0.0f;
  v.z = c + 2 < columns ? row[2 * step] * scale : 0.0f;
  v.w = c + 3 < columns ? row[3 * step] * scale : 0.0f;
  x[i] = v;
}

// The same with y the embeddings of the tokens, one a row.
__global__ void __launch_bounds__(128) embedding(float4 *x, const float *table, const int *token, int n4, int columns, int ld4, int H, int off, int step, float scale) {
  int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n4) return;
  int r = i / ld4, c = (i - r * ld4) * 4;
  const float *row = table + (long long)token[r] * H + off + c * step;
  float4 v;
  v.x = c < columns ? row[0] * scale : 0.0f;
  v.y = c + 1 < columns ? row[step] * scale : 0.0f;
  v.z = c + 2 < columns ? row[2 * step] * scale : 0.0f;
  v.w = c + 3 < columns ? row[3 * step] * scale : 0.0f;
  x[i] = v;
}

// The gradient of the embeddings, added up by word: row r of g is the scaled sum of the rows of dx with token[r], where r is the first of
// them (first[r] = 1), else zero. A block a row; always in one order, so that the sum does not depend on timing.
__global__ void __launch_bounds__(128) embedding_gradient(float *g, int *first, const float *dx, const int *token, int rows, int ld, float scale) {
  __shared__ unsigned same[2048];  // a bit a row: up to 65536 rows
  int r = blockIdx.x, tid = threadIdx.x, words = (rows + 31) / 32, mine = token[r];
  for (int w = tid / 32; w < words; w += 4) {
    int q = w * 32 + tid % 32;
    unsigned bits = ballot(q < rows && token[q] == mine);
    if (tid % 32 == 0) same[w] = bits;
  }
  __syncthreads();
  bool leads = true;
  for (int w = 0; w <= r / 32; w++)
    if (same[w] & (w == r / 32 ? (1u << r % 32) - 1 : ~0u)) leads = false;
  if (tid == 0) first[r] = leads;
  for (int c = tid; c < ld; c += 128) {
    float sum = 0.0f;
    if (leads)
      for (int w = r / 32; w < words; w++)
        for (unsigned bits = same[w]; bits; bits &= bits - 1) sum += dx[(w * 32 + __builtin_ctz(bits)) * ld + c];
    g[r * ld + c] = sum * scale;
  }
}

// Scatters the update: the kept columns of the words' embeddings. A block a row.
__global__ void __launch_bounds__(128) embedding_update(float *table, const float *g, const int *first, const int *token, int columns, int ld, int H, int off,
                                                        int step, float rate, const float *clip) {
  int r = blockIdx.x;
  if (!first[r]) return;
  rate *= *clip;
  float *row = table + (long long)token[r] * H + off;
  for (int c = threadIdx.x; c < columns; c += 128) row[c * step] -= rate * g[r * ld + c];
}
}
