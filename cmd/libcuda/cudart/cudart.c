// libcudart.so.12 for programs that are linked with the shared runtime library: CUDA's runtime API over the public driver API.
// It asks the driver for nothing private, so it runs on any driver; NVIDIA's own runtime does not run on ours (docs/guide/program.md).
// Names and layouts are those of CUDA 12's documented interface.
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef int error;       // cudaError_t; most codes are the driver's
typedef uint64_t handle; // of contexts, modules, functions, streams, events, graphs
typedef struct {
	unsigned x, y, z;
} dim3;

enum {
	SUCCESS = 0,
	INVALID_VALUE = 1,
	INITIALIZATION = 3,
	INVALID_CONFIGURATION = 9,
	INVALID_SYMBOL = 13,
	INVALID_DIRECTION = 21,
	NO_FUNCTION = 98,
	INVALID_DEVICE = 101,
	INVALID_KERNEL_IMAGE = 200,
	NOT_FOUND = 500,
	NOT_READY = 600,
	NOT_SUPPORTED = 801,
};

#define CUDA_VERSION 12090 // that the interface here is of

// The driver's entry points, with the arguments that they have in C.
int cuInit(unsigned);
int cuDriverGetVersion(int *);
int cuGetErrorString(int, const char **);
int cuDeviceGetCount(int *);
int cuDeviceGetName(char *, int, int);
int cuDeviceGetUuid(void *, int);
int cuDeviceTotalMem_v2(size_t *, int);
int cuDeviceGetAttribute(int *, int, int);
int cuDeviceGetPCIBusId(char *, int, int);
int cuDeviceCanAccessPeer(int *, int, int);
int cuDevicePrimaryCtxRetain(handle *, int);
int cuDevicePrimaryCtxReset_v2(int);
int cuDevicePrimaryCtxSetFlags_v2(int, unsigned);
int cuCtxGetCurrent(handle *);
int cuCtxSetCurrent(handle);
int cuCtxGetFlags(unsigned *);
int cuCtxSynchronize(void);
int cuCtxGetLimit(size_t *, int);
int cuCtxSetLimit(int, size_t);
int cuCtxGetCacheConfig(int *);
int cuCtxSetCacheConfig(int);
int cuCtxGetSharedMemConfig(int *);
int cuCtxSetSharedMemConfig(int);
int cuCtxGetStreamPriorityRange(int *, int *);
int cuModuleLoadData(handle *, const void *);
int cuModuleUnload(handle);
int cuModuleGetFunction(handle *, handle, const char *);
int cuModuleGetGlobal_v2(handle *, size_t *, handle, const char *);
int cuFuncGetAttribute(int *, int, handle);
int cuFuncSetAttribute(handle, int, int);
int cuFuncSetCacheConfig(handle, int);
int cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *, handle, int, size_t, unsigned);
int cuOccupancyAvailableDynamicSMemPerBlock(size_t *, handle, int, int);
int cuMemGetInfo_v2(size_t *, size_t *);
int cuMemAlloc_v2(handle *, size_t);
int cuMemAllocPitch_v2(handle *, size_t *, size_t, size_t, unsigned);
int cuMemFree_v2(handle);
int cuMemHostAlloc(void **, size_t, unsigned);
int cuMemFreeHost(void *);
int cuMemHostGetDevicePointer_v2(handle *, void *, unsigned);
int cuMemHostGetFlags(unsigned *, void *);
int cuMemHostRegister_v2(void *, size_t, unsigned);
int cuMemHostUnregister(void *);
int cuMemAllocManaged(handle *, size_t, unsigned);
int cuMemAdvise(handle, size_t, int, int);
int cuMemPrefetchAsync(handle, size_t, int, handle);
int cuMemAllocAsync(handle *, size_t, handle);
int cuMemFreeAsync(handle, handle);
int cuPointerGetAttribute(void *, int, handle);
int cuMemcpy(handle, handle, size_t);
int cuMemcpyAsync(handle, handle, size_t, handle);
int cuMemcpy2DUnaligned_v2(const void *);
int cuMemcpy2DAsync_v2(const void *, handle);
int cuMemsetD8_v2(handle, unsigned char, size_t);
int cuMemsetD8Async(handle, unsigned char, size_t, handle);
int cuMemsetD2D8_v2(handle, size_t, unsigned char, size_t, size_t);
int cuMemsetD2D8Async(handle, size_t, unsigned char, size_t, size_t, handle);
int cuStreamCreate(handle *, unsigned);
int cuStreamCreateWithPriority(handle *, unsigned, int);
int cuStreamDestroy_v2(handle);
int cuStreamSynchronize(handle);
int cuStreamQuery(handle);
int cuStreamWaitEvent(handle, handle, unsigned);
int cuStreamGetFlags(handle, unsigned *);
int cuStreamGetPriority(handle, int *);
int cuStreamAddCallback(handle, void *, void *, unsigned);
int cuLaunchHostFunc(handle, void *, void *);
int cuStreamBeginCapture_v2(handle, int);
int cuStreamEndCapture(handle, handle *);
int cuStreamIsCapturing(handle, int *);
int cuGraphInstantiateWithFlags(handle *, handle, unsigned long long);
int cuGraphLaunch(handle, handle);
int cuGraphDestroy(handle);
int cuGraphExecDestroy(handle);
int cuEventCreate(handle *, unsigned);
int cuEventRecord(handle, handle);
int cuEventRecordWithFlags(handle, handle, unsigned);
int cuEventQuery(handle);
int cuEventSynchronize(handle);
int cuEventDestroy_v2(handle);
int cuEventElapsedTime(float *, handle, handle);
int cuLaunchKernel(handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, handle, void **, void **);
int cuLaunchKernelEx(const void *, handle, void **, void **);
int cuLaunchCooperativeKernel(handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, handle, void **);
int cuProfilerStart(void);
int cuProfilerStop(void);

