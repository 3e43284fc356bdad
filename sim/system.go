package sim

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"warpdrop/sim/sm/exec"
)

// PrintfBytes is what the kernels of a launch may print, as CUDA's default of cudaLimitPrintfFifoSize. What is beyond
// is lost, and said so.
const PrintfBytes = 1 << 20

// heapBytes is the heap of malloc in kernels, as CUDA's default of cudaLimitMallocHeapSize.
const heapBytes = 8 << 20

// print writes what the threads of a launch have printed: launch by launch, block by block, a block's calls in the
// order of time. CUDA promises no order; this one does not depend on how many threads simulate.
func (d *Device) print() error {
	var all []exec.Printed
	var lost int64
	for _, m := range d.sms {
		o := &m.Exec.Output
		all = append(all, o.Calls...)
		lost += o.Lost
		*o = exec.Output{Limit: o.Limit}
	}
	return d.printed(all, lost)
}

// printed writes these calls, and says that the text of lost others is lost.
func (d *Device) printed(all []exec.Printed, lost int64) error {
	if len(all) == 0 && lost == 0 {
		return nil
	}
	slices.SortStableFunc(all, func(a, b exec.Printed) int {
		return cmp.Or(cmp.Compare(a.Launch, b.Launch), cmp.Compare(a.Block, b.Block), cmp.Compare(a.Clock, b.Clock))
	})
	out := d.Stdout
	if out == nil {
		out = os.Stdout
	}
	var text []byte
	for i, p := range all {
		if len(text)+len(p.Text) > PrintfBytes {
			lost += int64(len(all) - i)
			break
		}
		text = append(text, p.Text...)
	}
	if lost > 0 {
		text = fmt.Appendf(text, "\n[printf: the buffer of %d bytes is full; the text of %d calls is lost]\n",
			PrintfBytes, lost)
	}
	if _, err := out.Write(text); err != nil {
		return fmt.Errorf("printf of a kernel: %w", err)
	}
	return nil
}

// makeHeaps reserves the heap of malloc, once: each SM's threads take theirs from a stretch of addresses of its own,
// all together no more than the heap's size.
func (d *Device) makeHeaps() error {
	if d.heaps != nil {
		return nil
	}
	if err := d.fits(heapBytes); err != nil {
		return fmt.Errorf("the heap of malloc, %d bytes: %w", heapBytes, err)
	}
	var bases []uint64
	for range d.sms {
		base, err := d.mem.Alloc(heapBytes)
		if err != nil {
			return err
		}
		bases = append(bases, base)
		if d.Unwritten {
			d.mem.Track(base)
		}
	}
	d.heaps = exec.NewHeaps(bases, heapBytes)
	for i, m := range d.sms {
		m.Exec.Heap = d.heaps[i]
	}
	d.used += heapBytes
	return nil
}

// LeakError is memory that kernels took with malloc or new and did not give back.
type LeakError struct {
	Pieces []exec.Piece // by address
}

func (e *LeakError) Error() string {
	const most = 8
	var total uint64
	var b strings.Builder
	for i, p := range e.Pieces {
		if total += p.Bytes; i < most {
			fmt.Fprintf(&b, "\n  %d bytes at %#x, taken by kernel %s, block (%d,%d,%d), thread (%d,%d,%d)",
				p.Bytes, p.Addr, p.Kernel, p.Block[0], p.Block[1], p.Block[2], p.Thread[0], p.Thread[1], p.Thread[2])
		}
	}
	if n := len(e.Pieces) - most; n > 0 {
		fmt.Fprintf(&b, "\n  and %d more", n)
	}
	return fmt.Sprintf("leaks: %d bytes of malloc's heap, in units of 16, were not given back:%s", total, b.String())
}

// CheckLeaks returns a *LeakError with what kernels hold of malloc's heap, nil if that is nothing or Device.Leaks is
// off. It is for a program's end: memory may be taken by one launch and given back by another.
func (d *Device) CheckLeaks() error {
	if !d.Leaks {
		return nil
	}
	if list := exec.Held(d.heaps); len(list) > 0 {
		return &LeakError{list}
	}
	return nil
}
