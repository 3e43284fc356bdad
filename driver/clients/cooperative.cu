// Blocks that meet: grid.sync() of cooperative groups, in a launch that fits and in one that is too large.
#include <cooperative_groups.h>
#include <cstdio>
namespace cg = cooperative_groups;
__global__ void rounds(int *v, int n) {
  cg::grid_group g = cg::this_grid();
  int i = blockIdx.x * blockDim.x + threadIdx.x, all = gridDim.x * blockDim.x;
  for (int r = 0; r < n; r++) {
    int got = v[(i + 1) % all];
    g.sync();
    v[i] = got + 1;
    g.sync();
  }
}
int main() {
  const int blocks = 40, threads = 128, n = blocks * threads, rounds_ = 5;
  int *v;
  cudaMallocManaged(&v, n * sizeof(int));
  for (int i = 0; i < n; i++) v[i] = i;
  int steps = rounds_;
  void *args[] = {&v, &steps};
  cudaError_t e = cudaLaunchCooperativeKernel((const void *)rounds, dim3(blocks), dim3(threads), args, 0, 0);
  if (e == cudaSuccess) e = cudaDeviceSynchronize();
  if (e != cudaSuccess) {
    printf("%s\n", cudaGetErrorName(e));
    return 1;
  }
  if (cudaLaunchCooperativeKernel((const void *)rounds, dim3(100000), dim3(threads), args, 0, 0) != cudaErrorCooperativeLaunchTooLarge) {
    puts("a grid that the chip does not hold was launched");
    return 1;
  }
  for (int i = 0; i < n; i++)
    if (v[i] != (i + rounds_) % n + rounds_) {
      printf("v[%d] is %d, want %d\n", i, v[i], (i + rounds_) % n + rounds_);
      return 1;
    }
  puts("cooperative: ok");
}
