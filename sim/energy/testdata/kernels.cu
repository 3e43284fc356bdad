// Kernels of the same character as seven whose power was measured on a TITAN X (Pascal) and whose originals cannot be run here, as they
// read textures or need input that is not public. counts_test.go runs them; docs/design/energy.md says what each stands for.

// A B+ tree whose nodes have up to 256 keys, in ascending order; unused keys are the largest number. Node 0 is the root.
struct Node {
  int unused;
  int child[257];
  int key[257];
  int leaf, keys;
};

// One block a key: every thread looks at one place of the node, level by level.
extern "C" __global__ void btree_find(const Node *nodes, const int *wanted, int *at, int *next, int *found, int levels) {
  int t = threadIdx.x, b = blockIdx.x;
  for (int l = 0; l < levels; l++) {
    const Node *n = &nodes[at[b]];
    if (n->key[t] <= wanted[b] && n->key[t + 1] > wanted[b])
      next[b] = n->child[t];
    __syncthreads();
    if (t == 0)
      at[b] = next[b];
    __syncthreads();
  }
  if (nodes[at[b]].key[t] == wanted[b])
    found[b] = nodes[at[b]].child[t];
}

// As btree_find, for both ends of a range at once.
extern "C" __global__ void btree_range(const Node *nodes, const int *from, const int *to, int *at, int *next, int *first, int *length, int levels) {
  int t = threadIdx.x, b = blockIdx.x, n = gridDim.x;
  for (int l = 0; l < levels; l++) {
    const Node *x = &nodes[at[b]], *y = &nodes[at[n + b]];
    if (x->key[t] <= from[b] && x->key[t + 1] > from[b])
      next[b] = x->child[t];
    if (y->key[t] <= to[b] && y->key[t + 1] > to[b])
      next[n + b] = y->child[t];
    __syncthreads();
    if (t == 0) {
      at[b] = next[b];
      at[n + b] = next[n + b];
    }
    __syncthreads();
  }
  if (nodes[at[b]].key[t] == from[b])
    first[b] = nodes[at[b]].child[t];
  __syncthreads();
  if (nodes[at[n + b]].key[t] == to[b])
    length[b] = nodes[at[n + b]].child[t] - first[b] + 1;
}

__constant__ float cosines[64] = {
    0.35355339f, 0.49039264f, 0.46193977f, 0.41573481f, 0.35355339f, 0.27778512f, 0.19134172f, 0.09754516f,
    0.35355339f, 0.41573481f, 0.19134172f, -0.09754516f, -0.35355339f, -0.49039264f, -0.46193977f, -0.27778512f,
    0.35355339f, 0.27778512f, -0.19134172f, -0.49039264f, -0.35355339f, 0.09754516f, 0.46193977f, 0.41573481f,
    0.35355339f, 0.09754516f, -0.46193977f, -0.27778512f, 0.35355339f, 0.41573481f, -0.19134172f, -0.49039264f,
    0.35355339f, -0.09754516f, -0.46193977f, 0.27778512f, 0.35355339f, -0.41573481f, -0.19134172f, 0.49039264f,
    0.35355339f, -0.27778512f, -0.19134172f, 0.49039264f, -0.35355339f, -0.09754516f, 0.46193977f, -0.41573481f,
    0.35355339f, -0.41573481f, 0.19134172f, 0.09754516f, -0.35355339f, 0.49039264f, -0.46193977f, 0.27778512f,
    0.35355339f, -0.49039264f, 0.46193977f, -0.41573481f, 0.35355339f, -0.27778512f, 0.19134172f, -0.09754516f};

// A cosine transform of 8 x 8 pixels by a block of 64 threads: two products with the matrix, the second with its transpose.
extern "C" __global__ void dct8x8(const unsigned char *__restrict__ image, float *out, int width) {
  __shared__ float tile[64], half[64];
  int x = threadIdx.x, y = threadIdx.y, at = (8 * blockIdx.y + y) * width + 8 * blockIdx.x + x;
  tile[8 * y + x] = (float)image[at] - 128.0f;
  __syncthreads();
  float sum = 0;
  for (int i = 0; i < 8; i++)
    sum += cosines[8 * i + y] * tile[8 * i + x];
  half[8 * y + x] = sum;
  __syncthreads();
  sum = 0;
  for (int i = 0; i < 8; i++)
    sum += half[8 * y + i] * cosines[8 * i + x];
  out[at] = sum;
}

