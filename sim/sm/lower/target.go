package lower

import "warpdrop/sim/isa"

// target is how the code of a family becomes Ops: what executes it is shared, what it is called and where it runs is
// not.
type target struct {
	rows  map[isa.Op]lowering
	nop   isa.Op // what fills code up to whole groups
	banks Src    // of the register file
}

// maxBanks bounds target.banks.
const maxBanks = 4

// targets has the families whose code is executed.
var targets map[*isa.Family]*target

func init() { // not an initializer: rows lead back to lowerer, which asks for its target
	targets = map[*isa.Family]*target{
		isa.Maxwell: {rows: maxwellRows(), nop: isa.OpNOP, banks: 4},
	}
}
