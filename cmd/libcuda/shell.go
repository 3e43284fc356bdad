//go:build libcuda && cgo

// The shared library behind libcuda.so.1: package driver, and what C needs to reach it.
package main

/*
#include <stdint.h>

static void wd_call_host(uintptr_t f, uint64_t a, uint64_t b, uint64_t c) { ((void (*)(uint64_t, uint64_t, uint64_t))f)(a, b, c); }
static uint64_t wd_call_size(uintptr_t f, int threads) { return ((uint64_t (*)(int))f)(threads); }
*/
import "C"

import (
	"fmt"
	"os"
	"unsafe"

	"warpdrop/driver"
)

var (
	theDriver *driver.Driver
	names     []string
)

func main() {}

//export wdStart
func wdStart(symbols *unsafe.Pointer, n C.int) C.int {
	o, err := driver.FromEnvironment(os.LookupEnv)
	if err != nil {
		fmt.Fprintln(os.Stderr, "warpdrop:", err)
		return 1
	}
	addresses := map[string]uintptr{}
	for i, s := range driver.Symbols() {
		names = append(names, s.Name)
		addresses[s.Name] = uintptr(unsafe.Slice(symbols, int(n))[i])
	}
	o.Symbol = func(name string) uintptr { return addresses[name] }
	o.CallHost = func(fn uintptr, args ...uint64) {
		var a [3]uint64
		copy(a[:], args)
		C.wd_call_host(C.uintptr_t(fn), C.uint64_t(a[0]), C.uint64_t(a[1]), C.uint64_t(a[2]))
	}
	o.CallSize = func(fn uintptr, threads uint64) uint64 {
		return uint64(C.wd_call_size(C.uintptr_t(fn), C.int(threads)))
	}
	theDriver = driver.New(o)
	return 0
}

//export wdCall
func wdCall(symbol C.int, thread C.uint64_t, args *C.uint64_t, n C.int) C.int {
	return C.int(theDriver.Call(names[symbol], uint64(thread), unsafe.Slice((*uint64)(args), int(n))...))
}

//export wdThreadEnd
func wdThreadEnd(thread C.uint64_t) { theDriver.EndThread(uint64(thread)) }

//export wdFinish
func wdFinish() {
	if err := theDriver.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "warpdrop:", err)
	}
}
