package exec

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"
	"unsafe"

	"warpdrop/sim/isa"
	"warpdrop/sim/memory"
	"warpdrop/sim/sm/lower"
)

// memory executes a memory instruction and leaves its addresses in x.Access.
func (x *Exec) memory(w *Warp, op *lower.Op, mask uint32) {
	a := &x.Access
	a.Bytes = lower.SizeBytes[op.Size]
	a.Cache = memory.CacheOp(op.Cache)
	a.Unit = false
	x.Passes = 0
	if op.Flags&lower.FlagUniform != 0 || op.Size2 != 0 {
		op = x.plainAddress(w, op, mask)
	}
	switch op.Code {
	case lower.CodeLDS:
		w.Block.settle(x.Clock)
		a.Space, a.Kind = memory.SpaceShared, memory.Load
		if (x.Check != nil || !x.loadShared(w, op, mask)) && x.sharedAddress(w, op, mask) {
			x.load(w, op, unsafe.Pointer(unsafe.SliceData(w.Block.Shared)), 0, mask)
		}
	case lower.CodeLDSM:
		x.loadMatrices(w, op)
	case lower.CodeLDGSTS:
		x.copyGlobal(w, op, mask)
	case lower.CodeSTS:
		a.Space, a.Kind = memory.SpaceShared, memory.Store
		if (x.Check != nil || !x.storeShared(w, op, mask)) && x.sharedAddress(w, op, mask) {
			x.store(w, op, unsafe.Pointer(unsafe.SliceData(w.Block.Shared)), 0, mask)
		}
	case lower.CodeARRIVES:
		a.Space, a.Kind = memory.SpaceShared, memory.Atomic
		if x.sharedAddress(w, op, mask) {
			x.arriveLater(w, mask)
		}
	case lower.CodeATOMS:
		w.Block.settle(x.Clock)
		a.Space, a.Kind = memory.SpaceShared, memory.Atomic
		if x.sharedAddress(w, op, mask) {
			x.atomicShared(w, op, mask)
		}
	case lower.CodeLDG:
		a.Space, a.Kind = memory.SpaceGlobal, memory.Load
		if op.Flags&lower.FlagReadOnly != 0 {
			a.Kind = memory.LoadReadOnly
		}
		x.loadGlobal(w, op, mask)
	case lower.CodeSTG:
		a.Space, a.Kind = memory.SpaceGlobal, memory.Store
		x.storeGlobal(w, op, mask)
	case lower.CodeATOM:
		a.Space, a.Kind = memory.SpaceGlobal, memory.Atomic
		if op.Flags&lower.FlagNoResult != 0 {
			a.Kind = memory.Reduce
		}
		if op.Flags&lower.FlagGeneric != 0 {
			x.atomicGeneric(w, op, mask)
		} else {
			x.atomicGlobal(w, op, mask)
		}
	case lower.CodeLDL, lower.CodeSTL:
		base := w.row(op.A)
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			a.Addr[i] = uint64(base[i] + uint32(op.Imm))
		}
		x.local(w, op, mask, op.Code == lower.CodeSTL)
	case lower.CodeLD, lower.CodeST:
		x.generic(w, op, mask)
	case lower.CodeLDC:
		x.loadConst(w, op, mask)
	}
}

// plainAddress returns an access like op whose address is a register and an offset: of one with a shifted base, or with
// a uniform register that is added.
func (x *Exec) plainAddress(w *Warp, op *lower.Op, mask uint32) *lower.Op {
	x.inner = *op
	o := &x.inner
	o.Size2 = 0
	o.Flags &^= lower.FlagUniform | lower.FlagHigh
	if op.Size2 != 0 {
		a, shifted := w.row(op.A), w.row(lower.Src(op.Imm2))
		for i, v := range a {
			shifted[i] = v << op.Size2
		}
		o.A = lower.Src(op.Imm2)
	}
	if op.Flags&lower.FlagUniform != 0 {
		i := bits.TrailingZeros32(mask)
		if op.Flags&lower.FlagHigh != 0 {
			o.Imm += int64(w.wide(op.B, i))
		} else {
			o.Imm += int64(w.row(op.B)[i])
		}
	}
	return o
}

// failed records a fault of lane i.
func (x *Exec) failed(kind error, reason string, i int, addr uint64, where string) {
	x.Fault = ExecFault{Kind: kind, Reason: reason, Lane: i, Addr: addr, Bytes: x.Access.Bytes, Where: where}
}

