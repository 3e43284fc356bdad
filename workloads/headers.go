package workloads

import "embed"

//go:embed kernels/*.h
var headers embed.FS

// Headers returns the headers with which CUDA C++ compiles without a CUDA installation, by the names that programs
// include. None has an absolute path or depends on a file that is not in the map.
func Headers() map[string][]byte {
	out := map[string][]byte{}
	for _, name := range []string{"cuda.h", "cuda_runtime.h"} {
		text, err := headers.ReadFile("kernels/" + name)
		if err != nil {
			panic(err) // embedded: cannot fail
		}
		out[name] = text
	}
	for _, name := range []string{"device_launch_parameters.h", "cuda_runtime_api.h"} {
		out[name] = []byte("#include \"cuda_runtime.h\"\n")
	}
	// Of C's library host code mostly wants printf. The header of the machine's own library, if it has one, is the host's.
	for _, name := range []string{"stdio.h", "cstdio"} {
		out[name] = []byte("#pragma once\nextern \"C\" __host__ __device__ int printf(const char *, ...);\n")
	}
	return out
}
