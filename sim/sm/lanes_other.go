//go:build !amd64 || purego

package sm

import "unsafe"

func laneFFMA(dst, a, b, c *Row, mask, negP, negC uint32) { ffmaGo(dst, a, b, c, mask, negP, negC) }
func laneFFMAFTZ(dst, a, b, c *Row, mask, negP, negC uint32) {
	ffmaFTZGo(dst, a, b, c, mask, negP, negC)
}
func laneFADD(dst, a, b *Row, mask uint32, ma, mb signMod)    { faddGo(dst, a, b, mask, ma, mb) }
func laneFADDFTZ(dst, a, b *Row, mask uint32, ma, mb signMod) { faddFTZGo(dst, a, b, mask, ma, mb) }
func laneFMUL(dst, a, b *Row, mask, negP uint32)              { fmulGo(dst, a, b, mask, negP) }
func laneFMULFTZ(dst, a, b *Row, mask, negP uint32)           { fmulFTZGo(dst, a, b, mask, negP) }
func laneMOV(dst, a *Row, mask uint32)                        { movGo(dst, a, mask) }
func laneSEL(dst, a, b *Row, mask, pred uint32)               { selGo(dst, a, b, mask, pred) }
func laneIADD(dst, a, b *Row, mask, na, nb, plus uint32)      { iaddGo(dst, a, b, mask, na, nb, plus) }
func laneIADD3(dst, a, b, c *Row, mask, na, nb, nc, plus uint32) {
	iadd3Go(dst, a, b, c, mask, na, nb, nc, plus)
}
func laneSHADD(dst, a, b *Row, mask, shift, na, nb, plus uint32) {
	shaddGo(dst, a, b, mask, shift, na, nb, plus)
}
func laneLOP3(dst, a, b, c *Row, t *lut, mask uint32) uint32 { return lop3Go(dst, a, b, c, t, mask) }
func laneSHL(dst, a, b *Row, mask, limit uint32)             { shlGo(dst, a, b, mask, limit) }
func laneSHR(dst, a, b *Row, mask, limit uint32)             { shrGo(dst, a, b, mask, limit) }
func laneSAR(dst, a, b *Row, mask, limit uint32)             { sarGo(dst, a, b, mask, limit) }
func laneXMAD(dst, a, b, c *Row, m *xmadMode, mask uint32)   { xmadGo(dst, a, b, c, m, mask) }
func laneICMP(a, b *Row, bias uint32) (lt, eq uint32)        { return icmpGo(a, b, bias) }
func laneFCMP(a, b *Row, ma, mb signMod, ftz bool) (lt, eq, un uint32) {
	return fcmpGo(a, b, ma, mb, ftz)
}
func laneIMNMX(dst, a, b *Row, mask, bias, pred uint32) { imnmxGo(dst, a, b, mask, bias, pred) }
func laneAddr32(out *[32]uint64, base *Row, offset, limit, align, mask uint32) uint32 {
	return addr32Go(out, base, offset, limit, align, mask)
}
func laneAddr64(out *[32]uint64, lo, hi *Row, offset, base, limit, align uint64, mask uint32) uint32 {
	return addr64Go(out, lo, hi, offset, base, limit, align, mask)
}
func laneGather(dst *Row, mem unsafe.Pointer, addr *[32]uint64, base uint64, words int, mask uint32) {
	gatherGo(dst, mem, addr, base, words, mask)
}
func laneScatter(src *Row, mem unsafe.Pointer, addr *[32]uint64, base uint64, words int, mask uint32) {
	scatterGo(src, mem, addr, base, words, mask)
}

func laneADDC(dst, a, b *Row, mask, na, nb, cin uint32) (c1, c2, zero, minus, over uint32) {
	return addcGo(dst, a, b, mask, na, nb, cin)
}

func lanePrefetch(a, b, c *Row) {}

func laneFFMARun(regs unsafe.Pointer, ops []fmaOp, mask uint32) { ffmaRunGo(regs, ops, mask) }

func laneOffsets(base, rel *Row, offset uint32) uint32 { return offsetsGo(base, rel, offset) }
func laneNear(dst, base *Row, mem unsafe.Pointer, offset, limit, mask uint32) bool {
	return nearGo(dst, base, mem, offset, limit, mask)
}
func lanePick(dst *Row, from unsafe.Pointer, p *pattern, words int) {
	pickGo(dst, from, &p.index, words)
}
func lanePlace(src *Row, to unsafe.Pointer, p *pattern, words int) {
	placeGo(src, to, &p.index, words, p.mask)
}

// Available returns the slots from which a scheduler can issue at cycle t: see lanes_amd64.go.
func Available(ready *[Slots]int64, unit *[Slots]Unit, free *[16]int64, sharedFree, globalFree, t int64) (now, then uint32, soonest int64) {
	return availableGo(ready, unit, free, sharedFree, globalFree, t)
}

func laneUnit(addr *[32]uint64, step uint64) bool { return unitStride(addr, step) }
func lanePickUnit(dst *Row, from unsafe.Pointer, words int) {
	pickGo(dst, from, &unitIndex[words], words)
}
func lanePlaceUnit(src *Row, to unsafe.Pointer, words int) {
	placeGo(src, to, &unitIndex[words], words, ^uint32(0))
}
