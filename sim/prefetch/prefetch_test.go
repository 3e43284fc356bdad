package prefetch

import (
	"testing"
	"unsafe"
)

// Prefetching may be asked for what is not there, and changes nothing that is.
func TestPrefetch(t *testing.T) {
	var rows [4][32]uint32
	for i := range rows {
		rows[i][31] = uint32(i)
	}
	p := unsafe.Pointer(&rows)
	Lines(p, 8)
	Lines(p, 1<<16)
	Lines(nil, 0)
	Three(p, nil, unsafe.Add(p, 128))
	Rows(p, &[]uint8{0, 3, 255}[0], 3)
	for i := range rows {
		if rows[i][31] != uint32(i) {
			t.Errorf("row %d is changed", i)
		}
	}
}
