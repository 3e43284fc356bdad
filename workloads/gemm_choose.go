package workloads

import "warpdrop/sim"

// shape is a tile shape of the family in gemm.cu: a block of threads computes bm x bn of C, bk deep a step.
type shape struct {
	name       string
	bm, bn, bk int
	threads    int
	resident   int // blocks on an SM at once
}

var shapes = []shape{
	{"128x128", 128, 128, 8, 256, 2},
	{"128x64", 128, 64, 8, 128, 4},
	{"64x64", 64, 64, 16, 128, 3},
	{"128x32", 128, 32, 16, 128, 3},
	{"32x32", 32, 32, 32, 128, 4},
}

// tiledShapes are those of the TDP products with the weights as B: a block is as wide as a weight tile.
var tiledShapes = shapes[3:]

// plan is how a product is run.
type plan struct {
	p     product
	shape *shape
	split int // blocks that share the k of one output tile
	chunk int // elements of k a block
}

// newPlan runs p in the given shape, its k in at most split parts.
func newPlan(p product, s *shape, split int) plan {
	steps := ceil(max(p.k, 1), s.bk)
	chunk := ceil(steps, max(split, 1)) * s.bk
	return plan{p, s, ceil(max(p.k, 1), chunk), chunk}
}

// choose plans a product: one rule for dense and compact alike.
func choose(gpu *sim.GPU, p product, t *tiles) plan {
	list := shapes
	if t != nil {
		list = tiledShapes
	}
	best, cost := plan{}, int64(-1)
	for i := range list {
		s := &list[i]
		blocks := ceil(p.m, s.bm) * ceil(p.n, s.bn)
		if c := int64(ceil(blocks, gpu.SMs)) * int64(s.bm*s.bn); cost < 0 || c < cost {
			best, cost = newPlan(p, s, 1), c
		}
	}
	return best
}