// One step of a Walsh transform with radix 4 in global memory.
extern "C" __global__ void walsh_global(float *data, int stride) {
  int p = blockIdx.x * blockDim.x + threadIdx.x, low = p & (stride - 1), i = ((p - low) << 2) + low;
  float a = data[i], b = data[i + stride], c = data[i + 2 * stride], d = data[i + 3 * stride];
  float ac = a + c, bd = b + d, a_c = a - c, b_d = b - d;
  data[i] = ac + bd;
  data[i + stride] = ac - bd;
  data[i + 2 * stride] = a_c + b_d;
  data[i + 3 * stride] = a_c - b_d;
}

// A Walsh transform of 2,048 numbers in shared memory by 512 threads: five steps with radix 4 and one with radix 2.
extern "C" __global__ void walsh_shared(float *data) {
  __shared__ float s[2048];
  float *mine = data + 2048 * blockIdx.x;
  int t = threadIdx.x;
  for (int i = t; i < 2048; i += 512)
    s[i] = mine[i];
  for (int stride = 512; stride > 1; stride >>= 2) {
    int low = t & (stride - 1), i = ((t - low) << 2) + low;
    __syncthreads();
    float a = s[i], b = s[i + stride], c = s[i + 2 * stride], d = s[i + 3 * stride];
    float ac = a + c, bd = b + d, a_c = a - c, b_d = b - d;
    s[i] = ac + bd;
    s[i + stride] = ac - bd;
    s[i + 2 * stride] = a_c + b_d;
    s[i + 3 * stride] = a_c - b_d;
  }
  __syncthreads();
  for (int p = t; p < 1024; p += 512) {
    float a = s[2 * p], b = s[2 * p + 1];
    s[2 * p] = a + b;
    s[2 * p + 1] = a - b;
  }
  __syncthreads();
  for (int i = t; i < 2048; i += 512)
    mine[i] = s[i];
}

__constant__ float centres[5 * 34];

// The nearest of 5 centres to points of 34 features, a thread a point; features through the read-only path.
extern "C" __global__ void nearest(const float *__restrict__ features, int points, int *cluster) {
  int p = blockIdx.x * blockDim.x + threadIdx.x;
  if (p >= points)
    return;
  float best = 3.4e38f;
  int which = -1;
  for (int k = 0; k < 5; k++) {
    float sum = 0;
    for (int j = 0; j < 34; j++) {
      float d = __ldg(&features[p + j * points]) - centres[34 * k + j];
      sum += d * d;
    }
    if (sum < best) {
      best = sum;
      which = k;
    }
  }
  cluster[p] = which;
}

// Sums of absolute differences of a 4 x 4 block of an image with another at 33 x 33 displacements, 18 a thread and three at a time, which
// share pixels. Coordinates beyond the edge are clamped, pixels come through the read-only path, and sums go through shared memory.
extern "C" __global__ void motion(const unsigned short *__restrict__ image, const unsigned short *__restrict__ other, uint2 *sums, int width, int height) {
  __shared__ int block[16];
  __shared__ uint2 packed[273];
  unsigned short *mine = (unsigned short *)packed;
  int x = 4 * blockIdx.x, y = 4 * blockIdx.y;
  if (threadIdx.x < 16)
    block[threadIdx.x] = image[(y + threadIdx.x / 4) * width + x + threadIdx.x % 4];
  __syncthreads();
  for (int p = 18 * threadIdx.x; p < 18 * threadIdx.x + 18 && p < 1089; p += 3) {
    int left = x + p % 33 - 16, top = y + p / 33 - 16, sum[3] = {0, 0, 0};
    for (int j = 0; j < 4; j++) {
      int row = min(max(top + j, 0), height - 1) * width;
#pragma unroll
      for (int i = 0; i < 6; i++) {
        int pixel = __ldg(&other[row + min(max(left + i, 0), width - 1)]);
#pragma unroll
        for (int s = 0; s < 3; s++)
          if (i - s >= 0 && i - s < 4)
            sum[s] += abs(pixel - block[4 * j + i - s]);
      }
    }
    for (int s = 0; s < 3; s++)
      mine[p + s] = sum[s];
  }
  __syncthreads();
  for (int i = threadIdx.x; i < 273; i += blockDim.x)
    sums[273 * (blockIdx.y * gridDim.x + blockIdx.x) + i] = packed[i];
}
