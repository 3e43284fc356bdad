package workloads

import (
	"warpdrop/dropout"
	"warpdrop/sim"
)

// Kept is a compacted dimension: the indices Off, Off+Step, … below the full size. The zero value and Step 1 keep all.
type Kept struct{ Off, Step int }

// All keeps every index.
var All = Kept{0, 1}

// KeptBy returns what row pattern (dp, bias) keeps: i (from 1) with (i - bias) mod dp = 0.
func KeptBy(p dropout.Pattern) Kept { return Kept{p.Bias - 1, p.DP} }

// Count returns how many of n indices are kept.
func (k Kept) Count(n int) int { return (n - k.Off + k.Step - 1) / k.Step }

// Operand is a matrix on the device: element (i, j) stands at Ptr[i*Row + j*Col].
type Operand struct {
	Ptr      sim.Ptr
	Row, Col int
}

// RowMajor is a matrix with rows of ld elements.
func RowMajor(p sim.Ptr, ld int) Operand { return Operand{p, ld, 1} }

// T is the transpose.
func (o Operand) T() Operand { return Operand{o.Ptr, o.Col, o.Row} }

// Keep is the matrix of the kept rows and columns.
func (o Operand) Keep(rows, cols Kept) Operand {
	return Operand{o.Ptr + sim.Ptr(4*(rows.Off*o.Row+cols.Off*o.Col)), o.Row * rows.Step, o.Col * cols.Step}
}

// shape is a tile shape of the dense family; compact products choose among the same shapes.
type shape struct {
	name    string
	bm, bn  int
	threads int
}

var shapes = []shape{{"128x64", 128, 64, 128}, {"64x64", 64, 64, 128}, {"64x32", 64, 32, 128}}

// tiledShapes are those of the TDP products with the weights as B: a block is as wide as a weight tile.
var tiledShapes = []shape{{"128x32", 128, 32, 128}, {"64x32", 64, 32, 128}}

// TDPTile is the side of a weight tile.
const TDPTile = 32

// choose picks the tile shape for an m x n output: the one whose blocks, in whole waves of one block a scheduler group,
// cover the output in the least time by a simple count (elements a block x waves); the larger shape on a tie, because it
// reads less. One rule for dense and compact alike.
func choose(list []shape, m, n, sms int) shape {
	best, cost := list[0], int64(-1)
	for _, s := range list {
		blocks := ceil(m, s.bm) * ceil(n, s.bn)
		c := int64(ceil(blocks, sms)) * int64(s.bm*s.bn)
		if cost < 0 || c < cost {
			best, cost = s, c
		}
	}
	return best
}

func ceil(a, b int) int { return (a + b - 1) / b }

// layout names the kernel variant by which dimension of each operand is the contiguous one.
func layout(a, b Operand) string {
	switch {
	case a.Row < a.Col: // neighbouring m are closer: A is stored transposed
		return "tn"
	case b.Col <= b.Row:
		return "nn"
	}
	return "nt"
}

// gemm runs C = alpha * A B, m x n x k.
func (r *runner) gemm(what string, part Part, c, a, b Operand, m, n, k int, alpha float32) *sim.Result {
	s := choose(shapes, m, n, r.dev.GPU.SMs)
	return r.launch(what, part, "gemm", "gemm_"+layout(a, b)+"_"+s.name, 2*int64(m)*int64(n)*int64(k),
		sim.LaunchConfig{Grid: sim.Dim3{X: ceil(n, s.bn), Y: ceil(m, s.bm)}, Block: sim.Dim3{X: s.threads}}, gemmArgs(c, a, b, m, n, k, alpha)...)
}

// gemmTiled is gemm with B the weights (or, transposed, their transpose) of which TDP keeps tiles; tileCols is the number
// of tile columns of the weights.
func (r *runner) gemmTiled(what string, part Part, c, a, b Operand, m, n, k int, alpha float32, p dropout.Pattern, transposed bool, tileCols int) *sim.Result {
	s := choose(tiledShapes, m, n, r.dev.GPU.SMs)
	along, across := tileCols, 1
	if transposed {
		along, across = 1, tileCols
	}
	args := append(gemmArgs(c, a, b, m, n, k, alpha), sim.I32(int32(p.DP)), sim.I32(int32(p.Bias-1)), sim.I32(int32(along)), sim.I32(int32(across)))
	return r.launch(what, part, "gemm", "gemm_tdp_"+layout(a, b)+"_"+s.name, 2*int64(m)*int64(n)*int64(k)/int64(p.DP),
		sim.LaunchConfig{Grid: sim.Dim3{X: ceil(n, s.bn), Y: ceil(m, s.bm)}, Block: sim.Dim3{X: s.threads}}, args...)
}

// gemmTiledGradient computes the kept tiles of C = alpha * A B, the gradient of the weights.
func (r *runner) gemmTiledGradient(what string, c, a, b Operand, m, n, k int, alpha float32, p dropout.Pattern) *sim.Result {
	cols := ceil(n, TDPTile)
	kept := Kept{p.Bias - 1, p.DP}.Count(ceil(m, TDPTile) * cols)
	if kept == 0 {
		return nil
	}
	args := append(gemmArgs(c, a, b, m, n, k, alpha), sim.I32(int32(p.DP)), sim.I32(int32(p.Bias-1)), sim.I32(int32(cols)))
	return r.launch(what, PartBackwardWeights, "gemm", "gemm_tdp_tn_32x32", 2*int64(kept)*TDPTile*TDPTile*int64(k),
		sim.LaunchConfig{Grid: sim.Dim3{X: kept}, Block: sim.Dim3{X: 64}}, args...)
}

// gemmMasked is gemm with an if-else round each output element's inner product; mask has a byte an element, row-major.
func (r *runner) gemmMasked(what string, part Part, c, a, b Operand, m, n, k int, alpha float32, mask sim.Ptr) *sim.Result {
	args := append(gemmArgs(c, a, b, m, n, k, alpha), sim.PtrArg(mask))
	return r.launch(what, part, "gemm", "gemm_masked_nn_32x32", 2*int64(m)*int64(n)*int64(k),
		sim.LaunchConfig{Grid: sim.Dim3{X: ceil(n, 32), Y: ceil(m, 32)}, Block: sim.Dim3{X: 256}}, args...)
}

func gemmArgs(c, a, b Operand, m, n, k int, alpha float32) []sim.Arg {
	i := func(v int) sim.Arg { return sim.I32(int32(v)) }
	return []sim.Arg{sim.PtrArg(c.Ptr), sim.PtrArg(a.Ptr), sim.PtrArg(b.Ptr), i(m), i(n), i(k), i(a.Row), i(a.Col), i(b.Row), i(b.Col), i(c.Row), i(c.Col), sim.F32(alpha)}
}
