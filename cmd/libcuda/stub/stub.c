// libcuda.so.1: entry points only. What answers them is libwarpdrop.so beside it, which holds a Go runtime with threads of
// its own. It is loaded at a process's first call, so that a program may fork before it uses CUDA, as with any driver.
#define _GNU_SOURCE
#include "stub.h"
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOT_INITIALIZED = 3, UNKNOWN = 999 };

static int (*call)(int, uint64_t, uint64_t *, int);
static void (*thread_end)(uint64_t);
static void (*finish)(void);
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int forked; // after the first call: the child has no threads of the driver's
static uint64_t threads;
static __thread uint64_t me; // this thread's number, from 1

static void at_fork(void) { forked = 1; }
static void at_exit(void) {
	if (!forked)
		finish();
}
static void at_thread_end(void *p) {
	if (!forked)
		thread_end((uint64_t)(uintptr_t)p);
}

static void load(void) {
	char path[PATH_MAX];
	const char *set = getenv("WARPDROP_DRIVER");
	Dl_info self;
	if (set && *set) {
		snprintf(path, sizeof path, "%s", set);
	} else if (dladdr((void *)load, &self) && self.dli_fname && strrchr(self.dli_fname, '/')) {
		snprintf(path, sizeof path, "%.*s/libwarpdrop.so", (int)(strrchr(self.dli_fname, '/') - self.dli_fname), self.dli_fname);
	} else {
		snprintf(path, sizeof path, "libwarpdrop.so");
	}
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	int (*start)(void *const *, int) = lib ? (int (*)(void *const *, int))dlsym(lib, "wdStart") : 0;
	if (!start) {
		fprintf(stderr, "warpdrop: %s\n", dlerror());
		return;
	}
	thread_end = (void (*)(uint64_t))dlsym(lib, "wdThreadEnd");
	finish = (void (*)(void))dlsym(lib, "wdFinish");
	if (start(wd_symbols, wd_symbol_count))
		return;
	pthread_key_create(&key, at_thread_end);
	pthread_atfork(0, 0, at_fork);
	atexit(at_exit);
	call = (int (*)(int, uint64_t, uint64_t *, int))dlsym(lib, "wdCall");
}

int wd_enter(int symbol, uint64_t *args, int n) {
	if (forked)
		return NOT_INITIALIZED;
	pthread_once(&once, load);
	if (!call)
		return UNKNOWN;
	if (!me) {
		me = __sync_add_and_fetch(&threads, 1);
		pthread_setspecific(key, (void *)(uintptr_t)me);
	}
	return call(symbol, me, args, n);
}
