// Kernels that do not end, and one that only looks so.
#include "../../workloads/kernels/cuda.h"

// Every lane of a warp takes the lock: the one that has it waits for the others, which wait for it.
extern "C" __global__ void lock(int *held, volatile int *count) {
  while (__nvvm_atom_cas_gen_i(held, 0, 1) != 0);
  *count += 1;
  *(volatile int *)held = 0;
}

// A barrier of all blocks, more than the chip holds.
extern "C" __global__ void grid_barrier(int *count) {
  __nvvm_atom_add_gen_i(count, 1);
  while (*(volatile int *)count < gridDim.x);
}

// Computes for this many cycles and stores then.
extern "C" __global__ void busy(int *out, int cycles) {
  int begin = __nvvm_read_ptx_sreg_clock(), n = 0;
  while ((int)__nvvm_read_ptx_sreg_clock() - begin < cycles) n++;
  out[0] = n;
}

// Stores now and then, for this many cycles.
extern "C" __global__ void steady(volatile int *out, int cycles) {
  int begin = __nvvm_read_ptx_sreg_clock(), n = 0;
  while ((int)__nvvm_read_ptx_sreg_clock() - begin < cycles)
    if (n++ % 4096 == 0) out[0] = n;
}