// sharedAddress computes and checks the addresses of a shared-memory access.
func (x *Exec) sharedAddress(w *Warp, op *lower.Op, mask uint32) bool {
	a := &x.Access
	size := len(w.Block.Shared)
	var bad uint32
	if size >= a.Bytes {
		bad = laneAddr32(&a.Addr, w.row(op.A), uint32(op.Imm), uint32(size-a.Bytes), uint32(a.Bytes-1), mask)
	} else {
		bad = mask
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			a.Addr[i] = uint64(w.row(op.A)[i] + uint32(op.Imm))
		}
	}
	if bad == 0 {
		return true
	}
	i := bits.TrailingZeros32(bad)
	addr := a.Addr[i]
	if addr%uint64(a.Bytes) != 0 {
		x.failed(ErrMisaligned, "misaligned shared-memory access", i, addr, "")
	} else {
		x.failed(ErrBounds, "shared-memory access out of bounds", i, addr,
			describeSize("the block has", size)+widened(a.Bytes, addr, uint64(size), "shared memory to 256"))
	}
	return false
}

// widened says how an access of n bytes looks that begins at offset, inside of size bytes, and ends beyond: compilers
// make one wide load of several where they may count on what a driver adds to an allocation. It is empty for other
// accesses.
func widened(n int, offset, size uint64, driver string) string {
	if offset >= size || offset+uint64(n) <= size {
		return ""
	}
	return fmt.Sprintf("; the access of %d bytes begins inside and ends %d beyond, as where a compiler has widened"+
		" a load: a driver pads %s bytes, here give %d", n, offset+uint64(n)-size, driver, offset+uint64(n))
}

func describeSize(who string, n int) string { return who + " " + strconv.Itoa(n) + " bytes" }

// dstRows returns the first of the rows that a load writes.
func (x *Exec) dstRows(w *Warp, op *lower.Op) *lower.Row {
	if op.Dst == isa.RZ {
		return &x.sink[0]
	}
	return w.row(op.Dst)
}

// load fills the destination from host memory mem, which holds address base; all addresses have been checked.
func (x *Exec) load(w *Warp, op *lower.Op, mem unsafe.Pointer, base uint64, mask uint32) {
	d := x.dstRows(w, op)
	a := &x.Access
	if op.Size >= lower.Size32 {
		laneGather(d, mem, &a.Addr, base, a.Bytes/4, mask)
		return
	}
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		d[i] = narrow(op.Size, unsafe.Slice((*byte)(unsafe.Add(mem, a.Addr[i]-base)), a.Bytes))
	}
}

// narrow reads an integer of 8 or 16 bits, or 32.
func narrow(size uint8, p []byte) uint32 {
	switch size {
	case lower.SizeU8:
		return uint32(p[0])
	case lower.SizeS8:
		return uint32(int8(p[0]))
	case lower.SizeU16:
		return uint32(binary.LittleEndian.Uint16(p))
	case lower.SizeS16:
		return uint32(int16(binary.LittleEndian.Uint16(p)))
	}
	return binary.LittleEndian.Uint32(p)
}

// store writes the data to host memory mem, which holds address base; all addresses have been checked.
func (x *Exec) store(w *Warp, op *lower.Op, mem unsafe.Pointer, base uint64, mask uint32) {
	s := w.row(op.C)
	a := &x.Access
	if op.Size >= lower.Size32 {
		laneScatter(s, mem, &a.Addr, base, a.Bytes/4, mask)
		return
	}
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		p := unsafe.Slice((*byte)(unsafe.Add(mem, a.Addr[i]-base)), a.Bytes)
		if a.Bytes == 1 {
			p[0] = byte(s[i])
		} else {
			binary.LittleEndian.PutUint16(p, uint16(s[i]))
		}
	}
}

// globalAddress computes the addresses of a global access and checks them against the allocation of the last one.
// It returns the span that holds them all, or nil after having checked each by itself, and whether all are good.
func (x *Exec) globalAddress(w *Warp, op *lower.Op, mask uint32) (*memory.Span, bool) {
	a := &x.Access
	lo, hi := w.row(op.A), w.row(lower.PoolZero)
	if op.Flags&lower.Flag64 != 0 {
		hi = w.row(op.A + 1)
	}
	for try := 0; ; try++ {
		s := x.span
		bad := mask
		if s != nil && s.Size >= uint64(a.Bytes) {
			bad = laneAddr64(&a.Addr, lo, hi, uint64(op.Imm), s.Base, s.Size-uint64(a.Bytes), uint64(a.Bytes-1), mask)
			if bad == 0 {
				return s, true
			}
		}
		i := bits.TrailingZeros32(bad)
		x.span = x.Global.Global.Find((uint64(hi[i])<<32 | uint64(lo[i])) + uint64(op.Imm))
		if x.span == nil || try > 0 {
			break
		}
	}
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		a.Addr[i] = (uint64(hi[i])<<32 | uint64(lo[i])) + uint64(op.Imm)
	}
	return nil, x.checkGlobal(mask)
}

