//go:build (linux || darwin || freebsd) && (amd64 || arm64)

package train

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// sharedNames are the names OpenBLAS goes by, tried in this order.
var sharedNames = []string{"libopenblas.so.0", "libopenblas.so", "libopenblas.0.dylib",
	"libopenblas.dylib", "/opt/homebrew/opt/openblas/lib/libopenblas.dylib"}

// sharedBLAS is a BLAS in a shared library, behind gonum's interface. Sgemm is the library's, all else gonum's. It is
// called through the Fortran interface, which every BLAS has and which passes everything by address.
type sharedBLAS struct {
	gonum.Implementation
	sgemm uintptr
	args  *sync.Pool
}

// sgemmArgs are the scalars of one call: their addresses have to stay where they are while it lasts.
type sgemmArgs struct {
	tA, tB        byte
	m, n, k       int32
	alpha, beta   float32
	lda, ldb, ldc int32
	list          [15]uintptr
}

// openShared loads the first of these libraries that there is and that has what is needed.
func openShared(names ...string) (lib blas.Float32Level3, name string, err error) {
	for _, name := range names {
		handle, openErr := openBLAS(name)
		if openErr != nil {
			if err == nil {
				err = openErr
			}
			continue
		}
		sgemm, symErr := purego.Dlsym(handle, "sgemm_")
		if symErr != nil {
			err = fmt.Errorf("%s has no sgemm_: %w", name, symErr)
			continue
		}
		// Threads are ours: see engine.
		if set, err := purego.Dlsym(handle, "openblas_set_num_threads"); err == nil {
			purego.SyscallN(set, 1)
		}
		if config := openblasConfig(handle); config != "" {
			name = config
		}
		return &sharedBLAS{sgemm: sgemm, args: &sync.Pool{New: func() any { return new(sgemmArgs) }}}, name, nil
	}
	return nil, "", err
}

// openBLAS opens a library. An OpenBLAS older than the processor does not know its model and takes the kernels of a
// Prescott, of 2004 and with SSE3 only; it is then told to take those for this processor's vector instructions, 3.7
// times as fast where it was measured. Whoever has set OPENBLAS_CORETYPE gets what was asked for.
func openBLAS(name string) (uintptr, error) {
	const flags, variable = purego.RTLD_NOW | purego.RTLD_LOCAL, "OPENBLAS_CORETYPE"
	handle, err := purego.Dlopen(name, flags)
	if err != nil || os.Getenv(variable) != "" || products == noProducts ||
		!strings.Contains(openblasConfig(handle), "Prescott") {
		return handle, err
	}
	kernels := "Haswell"
	if products == productAVX512 {
		kernels = "SkylakeX"
	}
	// The library chooses when it is loaded, by the environment of C, which is not Go's.
	var setenv func(name, value string, overwrite int32) int32
	var unsetenv func(name string) int32
	for symbol, function := range map[string]any{"setenv": &setenv, "unsetenv": &unsetenv} {
		address, err := purego.Dlsym(purego.RTLD_DEFAULT, symbol)
		if err != nil {
			return handle, nil // it works as it is
		}
		purego.RegisterFunc(function, address)
	}
	if err := purego.Dlclose(handle); err != nil {
		return handle, nil
	}
	setenv(variable, kernels, 1)
	defer unsetenv(variable)
	return purego.Dlopen(name, flags)
}

// openblasConfig is how an OpenBLAS was built and which kernels it has chosen; empty for other libraries.
func openblasConfig(handle uintptr) string {
	get, err := purego.Dlsym(handle, "openblas_get_config")
	if err != nil {
		return ""
	}
	var config func() string
	purego.RegisterFunc(&config, get)
	return config()
}

// Sgemm computes c = alpha * op(a) * op(b) + beta * c, row-major. The library is column-major and computes the
// transposed product c' = op(b)' op(a)'.
func (s *sharedBLAS) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32,
	ldb int, beta float32, c []float32, ldc int) {
	if m == 0 || n == 0 {
		return
	}
	if k == 0 { // a and b may be empty, and have no address
		s.Implementation.Sgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	checkGemm(tA, tB, m, n, k, a, lda, b, ldb, c, ldc) // the library checks no bounds
	p := s.args.Get().(*sgemmArgs)
	p.tA, p.tB, p.m, p.n, p.k, p.alpha, p.beta, p.lda, p.ldb, p.ldc = byte(tB), byte(tA), int32(n), int32(m), int32(k),
		alpha, beta, int32(ldb), int32(lda), int32(ldc)
	// A list written out at the call would be allocated by every call. Callers come through the interface, so a, b and c
	// lie on the heap and do not move. The last two are the lengths of the first two, which are strings to Fortran.
	p.list = [15]uintptr{
		uintptr(unsafe.Pointer(&p.tA)), uintptr(unsafe.Pointer(&p.tB)), uintptr(unsafe.Pointer(&p.m)),
		uintptr(unsafe.Pointer(&p.n)), uintptr(unsafe.Pointer(&p.k)), uintptr(unsafe.Pointer(&p.alpha)),
		uintptr(unsafe.Pointer(&b[0])), uintptr(unsafe.Pointer(&p.lda)), uintptr(unsafe.Pointer(&a[0])),
		uintptr(unsafe.Pointer(&p.ldb)), uintptr(unsafe.Pointer(&p.beta)), uintptr(unsafe.Pointer(&c[0])),
		uintptr(unsafe.Pointer(&p.ldc)), 1, 1}
	purego.SyscallN(s.sgemm, p.list[:]...)
	runtime.KeepAlive(a)
	runtime.KeepAlive(b)
	runtime.KeepAlive(c)
	s.args.Put(p)
}
