// __managed__ variables, which the program and its kernels reach under one name, and how textures are refused. Compiled by nvcc: clang
// does not know these variables for CUDA.
#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>

#define CHECK(condition) \
  if (!(condition)) { \
    printf("line %d: %s is false (last error: %s)\n", __LINE__, #condition, cudaGetErrorName(cudaGetLastError())); \
    exit(1); \
  }

__managed__ int counter = 7;
__managed__ double table[3] = {1, 2, 3};
__managed__ int *list;
__managed__ long unused = 5;
__device__ int plain = 4;

__global__ void step(int n) {
  counter += n;
  table[1] *= 2;
  plain += counter;
  if (list) list[threadIdx.x] = counter;
}

int main() {
  CHECK(counter == 7 && table[2] == 3 && unused == 5 && !list); // before any call of the program's own
  counter += 1;
  unused = 6;
  CHECK(cudaMallocManaged(&list, 32 * sizeof *list) == cudaSuccess);
  step<<<1, 1>>>(5);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
  int p = 0, c = 0;
  CHECK(cudaMemcpyFromSymbol(&p, plain, sizeof p) == cudaSuccess && p == 4 + 13);
  CHECK(counter == 13 && table[0] == 1 && table[1] == 4 && list[0] == 13 && unused == 6);
  CHECK(cudaMemcpyFromSymbol(&c, counter, sizeof c) == cudaSuccess && c == 13);
  double half = .5;
  CHECK(cudaMemcpyToSymbol(table, &half, sizeof half, sizeof half) == cudaSuccess && table[1] == .5);
  void *at;
  CHECK(cudaGetSymbolAddress(&at, counter) == cudaSuccess && at == &counter);
  cudaPointerAttributes a;
  CHECK(cudaPointerGetAttributes(&a, &counter) == cudaSuccess && a.type == cudaMemoryTypeManaged && a.hostPointer == &counter);
  CHECK(cudaFree(&table) == cudaErrorInvalidValue && cudaGetLastError() == cudaErrorInvalidValue);

  cudaArray_t array;
  cudaChannelFormatDesc kind = cudaCreateChannelDesc<float>();
  CHECK(kind.x == 32 && kind.y == 0 && kind.f == cudaChannelFormatKindFloat);
  CHECK(cudaMallocArray(&array, &kind, 16, 16) == cudaErrorNotSupported);
  cudaResourceDesc resource = {};
  cudaTextureDesc view = {};
  cudaTextureObject_t texture;
  CHECK(cudaCreateTextureObject(&texture, &resource, &view, nullptr) == cudaErrorNotSupported);
  CHECK(cudaGetLastError() == cudaErrorNotSupported);

  CHECK(cudaDeviceReset() == cudaSuccess && counter == 7 && table[1] == 2 && !list); // as at the beginning
  step<<<1, 1>>>(1);
  CHECK(cudaDeviceSynchronize() == cudaSuccess && counter == 8);
  puts("managed: __managed__ variables agree on both sides");
}