// What a program registers before main: images of machine code, and the kernels and variables in them, each under the address
// of what stands for it in the host's code.
typedef struct image {
	const void *data;
	handle module; // 0 = not loaded
	struct symbol *symbols;
	struct image *next;
} image;

typedef struct symbol {
	const void *host;
	const char *name;
	image *in;
	handle function;        // of a kernel that is loaded
	handle address;         // of a variable that is loaded
	size_t size;            // of a variable
	void **managed;         // of a __managed__ variable: where the program keeps its address
	struct symbol *of_image; // the image's next
	struct symbol *next;     // with the same hash
} symbol;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // of what follows
static image *images;
static symbol *kernels[1024], *variables[1024];
static handle primary;

static __thread error last; // what cudaGetLastError returns

static unsigned hash(const void *p) { return (uint32_t)((uintptr_t)p / 8) * 2654435761u >> 22; }

static error failed(error e) {
	if (e != SUCCESS && e != NOT_READY)
		last = e;
	return e;
}

// ready makes sure that a context is current on this thread: the device's primary one where the program has made none.
static error ready(void) {
	handle c = 0;
	int e = cuCtxGetCurrent(&c);
	if (e == SUCCESS && c)
		return SUCCESS;
	pthread_mutex_lock(&lock);
	if (!primary && (e = cuInit(0)) == SUCCESS)
		e = cuDevicePrimaryCtxRetain(&primary, 0);
	else
		e = primary ? SUCCESS : e;
	pthread_mutex_unlock(&lock);
	return e == SUCCESS ? cuCtxSetCurrent(primary) : e;
}

// CALL is a function of the runtime that is one of the driver's.
#define CALL(e) \
	error r_ = ready(); \
	return failed(r_ == SUCCESS ? (e) : r_)

EXPORT void **__cudaRegisterFatBinary(void *wrapper) {
	image *i = calloc(1, sizeof *i);
	i->data = wrapper;
	pthread_mutex_lock(&lock);
	i->next = images;
	images = i;
	pthread_mutex_unlock(&lock);
	return (void **)i;
}

EXPORT void __cudaRegisterFatBinaryEnd(void **h) { (void)h; }

static void forget(symbol **table, const symbol *s) {
	for (symbol **p = &table[hash(s->host)]; *p; p = &(*p)->next) {
		if (*p == s) {
			*p = s->next;
			return;
		}
	}
}

// The image goes away, as at the end of a library that is unloaded. At the end of the program the driver may be gone already, and
// says so.
EXPORT void __cudaUnregisterFatBinary(void **h) {
	image *i = (image *)h;
	pthread_mutex_lock(&lock);
	for (symbol *s = i->symbols, *n; s; s = n) {
		n = s->of_image;
		forget(kernels, s);
		forget(variables, s);
		free(s);
	}
	for (image **p = &images; *p; p = &(*p)->next) {
		if (*p == i) {
			*p = i->next;
			break;
		}
	}
	if (i->module)
		cuModuleUnload(i->module);
	free(i);
	pthread_mutex_unlock(&lock);
}

static void add(symbol **table, void **h, const void *host, const char *name, size_t size, void **managed) {
	symbol *s = calloc(1, sizeof *s);
	s->host = host, s->name = name, s->in = (image *)h, s->size = size, s->managed = managed;
	pthread_mutex_lock(&lock);
	s->of_image = s->in->symbols, s->in->symbols = s;
	s->next = table[hash(host)], table[hash(host)] = s;
	pthread_mutex_unlock(&lock);
}

EXPORT void __cudaRegisterFunction(void **h, const char *host, char *device, const char *name, int threads, void *tid, void *bid, void *block, void *grid, int *warp) {
	(void)device, (void)threads, (void)tid, (void)bid, (void)block, (void)grid, (void)warp;
	add(kernels, h, host, name, 0, 0);
}

EXPORT void __cudaRegisterVar(void **h, char *host, char *device, const char *name, int ext, size_t size, int constant, int global) {
	(void)device, (void)ext, (void)constant, (void)global;
	add(variables, h, host, name, size, 0);
}

