//go:build !purego

package exec

import (
	"unsafe"

	"golang.org/x/sys/cpu"

	"warpdrop/sim/sm/lower"
)

//go:generate go run ./internal/asmgen -out lanes_amd64.s -stubs lanes_asm_amd64.go -pkg exec

// vector says which vector code runs.
type vector uint8

const (
	vectorNone vector = iota
	vectorAVX2
	vectorAVX512
)

// vectors is the widest that this processor has; tests set it.
var vectors = func() vector {
	switch {
	case cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL:
		return vectorAVX512
	case cpu.X86.HasAVX2 && cpu.X86.HasFMA:
		return vectorAVX2
	}
	return vectorNone
}()

func laneFFMA(dst, a, b, c *lower.Row, mask, negP, negC uint32) {
	switch vectors {
	case vectorAVX512:
		ffmaAVX512(dst, a, b, c, mask, negP, negC)
	case vectorAVX2:
		ffmaAVX2(dst, a, b, c, mask, negP, negC)
	default:
		ffmaGo(dst, a, b, c, mask, negP, negC)
	}
}

// laneFFMARun executes at least one FFMA.
func laneFFMARun(regs unsafe.Pointer, ops []lower.FMA, mask uint32) {
	switch vectors {
	case vectorAVX512:
		ffmaRunAVX512((*byte)(regs), &ops[0].Dst, len(ops), mask)
	case vectorAVX2:
		ffmaRunAVX2((*byte)(regs), &ops[0].Dst, len(ops), mask)
	default:
		ffmaRunGo(regs, ops, mask)
	}
}

func laneFFMAFTZ(dst, a, b, c *lower.Row, mask, negP, negC uint32) {
	switch vectors {
	case vectorAVX512:
		ffmaFTZAVX512(dst, a, b, c, mask, negP, negC)
	case vectorAVX2:
		ffmaFTZAVX2(dst, a, b, c, mask, negP, negC)
	default:
		ffmaFTZGo(dst, a, b, c, mask, negP, negC)
	}
}

func laneFADD(dst, a, b *lower.Row, mask uint32, ma, mb signMod) {
	switch vectors {
	case vectorAVX512:
		faddAVX512(dst, a, b, mask, ma.and, ma.xor, mb.and, mb.xor)
	case vectorAVX2:
		faddAVX2(dst, a, b, mask, ma.and, ma.xor, mb.and, mb.xor)
	default:
		faddGo(dst, a, b, mask, ma, mb)
	}
}

func laneFADDFTZ(dst, a, b *lower.Row, mask uint32, ma, mb signMod) {
	switch vectors {
	case vectorAVX512:
		faddFTZAVX512(dst, a, b, mask, ma.and, ma.xor, mb.and, mb.xor)
	case vectorAVX2:
		faddFTZAVX2(dst, a, b, mask, ma.and, ma.xor, mb.and, mb.xor)
	default:
		faddFTZGo(dst, a, b, mask, ma, mb)
	}
}

func laneFMUL(dst, a, b *lower.Row, mask, negP uint32) {
	switch vectors {
	case vectorAVX512:
		fmulAVX512(dst, a, b, mask, negP)
	case vectorAVX2:
		fmulAVX2(dst, a, b, mask, negP)
	default:
		fmulGo(dst, a, b, mask, negP)
	}
}

func laneFMULFTZ(dst, a, b *lower.Row, mask, negP uint32) {
	switch vectors {
	case vectorAVX512:
		fmulFTZAVX512(dst, a, b, mask, negP)
	case vectorAVX2:
		fmulFTZAVX2(dst, a, b, mask, negP)
	default:
		fmulFTZGo(dst, a, b, mask, negP)
	}
}

func laneMOV(dst, a *lower.Row, mask uint32) {
	switch vectors {
	case vectorAVX512:
		movAVX512(dst, a, mask)
	case vectorAVX2:
		movAVX2(dst, a, mask)
	default:
		movGo(dst, a, mask)
	}
}

