//go:build !amd64 || purego

package exec

import (
	"unsafe"

	"warpdrop/sim/sm/lower"
)

func laneFFMA(dst, a, b, c *lower.Row, mask, negP, negC uint32) {
	ffmaGo(dst, a, b, c, mask, negP, negC)
}
func laneFFMAFTZ(dst, a, b, c *lower.Row, mask, negP, negC uint32) {
	ffmaFTZGo(dst, a, b, c, mask, negP, negC)
}
func laneFADD(dst, a, b *lower.Row, mask uint32, ma, mb signMod) { faddGo(dst, a, b, mask, ma, mb) }
func laneFADDFTZ(dst, a, b *lower.Row, mask uint32, ma, mb signMod) {
	faddFTZGo(dst, a, b, mask, ma, mb)
}
func laneFMUL(dst, a, b *lower.Row, mask, negP uint32)         { fmulGo(dst, a, b, mask, negP) }
func laneFMULFTZ(dst, a, b *lower.Row, mask, negP uint32)      { fmulFTZGo(dst, a, b, mask, negP) }
func laneMOV(dst, a *lower.Row, mask uint32)                   { movGo(dst, a, mask) }
func laneSEL(dst, a, b *lower.Row, mask, pred uint32)          { selGo(dst, a, b, mask, pred) }
func laneIADD(dst, a, b *lower.Row, mask, na, nb, plus uint32) { iaddGo(dst, a, b, mask, na, nb, plus) }
func laneIADD3(dst, a, b, c *lower.Row, mask, na, nb, nc, plus uint32) {
	iadd3Go(dst, a, b, c, mask, na, nb, nc, plus)
}
func laneSHADD(dst, a, b *lower.Row, mask, shift, na, nb, plus uint32) {
	shaddGo(dst, a, b, mask, shift, na, nb, plus)
}
func laneLOP3(dst, a, b, c *lower.Row, t *lut, mask uint32) uint32 {
	return lop3Go(dst, a, b, c, t, mask)
}
func laneSHL(dst, a, b *lower.Row, mask, limit uint32)           { shlGo(dst, a, b, mask, limit) }
func laneSHR(dst, a, b *lower.Row, mask, limit uint32)           { shrGo(dst, a, b, mask, limit) }
func laneSAR(dst, a, b *lower.Row, mask, limit uint32)           { sarGo(dst, a, b, mask, limit) }
func laneXMAD(dst, a, b, c *lower.Row, m *xmadMode, mask uint32) { xmadGo(dst, a, b, c, m, mask) }
func laneICMP(a, b *lower.Row, bias uint32) (lt, eq uint32)      { return icmpGo(a, b, bias) }
func laneFCMP(a, b *lower.Row, ma, mb signMod, ftz bool) (lt, eq, un uint32) {
	return fcmpGo(a, b, ma, mb, ftz)
}
func laneIMNMX(dst, a, b *lower.Row, mask, bias, pred uint32) { imnmxGo(dst, a, b, mask, bias, pred) }
func laneAddr32(out *[32]uint64, base *lower.Row, offset, limit, align, mask uint32) uint32 {
	return addr32Go(out, base, offset, limit, align, mask)
}
func laneAddr64(out *[32]uint64, lo, hi *lower.Row, offset, base, limit, align uint64, mask uint32) uint32 {
	return addr64Go(out, lo, hi, offset, base, limit, align, mask)
}
func laneGather(dst *lower.Row, mem unsafe.Pointer, addr *[32]uint64, base uint64, words int, mask uint32) {
	gatherGo(dst, mem, addr, base, words, mask)
}
func laneScatter(src *lower.Row, mem unsafe.Pointer, addr *[32]uint64, base uint64, words int, mask uint32) {
	scatterGo(src, mem, addr, base, words, mask)
}

func laneADDC(dst, a, b *lower.Row, mask, na, nb, cin uint32) (c1, c2, zero, minus, over uint32) {
	return addcGo(dst, a, b, mask, na, nb, cin)
}

func lanePrefetch(a, b, c *lower.Row) {}

func laneFFMARun(regs unsafe.Pointer, ops []lower.FMA, mask uint32) { ffmaRunGo(regs, ops, mask) }

func laneOffsets(base, rel *lower.Row, offset uint32) uint32 { return offsetsGo(base, rel, offset) }
func laneNear(dst, base *lower.Row, mem unsafe.Pointer, offset, limit, mask uint32) bool {
	return nearGo(dst, base, mem, offset, limit, mask)
}
func lanePick(dst *lower.Row, from unsafe.Pointer, p *pattern, words int) {
	pickGo(dst, from, &p.index, words)
}
func lanePlace(src *lower.Row, to unsafe.Pointer, p *pattern, words int) {
	placeGo(src, to, &p.index, words, p.mask)
}

// Available returns the slots from which a scheduler can issue at cycle t: see lanes_amd64.go.
func Available(ready *[Slots]int64, unit *[Slots]lower.Unit, free *[16]int64, sharedFree, globalFree, t int64) (now,
	then uint32, soonest int64) {
	return availableGo(ready, unit, free, sharedFree, globalFree, t)
}

func laneUnit(addr *[32]uint64, step uint64) bool { return unitStride(addr, step) }
func lanePickUnit(dst *lower.Row, from unsafe.Pointer, words int) {
	pickGo(dst, from, &unitIndex[words], words)
}
func lanePlaceUnit(src *lower.Row, to unsafe.Pointer, words int) {
	placeGo(src, to, &unitIndex[words], words, ^uint32(0))
}
