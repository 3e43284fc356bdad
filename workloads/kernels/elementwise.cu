// Everything of a training iteration that is not a matrix product. Matrices are row-major; "off" and "step" pick the kept
// columns off, off+step, … of a row of "stride" elements (RDP); off 0, step 1 is all of them.
#include "cuda.h"

extern "C" {

// y = max(y + bias, 0) * scale on the kept columns. Grid: (columns, rows).
__global__ void __launch_bounds__(128) bias_relu(float *y, const float *bias, int columns, int stride, int off, int step, float scale) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= columns) return;
  int c = off + i * step;
  float v = y[blockIdx.y * stride + c] + bias[c];
  y[blockIdx.y * stride + c] = v > 0.0f ? v * scale : 0.0f;
}

// y += bias. Grid: (columns, rows).
__global__ void __launch_bounds__(128) bias_add(float *y, const float *bias, int columns) {
  int c = blockIdx.x * blockDim.x + threadIdx.x;
  if (c < columns) y[blockIdx.y * columns + c] += bias[c];
}

// The gradient through ReLU and dropout: what was dropped or negative is zero in y.
__global__ void __launch_bounds__(128) relu_backward(float *dy, const float *y, int columns, int stride, int off, int step, float scale) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= columns) return;
  int at = blockIdx.y * stride + off + i * step;
  dy[at] = y[at] > 0.0f ? dy[at] * scale : 0.0f;
}

// One Philox4x32-10 block (Salmon et al., SC 2011).
__device__ __forceinline__ uint4 philox(uint4 c, unsigned k0, unsigned k1) {
#pragma unroll
  for (int r = 0; r < 10; r++) {
    uint64_t p0 = (uint64_t)0xD2511F53u * c.x, p1 = (uint64_t)0xCD9E8D57u * c.z;
    c = uint4{(unsigned)(p1 >> 32) ^ c.y ^ k0, (unsigned)p1, (unsigned)(p0 >> 32) ^ c.w ^ k1, (unsigned)p0};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return c;
}

// mask[e] = 1 where element e is kept: its Philox word is at least threshold. Four elements a thread.
__global__ void __launch_bounds__(128) bernoulli_mask(unsigned *mask, int n, unsigned seedLo, unsigned seedHi, unsigned layer, unsigned iterLo,
                                                      unsigned iterHi, unsigned threshold) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i * 4 >= n) return;
  uint4 r = philox(uint4{(unsigned)i, layer, iterLo, iterHi}, seedLo, seedHi);
  mask[i] = (r.x >= threshold) | (r.y >= threshold) << 8 | (r.z >= threshold) << 16 | (r.w >= threshold) << 24;
}

// The mask layer: y = mask * y * scale. Four elements a thread.
__global__ void __launch_bounds__(128) apply_mask(float4 *y, const unsigned *mask, int n4, float scale) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n4) return;
  unsigned m = mask[i];
  float4 v = y[i];
  v.x *= m & 0xff ? scale : 0.0f;
  v.y *= m & 0xff00 ? scale : 0.0f;
  v.z *= m & 0xff0000 ? scale : 0.0f;
  v.w *= m & 0xff000000 ? scale : 0.0f;
  y[i] = v;
}

// Softmax and cross-entropy of a row of logits a thread: x becomes the gradient (p - onehot) / rows, loss[r] the row's loss.
__global__ void __launch_bounds__(32) softmax_loss(float *x, float *loss, const int *label, int rows, int classes) {
  int r = blockIdx.x * blockDim.x + threadIdx.x;
  if (r >= rows) return;
  float *row = x + r * classes;
  float top = row[0];
  for (int c = 1; c < classes; c++) top = row[c] > top ? row[c] : top;
  float sum = 0.0f;
  const float log2e = 1.44269504f;
  for (int c = 0; c < classes; c++) sum += __nvvm_ex2_approx_ftz_f((row[c] - top) * log2e);
  float target = row[label[r]];
  loss[r] = top - target + __nvvm_lg2_approx_ftz_f(sum) * 0.69314718f;
  float inv = 1.0f / sum, share = 1.0f / rows;
  for (int c = 0; c < classes; c++) {
    float p = __nvvm_ex2_approx_ftz_f((row[c] - top) * log2e) * inv;
    row[c] = (p - (c == label[r] ? 1.0f : 0.0f)) * share;
  }
}

// db[c] = sum of dy over rows, kept columns only.
__global__ void __launch_bounds__(64) bias_gradient(float *db, const float *dy, int rows, int columns, int stride, int off, int step) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= columns) return;
  int c = off + i * step;
  float sum = 0.0f;
  for (int r = 0; r < rows; r++) sum += dy[r * stride + c];
  db[c] = sum;
}

// v = momentum * v - rate * g; w += v. Four elements a thread.
__global__ void __launch_bounds__(128) sgd_update(float4 *w, float4 *v, const float4 *g, int n4, float rate, float momentum) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n4) return;
  float4 a = w[i], b = v[i], d = g[i];
  b.x = momentum * b.x - rate * d.x;
  b.y = momentum * b.y - rate * d.y;
  b.z = momentum * b.z - rate * d.z;
  b.w = momentum * b.w - rate * d.w;
  a.x += b.x;
  a.y += b.y;
  a.z += b.z;
  a.w += b.w;
  v[i] = b;
  w[i] = a;
}

// x = 0. Four elements a thread.
__global__ void __launch_bounds__(128) fill_zero(float4 *x, int n4) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n4) x[i] = float4{0.0f, 0.0f, 0.0f, 0.0f};
}
}