func laneSEL(dst, a, b *lower.Row, mask, pred uint32) {
	switch vectors {
	case vectorAVX512:
		selAVX512(dst, a, b, mask, pred)
	case vectorAVX2:
		selAVX2(dst, a, b, mask, pred)
	default:
		selGo(dst, a, b, mask, pred)
	}
}

func laneIADD(dst, a, b *lower.Row, mask, na, nb, plus uint32) {
	switch vectors {
	case vectorAVX512:
		iaddAVX512(dst, a, b, mask, na, nb, plus)
	case vectorAVX2:
		iaddAVX2(dst, a, b, mask, na, nb, plus)
	default:
		iaddGo(dst, a, b, mask, na, nb, plus)
	}
}

func laneIADD3(dst, a, b, c *lower.Row, mask, na, nb, nc, plus uint32) {
	switch vectors {
	case vectorAVX512:
		iadd3AVX512(dst, a, b, c, mask, na, nb, nc, plus)
	case vectorAVX2:
		iadd3AVX2(dst, a, b, c, mask, na, nb, nc, plus)
	default:
		iadd3Go(dst, a, b, c, mask, na, nb, nc, plus)
	}
}

func laneSHADD(dst, a, b *lower.Row, mask, shift, na, nb, plus uint32) {
	switch vectors {
	case vectorAVX512:
		shaddAVX512(dst, a, b, mask, shift, na, nb, plus)
	case vectorAVX2:
		shaddAVX2(dst, a, b, mask, shift, na, nb, plus)
	default:
		shaddGo(dst, a, b, mask, shift, na, nb, plus)
	}
}

func laneSHL(dst, a, b *lower.Row, mask, limit uint32) {
	switch vectors {
	case vectorAVX512:
		shlAVX512(dst, a, b, mask, limit)
	case vectorAVX2:
		shlAVX2(dst, a, b, mask, limit)
	default:
		shlGo(dst, a, b, mask, limit)
	}
}

func laneSHR(dst, a, b *lower.Row, mask, limit uint32) {
	switch vectors {
	case vectorAVX512:
		shrAVX512(dst, a, b, mask, limit)
	case vectorAVX2:
		shrAVX2(dst, a, b, mask, limit)
	default:
		shrGo(dst, a, b, mask, limit)
	}
}

func laneSAR(dst, a, b *lower.Row, mask, limit uint32) {
	switch vectors {
	case vectorAVX512:
		sarAVX512(dst, a, b, mask, limit)
	case vectorAVX2:
		sarAVX2(dst, a, b, mask, limit)
	default:
		sarGo(dst, a, b, mask, limit)
	}
}

func laneXMAD(dst, a, b, c *lower.Row, m *xmadMode, mask uint32) {
	switch vectors {
	case vectorAVX512:
		xmadAVX512(dst, a, b, c, (*[10]uint32)(unsafe.Pointer(m)), mask)
	case vectorAVX2:
		xmadAVX2(dst, a, b, c, (*[10]uint32)(unsafe.Pointer(m)), mask)
	default:
		xmadGo(dst, a, b, c, m, mask)
	}
}

func laneICMP(a, b *lower.Row, bias uint32) (lt, eq uint32) {
	switch vectors {
	case vectorAVX512:
		return icmpAVX512(a, b, bias)
	case vectorAVX2:
		return icmpAVX2(a, b, bias)
	}
	return icmpGo(a, b, bias)
}

func laneIMNMX(dst, a, b *lower.Row, mask, bias, pred uint32) {
	switch vectors {
	case vectorAVX512:
		imnmxAVX512(dst, a, b, mask, bias, pred)
	case vectorAVX2:
		imnmxAVX2(dst, a, b, mask, bias, pred)
	default:
		imnmxGo(dst, a, b, mask, bias, pred)
	}
}

func laneAddr32(out *[32]uint64, base *lower.Row, offset, limit, align, mask uint32) uint32 {
	switch vectors {
	case vectorAVX512:
		return addr32AVX512(out, base, offset, limit, align, mask)
	case vectorAVX2:
		return addr32AVX2(out, base, offset, limit, align, mask)
	}
	return addr32Go(out, base, offset, limit, align, mask)
}

