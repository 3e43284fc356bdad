// What the entry points of libcuda.so.1 share.
#pragma once
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

// wd_enter answers entry point number `symbol` with n arguments.
int wd_enter(int symbol, uint64_t *args, int n);

extern void *const wd_symbols[];
extern const int wd_symbol_count;
