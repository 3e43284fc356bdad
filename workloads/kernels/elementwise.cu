// Activations, masks, loss. Matrices are row-major, their rows padded with zeros to whole vectors of four. With RDP activations
// hold the kept neurons only, side by side; "off" and "step" say which these are: off, off+step, … (0 and 1: all).
#include "cuda.h"

extern "C" {

// y = max(y + bias, 0) * scale. Four columns a thread; n4 = rows * ld / 4.
__global__ void __launch_bounds__(128) bias_relu(float4 *y, const float *bias, int n4, int columns, int ld4, int off, int step, float scale) {
  int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n4) return;
  int c = i % ld4 * 4;
  const float *b = bias + off + c * step;
  float4 v = y[i];
  v.x = c < columns ? v.x + b[0] : 0.0f;
  v.y = c + 1 < columns ? v.y + b[step] : 0.0f;
  v.z = c + 2 < columns ? v.z + b[2 * step] : 0.0f;
  v.w = c + 3 < columns ? v.w + b[3 * step] : 0.0f;
  v.x = v.x > 0.0f ? v.x * scale : 0.0f;
  v.y = v.y > 0.0f ? v.y * scale : 0.0f;
  v.z = v.z > 0.0f ? v.z * scale : 0.0f;
  v.w = v.w > 0.0f ? v.w * scale : 0.0f;
  y[i] = v;
}

// The gradient through ReLU and dropout: what was dropped or negative is zero in y. Four columns a thread.
__global__ void __launch_bounds__(128) relu_backward(float4 *dy, const float4 *y, int n4, float scale) {
  int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n4) return;
  float4 d = dy[i], v = y[i];
  d.x = v.x > 0.0f ? d.x * scale : 0.0f;
  d.y = v.y > 0.0f ? d.y * scale : 0.0f;
  d.z = v.z > 0.0f ? d.z * scale : 0.0f;
  d.w = v.w > 0.0f ? d.w * scale : 0.0f;
  dy[i] = d;
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

// Four elements of a mask, a byte each: 1 where the element's Philox word is at least threshold.
__device__ __forceinline__ unsigned draw(int i, unsigned seedLo, unsigned seedHi, unsigned layer, unsigned iterLo, unsigned iterHi, unsigned threshold) {
  uint4 r = philox(uint4{(unsigned)i, layer, iterLo, iterHi}, seedLo, seedHi);
  return (r.x >= threshold) | (r.y >= threshold) << 8 | (r.z >= threshold) << 16 | (r.w >= threshold) << 24;
}

__device__ __forceinline__ float4 masked(float4 v, unsigned m, float scale) {
  v.x *= m & 0xff ? scale : 0.0f;
  v.y *= m & 0xff00 ? scale : 0.0f;
  v.z *= m & 0xff0000 ? scale : 0.0f;
  v.w *= m & 0xff000000 ? scale : 0.0f;
  return v;
}

// mask[e] = 1 where element e is kept: its Philox word is at least threshold. Four elements a thread.
__global__ void __launch_bounds__(128) bernoulli_mask(unsigned *mask, int n, unsigned seedLo, unsigned seedHi, unsigned layer, unsigned iterLo,
                                                      unsigned iterHi, unsigned threshold) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i * 4 >= n) return;
  mask[i] = draw(i, seedLo, seedHi, layer, iterLo, iterHi, threshold);
}

// y = mask * x * scale. Four elements a thread.
__global__ void __launch_bounds__(128) apply_mask(float4 *y, const float4 *x, const unsigned *mask, int n4, float scale) {
  int i = blockIdx.x * 128 + threadIdx.x;
  if (i < n4) y[i] = masked(x[i], mask[i], scale);
}

// The mask layer in one go: draws the mask, keeps it for the way back, y = mask * x * scale. Four elements a thread.
__global__ void __launch_bounds__(128) dropout(float4 *y, const float4 *x, unsigned *mask, int n4, unsigned seedLo, unsigned seedHi, unsigned layer,
                                               unsigned iterLo, unsigned iterHi, unsigned threshold, float scale) {
  int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n4) return;
  unsigned m = draw(i, seedLo, seedHi, layer, iterLo, iterHi, threshold);
  mask[i] = m;
  y[i] = masked(x[i], m, scale);
}