EXPORT void __cudaRegisterManagedVar(void **h, void **host, char *device, const char *name, int ext, size_t size, int constant, int global) {
	(void)device, (void)ext, (void)constant, (void)global;
	add(variables, h, host, name, size, host);
}

// load loads an image where it is not loaded yet, and tells the program where its __managed__ variables are. The lock is held and
// a context is current.
static error load(image *i) {
	if (i->module)
		return SUCCESS;
	error e = cuModuleLoadData(&i->module, i->data);
	for (symbol *s = i->symbols; e == SUCCESS && s; s = s->of_image) {
		if (!s->managed)
			continue;
		e = cuModuleGetGlobal_v2(&s->address, &s->size, i->module, s->name);
		if (e == NOT_FOUND) { // no kernel uses it, so the compiler has left it out: it is the program's alone
			s->address = (handle)(uintptr_t)calloc(1, s->size);
			e = SUCCESS;
		}
		*s->managed = (void *)(uintptr_t)s->address;
	}
	return e;
}

// A program calls it before it reads the address of a __managed__ variable for the first time.
EXPORT char __cudaInitModule(void **h) {
	error e = ready();
	pthread_mutex_lock(&lock);
	if (e == SUCCESS)
		e = load((image *)h);
	pthread_mutex_unlock(&lock);
	if (failed(e) == SUCCESS)
		return 1;
	fprintf(stderr, "warpdrop: a program's __managed__ variables have no memory: error %d\n", e);
	exit(1);
}

// find returns what is registered for host, loaded; its context is current. A __managed__ variable is named by its address.
static error find(symbol **table, const void *host, symbol **found) {
	error e = ready();
	if (e != SUCCESS)
		return e;
	e = table == kernels ? NO_FUNCTION : INVALID_SYMBOL;
	pthread_mutex_lock(&lock);
	symbol *s = table[hash(host)];
	while (s && s->host != host)
		s = s->next;
	for (image *i = table == variables && !s ? images : 0; i && !s; i = i->next)
		for (symbol *m = i->symbols; m && !s; m = m->of_image)
			s = m->managed && *m->managed == host ? m : 0;
	if (s) {
		e = load(s->in);
		if (e == SUCCESS && table == kernels && !s->function) {
			e = cuModuleGetFunction(&s->function, s->in->module, s->name);
			e = e == NOT_FOUND ? NO_FUNCTION : e;
		}
		if (e == SUCCESS && table == variables && !s->address) {
			e = cuModuleGetGlobal_v2(&s->address, &s->size, s->in->module, s->name);
			e = e == NOT_FOUND ? INVALID_SYMBOL : e;
		}
	}
	pthread_mutex_unlock(&lock);
	*found = s;
	return e;
}

// Launches. kernel<<<grid, block, shared, stream>>>(…) pushes the configuration, evaluates the arguments, and pops it.
typedef struct {
	dim3 grid, block;
	size_t shared;
	handle stream;
} configuration;
static __thread configuration pushed[16];
static __thread int depth;

EXPORT unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared, handle stream) {
	if (depth == sizeof pushed / sizeof *pushed)
		return failed(INVALID_CONFIGURATION);
	pushed[depth++] = (configuration){grid, block, shared, stream};
	return SUCCESS;
}

EXPORT error __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared, handle *stream) {
	if (!depth)
		return failed(INVALID_CONFIGURATION);
	configuration *c = &pushed[--depth];
	*grid = c->grid, *block = c->block, *shared = c->shared, *stream = c->stream;
	return SUCCESS;
}

// launched is what the runtime says to the driver's answer to a launch: what is invalid there is its shape.
static error launched(error e) { return failed(e == INVALID_VALUE ? INVALID_CONFIGURATION : e); }

EXPORT error cudaLaunchKernel(const void *host, dim3 g, dim3 b, void **args, size_t shared, handle stream) {
	symbol *s;
	error e = find(kernels, host, &s);
	if (e != SUCCESS)
		return failed(e);
	return launched(shared > 0xffffffff ? INVALID_VALUE : cuLaunchKernel(s->function, g.x, g.y, g.z, b.x, b.y, b.z, shared, stream, args, 0));
}

EXPORT error cudaLaunchCooperativeKernel(const void *host, dim3 g, dim3 b, void **args, size_t shared, handle stream) {
	symbol *s;
	error e = find(kernels, host, &s);
	return e == SUCCESS ? launched(cuLaunchCooperativeKernel(s->function, g.x, g.y, g.z, b.x, b.y, b.z, shared, stream, args)) : failed(e);
}

// What nvcc 13 makes of a launch: a kernel's handle, which is the address that it is registered under.
EXPORT error __cudaGetKernel(const void **kernel, const void *host) {
	*kernel = host;
	return SUCCESS;
}
EXPORT error __cudaLaunchKernel(const void *kernel, dim3 g, dim3 b, void **args, size_t shared, handle stream) {
	return cudaLaunchKernel(kernel, g, b, args, shared, stream);
}

