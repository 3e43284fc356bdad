// 15 x 15 convolution of a 4096 x 4096 image by tiles in shared memory, with the tuning parameters of convolution-gtx1080ti.csv:
//   block_size_x, block_size_y   threads of a block
//   tile_size_x, tile_size_y     pixels that a thread computes, a block's size apart
//   use_padding                  rows of the tile in shared memory are made longer so that the rows of a warp fall into different banks
//   read_only                    the image is read through the read-only data path
// The image has a border of 7 pixels on each side. Weights are in constant memory. All loops are unrolled.
#define IMAGE 4096
#define FILTER 15
#define BORDER (FILTER - 1)
#define PITCH (IMAGE + BORDER)
#define OUT_X (block_size_x * tile_size_x)
#define OUT_Y (block_size_y * tile_size_y)
#define IN_X (OUT_X + BORDER)
#define IN_Y (OUT_Y + BORDER)
#define RAGGED (IMAGE % OUT_X != 0 || IMAGE % OUT_Y != 0)

// Blocks narrower than a warp put several rows of threads into one access: rows are block_size_x words (mod 32) apart then, which no
// two of them share a bank with.
#if use_padding && block_size_x % 32 != 0 && (IN_X - block_size_x) % 32 != 0
#define ROW (IN_X + ((block_size_x - IN_X) & 31))
#else
#define ROW IN_X
#endif

__constant__ float weights[FILTER * FILTER];

__device__ __forceinline__ float load(const float *p) {
#if read_only
  return __ldg(p);
#else
  return *p;
#endif
}

extern "C" __global__ void convolution(float *out, const float *in) {
  __shared__ float tile[IN_Y][ROW];
  const int x0 = blockIdx.x * OUT_X, y0 = blockIdx.y * OUT_Y;
#pragma unroll
  for (int y = threadIdx.y; y < IN_Y; y += block_size_y) {
#pragma unroll
    for (int x = threadIdx.x; x < IN_X; x += block_size_x) {
#if RAGGED
      if (y0 + y >= PITCH || x0 + x >= PITCH) continue;
#endif
      tile[y][x] = load(in + (y0 + y) * PITCH + x0 + x);
    }
  }
  __syncthreads();

  float sum[tile_size_y][tile_size_x] = {};
#pragma unroll
  for (int fy = 0; fy < FILTER; fy++) {
#pragma unroll
    for (int fx = 0; fx < FILTER; fx++) {
#pragma unroll
      for (int j = 0; j < tile_size_y; j++) {
#pragma unroll
        for (int i = 0; i < tile_size_x; i++)
          sum[j][i] += tile[threadIdx.y + j * block_size_y + fy][threadIdx.x + i * block_size_x + fx] * weights[fy * FILTER + fx];
      }
    }
  }

#pragma unroll
  for (int j = 0; j < tile_size_y; j++) {
#pragma unroll
    for (int i = 0; i < tile_size_x; i++) {
      const int x = x0 + threadIdx.x + i * block_size_x, y = y0 + threadIdx.y + j * block_size_y;
#if RAGGED
      if (x >= IMAGE || y >= IMAGE) continue;
#endif
      out[y * IMAGE + x] = sum[j][i];
    }
  }
}
