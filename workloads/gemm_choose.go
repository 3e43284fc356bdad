package workloads

import (
	"fmt"
	"math"
	"slices"

	"warpdrop/sim"
)

// shape is a tile shape of the family in gemm.cu: a block of threads computes bm x bn of C, bk deep a step.
type shape struct {
	name       string
	bm, bn, bk int
	threads    int
	resident   int // blocks on an SM at once, of the kernels that load vectors
	scalar     int // … and of those that do not

	// What the cost model knows, in cycles, fitted to simulated candidates (see TestCostModel).
	share float64 // of the FP32 peak that a full SM reaches inside the loop
	alone float64 // least cycles of a step, however few blocks share the SM
	ends  float64 // of a block outside of the loop
}

var shapes = []shape{
	{"128x128", 128, 128, 8, 256, 2, 2, 0.91, 1300, 3500},
	{"128x64", 128, 64, 8, 128, 4, 3, 0.91, 800, 3000},
	{"64x64", 64, 64, 16, 128, 3, 3, 0.86, 800, 3000},
	{"128x32", 128, 32, 16, 128, 3, 2, 0.86, 800, 3000},
	{"32x32", 32, 32, 32, 128, 5, 4, 0.78, 700, 2500},
}

// blocksAtOnce returns how many blocks of p an SM holds.
func (s *shape) blocksAtOnce(p product) int {
	if p.vectors() == "v" {
		return s.resident
	}
	return s.scalar
}

// tiledShapes are those of the TDP products with the weights as B, by the side of a weight tile: a block is as wide as
// one.
var tiledShapes = map[int][]shape{TDPTile: shapes[3:], 2 * TDPTile: shapes[1:3]}

// squareShape is the shape of a block that computes one weight tile.
func squareShape(side int) *shape {
	list := tiledShapes[side]
	return &list[len(list)-1]
}

// plan is how a product is run.
type plan struct {
	p     product
	shape *shape
	split int     // blocks that share the k of one output tile
	chunk int     // elements of k a block
	cost  float64 // cycles, by the model
}

func (p plan) String() string {
	return fmt.Sprintf("gemm_%s_%s_%s split %d", p.p.layout(), p.p.vectors(), p.shape.name, p.split)
}

// newPlan runs p in the given shape, its k in at most split parts.
func newPlan(p product, s *shape, split int) plan {
	steps := ceil(max(p.k, 1), s.bk)
	chunk := ceil(steps, max(split, 1)) * s.bk
	return plan{p: p, shape: s, split: ceil(max(p.k, 1), chunk), chunk: chunk}
}

// maxSplit bounds the parts of k.
const maxSplit = 32

// candidates lists the kernels that can run p, cheapest first by the model: every shape, as it stands and the other way
// round (C^T = B^T A^T), with every useful split.
func candidates(gpu *sim.GPU, p product, t *tiles) []plan {
	var out []plan
	try := func(p product, list []shape) {
		for i := range list {
			seen := 0
			for split := 1; split <= maxSplit; split++ {
				c := newPlan(p, &list[i], split)
				if c.split == seen {
					continue
				}
				seen = c.split
				c.cost = c.estimate(gpu, t)
				out = append(out, c)
			}
		}
	}
	if t != nil {
		try(p, tiledShapes[t.side])
	} else {
		try(p, shapes)
		try(p.transposed(), shapes)
	}
	slices.SortStableFunc(out, func(a, b plan) int {
		switch {
		case a.cost < b.cost:
			return -1
		case a.cost > b.cost:
			return 1
		}
		return 0
	})
	return out
}

// choose plans a product: one rule for dense and compact products.
func choose(gpu *sim.GPU, p product, t *tiles) plan { return candidates(gpu, p, t)[0] }

// estimate is the cost model: the SM with most blocks runs them in rounds of as many as fit; a round's step takes as
// long as its multiplications or, with few blocks, as the way to memory and back. All of it is no shorter than DRAM and
// L2 need.
func (c plan) estimate(gpu *sim.GPU, t *tiles) float64 {
	p, s := c.p, c.shape
	lanes := 32 * float64(gpu.SM.Schedulers)
	columns, rows := ceil(p.n, s.bn), ceil(p.m, s.bm)
	steps := float64(ceil(c.chunk, s.bk))
	share := 1.0 // of k that is visited
	if t != nil {
		count := ceil(p.k, t.side)
		kept, most := 0, 0
		for x := range columns {
			n := t.kept(x, count)
			kept += n
			most = max(most, n)
		}
		share = float64(kept) / float64(columns*count)
		steps = float64(ceil(most, c.split)) * float64(t.side) / float64(s.bk)
		columns = ceil(kept, max(most, 1)) // as many columns of the longest kind
	}
	blocks := columns * rows * c.split
	work := float64(s.bm*s.bn*s.bk) / lanes / s.share
	round := func(n int) float64 {
		if n == 0 {
			return 0
		}
		return steps*math.Max(float64(n)*work, s.alone) + s.ends
	}
	most, resident := ceil(blocks, gpu.SMs), s.blocksAtOnce(p)
	cycles := float64(most/resident)*round(resident) + round(most%resident)
	// Traffic: every block reads its tiles through L2; DRAM sees each operand at least once.
	l2 := 4 * float64(columns*rows) * float64(s.bm+s.bn) * float64(p.k) * math.Max(share, 1e-9)
	dram := 4 * (float64(p.m)*float64(p.k) + float64(p.k)*float64(p.n)*share + float64(p.m)*float64(p.n))
	if c.split > 1 {
		parts := 4 * float64(blocks*s.bm*s.bn)
		l2 += 2 * parts
		cycles += splitCycles + float64(c.split)*(float64(4*s.bm*s.bn)/float64(gpu.Memory.Crossbar.ReplyBytes)+300)
	}
	// Where k is the contiguous dimension, a step reads bk elements of each row: a DRAM row is opened for every access.
	activates := 0.0
	for _, o := range []struct {
		step, other int
		bytes       float64
	}{{p.a.Col, p.a.Row, 4 * float64(p.m) * float64(p.k)}, {p.b.Row, p.b.Col, 4 * float64(p.k) * float64(p.n) * share}} {
		if o.step < o.other {
			activates += o.bytes / float64(max(4*s.bk, 32*gpu.Memory.L2.FillSectors))
		}
	}
	d := &gpu.Memory.DRAM
	activateRate := float64(d.Channels) / float64(d.RRD) * float64(d.ClockNum) / float64(d.ClockDen)
	l2Rate := float64(gpu.SMs * gpu.Memory.Crossbar.ReplyBytes)
	dramRate := gpu.Memory.PeakBytesPerSecond(gpu.CoreMHz) / (gpu.CoreMHz * 1e6)
	return math.Max(cycles, max(l2/l2Rate/busy, dram/dramRate/busy, activates/activateRate/busy)+s.ends)
}

// splitCycles is what a split product pays for its tickets, busy the share of a memory's peak that products reach.
const (
	splitCycles = 2000
	busy        = 0.8
)