// The configuration's layout is the driver's, but for the upper half of the shared bytes.
EXPORT error cudaLaunchKernelExC(const void *config, const void *host, void **args) {
	symbol *s;
	error e = find(kernels, host, &s);
	return e == SUCCESS ? launched(cuLaunchKernelEx(config, s->function, args, 0)) : failed(e);
}

EXPORT error cudaLaunchHostFunc(handle stream, void *fn, void *arg) { CALL(cuLaunchHostFunc(stream, fn, arg)); }

typedef struct {
	size_t shared, constant, local;
	int max_threads, registers, ptx, binary, cached, max_dynamic, carveout, cluster_set, cluster[3], policy, not_portable, reserved[16];
} function_attributes;

EXPORT error cudaFuncGetAttributes(function_attributes *a, const void *host) {
	symbol *s;
	error e = find(kernels, host, &s);
	if (e != SUCCESS)
		return failed(e);
	int v[10] = {0};
	for (int i = 0; i < 10; i++)
		if ((e = cuFuncGetAttribute(&v[i], i, s->function)) != SUCCESS)
			return failed(e);
	memset(a, 0, sizeof *a);
	a->max_threads = v[0], a->shared = v[1], a->constant = v[2], a->local = v[3], a->registers = v[4], a->ptx = v[5], a->binary = v[6];
	a->cached = v[7], a->max_dynamic = v[8], a->carveout = v[9];
	return SUCCESS;
}

// KERNEL is a function of the runtime that is one of the driver's on kernel f.
#define KERNEL(host, e) \
	symbol *s_; \
	error r_ = find(kernels, host, &s_); \
	handle f = r_ == SUCCESS ? s_->function : 0; \
	(void)f; \
	return failed(r_ == SUCCESS ? (e) : r_)

EXPORT error cudaFuncSetAttribute(const void *host, int attribute, int value) { KERNEL(host, cuFuncSetAttribute(f, attribute, value)); }
EXPORT error cudaFuncSetCacheConfig(const void *host, int config) { KERNEL(host, cuFuncSetCacheConfig(f, config)); }
EXPORT error cudaFuncSetSharedMemConfig(const void *host, int config) { (void)config; KERNEL(host, SUCCESS); }
EXPORT error cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *n, const void *host, int threads, size_t shared, unsigned flags) {
	KERNEL(host, cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(n, f, threads, shared, flags));
}
EXPORT error cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *n, const void *host, int threads, size_t shared) {
	return cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(n, host, threads, shared, 0);
}
EXPORT error cudaOccupancyAvailableDynamicSMemPerBlock(size_t *n, const void *host, int blocks, int threads) {
	KERNEL(host, cuOccupancyAvailableDynamicSMemPerBlock(n, f, blocks, threads));
}

// Devices. There is one.
EXPORT error cudaGetDeviceCount(int *n) { CALL(cuDeviceGetCount(n)); }
EXPORT error cudaGetDevice(int *d) { *d = 0; CALL(SUCCESS); }
EXPORT error cudaSetDevice(int d) { CALL(d == 0 ? SUCCESS : INVALID_DEVICE); }
EXPORT error cudaChooseDevice(int *d, const void *properties) { (void)properties; *d = 0; CALL(SUCCESS); }
EXPORT error cudaSetDeviceFlags(unsigned flags) { error e = cuInit(0); return failed(e == SUCCESS ? cuDevicePrimaryCtxSetFlags_v2(0, flags) : e); }
EXPORT error cudaGetDeviceFlags(unsigned *flags) { CALL(cuCtxGetFlags(flags)); }
EXPORT error cudaDeviceSynchronize(void) { CALL(cuCtxSynchronize()); }
EXPORT error cudaThreadSynchronize(void) { return cudaDeviceSynchronize(); }
EXPORT error cudaDeviceSetLimit(int limit, size_t value) { CALL(cuCtxSetLimit(limit, value)); }
EXPORT error cudaDeviceGetLimit(size_t *value, int limit) { CALL(cuCtxGetLimit(value, limit)); }
EXPORT error cudaDeviceSetCacheConfig(int config) { CALL(cuCtxSetCacheConfig(config)); }
EXPORT error cudaDeviceGetCacheConfig(int *config) { CALL(cuCtxGetCacheConfig(config)); }
EXPORT error cudaDeviceSetSharedMemConfig(int config) { CALL(cuCtxSetSharedMemConfig(config)); }
EXPORT error cudaDeviceGetSharedMemConfig(int *config) { CALL(cuCtxGetSharedMemConfig(config)); }
EXPORT error cudaDeviceGetStreamPriorityRange(int *least, int *greatest) { CALL(cuCtxGetStreamPriorityRange(least, greatest)); }
EXPORT error cudaDeviceGetAttribute(int *v, int attribute, int d) { CALL(cuDeviceGetAttribute(v, attribute, d)); }
EXPORT error cudaDeviceGetPCIBusId(char *id, int n, int d) { CALL(cuDeviceGetPCIBusId(id, n, d)); }
EXPORT error cudaDeviceCanAccessPeer(int *can, int d, int peer) { CALL(cuDeviceCanAccessPeer(can, d, peer)); }

