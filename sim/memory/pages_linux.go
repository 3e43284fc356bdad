package memory

import (
	"syscall"
	"unsafe"
)

// hugePages asks for large pages behind the data of an allocation that is worth it: a scattered access then seldom
// misses the host's TLB, and the first touch of many small pages is one page fault. Memory that is only read stays the
// kernel's page of zeros, as with small pages. Nothing depends on the answer.
func hugePages(b []byte) {
	const page, huge = 4096, 2 << 20
	if len(b) < 2*huge {
		return
	}
	skip := -uintptr(unsafe.Pointer(unsafe.SliceData(b))) % page
	b = b[skip:]
	_ = syscall.Madvise(b[:len(b)&^(page-1)], syscall.MADV_HUGEPAGE)
}
