package sim

import (
	"errors"
	"fmt"
	"strings"

	"warpdrop/sim/sm/exec"
	"warpdrop/sim/sm/timing"
)

// What a launch can end with, for errors.As.
type (
	// Fault is an instruction that the hardware would have stopped at: an address outside of all allocations, an illegal
	// instruction, a stack that is full. The launch ends there.
	Fault = exec.Fault
	// CheckError is what Device.Races and Device.Uninit found in a launch that ran to its end.
	CheckError = exec.CheckError
	// HazardError is what Device.Hazards found in a launch that ran to its end.
	HazardError = timing.HazardError
)

// The kinds of errors that a launch can end with, for errors.Is. ErrOutOfMemory is another.
var (
	ErrBounds     = exec.ErrBounds     // access outside of all allocations, or past the block's shared memory
	ErrMisaligned = exec.ErrMisaligned // address that is no multiple of the access's size
	ErrStack      = exec.ErrStack      // local memory or the divergence stack is full
	ErrIllegal    = exec.ErrIllegal    // instruction that the hardware has not
	ErrTrap       = exec.ErrTrap
	ErrAssert     = exec.ErrAssert  // assert in a kernel
	ErrHeap       = exec.ErrHeap    // free of what malloc did not return
	ErrBarrier    = exec.ErrBarrier // BAR whose number is beyond 15 or whose thread count is no multiple of 32

	ErrTooLarge   = errors.New("cooperative launch too large")
	ErrDeadlock   = errors.New("deadlock")
	ErrCycleLimit = errors.New("limit of cycles reached")

	// A launch that its context ended has the context's error, and says where its warps stood.
)

// stuckError is a launch that does not end, with where its warps stand.
type stuckError struct {
	kind  error
	text  string
	warps []string // the first few
	more  int
	rooms []string // launches with blocks that wait for room
}

func newStuckError(kind error, what string) *stuckError { return &stuckError{kind: kind, text: what} }

// add adds a warp, at instruction op of its program.
func (e *stuckError) add(where string, w *exec.Warp, op int32, why string) {
	const most = 8
	if len(e.warps) == most {
		e.more++
		return
	}
	i := w.Block.Index
	e.warps = append(e.warps, fmt.Sprintf("\n  %sblock (%d,%d,%d), warp %d, at %s: %s", where, i[0], i[1], i[2], w.InBlock,
		w.Block.Prog.Place(op), why))
}

func (e *stuckError) Error() string {
	s := e.text + strings.Join(e.warps, "")
	if e.more > 0 {
		s += fmt.Sprintf("\n  and %d more warps", e.more)
	}
	return s + strings.Join(e.rooms, "")
}

// Unwrap returns the error's kind.
func (e *stuckError) Unwrap() error { return e.kind }
