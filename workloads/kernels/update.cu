// SGD, with the patterns known: the gradient of what is not kept is zero and is not read. A matrix of weights w and its momentum v are
// rows x ld, ld a multiple of four ("4" in a name: in vectors of four). With a row pattern (RDP) the gradient g holds the kept rows
// roff, roff+rstep, … and of them the kept columns coff, coff+cstep, … only, its rows padded to ldg. With tiles (TDP) g has the place
// of w, and tile (i, j), number i * tileColumns + j, is kept where number mod dp = bias. The last blocks of an update do the layer's bias.
//
// Lazy momentum keeps z = w + v mu/(1-mu), where the weight would coast to without further gradients, and u = v / mu^t, t the age.
// Neither changes where there is no gradient; an update adds -rate/(1-mu) g to z and -rate mu^-(t+1) g to u, of kept entries only;
// the products need w = z - u mu^(t+1)/(1-mu) of kept entries only, which gather makes.
#include "update.h"

// Whether the tile of row r, column c is kept.
__device__ __forceinline__ bool kept(int r, int c, int tile, int tileColumns, int dp, int offset) { return (r / tile * tileColumns + c / tile) % dp == offset; }

// The place, as a vector, of vector i of the kept tiles of a rows x ld matrix; -1 outside of it.
__device__ __forceinline__ int place(int i, int rows, int ld4, int tile, int tileColumns, int dp, int offset) {
  int tile4 = tile / 4, in = i % (tile * tile4), t = offset + i / (tile * tile4) * dp;
  int r = t / tileColumns * tile + in / tile4, c4 = t % tileColumns * tile4 + in % tile4;
  return r < rows && c4 < ld4 ? r * ld4 + c4 : -1;
}