EXPORT error cudaDeviceReset(void) {
	error e = cuInit(0);
	if (e == SUCCESS)
		e = cuDevicePrimaryCtxReset_v2(0);
	if (e == SUCCESS)
		e = ready();
	pthread_mutex_lock(&lock);
	for (image *i = images; i; i = i->next) { // loaded again when they are used, or now where the program has addresses in them
		int used = 0;
		for (symbol *s = i->symbols; s; s = s->of_image) {
			used |= i->module && s->managed;
			s->function = s->address = 0;
		}
		i->module = 0;
		if (used && e == SUCCESS)
			e = load(i);
	}
	pthread_mutex_unlock(&lock);
	return failed(e);
}

// Where cudaDeviceProp (CUDA 12) keeps the driver's attributes.
static const struct {
	short offset, bytes, attribute;
} properties[] = {
	{296, 8, 8}, {304, 4, 12}, {308, 4, 10}, {312, 8, 11}, {320, 4, 1}, {324, 4, 2}, {328, 4, 3}, {332, 4, 4}, {336, 4, 5}, {340, 4, 6}, {344, 4, 7},
	{348, 4, 13}, {352, 8, 9}, {360, 4, 75}, {364, 4, 76}, {368, 8, 14}, {376, 8, 51}, {384, 4, 15}, {388, 4, 16}, {392, 4, 17}, {396, 4, 18}, {400, 4, 19},
	{404, 4, 20}, {576, 4, 31}, {580, 4, 32}, {584, 4, 33}, {588, 4, 34}, {592, 4, 50}, {596, 4, 35}, {600, 4, 40}, {604, 4, 41}, {608, 4, 36},
	{612, 4, 37}, {616, 4, 38}, {624, 4, 39}, {628, 4, 78}, {632, 4, 79}, {636, 4, 80}, {640, 8, 81}, {648, 4, 82}, {652, 4, 83}, {656, 4, 84}, {660, 4, 85},
	{664, 4, 86}, {668, 4, 87}, {672, 4, 88}, {676, 4, 89}, {680, 4, 90}, {684, 4, 91}, {688, 4, 95}, {696, 8, 97}, {704, 4, 100}, {708, 4, 101}, {712, 4, 106},
	{720, 8, 111}, {728, 4, 99}, {744, 4, 115},
};

EXPORT error cudaGetDeviceProperties_v2(char *p, int d) {
	error e = ready();
	memset(p, 0, 1032);
	if (e == SUCCESS)
		e = cuDeviceGetName(p, 256, d);
	if (e == SUCCESS)
		e = cuDeviceGetUuid(p + 256, d);
	if (e == SUCCESS)
		e = cuDeviceTotalMem_v2((size_t *)(p + 288), d);
	for (unsigned i = 0; e == SUCCESS && i < sizeof properties / sizeof *properties; i++) {
		int v = 0;
		cuDeviceGetAttribute(&v, properties[i].attribute, d); // what the driver does not know stays 0
		if (properties[i].bytes == 8)
			*(size_t *)(p + properties[i].offset) = v;
		else
			*(int *)(p + properties[i].offset) = v;
	}
	return failed(e);
}

EXPORT error cudaDriverGetVersion(int *v) { return failed(cuDriverGetVersion(v)); }
EXPORT error cudaRuntimeGetVersion(int *v) { *v = CUDA_VERSION; return SUCCESS; }
EXPORT error cudaProfilerStart(void) { CALL(cuProfilerStart()); }
EXPORT error cudaProfilerStop(void) { CALL(cuProfilerStop()); }

// Errors.
EXPORT error cudaGetLastError(void) { error e = last; last = SUCCESS; return e; }
EXPORT error cudaPeekAtLastError(void) { return last; }

