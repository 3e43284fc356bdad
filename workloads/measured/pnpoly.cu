// Which of 20 million points lie inside a polygon of 600 vertices: a ray from the point to the right crosses an odd number of edges.
// Tuning parameters are those of pnpoly-gtx1080ti.csv:
//   block_size_x            threads of a block
//   tile_size               points a thread, block_size_x apart
//   between_method          how it is tested that a point is between the ends of an edge, vertically
//   use_precomputed_slopes  slopes of edges are read from constant memory and not divided out
//   use_method              0: crossings flip a flag, in a branch; 1: they are added without a branch; 2: they are counted, in a branch
#define VERTICES 600

__constant__ float2 vertices[VERTICES];
__constant__ float slopes[VERTICES];

__device__ __forceinline__ int between(float y, float a, float b) {
#if between_method == 0
  return (a > y) != (b > y);
#elif between_method == 1
  return (a <= y && b > y) || (a > y && b <= y);
#elif between_method == 2
  return y - a == 0.0f || (y - a) * (y - b) < 0.0f;
#else
  return (y - a) * (y - b) < 0.0f || y - a == 0.0f;
#endif
}

extern "C" __global__ void pnpoly(int *inside, const float2 *points, int n) {
  const int first = blockIdx.x * (block_size_x * tile_size) + threadIdx.x;
  if (first >= n) return;
  float2 p[tile_size];
  int crossed[tile_size];
#pragma unroll
  for (int i = 0; i < tile_size; i++) {
    crossed[i] = 0;
    if (first + i * block_size_x < n) p[i] = points[first + i * block_size_x];
  }
  for (int j = 0, before = VERTICES - 1; j < VERTICES; before = j++) {
    const float2 a = vertices[j], b = vertices[before];
#if use_precomputed_slopes
    const float slope = slopes[j];
#else
    const float slope = (b.x - a.x) / (b.y - a.y);
#endif
#pragma unroll
    for (int i = 0; i < tile_size; i++) {
#if use_method == 0
      if (between(p[i].y, a.y, b.y) && p[i].x < slope * (p[i].y - a.y) + a.x) crossed[i] = !crossed[i];
#elif use_method == 1
      const int reaches = between(p[i].y, a.y, b.y);
      crossed[i] += reaches && p[i].x < a.x + slope * (p[i].y - a.y);
#else
      if (between(p[i].y, a.y, b.y) && p[i].x < slope * (p[i].y - a.y) + a.x) crossed[i] += 1;
#endif
    }
  }
#pragma unroll
  for (int i = 0; i < tile_size; i++) {
    if (first + i * block_size_x < n) inside[first + i * block_size_x] = crossed[i] & 1;
  }
}