extern "C" {

// v = momentum * v - rate * g; w += v.
__global__ void __launch_bounds__(128) sgd(float4 *w, float4 *v, const float4 *g, int n4, float rate, float momentum, BIAS) {
  int blocks = (n4 + 127) / 128, i = blockIdx.x * 128 + threadIdx.x;
  if (blockIdx.x >= blocks) return bias(i - blocks * 128, b, bv, bg, nb, boff, bstep, rate, momentum);
  if (i < n4) step(w + i, v + i, g[i], rate, momentum);
}

// The same of all weights under a row pattern.
__global__ void __launch_bounds__(128) sgd_rdp(float4 *w, float4 *v, const float *g, int n4, int ld4, int columns, int ldg, int roff, int rstep, int coff,
                                               int cstep, float rate, float momentum, BIAS) {
  int blocks = (n4 + 127) / 128, i = blockIdx.x * 128 + threadIdx.x;
  if (blockIdx.x >= blocks) return bias(i - blocks * 128, b, bv, bg, nb, boff, bstep, rate, momentum);
  if (i >= n4) return;
  int r = i / ld4, c = (i - r * ld4) * 4, d = r - roff;
  float4 grad = {0.0f, 0.0f, 0.0f, 0.0f};
  if (d >= 0 && d % rstep == 0) {
    const float *row = g + d / rstep * ldg;
    if (cstep == 1) {
      grad = *(const float4 *)(row + c);
    } else {
      int q = c <= coff ? 0 : (c - coff + cstep - 1) / cstep, at = coff + q * cstep;  // first kept column from c on
      if (at == c && at < columns) grad.x = row[q++], at += cstep;
      if (at == c + 1 && at < columns) grad.y = row[q++], at += cstep;
      if (at == c + 2 && at < columns) grad.z = row[q++], at += cstep;
      if (at == c + 3 && at < columns) grad.w = row[q];
    }
  }
  step(w + i, v + i, grad, rate, momentum);
}

// The same of all weights under a tile pattern.
__global__ void __launch_bounds__(128) sgd_tdp(float4 *w, float4 *v, const float4 *g, int n4, int ld4, int tile, int tileColumns, int dp, int offset,
                                               float rate, float momentum, BIAS) {
  int blocks = (n4 + 127) / 128, i = blockIdx.x * 128 + threadIdx.x;
  if (blockIdx.x >= blocks) return bias(i - blocks * 128, b, bv, bg, nb, boff, bstep, rate, momentum);
  if (i >= n4) return;
  int r = i / ld4, c = (i - r * ld4) * 4;
  float4 grad = {0.0f, 0.0f, 0.0f, 0.0f};
  if (kept(r, c, tile, tileColumns, dp, offset)) grad = g[i];
  step(w + i, v + i, grad, rate, momentum);
}

// DropConnect: the gradient of a synapse is that of its masked copy.
__global__ void __launch_bounds__(128) sgd_masked(float4 *w, float4 *v, const float4 *g, const unsigned *mask, int n4, float scale, float rate, float momentum,
                                                  BIAS) {
  int blocks = (n4 + 127) / 128, i = blockIdx.x * 128 + threadIdx.x;
  if (blockIdx.x >= blocks) return bias(i - blocks * 128, b, bv, bg, nb, boff, bstep, rate, momentum);
  if (i >= n4) return;
  float4 d = g[i];
  unsigned m = mask[i];
  d.x *= m & 0xff ? scale : 0.0f;
  d.y *= m & 0xff00 ? scale : 0.0f;
  d.z *= m & 0xff0000 ? scale : 0.0f;
  d.w *= m & 0xff000000 ? scale : 0.0f;
  step(w + i, v + i, d, rate, momentum);
}

// Lazy update of the kept rows, all columns of them: n4 vectors of g.
__global__ void __launch_bounds__(128) lazy_rows(float4 *z, float4 *u, const float4 *g, int n4, int ld4, int roff, int rstep, float rateZ, float rateU,
                                                 float rate, float momentum, BIAS) {
  int blocks = (n4 + 127) / 128, i = blockIdx.x * 128 + threadIdx.x;
  if (blockIdx.x >= blocks) return bias(i - blocks * 128, b, bv, bg, nb, boff, bstep, rate, momentum);
  if (i >= n4) return;
  int r = i / ld4, at = (roff + r * rstep) * ld4 + i - r * ld4;
  float4 d = g[i];
  z[at] -= rateZ * d;
  u[at] -= rateU * d;
}

// Lazy update of the kept columns of the kept rows: n = kept rows * ldg.
__global__ void __launch_bounds__(128) lazy_rdp(float *z, float *u, const float *g, int n, int ld, int columns, int ldg, int roff, int rstep, int coff,
                                                int cstep, float rateZ, float rateU, float rate, float momentum, BIAS) {
  int blocks = (n + 127) / 128, i = blockIdx.x * 128 + threadIdx.x;
  if (blockIdx.x >= blocks) return bias(i - blocks * 128, b, bv, bg, nb, boff, bstep, rate, momentum);
  int r = i / ldg, c = coff + (i - r * ldg) * cstep;
  if (i >= n || c >= columns) return;
  int at = (roff + r * rstep) * ld + c;
  float d = g[i];
  z[at] -= rateZ * d;
  u[at] -= rateU * d;
}

// Lazy update of the kept tiles: n4 = their number * tile * tile / 4.
__global__ void __launch_bounds__(128) lazy_tdp(float4 *z, float4 *u, const float4 *g, int n4, int rows, int ld4, int tile, int tileColumns, int dp, int offset,
                                                float rateZ, float rateU, float rate, float momentum, BIAS) {
  int blocks = (n4 + 127) / 128, i = blockIdx.x * 128 + threadIdx.x;
  if (blockIdx.x >= blocks) return bias(i - blocks * 128, b, bv, bg, nb, boff, bstep, rate, momentum);
  if (i >= n4) return;
  int at = place(i, rows, ld4, tile, tileColumns, dp, offset);
  if (at < 0) return;
  float4 d = g[at];
  z[at] -= rateZ * d;
  u[at] -= rateU * d;
}

// w = z - factor * u of the kept rows, all columns of them, side by side, and zero in rows of padding: n4 vectors of w.
__global__ void __launch_bounds__(128) gather_rows(float4 *w, const float4 *z, const float4 *u, int n4, int rows, int ld4, int roff, int rstep, float factor) {
  int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n4) return;
  int q = i / ld4, r = roff + q * rstep, at = r * ld4 + i - q * ld4;
  float4 v = {0.0f, 0.0f, 0.0f, 0.0f};
  if (r < rows) v = z[at] - factor * u[at];
  w[i] = v;
}