static const struct {
	error code;
	const char *name, *text; // no text: the driver's
} errors[] = {
	{SUCCESS, "cudaSuccess", "no error"}, {INVALID_VALUE, "cudaErrorInvalidValue", 0}, {2, "cudaErrorMemoryAllocation", 0}, {INITIALIZATION, "cudaErrorInitializationError", 0},
	{4, "cudaErrorCudartUnloading", 0}, {INVALID_CONFIGURATION, "cudaErrorInvalidConfiguration", "invalid configuration argument"}, {12, "cudaErrorInvalidPitchValue", "invalid pitch argument"},
	{INVALID_SYMBOL, "cudaErrorInvalidSymbol", "invalid device symbol"}, {INVALID_DIRECTION, "cudaErrorInvalidMemcpyDirection", "invalid copy direction for memcpy"},
	{NO_FUNCTION, "cudaErrorInvalidDeviceFunction", "invalid device function"}, {100, "cudaErrorNoDevice", 0}, {INVALID_DEVICE, "cudaErrorInvalidDevice", 0},
	{INVALID_KERNEL_IMAGE, "cudaErrorInvalidKernelImage", 0}, {201, "cudaErrorDeviceUninitialized", 0}, {209, "cudaErrorNoKernelImageForDevice", 0}, {218, "cudaErrorInvalidPtx", 0},
	{400, "cudaErrorInvalidResourceHandle", 0}, {NOT_FOUND, "cudaErrorSymbolNotFound", 0}, {NOT_READY, "cudaErrorNotReady", 0}, {700, "cudaErrorIllegalAddress", 0},
	{701, "cudaErrorLaunchOutOfResources", 0}, {702, "cudaErrorLaunchTimeout", 0}, {710, "cudaErrorAssert", 0}, {712, "cudaErrorHostMemoryAlreadyRegistered", 0},
	{713, "cudaErrorHostMemoryNotRegistered", 0}, {714, "cudaErrorHardwareStackError", 0}, {715, "cudaErrorIllegalInstruction", 0}, {716, "cudaErrorMisalignedAddress", 0},
	{719, "cudaErrorLaunchFailure", 0}, {720, "cudaErrorCooperativeLaunchTooLarge", 0}, {NOT_SUPPORTED, "cudaErrorNotSupported", 0}, {900, "cudaErrorStreamCaptureUnsupported", 0}, {901, "cudaErrorStreamCaptureInvalidated", 0},
	{999, "cudaErrorUnknown", 0},
};

EXPORT const char *cudaGetErrorName(error e) {
	for (unsigned i = 0; i < sizeof errors / sizeof *errors; i++)
		if (errors[i].code == e)
			return errors[i].name;
	return "unrecognized error code";
}

EXPORT const char *cudaGetErrorString(error e) {
	for (unsigned i = 0; i < sizeof errors / sizeof *errors; i++)
		if (errors[i].code == e && errors[i].text)
			return errors[i].text;
	const char *s = 0;
	return cuGetErrorString(e, &s) == SUCCESS && s ? s : "unrecognized error code";
}

// Memory.
EXPORT error cudaMalloc(handle *p, size_t n) {
	if (n == 0) {
		*p = 0;
		CALL(SUCCESS);
	}
	CALL(cuMemAlloc_v2(p, n));
}
EXPORT error cudaFree(handle p) { CALL(p ? cuMemFree_v2(p) : SUCCESS); }
EXPORT error cudaMallocPitch(handle *p, size_t *pitch, size_t width, size_t height) { CALL(cuMemAllocPitch_v2(p, pitch, width, height, 4)); }
EXPORT error cudaHostAlloc(void **p, size_t n, unsigned flags) { CALL(cuMemHostAlloc(p, n, flags)); }
EXPORT error cudaMallocHost(void **p, size_t n) { return cudaHostAlloc(p, n, 0); }
EXPORT error cudaFreeHost(void *p) { CALL(p ? cuMemFreeHost(p) : SUCCESS); }
EXPORT error cudaHostRegister(void *p, size_t n, unsigned flags) { CALL(cuMemHostRegister_v2(p, n, flags)); }
EXPORT error cudaHostUnregister(void *p) { CALL(cuMemHostUnregister(p)); }
EXPORT error cudaHostGetDevicePointer(handle *d, void *p, unsigned flags) { CALL(cuMemHostGetDevicePointer_v2(d, p, flags)); }
EXPORT error cudaHostGetFlags(unsigned *flags, void *p) { CALL(cuMemHostGetFlags(flags, p)); }
EXPORT error cudaMallocManaged(handle *p, size_t n, unsigned flags) { CALL(cuMemAllocManaged(p, n, flags)); }
EXPORT error cudaMemAdvise(handle p, size_t n, int advice, int d) { CALL(cuMemAdvise(p, n, advice, d)); }
EXPORT error cudaMemPrefetchAsync(handle p, size_t n, int d, handle s) { CALL(cuMemPrefetchAsync(p, n, d, s)); }
EXPORT error cudaMallocAsync(handle *p, size_t n, handle s) { CALL(cuMemAllocAsync(p, n, s)); }
EXPORT error cudaFreeAsync(handle p, handle s) { CALL(p ? cuMemFreeAsync(p, s) : SUCCESS); }
EXPORT error cudaMemGetInfo(size_t *left, size_t *all) { CALL(cuMemGetInfo_v2(left, all)); }

// Copies: addresses say which side they are on, so the direction is only checked.
static error way(int kind) { return kind >= 0 && kind <= 4 ? SUCCESS : INVALID_DIRECTION; }
#define COPY(kind, e) \
	error w_ = way(kind); \
	if (w_ != SUCCESS) \
		return failed(w_); \
	CALL(e)

EXPORT error cudaMemcpy(handle to, handle from, size_t n, int kind) { COPY(kind, n ? cuMemcpy(to, from, n) : SUCCESS); }
EXPORT error cudaMemcpyAsync(handle to, handle from, size_t n, int kind, handle s) { COPY(kind, n ? cuMemcpyAsync(to, from, n, s) : SUCCESS); }

