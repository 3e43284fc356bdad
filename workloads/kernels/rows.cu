// Kept rows and columns by lists: what update.cu, elementwise.cu and lstm.cu do for regular patterns, where any rows may be kept.
// A dimension of n indices of which k are kept has an array of k + n numbers: list[j], j < k, is the j-th index kept, and
// list[k + i] the place of index i among them, -1 where it is dropped. A null list keeps all. Matrices and lazy momentum are as in
// update.cu.
#include "cuda.h"

#define BIAS float *b, float *bv, const float *bg, int nb, const int *blist, int bkept

__device__ __forceinline__ int index(const int *list, int j) { return list ? list[j] : j; }

__device__ __forceinline__ int place(const int *list, int kept, int i) { return list ? list[kept + i] : i; }

// Element i of the bias.
__device__ __forceinline__ void bias(int i, BIAS, float rate, float momentum) {
  if (i >= nb) return;
  int p = place(blist, bkept, i);
  float v = momentum * bv[i];
  if (p >= 0) v -= rate * bg[p];
  bv[i] = v;
  b[i] += v;
}

extern "C" {

// y = max(y + bias, 0) * scale for kept columns side by side. Four columns a thread; n4 = rows * ld / 4.
__global__ void __launch_bounds__(128) bias_relu_list(float4 *y, const float *bias, int n4, int columns, int ld4, const int *list, float scale) {
  int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n4) return;
  int c = i % ld4 * 4;
  float4 v = y[i];
  v.x = c < columns ? v.x + bias[list[c]] : 0.0f;
  v.y = c + 1 < columns ? v.y + bias[list[c + 1]] : 0.0f;
  v.z = c + 2 < columns ? v.z + bias[list[c + 2]] : 0.0f;
  v.w = c + 3 < columns ? v.w + bias[list[c + 3]] : 0.0f;
  v.x = v.x > 0.0f ? v.x * scale : 0.0f;
  v.y = v.y > 0.0f ? v.y * scale : 0.0f;
  v.z = v.z > 0.0f ? v.z * scale : 0.0f;
  v.w = v.w > 0.0f ? v.w * scale : 0.0f;
  y[i] = v;
}

// w = z - factor * u of the kept rows, all columns of them, side by side, and zero in rows of padding: n4 vectors of w. Without u w = z.
__global__ void __launch_bounds__(128) gather_rows_list(float4 *w, const float4 *z, const float4 *u, int n4, int ld4, const int *rows, int nr, float factor) {
  int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n4) return;
  int q = i / ld4;
  float4 v = {0.0f, 0.0f, 0.0f, 0.0f};
  if (q < nr) {
    int at = index(rows, q) * ld4 + i - q * ld4;
    v = z[at];
    if (u) v -= factor * u[at];
  }
  w[i] = v;
}

// The same of nc kept columns of nr kept rows, zero in rows and columns of padding; n = rows of w * ldw.
__global__ void __launch_bounds__(128) gather_list(float *w, const float *z, const float *u, int n, int ld, int ldw, const int *rows, int nr, const int *columns,
                                                   int nc, float factor) {
  int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n) return;
  int q = i / ldw, c = i - q * ldw;
  float v = 0.0f;
  if (q < nr && c < nc) {
    int at = index(rows, q) * ld + index(columns, c);
    v = z[at];
    if (u) v -= factor * u[at];
  }
  w[i] = v;
}

// v = momentum * v - rate * g; w += v, of all weights, g being of the kept ones only.
__global__ void __launch_bounds__(128) sgd_list(float4 *w, float4 *v, const float *g, int n4, int ld4, int width, int ldg, const int *rows, int nr, const int *columns,
                                                int nc, float rate, float momentum, BIAS) {
  int blocks = (n4 + 127) / 128, i = blockIdx.x * 128 + threadIdx.x;
  if (blockIdx.x >= blocks) return bias(i - blocks * 128, b, bv, bg, nb, blist, bkept, rate, momentum);
  if (i >= n4) return;
  int r = i / ld4, c = (i - r * ld4) * 4, q = place(rows, nr, r);
  float4 grad = {0.0f, 0.0f, 0.0f, 0.0f};
  if (q >= 0) {
    const float *row = g + q * ldg;
    if (columns) {
      int p = c < width ? columns[nc + c] : -1;
      if (p >= 0) grad.x = row[p];
      p = c + 1 < width ? columns[nc + c + 1] : -1;
      if (p >= 0) grad.y = row[p];
      p = c + 2 < width ? columns[nc + c + 2] : -1;
      if (p >= 0) grad.z = row[p];
      p = c + 3 < width ? columns[nc + c + 3] : -1;
      if (p >= 0) grad.w = row[p];
    } else {
      grad = *(const float4 *)(row + c);
    }
  }
  float4 d = momentum * v[i] - rate * grad;
  v[i] = d;
  w[i] += d;
}