func laneAddr64(out *[32]uint64, lo, hi *lower.Row, offset, base, limit, align uint64, mask uint32) uint32 {
	switch vectors {
	case vectorAVX512:
		return addr64AVX512(out, lo, hi, offset, base, limit, align, mask)
	case vectorAVX2:
		return addr64AVX2(out, lo, hi, offset, base, limit, align, mask)
	}
	return addr64Go(out, lo, hi, offset, base, limit, align, mask)
}

func laneADDC(dst, a, b *lower.Row, mask, na, nb, cin uint32) (c1, c2, zero, minus, over uint32) {
	switch vectors {
	case vectorAVX512:
		return addcAVX512(dst, a, b, mask, na, nb, cin)
	case vectorAVX2:
		return addcAVX2(dst, a, b, mask, na, nb, cin)
	}
	return addcGo(dst, a, b, mask, na, nb, cin)
}

// lanePrefetch brings three rows into the cache.
func lanePrefetch(a, b, c *lower.Row) { prefetch3(a, b, c) }

func laneLOP3(dst, a, b, c *lower.Row, t *lut, mask uint32) uint32 {
	switch vectors {
	case vectorAVX512:
		return mask &^ lop3AVX512(dst, a, b, c, t, mask)
	case vectorAVX2:
		return mask &^ lop3AVX2(dst, a, b, c, t, mask)
	}
	return lop3Go(dst, a, b, c, t, mask)
}

func laneFCMP(a, b *lower.Row, ma, mb signMod, ftz bool) (lt, eq, un uint32) {
	switch {
	case vectors == vectorAVX512 && ftz:
		return fcmpFTZAVX512(a, b, ma.and, ma.xor, mb.and, mb.xor)
	case vectors == vectorAVX512:
		return fcmpAVX512(a, b, ma.and, ma.xor, mb.and, mb.xor)
	case vectors == vectorAVX2 && ftz:
		return fcmpFTZAVX2(a, b, ma.and, ma.xor, mb.and, mb.xor)
	case vectors == vectorAVX2:
		return fcmpAVX2(a, b, ma.and, ma.xor, mb.and, mb.xor)
	}
	return fcmpGo(a, b, ma, mb, ftz)
}

// laneGather has vector code for full warps.
func laneGather(dst *lower.Row, mem unsafe.Pointer, addr *[32]uint64, base uint64, words int, mask uint32) {
	if mask != ^uint32(0) || vectors == vectorNone {
		gatherGo(dst, mem, addr, base, words, mask)
		return
	}
	p := (*byte)(mem)
	if base != 0 {
		// Relative to the allocation, in a copy: the timing model wants the addresses.
		var rel [32]uint64
		for i, a := range addr {
			rel[i] = a - base
		}
		addr = &rel
	}
	switch {
	case words == 1:
		gather1(dst, p, addr)
	case words == 2:
		gather2(dst, p, addr)
	case vectors == vectorAVX512:
		gather4AVX512(dst, p, addr)
	default:
		gather4AVX2(dst, p, addr)
	}
}

func laneScatter(src *lower.Row, mem unsafe.Pointer, addr *[32]uint64, base uint64, words int, mask uint32) {
	scatterGo(src, mem, addr, base, words, mask)
}

// laneOffsets returns the lanes in which base + offset is rel.
func laneOffsets(base, rel *lower.Row, offset uint32) uint32 {
	switch vectors {
	case vectorAVX512:
		return offsetsAVX512(base, rel, offset)
	case vectorAVX2:
		return offsetsAVX2(base, rel, offset)
	}
	return offsetsGo(base, rel, offset)
}

// laneNear loads a word for each lane in mask from base + offset, an offset from mem, and reports whether it did:
// addresses must be aligned, not above limit, and within 128 bytes of the lowest.
func laneNear(dst, base *lower.Row, mem unsafe.Pointer, offset, limit, mask uint32) bool {
	if vectors == vectorAVX512 {
		return nearAVX512(dst, base, (*byte)(mem), offset, limit, mask) != 0
	}
	return nearGo(dst, base, mem, offset, limit, mask)
}

