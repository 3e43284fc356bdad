// A kernel that does not end by itself: the program says who it is, launches, and says how the launch ended.
#include <cuda_runtime.h>
#include <cstdio>
#include <unistd.h>

__global__ void endless(volatile int *flag) {
  while (*flag == 0) {}
}

int main() {
  int *flag;
  if (cudaMalloc(&flag, 4) != cudaSuccess || cudaMemset(flag, 0, 4) != cudaSuccess) return 1;
  printf("%d\n", getpid());
  fflush(stdout);
  endless<<<1, 32>>>(flag);
  printf("%s\n", cudaGetErrorName(cudaDeviceSynchronize()));
}
