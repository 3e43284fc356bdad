package isa

// KeepOperands returns a copy of a cubin in which each FFMA latches the registers that the next FFMA reads in the same
// source slots (.reuse), and how many it changed; one memory instruction may be issued between the two. ptxas leaves
// the flags out at every sixth instruction or so, where it asks the scheduler to change the warp (which would empty the
// cache), and the next FFMA then often has two sources in one register bank. Hand-written products (maxas) do not
// change the warp there, and nor does the result: the yield flag of a changed FFMA is off. Values do not depend on
// either.
func KeepOperands(cubin []byte) ([]byte, int, error) {
	c, err := ReadCubin(cubin)
	if err != nil {
		return nil, 0, err
	}
	changed := 0
	for i := range c.Kernels {
		insts, err := c.KernelInsts(&c.Kernels[i])
		if err != nil {
			return nil, 0, err
		}
		keep := keptOperands(insts)
		cubin, err = Patch(cubin, c.Kernels[i].Name, func(in *Inst, _ *uint64, control *uint32) {
			if flags := uint32(keep[in.PC]) << 17; flags&^*control != 0 {
				*control |= flags | 1<<4
				changed++
			}
		})
		if err != nil {
			return nil, 0, err
		}
	}
	return cubin, changed, nil
}

// keptOperands returns the reuse flags that KeepOperands adds, by PC.
func keptOperands(insts []Inst) map[uint32]uint8 {
	targets := map[int64]bool{}
	for i := range insts {
		for _, o := range insts[i].Operands[:insts[i].NumOps] {
			if o.Kind == KindLabel {
				targets[o.Value] = true
			}
		}
	}
	keep := map[uint32]uint8{}
	for i := range insts {
		in, j := &insts[i], i+1
		if !in.plainFFMA() || in.Control.Stall > 11 { // from 12 on the yield flag is part of the stall count
			continue
		}
		written := func(r uint8) bool { return r == in.Operands[0].Reg }
		if j < len(insts) && in.Control.Stall == 0 && !targets[int64(insts[j].PC)] {
			switch m := &insts[j]; m.Op {
			case OpLDS, OpLDG: // up to four registers
				written = func(r uint8) bool {
					return r == in.Operands[0].Reg || r >= m.Operands[0].Reg && r < m.Operands[0].Reg+4
				}
				j++
			case OpSTS, OpSTG:
				j++
			}
		}
		if j >= len(insts) || !insts[j].plainFFMA() || targets[int64(insts[j].PC)] {
			continue
		}
		for slot := range 3 {
			a, b := in.Operands[slot+1], insts[j].Operands[slot+1]
			if a.Kind == KindReg && b.Kind == KindReg && a.Reg == b.Reg && a.Reg != RZ && !written(a.Reg) {
				keep[in.PC] |= 1 << slot
			}
		}
	}
	return keep
}

// plainFFMA reports whether the instruction is an unguarded FFMA of three registers.
func (in *Inst) plainFFMA() bool {
	return in.Op == OpFFMA && in.Guard == PT && !in.GuardNot && in.Operands[1].Kind == KindReg &&
		in.Operands[2].Kind == KindReg && in.Operands[3].Kind == KindReg
}