// checkGlobal checks each address by itself.
func (x *Exec) checkGlobal(mask uint32) bool {
	a := &x.Access
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		addr, n := a.Addr[i], uint64(a.Bytes)
		s := x.Global.Global.Find(addr)
		switch {
		case addr%n != 0:
			x.failed(ErrMisaligned, "misaligned access", i, addr, "")
			return false
		case s == nil || s.Size-(addr-s.Base) < n:
			text := x.Global.Global.Describe(addr)
			if s != nil {
				text += widened(int(n), addr-s.Base, s.Size, "buffers to 512")
			}
			x.failed(ErrBounds, "access out of bounds", i, addr, text)
			return false
		}
	}
	return true
}

func (x *Exec) loadGlobal(w *Warp, op *lower.Op, mask uint32) {
	s, ok := x.globalAddress(w, op, mask)
	if !ok {
		return
	}
	if s == nil {
		x.loadEach(w, op, mask)
		return
	}
	a := &x.Access
	if x.Global.Pending() && x.overlaps(mask) {
		x.loadEach(w, op, mask)
		return
	}
	if op.Size >= lower.Size32 && mask == ^uint32(0) && laneUnit(&a.Addr, uint64(a.Bytes)) {
		a.Unit = true
		lanePickUnit(x.dstRows(w, op), unsafe.Pointer(&s.Data[a.Addr[0]-s.Base]), a.Bytes/4)
		return
	}
	x.load(w, op, unsafe.Pointer(unsafe.SliceData(s.Data)), s.Base, mask)
}

// overlaps reports whether any lane may read what this SM wrote in this window.
func (x *Exec) overlaps(mask uint32) bool {
	a := &x.Access
	last := ^uint64(0)
	for m := mask; m != 0; m &= m - 1 {
		addr := a.Addr[bits.TrailingZeros32(m)]
		if line := addr >> 7; line != last {
			if x.Global.Overlaps(addr, uint64(a.Bytes)) {
				return true
			}
			last = line
		}
	}
	return false
}

// loadEach loads a lane at a time, through the overlay.
func (x *Exec) loadEach(w *Warp, op *lower.Op, mask uint32) {
	a := &x.Access
	rows := unsafe.Slice(x.dstRows(w, op), max(a.Bytes/4, 1))
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		var buf [16]byte
		p := buf[:a.Bytes]
		x.Global.Load(x.Global.Global.Find(a.Addr[i]), a.Addr[i], p)
		if op.Size < lower.Size32 {
			rows[0][i] = narrow(op.Size, p)
			continue
		}
		for k := range rows {
			rows[k][i] = binary.LittleEndian.Uint32(p[4*k:])
		}
	}
}

func (x *Exec) storeGlobal(w *Warp, op *lower.Op, mask uint32) {
	s, ok := x.globalAddress(w, op, mask)
	if !ok {
		return
	}
	a := &x.Access
	if s != nil && x.Global.Direct {
		x.store(w, op, unsafe.Pointer(unsafe.SliceData(s.Data)), s.Base, mask)
		return
	}
	rows := unsafe.Slice(w.row(op.C), max(a.Bytes/4, 1))
	if s != nil && op.Size >= lower.Size32 && mask == ^uint32(0) && laneUnit(&a.Addr, uint64(a.Bytes)) {
		a.Unit = true
		words := rows[0][:]
		if len(rows) > 1 {
			words = x.flat[:32*len(rows)]
			lanePlaceUnit(&rows[0], unsafe.Pointer(&words[0]), len(rows))
		}
		x.Global.WriteUnit(x.Clock, s, a.Addr[0], words)
		return
	}
	x.Global.Write(x.Clock, mask, &a.Addr, a.Bytes, rows)
}

// operands returns the rows of an atomic's operands: the data registers in C, of CAS those to compare with, and in B
// then those to store.
func (x *Exec) atomicOperands(w *Warp, op *lower.Op) (a, b [2]*lower.Row) {
	words := memory.AtomicType(op.Aux>>8).Bytes() / 4
	a[0], a[1] = w.row(op.C), w.row(op.C)
	b = a
	if words == 2 {
		a[1] = w.row(op.C + 1)
	}
	if memory.AtomicOp(op.Aux&255) == memory.AtomicCAS {
		b[0] = w.row(op.B)
		b[1] = w.row(op.B + lower.Src(words-1))
	}
	return a, b
}

