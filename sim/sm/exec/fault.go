package exec

import (
	"errors"
	"fmt"

	"warpdrop/sim/sm/lower"
)

// The kinds of faults, for errors.Is.
var (
	ErrBounds     = errors.New("access out of bounds")
	ErrMisaligned = errors.New("misaligned access")
	ErrStack      = errors.New("stack overflow")
	ErrIllegal    = errors.New("illegal instruction")
	ErrAssert     = errors.New("assertion failed")
	ErrHeap       = errors.New("free of what malloc did not return")
	ErrTrap       = errors.New("trap")
	ErrBarrier    = errors.New("illegal barrier, or number of threads for one")
)

// ExecFault is an error of the executed program; Reason is empty if there is none.
type ExecFault struct {
	Kind   error // one of the above
	Reason string
	Lane   int
	Addr   uint64
	Bytes  int
	Where  string // where the address lies
}

func (f *ExecFault) String() string {
	if f.Bytes == 0 {
		return f.Reason
	}
	s := fmt.Sprintf("%s: %d bytes at %#x", f.Reason, f.Bytes, f.Addr)
	if f.Where != "" {
		s += " (" + f.Where + ")"
	}
	return s
}

// Fault is an error that a kernel made: where, and what.
type Fault struct {
	Kind  error
	Prog  *lower.Program
	Block [3]uint32
	Warp  int
	Lane  int
	Op    int32 // index into Prog.Ops
	Cycle int64 // 0 where there are no cycles
	Text  string
}

func (f *Fault) Error() string {
	return fmt.Sprintf("kernel %s, block (%d,%d,%d), warp %d lane %d, %s: %s", f.Prog.Name, f.Block[0], f.Block[1],
		f.Block[2], f.Warp, f.Lane, f.Prog.Place(f.Op), f.Text)
}

// Unwrap returns the fault's kind.
func (f *Fault) Unwrap() error { return f.Kind }

// Failed returns the error that Exec met at the instruction at pc of warp w, and clears it.
func (x *Exec) Failed(w *Warp, pc int32) *Fault {
	f := &Fault{Kind: x.Fault.Kind, Prog: w.Block.Prog, Block: w.Block.Index, Warp: w.InBlock, Lane: x.Fault.Lane,
		Op: pc, Cycle: x.Clock, Text: x.Fault.String()}
	x.Fault = ExecFault{}
	return f
}
