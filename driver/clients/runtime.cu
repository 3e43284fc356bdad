// The runtime API from a program with host code: what it computes is checked here, against the host.
#include <cuda_runtime.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

static void ok(cudaError_t e, const char *what, int line) {
  if (e != cudaSuccess) {
    printf("line %d: %s: %s (%s)\n", line, what, cudaGetErrorString(e), cudaGetErrorName(e));
    exit(1);
  }
}
#define OK(call) ok(call, #call, __LINE__)
#define CHECK(condition) \
  if (!(condition)) { \
    printf("line %d: %s is false\n", __LINE__, #condition); \
    exit(1); \
  }

__constant__ float factors[3] = {1, 2, 3};
__device__ int hits = 5;
__device__ double table[4][2];

__global__ void saxpy(float *y, const float *x, float a, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    y[i] += a * factors[i % 3] * x[i];
    atomicAdd(&hits, 1);
  }
}

template <class T> __global__ void reversed(T *v, int n) {
  extern __shared__ unsigned char room[];
  T *s = (T *)room;
  s[threadIdx.x] = v[threadIdx.x];
  __syncthreads();
  v[threadIdx.x] = s[n - 1 - threadIdx.x];
}

__global__ void functions(float *y, const float *x) {
  float v = x[threadIdx.x];
  y[threadIdx.x] = sinf(v) * expf(-v) + sqrtf(v) / logf(v + 2) + powf(v, 1.5f);
}

__global__ void stray(int *p) { p[1 << 28] = 1; }