// Lazy update of the kept rows, all columns of them: n4 vectors of g.
__global__ void __launch_bounds__(128) lazy_rows_list(float4 *z, float4 *u, const float4 *g, int n4, int ld4, const int *rows, float rateZ, float rateU, float rate,
                                                      float momentum, BIAS) {
  int blocks = (n4 + 127) / 128, i = blockIdx.x * 128 + threadIdx.x;
  if (blockIdx.x >= blocks) return bias(i - blocks * 128, b, bv, bg, nb, blist, bkept, rate, momentum);
  if (i >= n4) return;
  int r = i / ld4, at = index(rows, r) * ld4 + i - r * ld4;
  float4 d = g[i];
  z[at] -= rateZ * d;
  u[at] -= rateU * d;
}

// Lazy update of the kept columns of the kept rows: n = kept rows * ldg.
__global__ void __launch_bounds__(128) lazy_list(float *z, float *u, const float *g, int n, int ld, int ldg, const int *rows, const int *columns, int nc, float rateZ,
                                                 float rateU, float rate, float momentum, BIAS) {
  int blocks = (n + 127) / 128, i = blockIdx.x * 128 + threadIdx.x;
  if (blockIdx.x >= blocks) return bias(i - blocks * 128, b, bv, bg, nb, blist, bkept, rate, momentum);
  if (i >= n) return;
  int r = i / ldg, c = i - r * ldg;
  if (c >= nc) return;
  int at = index(rows, r) * ld + index(columns, c);
  float d = g[i];
  z[at] -= rateZ * d;
  u[at] -= rateU * d;
}

// Plain SGD of the kept rows, all columns of them; the rate is scaled by the clipping factor. n4 vectors of g.
__global__ void __launch_bounds__(128) descend_rows_list(float4 *w, const float4 *g, int n4, int ld4, const int *rows, float rate, const float *clip, float *b,
                                                         const float *bg, int nb) {
  int blocks = (n4 + 127) / 128, i = blockIdx.x * 128 + threadIdx.x;
  rate *= *clip;
  if (blockIdx.x >= blocks) {
    i -= blocks * 128;
    if (i < nb) b[i] -= rate * bg[i];
    return;
  }
  if (i >= n4) return;
  int r = i / ld4, at = index(rows, r) * ld4 + i - r * ld4;
  w[at] -= rate * g[i];
}

// x = the kept columns of y, scaled. Four columns a thread; n4 = rows * ld4; y has rows of H.
__global__ void __launch_bounds__(128) compact_list(float4 *x, const float *y, int n4, int columns, int ld4, int H, const int *list, float scale) {
  int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n4) return;
  int r = i / ld4, c = (i - r * ld4) * 4;
  const float *row = y + r * H;
  float4 v;
  v.x = c < columns ? row[list[c]] * scale : 0.0f;
  v.y = c + 1 < columns ? row[list[c + 1]] * scale : 0.0f;
  v.z = c + 2 < columns ? row[list[c + 2]] * scale : 0.0f;
  v.w = c + 3 < columns ? row[list[c + 3]] * scale : 0.0f;
  x[i] = v;
}

// The same with y the embeddings of the tokens, one a row.
__global__ void __launch_bounds__(128) embedding_list(float4 *x, const float *table, const int *token, int n4, int columns, int ld4, int H, const int *list, float scale) {
  int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n4) return;
  int r = i / ld4, c = (i - r * ld4) * 4;
  const float *row = table + (long long)token[r] * H;
  float4 v;
  v.x = c < columns ? row[list[c]] * scale : 0.0f;
  v.y = c + 1 < columns ? row[list[c + 1]] * scale : 0.0f;
  v.z = c + 2 < columns ? row[list[c + 2]] * scale : 0.0f;
  v.w = c + 3 < columns ? row[list[c + 3]] * scale : 0.0f;
  x[i] = v;
}

// dy = the scaled gradients of the kept columns in their places, zero elsewhere: the inverse of compact. Four columns a thread.
__global__ void __launch_bounds__(128) expand_list(float4 *dy, const float *x, int n4, int ld, int H4, const int *list, int kept, float scale) {
  int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n4) return;
  int r = i / H4, c = (i - r * H4) * 4;
  const float *row = x + r * ld;
  const int *at = list + kept + c;
  float4 v;
  v.x = at[0] >= 0 ? row[at[0]] * scale : 0.0f;
  v.y = at[1] >= 0 ? row[at[1]] * scale : 0.0f;
  v.z = at[2] >= 0 ? row[at[2]] * scale : 0.0f;
  v.w = at[3] >= 0 ? row[at[3]] * scale : 0.0f;
  dy[i] = v;
}

// Scatters the update: the kept columns of the words' embeddings. A block a row.
__global__ void __launch_bounds__(128) embedding_update_list(float *table, const float *g, const int *first, const int *token, int columns, int ld, int H,
                                                             const int *list, float rate, const float *clip) {
  int r = blockIdx.x;
  if (!first[r]) return;
  rate *= *clip;
  float *row = table + (long long)token[r] * H;
  for (int c = threadIdx.x; c < columns; c += 128) row[list[c]] -= rate * g[r * ld + c];
}
}