// lanePick loads words consecutive words of each lane from where p says, less its lowest address.
func lanePick(dst *lower.Row, from unsafe.Pointer, p *pattern, words int) {
	mem := (*byte)(from)
	switch {
	case vectors == vectorNone:
		pickGo(dst, from, &p.index, words)
	case vectors == vectorAVX512 && p.span <= sharedPadding:
		switch words {
		case 1:
			pickNear1AVX512(dst, mem, &p.lanes)
		case 2:
			pickNear2AVX512(dst, mem, &p.lanes)
		default:
			pickNear4AVX512(dst, mem, &p.lanes)
		}
	case words == 1:
		pick1(dst, mem, &p.index)
	case words == 2:
		pick2(dst, mem, &p.index)
	case vectors == vectorAVX512:
		pick4AVX512(dst, mem, &p.index)
	default:
		pick4AVX2(dst, mem, &p.index)
	}
}

// lanePlace stores words consecutive words of each of p's lanes.
func lanePlace(src *lower.Row, to unsafe.Pointer, p *pattern, words int) {
	mem := (*byte)(to)
	switch {
	case p.mask != ^uint32(0) || vectors == vectorNone || words == 2:
		placeGo(src, to, &p.index, words, p.mask)
	case words == 1 && p.unit:
		*(*lower.Row)(to) = *src
	case words == 1:
		place1(src, mem, &p.index)
	case vectors == vectorAVX512:
		place4AVX512(src, mem, &p.index)
	default:
		place4AVX2(src, mem, &p.index)
	}
}

const _ = (lower.UnitShared - 8) + (lower.UnitGlobal - 8) // availableAVX512 counts on both being 8 or more

// Available returns the slots from which a scheduler can issue at cycle t and, where there is none or one, the first
// cycle at which another can (math.MaxInt64: never), and which can then. A slot can issue when its warp is ready and
// its unit free; the two kinds of memory are free from the cycles given on, other units as free has it. It is vector
// code, and stands with the lanes' for that reason.
func Available(ready *[Slots]int64, unit *[Slots]lower.Unit, free *[16]int64, sharedFree, globalFree, t int64) (now,
	then uint32, soonest int64) {
	units := (*[Slots]uint8)(unsafe.Pointer(unit))
	switch vectors {
	case vectorAVX512:
		return availableAVX512(ready, units, free, uint32(lower.UnitShared), uint32(lower.UnitGlobal), sharedFree,
			globalFree, t)
	case vectorAVX2:
		return availableAVX2(ready, units, free, uint32(lower.UnitShared), uint32(lower.UnitGlobal), sharedFree,
			globalFree, t)
	}
	return availableGo(ready, unit, free, sharedFree, globalFree, t)
}

// laneUnit reports whether the 32 lanes' addresses ascend by step.
func laneUnit(addr *[32]uint64, step uint64) bool {
	if vectors == vectorAVX512 {
		return unitAVX512(addr, step) != 0
	}
	return unitStride(addr, step)
}

// lanePickUnit loads 32 elements of words words that lie one behind the other.
func lanePickUnit(dst *lower.Row, from unsafe.Pointer, words int) {
	mem := (*byte)(from)
	switch {
	case words == 1:
		*dst = *(*lower.Row)(from)
	case vectors == vectorNone:
		pickGo(dst, from, &unitIndex[words], words)
	case words == 2:
		pick2(dst, mem, &unitIndex[2])
	case vectors == vectorAVX512:
		pick4AVX512(dst, mem, &unitIndex[4])
	default:
		pick4AVX2(dst, mem, &unitIndex[4])
	}
}

// lanePlaceUnit stores 32 elements of words words one behind the other.
func lanePlaceUnit(src *lower.Row, to unsafe.Pointer, words int) {
	mem := (*byte)(to)
	switch {
	case words != 4 || vectors == vectorNone:
		placeGo(src, to, &unitIndex[words], words, ^uint32(0))
	case vectors == vectorAVX512:
		place4AVX512(src, mem, &unitIndex[4])
	default:
		place4AVX2(src, mem, &unitIndex[4])
	}
}
