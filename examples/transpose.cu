// A transposition through shared memory: tiles of TILE x TILE, PAD words more a row; blocks of TILE x 8 threads.
#ifndef PAD
#define PAD 0
#endif
#ifndef TILE
#define TILE 32
#endif

__global__ void transpose(float *out, const float *in, int n) {
  __shared__ float tile[TILE][TILE + PAD];
  int x = blockIdx.x * TILE + threadIdx.x, y = blockIdx.y * TILE + threadIdx.y;
  for (int i = 0; i < TILE; i += 8)
    tile[threadIdx.y + i][threadIdx.x] = in[(y + i) * n + x];
  __syncthreads();
  x = blockIdx.y * TILE + threadIdx.x, y = blockIdx.x * TILE + threadIdx.y;
  for (int i = 0; i < TILE; i += 8)
    out[(y + i) * n + x] = tile[threadIdx.x][threadIdx.y + i];
}