typedef struct { // CUDA_MEMCPY2D
	struct {
		size_t x, y;
		uint64_t type; // CU_MEMORYTYPE_UNIFIED is 4
		handle host, device, array;
		size_t pitch;
	} from, to;
	size_t width, height;
} rows;

static rows rows_of(handle to, size_t to_pitch, handle from, size_t from_pitch, size_t width, size_t height) {
	return (rows){.from = {.type = 4, .device = from, .pitch = from_pitch}, .to = {.type = 4, .device = to, .pitch = to_pitch}, .width = width, .height = height};
}

EXPORT error cudaMemcpy2D(handle to, size_t to_pitch, handle from, size_t from_pitch, size_t width, size_t height, int kind) {
	rows r = rows_of(to, to_pitch, from, from_pitch, width, height);
	COPY(kind, width && height ? cuMemcpy2DUnaligned_v2(&r) : SUCCESS);
}
EXPORT error cudaMemcpy2DAsync(handle to, size_t to_pitch, handle from, size_t from_pitch, size_t width, size_t height, int kind, handle s) {
	rows r = rows_of(to, to_pitch, from, from_pitch, width, height);
	COPY(kind, width && height ? cuMemcpy2DAsync_v2(&r, s) : SUCCESS);
}

EXPORT error cudaMemset(handle p, int v, size_t n) { CALL(n ? cuMemsetD8_v2(p, v, n) : SUCCESS); }
EXPORT error cudaMemsetAsync(handle p, int v, size_t n, handle s) { CALL(n ? cuMemsetD8Async(p, v, n, s) : SUCCESS); }
EXPORT error cudaMemset2D(handle p, size_t pitch, int v, size_t width, size_t height) { CALL(width && height ? cuMemsetD2D8_v2(p, pitch, v, width, height) : SUCCESS); }
EXPORT error cudaMemset2DAsync(handle p, size_t pitch, int v, size_t width, size_t height, handle s) {
	CALL(width && height ? cuMemsetD2D8Async(p, pitch, v, width, height, s) : SUCCESS);
}

// Variables.
static error variable(const void *host, size_t offset, size_t n, handle *at) {
	symbol *s;
	error e = find(variables, host, &s);
	if (e != SUCCESS)
		return e;
	*at = s->address + offset;
	return offset <= s->size && n <= s->size - offset ? SUCCESS : INVALID_VALUE;
}

EXPORT error cudaGetSymbolAddress(handle *p, const void *host) { return failed(variable(host, 0, 0, p)); }
EXPORT error cudaGetSymbolSize(size_t *n, const void *host) {
	symbol *s;
	error e = find(variables, host, &s);
	if (e == SUCCESS)
		*n = s->size;
	return failed(e);
}
EXPORT error cudaMemcpyToSymbolAsync(const void *host, handle from, size_t n, size_t offset, int kind, handle s) {
	handle at;
	error e = variable(host, offset, n, &at);
	return e == SUCCESS ? cudaMemcpyAsync(at, from, n, kind, s) : failed(e);
}
EXPORT error cudaMemcpyFromSymbolAsync(handle to, const void *host, size_t n, size_t offset, int kind, handle s) {
	handle at;
	error e = variable(host, offset, n, &at);
	return e == SUCCESS ? cudaMemcpyAsync(to, at, n, kind, s) : failed(e);
}
EXPORT error cudaMemcpyToSymbol(const void *host, handle from, size_t n, size_t offset, int kind) {
	handle at;
	error e = variable(host, offset, n, &at);
	return e == SUCCESS ? cudaMemcpy(at, from, n, kind) : failed(e);
}
EXPORT error cudaMemcpyFromSymbol(handle to, const void *host, size_t n, size_t offset, int kind) {
	handle at;
	error e = variable(host, offset, n, &at);
	return e == SUCCESS ? cudaMemcpy(to, at, n, kind) : failed(e);
}

typedef struct {
	int type, device; // 0 unregistered, 1 host, 2 device, 3 managed
	handle device_pointer, host_pointer;
} pointer_attributes;

EXPORT error cudaPointerGetAttributes(pointer_attributes *a, handle p) {
	error e = ready();
	if (e != SUCCESS)
		return failed(e);
	*a = (pointer_attributes){0, -2, 0, p}; // -2: no device, as of memory that CUDA does not know
	unsigned type = 0, managed = 0;
	if (cuPointerGetAttribute(&type, 2, p) != SUCCESS)
		return SUCCESS;
	cuPointerGetAttribute(&managed, 8, p);
	a->type = managed ? 3 : (int)type, a->device = 0, a->host_pointer = 0;
	cuPointerGetAttribute(&a->device_pointer, 3, p);
	if (type != 2 || managed)
		cuPointerGetAttribute(&a->host_pointer, 4, p);
	return SUCCESS;
}

