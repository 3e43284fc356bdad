package exec

import (
	"fmt"
	"math/bits"

	"warpdrop/sim/memory"
	"warpdrop/sim/sm/lower"
)

// Functions of CUDA's run-time system take their arguments from R4 on, 64-bit ones in even pairs, and leave their
// result there. What they cost is not modelled: they take the time of a call.

// Printed is what one thread has printed with one call.
type Printed struct {
	Launch int64 // number of the launch
	Block  int64 // of the grid, x running fastest
	Clock  int64
	Text   string
}

// Output collects what an SM's threads print.
type Output struct {
	Calls []Printed
	Bytes int
	Limit int   // bytes kept
	Lost  int64 // calls whose text would have passed the limit
}

// system executes CodeSystem for the threads in mask. It reports false where the warp has to try again later.
func (x *Exec) system(w *Warp, op *lower.Op, mask uint32) (done bool) {
	const registers = 14 // R4 to R13, what the one with most arguments takes
	name := w.Block.Prog.Text(w.PC)
	i := bits.TrailingZeros32(mask)
	if op.Aux == 0 {
		x.fault(ErrIllegal, fmt.Sprintf("call of %s, which is not executed; of CUDA's run-time system are %v", name,
			lower.SystemCalls), i)
		return true
	}
	need := [...]int{8, registers, 6, 6}[op.Aux-1]
	if w.Block.Prog.Registers < need {
		x.fault(ErrIllegal, fmt.Sprintf("call of %s by code of %d registers; its arguments reach to R%d", name,
			w.Block.Prog.Registers, need-1), i)
		return true
	}
	switch lower.SystemCalls[op.Aux-1] {
	case "vprintf":
		x.printf(w, mask)
	case "__assertfail":
		x.assertion(w, mask)
	case "malloc":
		return x.malloc(w, mask)
	case "free":
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			if err := x.Heap.Free(w.wide(4, i)); err != nil {
				x.fault(ErrHeap, err.Error(), i)
				return true
			}
		}
	}
	return true
}

// malloc executes malloc(bytes).
func (x *Exec) malloc(w *Warp, mask uint32) (done bool) {
	var sizes, addrs [32]uint64
	n := 0
	for m := mask; m != 0; m &= m - 1 {
		sizes[n] = w.wide(4, bits.TrailingZeros32(m))
		n++
	}
	if !x.Heap.Malloc(sizes[:n], addrs[:n]) {
		return false
	}
	note := x.Check != nil && x.Check.Global
	var pieces []Piece
	n = 0
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		w.row(4)[i], w.row(5)[i] = uint32(addrs[n]), uint32(addrs[n]>>32)
		if addrs[n] != 0 {
			p := Piece{Kernel: w.Block.Prog.Name, Block: w.Block.Index, Thread: w.threadIndex(i)}
			x.Heap.takers[addrs[n]] = p
			if note {
				p.Addr, p.Bytes = addrs[n], rounded(sizes[n])
				pieces = append(pieces, p)
			}
		}
		n++
	}
	if note {
		x.Check.handed(x, w, pieces)
	}
	return true
}

// threadIndex returns threadIdx of lane i.
func (w *Warp) threadIndex(i int) (t [3]uint32) {
	d := w.Block.Dim
	n := uint32(32*w.InBlock + i)
	return [3]uint32{n % d[0], n / d[0] % d[1], n / d[0] / d[1]}
}

// printf executes vprintf(format, arguments) for each thread.
func (x *Exec) printf(w *Warp, mask uint32) {
	b := w.Block
	block := (int64(b.Index[2])*int64(b.Grid[1])+int64(b.Index[1]))*int64(b.Grid[0]) + int64(b.Index[0])
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		result := int32(-1)
		if format := w.wide(4, i); format != 0 {
			text, ok := x.text(w, i, format)
			if !ok {
				return
			}
			f := formatter{args: w.wide(6, i),
				read: func(addr uint64, p []byte) bool { return x.peek(w, i, addr, p) },
				text: func(addr uint64) (string, bool) { return x.text(w, i, addr) }}
			if !f.format(text) {
				return
			}
			x.Output.add(Printed{b.Prog.Launch, block, x.Clock, string(f.out)})
			result = f.parsed
		}
		w.row(4)[i] = uint32(result)
	}
}

// add keeps p if there is room.
func (o *Output) add(p Printed) {
	if o.Bytes+len(p.Text) > o.Limit {
		o.Lost++
		return
	}
	o.Bytes += len(p.Text)
	o.Calls = append(o.Calls, p)
}

// assertion executes __assertfail(condition, file, line, function, size of a character): the launch ends with it.
func (x *Exec) assertion(w *Warp, mask uint32) {
	i := bits.TrailingZeros32(mask)
	var texts [3]string
	for k, reg := range [...]lower.Src{4, 6, 10} {
		var ok bool
		if texts[k], ok = x.text(w, i, w.wide(reg, i)); !ok {
			texts[k] = "?"
			x.Fault = ExecFault{}
		}
	}
	t := w.threadIndex(i)
	more := ""
	if n := bits.OnesCount32(mask) - 1; n > 0 {
		more = fmt.Sprintf(" (and in %d more threads of the warp)", n)
	}
	x.fault(ErrAssert, fmt.Sprintf("%s:%d: %s: thread (%d,%d,%d): assertion `%s` failed%s", texts[1], w.row(8)[i],
		texts[2], t[0], t[1], t[2], texts[0], more), i)
}

// maxText bounds a string that a thread hands to the run-time system.
const maxText = 64 << 10

// text reads the string at a generic address as lane i sees it.
func (x *Exec) text(w *Warp, i int, addr uint64) (string, bool) {
	var b []byte
	for len(b) < maxText {
		var c [1]byte
		if !x.peek(w, i, addr+uint64(len(b)), c[:]) {
			return "", false
		}
		if c[0] == 0 {
			return string(b), true
		}
		b = append(b, c[0])
	}
	x.failed(ErrBounds, "string without an end", i, addr, "")
	return "", false
}

// peek reads len(p) bytes at a generic address as lane i sees them. It reports whether all are readable, and makes a
// fault if not.
func (x *Exec) peek(w *Warp, i int, addr uint64, p []byte) bool {
	n := uint64(len(p))
	off := addr & (memory.WindowBytes - 1)
	switch addr &^ (memory.WindowBytes - 1) {
	case memory.SharedWindow:
		if off+n <= uint64(len(w.Block.Shared)) {
			copy(p, w.Block.Shared[off:])
			return true
		}
	case memory.LocalWindow:
		if size := uint64(w.Block.Prog.LocalBytes); off+n <= size {
			copy(p, w.Local[uint64(i)*size+off:])
			return true
		}
	default:
		if s := x.Global.Global.Find(addr); s != nil && s.Size-(addr-s.Base) >= n {
			x.Global.Load(s, addr, p)
			return true
		}
	}
	x.Fault = ExecFault{Kind: ErrBounds, Reason: "argument out of bounds", Lane: i, Addr: addr, Bytes: len(p),
		Where: x.Global.Global.Describe(addr)}
	return false
}
