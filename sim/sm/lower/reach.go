package lower

import (
	"fmt"
	"slices"

	"warpdrop/sim/isa"
)

// index returns the number of the instruction at byte address pc, counted from the start of the image.
func (l *lowerer) index(pc uint32) int32 { return int32(l.code.Family.Index(pc)) }

// pc is the byte address of instruction i.
func (l *lowerer) pc(i int32) uint32 { return l.code.Family.PC(int(i)) }

// part is a section of the code of which instructions have been reached.
type part struct {
	first           int32 // number of its first instruction
	lowest, highest int32 // of those reached
	ops             []Op
	uses            []Uses
	reuse           []uint8 // operand-reuse flags
	done            []bool
}

// part returns the part that instruction i lies in, nil if there is no code.
func (l *lowerer) part(i int32) *part {
	at, found := slices.BinarySearchFunc(l.parts, i, func(p *part, i int32) int {
		switch {
		case i < p.first:
			return 1
		case i >= p.first+int32(len(p.ops)):
			return -1
		}
		return 0
	})
	if found {
		return l.parts[at]
	}
	s, ok := l.code.Section(l.pc(i))
	if !ok {
		if s, ok = l.code.Extern(l.pc(i)); !ok {
			return nil
		}
	}
	n := l.index(s.Address+s.Size) - l.index(s.Address)
	p := &part{first: l.index(s.Address), lowest: i, highest: i, ops: make([]Op, n), uses: make([]Uses, n),
		reuse: make([]uint8, n), done: make([]bool, n)}
	l.parts = slices.Insert(l.parts, at, p)
	return p
}

// reach lowers the instructions that can be reached from first.
func (l *lowerer) reach(first int32) error {
	work := []int32{first}
	for len(work) > 0 {
		i := work[len(work)-1]
		work = work[:len(work)-1]
		p := l.part(i)
		if p == nil {
			return fmt.Errorf("kernel %s: control runs to %#x, past the end of the code", l.cfg.Name, l.pc(i))
		}
		if p.done[i-p.first] {
			continue
		}
		p.done[i-p.first] = true
		p.lowest, p.highest = min(p.lowest, i), max(p.highest, i)
		if s, ok := l.code.Extern(l.pc(i)); ok {
			l.system(p, i, s.Name)
			continue
		}
		in, err := l.code.Inst(l.pc(i))
		if err != nil {
			return fmt.Errorf("kernel %s: %w", l.cfg.Name, err)
		}
		p.reuse[i-p.first] = in.Control.Reuse
		if err := l.lower(&in, &p.ops[i-p.first], &p.uses[i-p.first]); err != nil {
			return fmt.Errorf("kernel %s, %s: %w", l.cfg.Name, l.p.text(in.PC), err)
		}
		work = l.successors(work, i, first, &p.ops[i-p.first])
	}
	l.join(first)
	return nil
}

// successors appends to work the instructions that may run after instruction i, which has become op, of the kernel that
// begins at first.
func (l *lowerer) successors(work []int32, i, first int32, op *Op) []int32 {
	if Traits[op.Code].Target {
		work = append(work, int32(op.Imm))
	}
	goesOn := true
	switch op.Code {
	case CodeBRX:
		targets, ok := l.code.Jumps[l.pc(i)]
		call := l.code.Calls[l.pc(i)]
		if !call && (!ok || i > 0 && l.code.Family.Call(l.code.Word(l.pc(i-1))) == isa.CallPointer) {
			// No table, or that of a call through a pointer, which names the return point only: any function of the
			// kernel may be meant.
			work = l.anything(work, first)
			call = true
		}
		if call {
			for _, s := range l.code.Externs {
				work = append(work, l.index(s.Address))
			}
		}
		for _, t := range targets {
			work = append(work, l.index(t))
		}
		goesOn = !op.NoGuard
	case CodeJump:
		if l.in.Op != isa.AmpereCALL { // RET: the instructions behind calls are reached from those
			goesOn = !op.NoGuard
			break
		}
		work = l.anything(work, first)
		for _, s := range l.code.Externs {
			work = append(work, l.index(s.Address))
		}
	case CodeBRA, CodeEXIT, CodeSYNC, CodeRET, CodeBRK, CodeCONT, CodeLONGJMP:
		goesOn = !op.NoGuard || op.Imm2 != int32(isa.CCT)
	}
	if goesOn {
		work = append(work, i+1)
	}
	return work
}