// The same of the kept columns of the kept rows, zero in rows and columns of padding; n = rows of w * ldw. Without u w = z.
__global__ void __launch_bounds__(128) gather_rdp(float *w, const float *z, const float *u, int n, int rows, int ld, int columns, int ldw, int roff, int rstep,
                                                  int coff, int cstep, float factor) {
  int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n) return;
  int q = i / ldw, r = roff + q * rstep, c = coff + (i - q * ldw) * cstep, at = r * ld + c;
  float v = 0.0f;
  if (r < rows && c < columns) {
    v = z[at];
    if (u) v -= factor * u[at];
  }
  w[i] = v;
}

// The same of the kept tiles, in their places.
__global__ void __launch_bounds__(128) gather_tdp(float4 *w, const float4 *z, const float4 *u, int n4, int rows, int ld4, int tile, int tileColumns, int dp,
                                                  int offset, float factor) {
  int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n4) return;
  int at = place(i, rows, ld4, tile, tileColumns, dp, offset);
  if (at >= 0) w[at] = z[at] - factor * u[at];
}

// x *= factor: brings the age of u back to zero.
__global__ void __launch_bounds__(128) rescale(float4 *x, int n4, float factor) {
  int i = blockIdx.x * 128 + threadIdx.x;
  if (i < n4) x[i] *= factor;
}

// Plain SGD of the kept rows, all columns of them; the rate is scaled by the clipping factor. n4 vectors of g.
__global__ void __launch_bounds__(128) descend_rows(float4 *w, const float4 *g, int n4, int ld4, int roff, int rstep, float rate, const float *clip, float *b,
                                                    const float *bg, int nb) {
  int blocks = (n4 + 127) / 128, i = blockIdx.x * 128 + threadIdx.x;
  rate *= *clip;
  if (blockIdx.x >= blocks) {
    i -= blocks * 128;
    if (i < nb) b[i] -= rate * bg[i];
    return;
  }
  if (i >= n4) return;
  int r = i / ld4, at = (roff + r * rstep) * ld4 + i - r * ld4;
  w[at] -= rate * g[i];
}

// The same of the kept tiles, g in the place of w.
__global__ void __launch_bounds__(128) descend_tdp(float4 *w, const float4 *g, int n4, int rows, int ld4, int tile, int tileColumns, int dp, int offset,
                                                   float rate, const float *clip, float *b, const float *bg, int nb) {
  int blocks = (n4 + 127) / 128, i = blockIdx.x * 128 + threadIdx.x;
  rate *= *clip;
  if (blockIdx.x >= blocks) {
    i -= blocks * 128;
    if (i < nb) b[i] -= rate * bg[i];
    return;
  }
  if (i >= n4) return;
  int at = place(i, rows, ld4, tile, tileColumns, dp, offset);
  if (at >= 0) w[at] -= rate * g[at];
}

// part[block] = sum of the squares of a share of x.
__global__ void __launch_bounds__(256) squares(float *part, const float4 *x, int n4) {
  float s = 0.0f;
  for (int i = blockIdx.x * 256 + threadIdx.x; i < n4; i += gridDim.x * 256) s += square(x[i]);
  s = total(s);
  if (threadIdx.x == 0) part[blockIdx.x] = s;
}

// The same of the kept tiles.
__global__ void __launch_bounds__(256) squares_tdp(float *part, const float4 *x, int n4, int rows, int ld4, int tile, int tileColumns, int dp, int offset) {
  float s = 0.0f;
  for (int i = blockIdx.x * 256 + threadIdx.x; i < n4; i += gridDim.x * 256) {
    int at = place(i, rows, ld4, tile, tileColumns, dp, offset);
    if (at >= 0) s += square(x[at]);
  }
  s = total(s);
  if (threadIdx.x == 0) part[blockIdx.x] = s;
}

// clip = min(1, limit / norm), the norm being the root of the sum of n parts. One block.
__global__ void __launch_bounds__(256) clip_factor(float *clip, const float *part, int n, float limit) {
  float s = 0.0f;
  for (int i = threadIdx.x; i < n; i += 256) s += part[i];
  s = total(s);
  if (threadIdx.x > 0) return;
  float norm = __nvvm_sqrt_rn_f(s);
  clip[0] = norm > limit ? limit / norm : 1.0f;
}
}
