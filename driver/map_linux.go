package driver

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

const hostPage = 4096

// errTaken is of an address that the program has in use.
var errTaken = errors.New("the program has memory at this address")

// mapHost makes n bytes of memory at addr, a multiple of a page, with a page behind them for what reads past their end.
func mapHost(addr, n uint64) ([]byte, error) {
	all := (n+hostPage-1)/hostPage*hostPage + hostPage
	p, err := unix.MmapPtr(-1, 0, at(addr), uintptr(all), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_FIXED_NOREPLACE)
	if errors.Is(err, unix.EEXIST) {
		return nil, errTaken
	}
	if err != nil {
		return nil, err
	}
	if uintptr(p) != uintptr(addr) { // kernels before 4.17 take the address as a hint
		_ = unix.MunmapPtr(p, uintptr(all))
		return nil, errTaken
	}
	return unsafe.Slice((*byte)(p), all)[:n], nil
}

// unmapHost gives it back.
func unmapHost(addr, n uint64) {
	_ = unix.MunmapPtr(at(addr), uintptr((n+hostPage-1)/hostPage*hostPage+hostPage))
}
