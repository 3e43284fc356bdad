// Several selections of rows an iteration: the rows of a matrix (samples, or words) fall into groups with kept columns of their own. Row r of
// a group is row first + r / per * apart + r % per of the matrix; packed, the rows of a group lie one behind the other. Lists are as in
// rows.cu.
#include "cuda.h"

#define ROWS int first, int per, int apart

__device__ __forceinline__ int row(int r, ROWS) { return first + r / per * apart + r % per; }

__device__ __forceinline__ float4 kept(const float *from, int c, int columns, const int *list, float scale) {
  float4 v;
  v.x = c < columns ? from[list[c]] * scale : 0.0f;
  v.y = c + 1 < columns ? from[list[c + 1]] * scale : 0.0f;
  v.z = c + 2 < columns ? from[list[c + 2]] * scale : 0.0f;
  v.w = c + 3 < columns ? from[list[c + 3]] * scale : 0.0f;
  return v;
}

// sum = the gradients of the groups' kept rows, added up in their places: part g begins g * apart behind the first, and place[g * stride + r]
// is where row r is in it, -1 where it is dropped. n = rows * ld, everything in numbers of T.
template <typename T>
__device__ __forceinline__ void sum_groups(T *sum, const T *part, int n, int ld, int groups, int apart, const int *place, int stride) {
  int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n) return;
  int r = i / ld, c = i - r * ld;
  T s = {};
  for (int g = 0; g < groups; g++, part += apart, place += stride)
    if (place[r] >= 0) s += part[place[r] * ld + c];
  sum[i] = s;
}

extern "C" {

// x = the kept columns of the group's rows of y, scaled. Four columns a thread; n4 = rows * ld4; y has rows of H.
__global__ void __launch_bounds__(128) compact_group(float4 *x, const float *y, int n4, int columns, int ld4, int H, const int *list, float scale, ROWS) {
  int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n4) return;
  int r = i / ld4;
  x[i] = kept(y + row(r, first, per, apart) * H, (i - r * ld4) * 4, columns, list, scale);
}

// The same with y the embeddings of the tokens, one a row.
__global__ void __launch_bounds__(128) embedding_group(float4 *x, const float *table, const int *token, int n4, int columns, int ld4, int H, const int *list,
                                                       float scale, ROWS) {
  int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n4) return;
  int r = i / ld4;
  x[i] = kept(table + (long long)token[row(r, first, per, apart)] * H, (i - r * ld4) * 4, columns, list, scale);
}

// The group's rows of dy = the scaled gradients of the kept columns in their places, zero elsewhere: the inverse of compact.
__global__ void __launch_bounds__(128) expand_group(float4 *dy, const float *x, int n4, int ld, int H4, const int *list, int columns, float scale, ROWS) {
  int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n4) return;
  int r = i / H4, c4 = i - r * H4;
  const float *from = x + r * ld;
  const int *at = list + columns + c4 * 4;
  float4 v;
  v.x = at[0] >= 0 ? from[at[0]] * scale : 0.0f;
  v.y = at[1] >= 0 ? from[at[1]] * scale : 0.0f;
  v.z = at[2] >= 0 ? from[at[2]] * scale : 0.0f;
  v.w = at[3] >= 0 ? from[at[3]] * scale : 0.0f;
  dy[row(r, first, per, apart) * H4 + c4] = v;
}

// The group's rows of a matrix from packed ones.
__global__ void __launch_bounds__(128) unpack_group(float4 *to, const float4 *packed, int n4, int ld4, ROWS) {
  int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n4) return;
  int r = i / ld4;
  to[row(r, first, per, apart) * ld4 + i - r * ld4] = packed[i];
}

// The inverse.
__global__ void __launch_bounds__(128) pack_group(float4 *packed, const float4 *from, int n4, int ld4, ROWS) {
  int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n4) return;
  int r = i / ld4;
  packed[i] = from[row(r, first, per, apart) * ld4 + i - r * ld4];
}

__global__ void __launch_bounds__(128) sum_rows(float4 *sum, const float4 *part, int n, int ld, int groups, int apart, const int *place, int stride) {
  sum_groups(sum, part, n, ld, groups, apart, place, stride);
}

__global__ void __launch_bounds__(128) sum_numbers(float *sum, const float *part, int n, int ld, int groups, int apart, const int *place, int stride) {
  sum_groups(sum, part, n, ld, groups, apart, place, stride);
}
}
