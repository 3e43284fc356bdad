// Calls of CUDA's run-time system.
#define KERNEL extern "C" __attribute__((global)) void
#define DEVICE __attribute__((device))

extern "C" DEVICE int vprintf(const char *format, const char *arguments);
extern "C" DEVICE void __assertfail(const char *condition, const char *file, unsigned line, const char *function, unsigned long size);
extern "C" DEVICE void *malloc(unsigned long n);
extern "C" DEVICE void free(void *p);

DEVICE unsigned thread() { return __nvvm_read_ptx_sreg_tid_x(); }
DEVICE unsigned block() { return __nvvm_read_ptx_sreg_ctaid_x(); }

KERNEL plain(int *y) { y[thread()] = 7; }

// One line a thread that has the bit of its number in which, and what printf returned.
KERNEL says(int *y, unsigned which) {
  struct { unsigned block, thread; const char *text; double x; } a = {block(), thread(), "abc", 0.5};
  if (which >> (thread() & 31) & 1) y[thread()] = vprintf("block %u thread %u %s %.2f\n", (const char *)&a);
}

KERNEL says_nothing(int *y) {
  y[0] = vprintf("none\n", 0);
  y[1] = vprintf(0, 0);
}

// More than the buffer holds.
KERNEL says_too_much(int n) {
  for (int i = 0; i < n; i++) vprintf("0123456789012345678901234567890123456789012345678901234567890123", 0);
}

KERNEL asserts(int *y) {
  if (y[thread()] != 0) __assertfail("y[t] == 0", "system.cu", 40, "asserts", 1);
  y[thread()] = 1;
}

// Each thread takes n bytes, writes its number to the first words, and leaves the address and the sum of what it reads back.
KERNEL takes(unsigned long *y, unsigned n) {
  unsigned t = block() * 32 + thread();
  unsigned *p = (unsigned *)malloc(n);
  y[2 * t] = (unsigned long)p;
  if (!p) return;
  for (unsigned i = 0; i < n / 4 && i < 12; i++) p[i] = t;
  unsigned sum = 0;
  for (unsigned i = 0; i < n / 4 && i < 12; i++) sum += p[i];
  y[2 * t + 1] = sum;
}

// Gives back what another launch took, last block first.
KERNEL gives(unsigned long *y, unsigned n) { free((void *)y[2 * (n - 1 - (block() * 32 + thread()))]); }

KERNEL gives_twice(unsigned long *y) {
  free((void *)y[0]);
  free((void *)y[0]);
}

// Takes memory that was written and given back, writes its first word and reads word which.
KERNEL takes_again(unsigned *y, unsigned which) {
  unsigned t = thread();
  volatile unsigned *p = (unsigned *)malloc(32);
  for (unsigned i = 0; i < 8; i++) p[i] = t;
  free((void *)p);
  p = (unsigned *)malloc(32);
  p[0] = t;
  y[t] = p[which];
  free((void *)p);
}