func (x *Exec) atomicGlobal(w *Warp, op *lower.Op, mask uint32) {
	if _, ok := x.globalAddress(w, op, mask); !ok {
		return
	}
	a, b := x.atomicOperands(w, op)
	var dst, hi *lower.Row
	if op.Dst != isa.RZ && op.Flags&lower.FlagNoResult == 0 {
		dst = w.row(op.Dst)
		if op.Size == lower.Size64 {
			hi = w.row(op.Dst + 1)
		}
	}
	x.Global.Atomic(x.Clock, mask, &x.Access.Addr, memory.AtomicOp(op.Aux&255), memory.AtomicType(op.Aux>>8), a, b, dst,
		hi)
}

// atomicGeneric executes ATOM: on shared memory for addresses in its window, but for what has a predicate: that is
// done in global memory only, and code behind it does the rest. Access says of an instruction with both what global
// memory is asked for.
func (x *Exec) atomicGeneric(w *Warp, op *lower.Op, mask uint32) {
	a := &x.Access
	shared := x.windowed(w, op, mask, memory.SharedWindow)
	global := mask &^ shared
	if op.PDst != isa.PT {
		global &^= x.windowed(w, op, mask, memory.LocalWindow)
		w.setPred(op.PDst, global, mask)
		shared = 0
	}
	a.Mask = global
	if shared != 0 {
		w.Block.settle(x.Clock)
		if !x.checkShared(w, shared) {
			return
		}
		x.atomicShared(w, op, shared)
		if global == 0 {
			a.Space, a.Kind, a.Mask = memory.SpaceShared, memory.Atomic, shared
		}
	}
	if global != 0 {
		x.atomicGlobal(w, op, global)
	}
}

// windowed returns the lanes whose generic address is in a window, and leaves its offset there in Access.
func (x *Exec) windowed(w *Warp, op *lower.Op, mask uint32, window uint64) (lanes uint32) {
	lo, hi := w.row(op.A), w.row(lower.PoolZero)
	if op.Flags&lower.Flag64 != 0 {
		hi = w.row(op.A + 1)
	}
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		at := (uint64(hi[i])<<32 | uint64(lo[i])) + uint64(op.Imm)
		if at&^(memory.WindowBytes-1) == window {
			lanes |= 1 << i
			x.Access.Addr[i] = at - window
		}
	}
	return lanes
}

// querySpace executes QSPC.S.
func (x *Exec) querySpace(w *Warp, op *lower.Op, mask uint32) {
	if op.Flags&lower.FlagUniform != 0 || op.Size2 != 0 {
		op = x.plainAddress(w, op, mask)
	}
	w.setPred(op.PDst, x.windowed(w, op, mask, memory.SharedWindow), mask)
}

func (x *Exec) atomicShared(w *Warp, op *lower.Op, mask uint32) {
	a, b := x.atomicOperands(w, op)
	d := x.dst(w, op)
	what, typ := memory.AtomicOp(op.Aux&255), memory.AtomicType(op.Aux>>8)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		va, vb := uint64(a[0][i]), uint64(b[0][i])
		if op.Size == lower.Size64 {
			va |= uint64(a[1][i]) << 32
			vb |= uint64(b[1][i]) << 32
		}
		old := what.ApplyBytes(typ, w.Block.Shared[x.Access.Addr[i]:], va, vb)
		if op.Flags&lower.FlagTest != 0 { // CAST: whether it was equal
			old = uint64(allOnes(old == va) & 1)
		}
		if op.Size == lower.Size64 {
			x.setWide(w, op, i, old)
		} else {
			d[i] = uint32(old)
		}
	}
}

// local accesses the threads' own memory at the offsets in Access.Addr, which become physical addresses.
func (x *Exec) local(w *Warp, op *lower.Op, mask uint32, write bool) {
	a := &x.Access
	a.Space, a.Kind = memory.SpaceLocal, memory.Load
	if write {
		a.Kind = memory.Store
	}
	size := uint64(w.Block.Prog.LocalBytes)
	n := uint64(a.Bytes)
	rows := unsafe.Slice(x.dstRows(w, op), max(a.Bytes/4, 1))
	if write {
		rows = unsafe.Slice(w.row(op.C), max(a.Bytes/4, 1))
	}
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		off := a.Addr[i]
		switch {
		case off%n != 0:
			x.failed(ErrMisaligned, "misaligned local-memory access", i, off, "")
			return
		case off > size || size-off < n:
			x.failed(ErrStack, "local-memory access out of bounds (stack overflow?)", i, off,
				describeSize("the thread has", int(size)))
			return
		}
		p := w.Local[uint64(i)*size+off:][:n]
		switch {
		case write && n == 1:
			p[0] = byte(rows[0][i])
		case write && n == 2:
			binary.LittleEndian.PutUint16(p, uint16(rows[0][i]))
		case write:
			for k := range rows {
				binary.LittleEndian.PutUint32(p[4*k:], rows[k][i])
			}
		case op.Size < lower.Size32:
			rows[0][i] = narrow(op.Size, p)
		default:
			for k := range rows {
				rows[k][i] = binary.LittleEndian.Uint32(p[4*k:])
			}
		}
		a.Addr[i] = memory.LocalAddress(int(x.SMID)*64+w.Slot, i, size, off)
	}
}