// Streams, events, graphs.
EXPORT error cudaStreamCreate(handle *s) { CALL(cuStreamCreate(s, 0)); }
EXPORT error cudaStreamCreateWithFlags(handle *s, unsigned flags) { CALL(cuStreamCreate(s, flags)); }
EXPORT error cudaStreamCreateWithPriority(handle *s, unsigned flags, int priority) { CALL(cuStreamCreateWithPriority(s, flags, priority)); }
EXPORT error cudaStreamDestroy(handle s) { CALL(cuStreamDestroy_v2(s)); }
EXPORT error cudaStreamSynchronize(handle s) { CALL(cuStreamSynchronize(s)); }
EXPORT error cudaStreamQuery(handle s) { CALL(cuStreamQuery(s)); }
EXPORT error cudaStreamWaitEvent(handle s, handle e, unsigned flags) { CALL(cuStreamWaitEvent(s, e, flags)); }
EXPORT error cudaStreamGetFlags(handle s, unsigned *flags) { CALL(cuStreamGetFlags(s, flags)); }
EXPORT error cudaStreamGetPriority(handle s, int *priority) { CALL(cuStreamGetPriority(s, priority)); }
EXPORT error cudaStreamAddCallback(handle s, void *fn, void *arg, unsigned flags) { CALL(cuStreamAddCallback(s, fn, arg, flags)); }
EXPORT error cudaStreamBeginCapture(handle s, int mode) { CALL(cuStreamBeginCapture_v2(s, mode)); }
EXPORT error cudaStreamEndCapture(handle s, handle *graph) { CALL(cuStreamEndCapture(s, graph)); }
EXPORT error cudaStreamIsCapturing(handle s, int *status) { CALL(cuStreamIsCapturing(s, status)); }
EXPORT error cudaGraphInstantiate(handle *exec, handle graph, unsigned long long flags) { CALL(cuGraphInstantiateWithFlags(exec, graph, flags)); }
EXPORT error cudaGraphInstantiateWithFlags(handle *exec, handle graph, unsigned long long flags) { return cudaGraphInstantiate(exec, graph, flags); }
EXPORT error cudaGraphLaunch(handle exec, handle s) { CALL(cuGraphLaunch(exec, s)); }
EXPORT error cudaGraphDestroy(handle graph) { CALL(cuGraphDestroy(graph)); }
EXPORT error cudaGraphExecDestroy(handle exec) { CALL(cuGraphExecDestroy(exec)); }
EXPORT error cudaEventCreate(handle *e) { CALL(cuEventCreate(e, 0)); }
EXPORT error cudaEventCreateWithFlags(handle *e, unsigned flags) { CALL(cuEventCreate(e, flags)); }
EXPORT error cudaEventRecord(handle e, handle s) { CALL(cuEventRecord(e, s)); }
EXPORT error cudaEventRecordWithFlags(handle e, handle s, unsigned flags) { CALL(cuEventRecordWithFlags(e, s, flags)); }
EXPORT error cudaEventQuery(handle e) { CALL(cuEventQuery(e)); }
EXPORT error cudaEventSynchronize(handle e) { CALL(cuEventSynchronize(e)); }
EXPORT error cudaEventDestroy(handle e) { CALL(cuEventDestroy_v2(e)); }
EXPORT error cudaEventElapsedTime(float *ms, handle from, handle to) { CALL(cuEventElapsedTime(ms, from, to)); }

// Textures, surfaces and arrays are not simulated: what makes one says so.
typedef struct {
	int x, y, z, w, kind;
} channel;

EXPORT channel cudaCreateChannelDesc(int x, int y, int z, int w, int kind) { return (channel){x, y, z, w, kind}; }

static error refused(const char *name) {
	fprintf(stderr, "warpdrop: %s: textures, surfaces and arrays are not simulated\n", name);
	return failed(NOT_SUPPORTED);
}
#define REFUSED(name) \
	EXPORT error name(void) { return refused(#name); }
REFUSED(cudaMallocArray)
REFUSED(cudaMalloc3DArray)
REFUSED(cudaMallocMipmappedArray)
REFUSED(cudaGetMipmappedArrayLevel)
REFUSED(cudaFreeArray)
REFUSED(cudaFreeMipmappedArray)
REFUSED(cudaArrayGetInfo)
REFUSED(cudaGetChannelDesc)
REFUSED(cudaMemcpyToArray)
REFUSED(cudaMemcpyToArrayAsync)
REFUSED(cudaMemcpyFromArray)
REFUSED(cudaMemcpyFromArrayAsync)
REFUSED(cudaMemcpy2DToArray)
REFUSED(cudaMemcpy2DToArrayAsync)
REFUSED(cudaMemcpy2DFromArray)
REFUSED(cudaMemcpy2DFromArrayAsync)
REFUSED(cudaMemcpy2DArrayToArray)
REFUSED(cudaCreateTextureObject)
REFUSED(cudaDestroyTextureObject)
REFUSED(cudaGetTextureObjectResourceDesc)
REFUSED(cudaGetTextureObjectTextureDesc)
REFUSED(cudaGetTextureObjectResourceViewDesc)
REFUSED(cudaCreateSurfaceObject)
REFUSED(cudaDestroySurfaceObject)
REFUSED(cudaGetSurfaceObjectResourceDesc)
