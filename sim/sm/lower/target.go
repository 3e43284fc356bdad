package lower

import (
	"slices"
	"strconv"
	"strings"

	"warpdrop/sim/isa"
)

// target is how the code of a family becomes Ops: what executes it is shared, what it is called and where it runs is
// not.
type target struct {
	rows  map[isa.Op]lowering
	nop   isa.Op // what fills code up to whole groups
	banks Src    // of the register file
	reads uint8  // of a bank for one instruction, that cost no cycle
	// independent: threads of a warp go on by themselves, and meet at convergence barriers; there is no stack
	independent bool
}

// maxBanks bounds target.banks.
const maxBanks = 4

// targets has the families whose code is executed.
var targets map[*isa.Family]*target

func init() { // not an initializer: rows lead back to lowerer, which asks for its target
	maxwell := &target{rows: maxwellRows(), nop: isa.OpNOP, banks: 4, reads: 1}
	// Arithmetic takes two cycles a warp, and so two reads of a bank: only three sources in one bank cost a cycle (Jia
	// et al. on Volta and Turing). On GA10x FP32 takes one.
	later := &target{rows: ampereRows(maxwell.rows), nop: isa.AmpereNOP, banks: 2, reads: 2, independent: true}
	ga10x := *later
	ga10x.reads = 1
	targets = map[*isa.Family]*target{isa.Maxwell: maxwell, isa.Volta: later,
		isa.Turing: later, isa.Ampere: later, isa.GA10x: &ga10x}
}

// Executes returns the family of code for a compute capability times ten, nil if such code is not executed.
func Executes(arch int) *isa.Family {
	if f := isa.FamilyOf(arch); f != nil && targets[f] != nil {
		return f
	}
	return nil
}

// Runs tells whether a GPU executes code of a family: of its own, or, on GA10x, of sm_80, whose code runs on later GPUs
// of the same major version (CUDA C++ Programming Guide, binary compatibility).
func Runs(arch int, code *isa.Family) bool {
	own := Executes(arch)
	return own != nil && (code == own || code == isa.Ampere && own == isa.GA10x)
}

// Executed lists the compute capabilities whose code is executed.
func Executed() string {
	var list []string
	for f := range targets {
		s := strconv.Itoa(f.First)
		if f.Last > f.First {
			s += ".." + strconv.Itoa(f.Last)
		}
		list = append(list, s)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}
