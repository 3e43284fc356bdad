package train

import (
	"os"
	"strings"
	"testing"
)

// TestOpenBLASKernels makes sure that an OpenBLAS that does not know this processor does not run with kernels of twenty
// years ago.
func TestOpenBLASKernels(t *testing.T) {
	if products == noProducts || os.Getenv("OPENBLAS_CORETYPE") != "" {
		t.Skip("no AVX2, or OPENBLAS_CORETYPE is set")
	}
	name, err := BLASName(BLASOpenBLAS)
	if err != nil {
		t.Skip(err)
	}
	if !strings.HasPrefix(name, "OpenBLAS") || strings.Contains(name, "Prescott") {
		t.Errorf("the BLAS is %q; want OpenBLAS with kernels for AVX2 or AVX-512", name)
	}
}
