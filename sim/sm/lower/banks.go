package lower

import "warpdrop/sim/isa"

// banks computes what register-bank conflicts cost each instruction: the register file has so many banks
// (target.banks), by the register's number; each source of an instruction in one bank beyond target.reads costs a
// cycle. A source that an instruction before latched in the same slot of the operand-reuse cache (.reuse) needs no
// bank. Only arithmetic is charged: instructions to the slower units collect their operands over several cycles
// anyway, and leave the cache alone. That another warp's issue in between empties the cache is not modelled: code
// with .reuse rarely yields there.
func (l *lowerer) banks() {
	var cache reuseCache
	reads := l.target.reads
	if f := Executes(l.cfg.Arch); f != nil {
		reads = targets[f].reads
	}
	for i := range l.p.Ops {
		op := &l.p.Ops[i]
		if op.IsCtrl {
			cache = reuseCache{}
		}
		switch op.Unit {
		case UnitFP32, UnitHalf, UnitFP64, UnitFP16:
			slots := [3]Src{op.A, op.B, op.C}
			if op.C&PoolBit != 0 && op.C != PoolZero {
				slots[1], slots[2] = op.C, op.B // a constant in C stands in B's place in the encoding
			}
			if op.Unit == UnitFP32 || op.Unit == UnitHalf {
				op.Banks = cache.conflicts(slots, l.target.banks, reads)
			}
			cache.latch(slots, l.reuse[i])
		}
		if op.Dst != isa.RZ {
			cache.drop(op.Dst, op.Dst+Src(max(op.Width, 1)))
		}
	}
}

// reuseCache is the operand-reuse cache: of each of an instruction's three source slots it holds two registers, one
// more than their number, the latest first; 0 is none. A register stays until it is read in that slot without .reuse,
// is written, or two others come. That is how maxas counts conflicts (MaxAs.pm: "2 reuse slots per register slot",
// cleared by reads without the flag, untouched by memory instructions), and ptxas sets the flags so: of 26,000 in the
// product kernels a quarter stand before another instruction, mostly a paired LDS, and the register is read after it.
type reuseCache [3][2]Src

// conflicts returns the cycles that reading the sources from so many register banks takes when so many reads of a bank
// are free.
func (c *reuseCache) conflicts(slots [3]Src, banks Src, free uint8) (cycles uint8) {
	var count [maxBanks]uint8
	for k, s := range slots {
		same := s >= isa.RZ || c[k][0] == s+1 || c[k][1] == s+1
		for _, t := range slots[:k] {
			same = same || t == s
		}
		if !same {
			count[s%banks]++
		}
	}
	for _, n := range count {
		if n > free {
			cycles += n - free
		}
	}
	return cycles
}

// latch notes that the sources have been read, those in flags to be kept.
func (c *reuseCache) latch(slots [3]Src, flags uint8) {
	for k, s := range slots {
		if s >= isa.RZ { // no register: constants, uniform registers
			continue
		}
		h := &c[k]
		switch s + 1 {
		case h[0]:
			h[0], h[1] = h[1], 0
		case h[1]:
			h[1] = 0
		}
		if flags>>k&1 != 0 {
			h[0], h[1] = s+1, h[0]
		}
	}
}

// drop forgets registers from up to, but not including, to: they are written.
func (c *reuseCache) drop(from, to Src) {
	for k := range c {
		for i, s := range c[k] {
			if s > from && s <= to {
				c[k][i] = 0
			}
		}
	}
}

// runs finds the plain FFMAs that a warp may issue one after the other with nothing else happening on the SM that
// concerns it: no other instruction cache line, no constant cache, no barrier to wait for but before the first, no
// stall but after the last; register-bank conflicts hold the whole scheduler, so they may come in between. SM.run
// issues such a run in one piece.
func (l *lowerer) runs() {
	ops := l.p.Ops
	l.p.FMAs = make([]FMA, len(ops))
	for i := range ops {
		op := &ops[i]
		op.Plain = !op.IsMem && !op.IsCtrl && op.Unit != UnitTensor && op.WrBar >= 6 && op.RdBar >= 6 && op.Banks == 0
	}
	for i := len(ops) - 2; i >= 0; i-- {
		op, next := &ops[i], &ops[i+1]
		plain := op.Code == CodeFFMA && op.NoGuard && op.Flags == 0 && !op.SetCC && op.WrBar >= 6 && op.RdBar >= 6 &&
			!op.Dual && op.ConstLine == 0 &&
			op.Dst != isa.RZ && (op.A|op.B|op.C)&PoolBit == 0
		if !plain || next.Line != op.Line || next.ConstLine != 0 {
			continue
		}
		op.Run = 1
		l.p.FMAs[i] = FMA{uint16(op.Dst) * RowBytes, uint16(op.A) * RowBytes, uint16(op.B) * RowBytes,
			uint16(op.C) * RowBytes}
		if op.Stall == 1 && !op.Yield && next.Wait == 0 && next.Run > 0 && next.Run < 64 {
			op.Run += next.Run
			op.RunBanks = next.RunBanks + op.Banks
		}
	}
}

// aheadOps is how many instructions' registers are prefetched when a warp wakes. A warp waits for as long as it takes
// all others to touch more than the host's caches near the core hold.
const aheadOps = 24

// ahead lists for each instruction that waits for a barrier the registers that it and those after it read, up to the
// next that waits.
func (l *lowerer) ahead() {
	ops := l.p.Ops
	l.p.Ahead = make([][]uint8, len(ops))
	for i := range ops {
		if ops[i].Wait == 0 {
			continue
		}
		var listed [256]bool
		var rows []uint8
		for k := i; k < min(i+aheadOps, len(ops)) && (k == i || ops[k].Wait == 0); k++ {
			for _, s := range l.p.Uses[k].Src {
				for r := int(s.Reg); r < int(s.Reg)+int(s.N); r++ {
					if !listed[r] {
						listed[r] = true
						rows = append(rows, uint8(r))
					}
				}
			}
		}
		l.p.Ahead[i] = rows
	}
}