__device__ __forceinline__ float power2(float x) { return __nvvm_ex2_approx_ftz_f(x); }
constexpr float LOG2E = 1.44269504f, LN2 = 0.69314718f;

// Softmax and cross-entropy of logits x + bias, a row a thread: x becomes the gradient (p - onehot) / rows, loss[r] the row's loss.
__global__ void __launch_bounds__(32) softmax_loss(float *x, const float *bias, float *loss, const int *label, int rows, int classes, int ld) {
  int r = blockIdx.x * 32 + threadIdx.x;
  if (r >= rows) return;
  float *row = x + r * ld;
  float top = -3.4e38f;
  for (int c = 0; c < classes; c++) {
    float v = row[c] + bias[c];
    row[c] = v;
    top = v > top ? v : top;
  }
  float sum = 0.0f;
  for (int c = 0; c < classes; c++) sum += power2((row[c] - top) * LOG2E);
  loss[r] = top - row[label[r]] + __nvvm_lg2_approx_ftz_f(sum) * LN2;
  float inv = 1.0f / sum, share = 1.0f / rows;
  for (int c = 0; c < classes; c++) {
    float p = power2((row[c] - top) * LOG2E) * inv;
    row[c] = (p - (c == label[r] ? 1.0f : 0.0f)) * share;
  }
}

// The same, a row a block of 256 threads, for many classes.
__global__ void __launch_bounds__(256) softmax_loss_wide(float *x, const float *bias, float *loss, const int *label, int rows, int classes, int ld) {
  __shared__ float tops[8], sums[8];
  int r = blockIdx.x, tid = threadIdx.x;
  float *row = x + (long long)r * ld;
  float top = -3.4e38f, sum = 0.0f;
  for (int c = tid; c < classes; c += 256) {
    float v = row[c] + bias[c];
    if (v > top) {
      sum *= power2((top - v) * LOG2E);
      top = v;
    }
    sum += power2((v - top) * LOG2E);
  }
#pragma unroll
  for (int d = 16; d > 0; d /= 2) {
    float t = __nvvm_shfl_bfly_f32(top, d, 31), s = __nvvm_shfl_bfly_f32(sum, d, 31);
    float m = t > top ? t : top;
    sum = sum * power2((top - m) * LOG2E) + s * power2((t - m) * LOG2E);
    top = m;
  }
  if (tid % 32 == 0) tops[tid / 32] = top, sums[tid / 32] = sum;
  __syncthreads();
  top = tops[0];
#pragma unroll
  for (int w = 1; w < 8; w++) top = tops[w] > top ? tops[w] : top;
  sum = 0.0f;
#pragma unroll
  for (int w = 0; w < 8; w++) sum += sums[w] * power2((tops[w] - top) * LOG2E);
  int target = label[r];
  if (tid == 0) loss[r] = top - (row[target] + bias[target]) + __nvvm_lg2_approx_ftz_f(sum) * LN2;
  __syncthreads();
  float inv = 1.0f / sum, share = 1.0f / rows;
  for (int c = tid; c < classes; c += 256) {
    float p = power2((row[c] + bias[c] - top) * LOG2E) * inv;
    row[c] = (p - (c == target ? 1.0f : 0.0f)) * share;
  }
}

// db[c] = sum of dy[., c] over rows: 32 columns a block, eight threads a column.
__global__ void __launch_bounds__(256) column_sums(float *db, const float *dy, int rows, int columns, int ld) {
  __shared__ float part[8][32];
  int x = threadIdx.x, y = threadIdx.y, c = blockIdx.x * 32 + x;
  float sum = 0.0f;
  if (c < columns)
    for (int r = y; r < rows; r += 8) sum += dy[(long long)r * ld + c];
  part[y][x] = sum;
  __syncthreads();
  if (y > 0 || c >= columns) return;
#pragma unroll
  for (int i = 1; i < 8; i++) sum += part[i][x];
  db[c] = sum;
}
}
