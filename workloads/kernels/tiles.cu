// Listed tiles: what update.cu does for one tile in dp, where any tiles of tile x tile may be kept. list has their numbers, counted row
// by row, ascending; bit n of mask says whether tile n is kept. Matrices and lazy momentum are as in update.cu.
#include "update.h"

// The place, as a vector, of vector i of the listed tiles of a rows x ld matrix; -1 outside of it.
__device__ __forceinline__ int place(int i, int rows, int ld4, int tile, int tileColumns, const int *list) {
  int tile4 = tile / 4, in = i % (tile * tile4), t = list[i / (tile * tile4)];
  int r = t / tileColumns * tile + in / tile4, c4 = t % tileColumns * tile4 + in % tile4;
  return r < rows && c4 < ld4 ? r * ld4 + c4 : -1;
}

extern "C" {

// v = momentum * v - rate * g; w += v, of all weights.
__global__ void __launch_bounds__(128) sgd_tiles(float4 *w, float4 *v, const float4 *g, int n4, int ld4, int tile, int tileColumns, const unsigned *mask,
                                                 float rate, float momentum, BIAS) {
  int blocks = (n4 + 127) / 128, i = blockIdx.x * 128 + threadIdx.x;
  if (blockIdx.x >= blocks) return bias(i - blocks * 128, b, bv, bg, nb, boff, bstep, rate, momentum);
  if (i >= n4) return;
  int r = i / ld4, c = (i - r * ld4) * 4, t = r / tile * tileColumns + c / tile;
  float4 grad = {0.0f, 0.0f, 0.0f, 0.0f};
  if (mask[t / 32] >> t % 32 & 1) grad = g[i];
  step(w + i, v + i, grad, rate, momentum);
}

// Lazy update of the kept tiles: n4 = their number * tile * tile / 4.
__global__ void __launch_bounds__(128) lazy_tiles(float4 *z, float4 *u, const float4 *g, int n4, int rows, int ld4, int tile, int tileColumns, const int *list,
                                                  float rateZ, float rateU, float rate, float momentum, BIAS) {
  int blocks = (n4 + 127) / 128, i = blockIdx.x * 128 + threadIdx.x;
  if (blockIdx.x >= blocks) return bias(i - blocks * 128, b, bv, bg, nb, boff, bstep, rate, momentum);
  if (i >= n4) return;
  int at = place(i, rows, ld4, tile, tileColumns, list);
  if (at < 0) return;
  float4 d = g[at];
  z[at] -= rateZ * d;
  u[at] -= rateU * d;
}

// w = z - factor * u of the kept tiles, in their places.
__global__ void __launch_bounds__(128) gather_tiles(float4 *w, const float4 *z, const float4 *u, int n4, int rows, int ld4, int tile, int tileColumns,
                                                    const int *list, float factor) {
  int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n4) return;
  int at = place(i, rows, ld4, tile, tileColumns, list);
  if (at >= 0) w[at] = z[at] - factor * u[at];
}

// Plain SGD of the kept tiles, g in the place of w; the rate is scaled by the clipping factor.
__global__ void __launch_bounds__(128) descend_tiles(float4 *w, const float4 *g, int n4, int rows, int ld4, int tile, int tileColumns, const int *list, float rate,
                                                     const float *clip, float *b, const float *bg, int nb) {
  int blocks = (n4 + 127) / 128, i = blockIdx.x * 128 + threadIdx.x;
  rate *= *clip;
  if (blockIdx.x >= blocks) {
    i -= blocks * 128;
    if (i < nb) b[i] -= rate * bg[i];
    return;
  }
  if (i >= n4) return;
  int at = place(i, rows, ld4, tile, tileColumns, list);
  if (at >= 0) w[at] -= rate * g[at];
}

// part[block] = sum of the squares of a share of the kept tiles of x.
__global__ void __launch_bounds__(256) squares_tiles(float *part, const float4 *x, int n4, int rows, int ld4, int tile, int tileColumns, const int *list) {
  float s = 0.0f;
  for (int i = blockIdx.x * 256 + threadIdx.x; i < n4; i += gridDim.x * 256) {
    int at = place(i, rows, ld4, tile, tileColumns, list);
    if (at >= 0) s += square(x[at]);
  }
  s = total(s);
  if (threadIdx.x == 0) part[blockIdx.x] = s;
}
}
