package workloads

import (
	"warpdrop/dropout"
	"warpdrop/sim"
)

// keptTiles are the tiles of a matrix of weights that an iteration keeps, numbered row by row: one in dp or those of a
// list.
type keptTiles struct {
	side, rows, cols int // of a tile; tiles
	dp, bias         int // bias from 0
	list             []int

	// The list on the device: see tiles.cu and Tiles of gemm.h. numbers are in order, row r's from rowAt[r] on; inColumn
	// are the rows of the tiles of each column, column c's from colAt[c] on.
	numbers, inColumn, rowAt, colAt, mask sim.Ptr
	perRow, perColumn                     []int
}

// selectionOf is what a pattern of a method keeps.
func selectionOf(m dropout.Method, p dropout.Pattern, s dropout.Shape) dropout.Selection {
	p.Method = m
	return p.Selection(s)
}

// newKeptTiles is what a selection keeps of rows x cols weights in tiles of side x side. A list is added to what is
// copied to the device.
func newKeptTiles(s dropout.Selection, rows, cols, side int, to *copied) *keptTiles {
	t := &keptTiles{side: side, dp: s.DP, bias: s.Bias - 1, list: s.List}
	t.rows, t.cols = dropout.TileGrid(rows, cols, side, side)
	if t.list == nil {
		return t
	}
	t.perRow, t.perColumn = make([]int, t.rows), make([]int, t.cols)
	for _, n := range t.list {
		t.perRow[n/t.cols]++
		t.perColumn[n%t.cols]++
	}
	starts := func(count []int) []int32 {
		at := make([]int32, len(count)+1)
		for i, n := range count {
			at[i+1] = at[i] + int32(n)
		}
		return at
	}
	rowAt, colAt := starts(t.perRow), starts(t.perColumn)
	numbers, inColumn, next := make([]int32, len(t.list)), make([]int32, len(t.list)), append([]int32(nil), colAt...)
	mask := make([]int32, ceil(t.rows*t.cols, 32))
	for i, n := range t.list {
		numbers[i] = int32(n)
		inColumn[next[n%t.cols]] = int32(n / t.cols)
		next[n%t.cols]++
		mask[n/32] |= int32(uint32(1) << (n % 32))
	}
	to.add(&t.numbers, numbers)
	to.add(&t.inColumn, inColumn)
	to.add(&t.rowAt, rowAt)
	to.add(&t.colAt, colAt)
	to.add(&t.mask, mask)
	return t
}

// count is how many are kept.
func (t *keptTiles) count() int {
	if t.list != nil {
		return len(t.list)
	}
	return dropout.CountKept(t.rows*t.cols, t.dp, t.bias+1)
}

// vectors is how many vectors of four weights they have, those beyond the matrix included.
func (t *keptTiles) vectors() int { return t.count() * t.side * t.side / 4 }

// kernel is the module and the name of a kernel that walks kept tiles: NAME_tdp of update.cu or NAME_tiles of tiles.cu.
func (t *keptTiles) kernel(name string) (module, kernel string) {
	if t.list != nil {
		return "tiles", name + "_tiles"
	}
	return "update", name + "_tdp"
}

// args are its arguments.
func (t *keptTiles) args() []sim.Arg {
	if t.list != nil {
		return []sim.Arg{i32(t.side), i32(t.cols), sim.PtrArg(t.numbers)}
	}
	return []sim.Arg{i32(t.side), i32(t.cols), i32(t.dp), i32(t.bias)}
}

// maskArgs are those of a kernel that asks of each tile whether it is kept.
func (t *keptTiles) maskArgs() []sim.Arg {
	if t.list != nil {
		return []sim.Arg{i32(t.side), i32(t.cols), sim.PtrArg(t.mask)}
	}
	return t.args()
}

// copied are lists of numbers that go to the device behind others, in their copy.
type copied struct {
	numbers []int32
	to      []*sim.Ptr // where the place of each list is wanted
	at      []int      // … among the numbers
}

func (c *copied) add(to *sim.Ptr, list []int32) {
	c.to, c.at = append(c.to, to), append(c.at, len(c.numbers))
	c.numbers = append(c.numbers, list...)
}

// behind reserves room for n numbers with the lists behind them, and says where all of it begins.
func (c *copied) behind(r *runner, n int) sim.Ptr {
	p := r.malloc(n + len(c.numbers))
	for i, to := range c.to {
		*to = p + sim.Ptr(4*(n+c.at[i]))
	}
	return p
}