// anything appends the instructions of the kernel that begins at first, all but the NOPs behind it, and the functions
// whose address is taken.
func (l *lowerer) anything(work []int32, first int32) []int32 {
	s, _ := l.code.Section(l.pc(first))
	end := s.Address + s.Size
	if l.cfg.End > 0 {
		end = min(end, l.cfg.End)
	}
	for j := first; j < l.index(end); j++ {
		if in, err := l.code.Inst(l.pc(j)); err != nil || in.Op != l.target.nop {
			work = append(work, j)
		}
	}
	for _, t := range l.code.Taken {
		work = append(work, l.index(t))
	}
	return work
}

// join puts the parts behind each other, each from the first to the last instruction that was reached; branches then
// count from the first of all.
func (l *lowerer) join(entry int32) {
	n := int32(0)
	for _, p := range l.parts {
		l.p.parts = append(l.p.parts, span{first: p.lowest, op: n, n: p.highest + 1 - p.lowest})
		n += p.highest + 1 - p.lowest
	}
	l.p.Ops, l.p.Uses, l.reuse = make([]Op, 0, n), make([]Uses, 0, n), make([]uint8, 0, n)
	for _, p := range l.parts {
		from, to := p.lowest-p.first, p.highest+1-p.first
		for i := from; i < to; i++ {
			op := &p.ops[i]
			if !p.done[i] {
				*op = Op{Code: CodeIllegal, IsCtrl: true, NoGuard: true, Guard: isa.PT, Unit: UnitBranch, WrBar: 7,
					RdBar: 7, Stall: 1}
				op.PC = l.pc(p.first + i)
			}
			if Traits[op.Code].Target {
				op.Imm = int64(l.p.at(int32(op.Imm)))
			}
		}
		l.p.Ops = append(l.p.Ops, p.ops[from:to]...)
		l.p.Uses = append(l.p.Uses, p.uses[from:to]...)
		l.reuse = append(l.reuse, p.reuse[from:to]...)
	}
	l.p.Entry = l.p.at(entry)
	l.parts = nil
}

// system makes instruction i of p a call of the run-time system's function name, which returns.
func (l *lowerer) system(p *part, i int32, name string) {
	op := &p.ops[i-p.first]
	in := isa.Inst{Guard: isa.PT, Control: isa.Control{Stall: 15, Yield: true, WriteBarrier: 7, ReadBarrier: 7}}
	*op = blankOp(&in, lowering{code: CodeSystem, unit: UnitBranch})
	l.control(op, in.Control)
	op.PC = l.pc(i)
	op.IsCtrl = true
	op.Aux = uint32(slices.Index(SystemCalls, name) + 1)
	if n := l.cfg.LineBytes; n > 0 {
		op.Line = l.cfg.FirstLine + int32(op.PC)/int32(n)
	}
}

// lower fills op and its use.
func (l *lowerer) lower(in *isa.Inst, op *Op, use *Uses) error {
	how, ok := l.target.rows[in.Op]
	if !ok {
		return fmt.Errorf("%s is decoded but not executed", in.Op)
	}
	*op = blankOp(in, how)
	l.control(op, in.Control)
	op.PC = in.PC
	if n := l.cfg.LineBytes; n > 0 {
		op.Line = l.cfg.FirstLine + int32(in.PC)/int32(n)
	}
	l.in, l.op, l.use, l.next, l.setCC, l.err = in, op, use, 0, false, nil
	l.seen = [10]bool{}
	how.lower(l)
	if err := l.understood(); err != nil {
		return err
	}
	if l.setCC {
		op.Code, op.Imm2, op.SetCC = CodeSetCC, int32(op.Code), false
	}
	trait := &Traits[op.Code]
	op.IsMem, op.IsCtrl, op.FLOP = trait.Memory, trait.Control, trait.FLOP
	if op.Code == CodeMMAStep {
		op.FLOP = mmaStepFLOP(op)
	}
	if op.Code == CodeMMA {
		op.FLOP = mmaFLOP(op)
	}
	if op.Unit == UnitConvert && (in.Has(isa.ModF64) || in.Has(isa.ModU64) || in.Has(isa.ModS64)) {
		op.Unit = UnitConvert64
	}
	l.used()
	switch op.Code {
	case CodeBRA, CodeBRX, CodeBRADIV:
		op.Branch = 1
	case CodeSYNC, CodeBRK, CodeCONT:
		// With a guard these are how the compiler leaves one side of an if-else, or a loop.
		if !op.NoGuard || op.Imm2 != int32(isa.CCT) {
			op.Branch = 1
		}
	}
	return nil
}