// generic executes LD and ST: addresses within the windows are shared or local, the rest global. The timing model takes
// one space an access; when lanes differ, which compiled code hardly does, it is told that of the first, with its
// lanes.
func (x *Exec) generic(w *Warp, op *lower.Op, mask uint32) {
	a := &x.Access
	lo, hi := w.row(op.A), w.row(lower.PoolZero)
	if op.Flags&lower.Flag64 != 0 {
		hi = w.row(op.A + 1)
	}
	var shared, local, global uint32
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		addr := (uint64(hi[i])<<32 | uint64(lo[i])) + uint64(op.Imm)
		switch addr &^ (memory.WindowBytes - 1) {
		case memory.SharedWindow:
			shared |= 1 << i
			addr -= memory.SharedWindow
		case memory.LocalWindow:
			local |= 1 << i
			addr -= memory.LocalWindow
		default:
			global |= 1 << i
		}
		a.Addr[i] = addr
	}
	if shared != 0 {
		w.Block.settle(x.Clock)
	}
	write := op.Code == lower.CodeST
	a.Kind = memory.Load
	if write {
		a.Kind = memory.Store
	}
	a.Space = memory.SpaceGlobal
	if local != 0 {
		if x.local(w, op, local, write); x.Fault.Reason != "" {
			return
		}
	}
	if shared != 0 {
		a.Space = memory.SpaceShared
		if !x.checkShared(w, shared) {
			return
		}
		mem := unsafe.Pointer(unsafe.SliceData(w.Block.Shared))
		if write {
			x.store(w, op, mem, 0, shared)
		} else {
			x.load(w, op, mem, 0, shared)
		}
	}
	if global != 0 {
		a.Space = memory.SpaceGlobal
		if !x.checkGlobal(global) {
			return
		}
		if write {
			x.Global.Write(x.Clock, global, &a.Addr, a.Bytes, unsafe.Slice(w.row(op.C), max(a.Bytes/4, 1)))
		} else {
			x.loadEach(w, op, global)
		}
	}
	switch {
	case global != 0:
		a.Mask = global
	case shared != 0:
		a.Mask = shared
	}
}

func (x *Exec) checkShared(w *Warp, mask uint32) bool {
	a := &x.Access
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		switch addr, n := a.Addr[i], uint64(a.Bytes); {
		case addr%n != 0:
			x.failed(ErrMisaligned, "misaligned shared-memory access", i, addr, "")
			return false
		case addr+n > uint64(len(w.Block.Shared)):
			size := len(w.Block.Shared)
			x.failed(ErrBounds, "shared-memory access out of bounds", i, addr,
				describeSize("the block has", size)+widened(int(n), addr, uint64(size), "shared memory to 256"))
			return false
		}
	}
	return true
}

// loadConst executes LDC: c[bank][register + offset]. Reads beyond the bank are zero, as a bank is 64 KiB on hardware.
func (x *Exec) loadConst(w *Warp, op *lower.Op, mask uint32) {
	a := &x.Access
	a.Space, a.Kind = memory.SpaceConst, memory.Load
	bank := w.Block.Prog.Const[op.Aux]
	base := w.row(op.A)
	rows := unsafe.Slice(x.dstRows(w, op), max(a.Bytes/4, 1))
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		off := base[i] + uint32(op.Imm)
		if off%uint32(a.Bytes) != 0 {
			x.failed(ErrMisaligned, "misaligned constant access", i, uint64(off), "")
			return
		}
		a.Addr[i] = uint64(off)
		var buf [16]byte
		if int64(off) < int64(len(bank)) {
			copy(buf[:a.Bytes], bank[off:])
		}
		if op.Size < lower.Size32 {
			rows[0][i] = narrow(op.Size, buf[:])
			continue
		}
		for k := range rows {
			rows[k][i] = binary.LittleEndian.Uint32(buf[4*k:])
		}
	}
}