int main() {
  int count = 0, device = -1, version = 0;
  OK(cudaGetDeviceCount(&count));
  CHECK(count == 1);
  CHECK(cudaSetDevice(3) == cudaErrorInvalidDevice && cudaGetLastError() == cudaErrorInvalidDevice && cudaGetLastError() == cudaSuccess);
  OK(cudaGetDevice(&device));
  CHECK(device == 0);
  OK(cudaRuntimeGetVersion(&version));
  CHECK(version >= 12000);
  cudaDeviceProp p;
  OK(cudaGetDeviceProperties(&p, 0));
  CHECK(p.major == 6 && p.minor == 1 && p.warpSize == 32 && p.maxThreadsPerBlock == 1024 && p.sharedMemPerBlock == 48 << 10 && p.totalConstMem == 64 << 10);
  CHECK(p.maxGridSize[0] == 2147483647 && p.maxGridSize[2] == 65535 && p.regsPerBlock == 65536 && p.totalGlobalMem > 1u << 30 && p.maxThreadsPerMultiProcessor == 2048);
  int sms = 0;
  OK(cudaDeviceGetAttribute(&sms, cudaDevAttrMultiProcessorCount, 0));
  CHECK(p.multiProcessorCount == sms && p.unifiedAddressing == 1 && strlen(p.name) > 3);

  // A launch, variables, copies, events.
  const int n = 10000;
  std::vector<float> x(n), y(n, 1), back(n);
  for (int i = 0; i < n; i++) x[i] = i * .25f;
  float *dx, *dy;
  OK(cudaMalloc(&dx, n * sizeof *dx));
  OK(cudaMalloc(&dy, n * sizeof *dy));
  OK(cudaMemcpy(dx, x.data(), n * sizeof *dx, cudaMemcpyHostToDevice));
  OK(cudaMemcpy(dy, y.data(), n * sizeof *dy, cudaMemcpyHostToDevice));
  float changed = 10;
  OK(cudaMemcpyToSymbol(factors, &changed, sizeof changed, 2 * sizeof(float)));
  cudaEvent_t from, to;
  OK(cudaEventCreate(&from));
  OK(cudaEventCreate(&to));
  OK(cudaEventRecord(from));
  saxpy<<<(n + 255) / 256, 256>>>(dy, dx, .5f, n);
  OK(cudaGetLastError());
  OK(cudaEventRecord(to));
  OK(cudaEventSynchronize(to));
  float ms = 0;
  OK(cudaEventElapsedTime(&ms, from, to));
  CHECK(ms > 0 && ms < 1);
  OK(cudaMemcpy(back.data(), dy, n * sizeof *dy, cudaMemcpyDeviceToHost));
  for (int i = 0; i < n; i++) CHECK(back[i] == 1 + .5f * (i % 3 == 0 ? 1 : i % 3 == 1 ? 2 : 10) * x[i]);
  int seen = 0;
  OK(cudaMemcpyFromSymbol(&seen, hits, sizeof seen));
  CHECK(seen == 5 + n);
  size_t size = 0;
  void *address = nullptr;
  OK(cudaGetSymbolSize(&size, table));
  CHECK(size == sizeof table);
  OK(cudaGetSymbolAddress(&address, table));
  cudaPointerAttributes where;
  OK(cudaPointerGetAttributes(&where, address));
  CHECK(where.type == cudaMemoryTypeDevice && where.devicePointer == address);
  OK(cudaPointerGetAttributes(&where, &x));
  CHECK(where.type == cudaMemoryTypeUnregistered);
  CHECK(cudaMemcpyToSymbol(hits, &seen, 4, 1) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(dx, dy, 4, (cudaMemcpyKind)9) == cudaErrorInvalidMemcpyDirection);
  CHECK(cudaGetLastError() == cudaErrorInvalidMemcpyDirection);

  // Templates, dynamic shared memory, attributes, occupancy.
  std::vector<double> d(128);
  for (int i = 0; i < 128; i++) d[i] = i;
  double *dd;
  OK(cudaMalloc(&dd, sizeof(double) * 128));
  cudaStream_t s;
  OK(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking));
  OK(cudaMemcpyAsync(dd, d.data(), sizeof(double) * 128, cudaMemcpyHostToDevice, s));
  reversed<<<1, 128, 128 * sizeof(double), s>>>(dd, 128);
  OK(cudaMemcpyAsync(d.data(), dd, sizeof(double) * 128, cudaMemcpyDeviceToHost, s));
  OK(cudaStreamSynchronize(s));
  for (int i = 0; i < 128; i++) CHECK(d[i] == 127 - i);
  cudaFuncAttributes a;
  OK(cudaFuncGetAttributes(&a, reversed<double>));
  CHECK(a.numRegs > 0 && a.maxThreadsPerBlock == 1024 && a.binaryVersion == 61 && a.sharedSizeBytes == 0);
  int blocks = 0;
  OK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, reversed<double>, 1024, 0));
  CHECK(blocks == 2);
  reversed<<<1, 2048>>>(dd, 128);
  CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration);
  reversed<<<1, 128, 50 << 10>>>(dd, 128);
  CHECK(cudaPeekAtLastError() == cudaErrorInvalidConfiguration && cudaGetLastError() != cudaSuccess && cudaGetLastError() == cudaSuccess);

  // The mathematical functions of CUDA's own library.
  std::vector<float> r(64);
  functions<<<1, 64>>>(dy, dx);
  OK(cudaMemcpy(r.data(), dy, 64 * 4, cudaMemcpyDefault));
  for (int i = 0; i < 64; i++) {
    double v = x[i], want = sin(v) * exp(-v) + sqrt(v) / log(v + 2) + pow(v, 1.5);
    CHECK(std::fabs(r[i] - want) <= 2e-6 * std::fabs(want) + 1e-6);
  }

  // Memory of the host, managed memory, rows, memset.
  int *pinned, *view, *managed;
  OK(cudaHostAlloc(&pinned, 400, cudaHostAllocMapped));
  OK(cudaHostGetDevicePointer(&view, pinned, 0));
  OK(cudaMemset(view, 1, 400));
  OK(cudaDeviceSynchronize());
  CHECK(pinned[99] == 0x01010101);
  OK(cudaMallocManaged(&managed, 128 * sizeof(int)));
  for (int i = 0; i < 128; i++) managed[i] = i;
  reversed<<<1, 128, 128 * sizeof(int)>>>(managed, 128);
  OK(cudaDeviceSynchronize());
  CHECK(managed[0] == 127 && managed[127] == 0);
  char *image;
  size_t pitch;
  OK(cudaMallocPitch(&image, &pitch, 100, 7));
  OK(cudaMemset2D(image, pitch, 'a', 100, 7));
  std::vector<char> text(60 * 7, 'b');
  OK(cudaMemcpy2D(image + 20, pitch, text.data(), 60, 60, 7, cudaMemcpyHostToDevice));
  std::vector<char> rows(100 * 7);
  OK(cudaMemcpy2D(rows.data(), 100, image, pitch, 100, 7, cudaMemcpyDeviceToHost));
  CHECK(rows[619] == 'a' && rows[620] == 'b' && rows[679] == 'b' && rows[680] == 'a');

  // A graph from a stream.
  cudaGraph_t graph;
  cudaGraphExec_t instance;
  OK(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal));
  reversed<<<1, 128, 128 * sizeof(int), s>>>(managed, 128);
  OK(cudaStreamEndCapture(s, &graph));
  CHECK(managed[0] == 127);
  OK(cudaGraphInstantiate(&instance, graph, 0));
  OK(cudaGraphLaunch(instance, s));
  OK(cudaStreamSynchronize(s));
  CHECK(managed[0] == 0);

  // Threads of the host share the device.
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([=] {
      float *q;
      OK(cudaMalloc(&q, 4 * n));
      OK(cudaMemset(q, 0, 4 * n));
      saxpy<<<(n + 255) / 256, 256, 0, cudaStreamPerThread>>>(q, dx, t, n);
      std::vector<float> v(n);
      OK(cudaMemcpyAsync(v.data(), q, 4 * n, cudaMemcpyDeviceToHost, cudaStreamPerThread));
      OK(cudaStreamSynchronize(cudaStreamPerThread));
      CHECK(v[n - 4] == t * 1 * x[n - 4] * ((n - 4) % 3 == 0 ? 1 : (n - 4) % 3 == 1 ? 2 : 10));
      OK(cudaFree(q));
    });
  }
  for (auto &t : threads) t.join();

  // A kernel that fails, and the device after a reset.
  stray<<<1, 1>>>(managed);
  CHECK(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
  CHECK(cudaMalloc(&dx, 4) == cudaErrorIllegalAddress);
  OK(cudaDeviceReset());
  cudaGetLastError();
  OK(cudaMalloc(&dx, 4 * n));
  OK(cudaMemset(dx, 0, 4 * n));
  saxpy<<<1, 32>>>(dx, dx, 1, 32);
  OK(cudaMemcpyFromSymbol(&seen, hits, sizeof seen));
  CHECK(seen == 5 + 32);
  OK(cudaFree(dx));
  OK(cudaFree(nullptr));
  puts("runtime: ok");
}
