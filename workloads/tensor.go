package workloads

import (
	"encoding/binary"
	"fmt"
	"math"

	"warpdrop/dropout"
	"warpdrop/sim"
)

// Products on tensor cores: kernels/tensor.cu. A and B hold halves, C and all sums are FP32.

// tensorShapes are its blocks, largest first: bm x bn of C by so many threads.
var tensorShapes = []shape{
	{name: "128x128", bm: 128, bn: 128, bk: 32, threads: 256},
	{name: "64x64", bm: 64, bn: 64, bk: 32, threads: 128},
	{name: "32x32", bm: 32, bn: 32, bk: 32, threads: 128},
}

// checkTensor reports what products on tensor cores cannot be.
func (s *GEMMSpec) checkTensor() error {
	rows := s.Method == dropout.Dense
	if k := s.Method.Kind(); k != nil {
		rows = k.HasDP() && k.Drops == dropout.DropsRows
	}
	switch {
	case !rows:
		return fmt.Errorf("tensor: the method is %s; allowed are dense and rdp, whose rows are evenly spaced", s.Method)
	case s.TA || s.TB || s.Tile != 0 || s.Split != 0:
		return fmt.Errorf("tensor: both matrices are taken as they are: no ta, tb, tile or split")
	case s.N%8 != 0 || s.K%8 != 0:
		return fmt.Errorf("tensor: n, k: %d, %d are not multiples of 8, which are copied at a time", s.N, s.K)
	}
	for _, k := range tensorShapes {
		if s.Shape == "" || s.Shape == k.name {
			return nil
		}
	}
	return fmt.Errorf("shape: %q is not one of 128x128, 64x64, 32x32", s.Shape)
}

// tensorPeak is the multiply-adds of halves, added to FP32 sums, that an SM's tensor cores do in a cycle, 0 if it has
// none.
func tensorPeak(gpu *sim.GPU) float64 {
	u := gpu.SM.Units.Tensor
	if u.Interval == 0 {
		return 0
	}
	return 2048 * float64(gpu.SM.Schedulers) / float64(u.Interval*max(gpu.SM.TensorSingle, 1))
}

// halves are numbers that an FP16 number holds exactly, as these.
func halves(x []float32) []byte {
	var b []byte
	for _, v := range x {
		u := math.Float32bits(v)
		h := uint16(u >> 16 & 0x8000)
		if v != 0 {
			h |= uint16(u>>23&255-112)<<10 | uint16(u>>13&0x3ff)
		}
		b = binary.LittleEndian.AppendUint16(b, h)
	}
	return b
}

// uploadHalves is upload of halves.
func (r *runner) uploadHalves(x []float32) sim.Ptr {
	p := r.malloc(ceil(len(x), 2))
	r.write(p, halves(x))
	return p
}

// runTensor runs the product of the kept rows of A on tensor cores: in the largest blocks of which every SM has one.
func (g *gemmRun) runTensor() *sim.Result {
	s, rows := g.s, g.rows
	m := rows.Size()
	shape := &tensorShapes[len(tensorShapes)-1]
	for i := range tensorShapes {
		k := &tensorShapes[i]
		if s.Shape == k.name || s.Shape == "" && ceil(m, k.bm)*ceil(s.N, k.bn) >= g.dev.GPU.SMs {
			shape = k
			break
		}
	}
	grid := sim.Dim3{X: ceil(s.N, shape.bn), Y: ceil(m, shape.bm)}
	c, a := g.c.Ptr+sim.Ptr(4*rows.First*s.N), g.a.Ptr+sim.Ptr(2*rows.First*s.K)
	return g.launch("product", PartForward, "tensor", "tensor_"+shape.name, g.flop(),
		sim.LaunchConfig{Grid: grid, Block: sim.Dim3{X: shape.threads}},
		sim.PtrArg(c), sim.PtrArg(a), sim.PtrArg(g.b.Ptr), i32(m), i32(s.N), i32(s.K), i32(rows.Step*s.K), i32(s.N),
		i32(rows.Step*s.N))
}
