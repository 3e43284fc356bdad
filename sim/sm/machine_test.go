package sm

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/bits"
	"os"
	"strings"
	"testing"

	"warpdrop/sim/isa"
	"warpdrop/sim/memory"
	"warpdrop/sim/sm/exec"
	"warpdrop/sim/sm/lower"
	"warpdrop/sim/sm/timing"
)

// machine runs kernels without timing: the warps of a block in turns, a few instructions each, blocks one after the
// other. Every instruction is a window of its own.
type machine struct {
	t      testing.TB
	cubin  *isa.Cubin
	global *memory.Global
	view   *memory.View
	x      exec.Exec
	// hazards watches all that runs: ptxas' code has none.
	hazards *timing.Hazards
}

// hazardConfig has the figures that the hazard check needs, as the gtx1080ti preset.
func hazardConfig() *timing.Config {
	c := &timing.Config{PredicateLatency: 13, BarrierSet: 2}
	u := &c.Units
	for _, t := range []*timing.UnitTiming{&u.FP32, &u.Half, &u.Branch, &u.FP64, &u.SFU, &u.Convert, &u.Conv64, &u.Imul,
		&u.Shared, &u.Global, &u.Const, &u.SReg, &u.None} {
		*t = timing.UnitTiming{Interval: 1, Latency: 6}
	}
	u.SFU.Read, u.Convert.Read, u.Conv64.Read, u.Shared.Read, u.Const.Read, u.Global.Read = 4, 4, 4, 2, 2, 4
	return c
}

// architectures are what stands in the names of the test programs' cubins for the GPUs that they are compiled for:
// sm_61, then the others.
var architectures = []string{"", ".sm_70", ".sm_75", ".sm_80", ".sm_86"}

// eachArchitecture runs a test on a program's cubins.
func eachArchitecture(t *testing.T, name string, test func(t *testing.T, m *machine)) {
	for _, arch := range architectures {
		t.Run(cmp.Or(strings.TrimPrefix(arch, "."), "sm_61"), func(t *testing.T) { test(t, load(t, name+arch)) })
	}
}

func load(t testing.TB, name string) *machine {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name + ".cubin")
	if err != nil {
		t.Fatal(err)
	}
	c, err := isa.ReadCubin(data)
	if err != nil {
		t.Fatal(err)
	}
	return newMachine(t, c)
}

// newMachine runs the code of a cubin.
func newMachine(t testing.TB, c *isa.Cubin) *machine {
	m := &machine{t: t, cubin: c, global: memory.NewGlobal(), hazards: timing.NewHazards(hazardConfig())}
	t.Cleanup(func() {
		if c.Family != isa.Maxwell {
			return // their latencies are others
		}
		if err := timing.NewHazardError([]*timing.Hazards{m.hazards}); err != nil {
			t.Error(err)
		}
	})
	m.view = memory.NewView(m.global)
	m.x.Global = m.view
	return m
}

// buffer allocates device memory with the given contents.
func (m *machine) buffer(words []uint32) uint64 {
	a, err := m.global.Alloc(int64(4 * len(words)))
	if err != nil {
		m.t.Fatal(err)
	}
	for i, w := range words {
		if err := m.global.Write(a+uint64(4*i), binary.LittleEndian.AppendUint32(nil, w)); err != nil {
			m.t.Fatal(err)
		}
	}
	return a
}

func (m *machine) read(addr uint64, n int) []uint32 {
	b := make([]byte, 4*n)
	if err := m.global.Read(addr, b); err != nil {
		m.t.Fatal(err)
	}
	r := make([]uint32, n)
	for i := range r {
		r[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return r
}

// run launches a kernel; arguments are uint64 (pointers), uint32 and so on, placed as the cubin says.
func (m *machine) run(kernel string, grid, block [3]uint32, args ...any) error {
	m.t.Helper()
	k := m.cubin.Kernel(kernel)
	if k == nil {
		return fmt.Errorf("no kernel %s", kernel)
	}
	p, err := lower.Lower(&m.cubin.Code, k.Entry, lower.LowerConfig{Name: kernel, Registers: k.Registers,
		End: k.Entry + k.Size})
	if err != nil {
		return err
	}
	if len(args) != len(k.Params) {
		return fmt.Errorf("%d arguments for %d parameters", len(args), len(k.Params))
	}
	local := k.LocalBytes
	if m.cubin.Recursive(k) {
		local = 16 << 10
	}
	c0 := make([]byte, k.ParamBase+k.ParamBytes)
	abi := m.cubin.Family.ABI
	for i := range uint32(3) {
		binary.LittleEndian.PutUint32(c0[abi.BlockDim+4*i:], block[i])
		binary.LittleEndian.PutUint32(c0[abi.GridDim+4*i:], grid[i])
	}
	binary.LittleEndian.PutUint32(c0[abi.Stack:], uint32(local))
	for _, prm := range k.Params {
		if _, err := binary.Encode(c0[k.ParamBase+prm.Offset:], binary.LittleEndian, args[prm.Index]); err != nil {
			return err
		}
	}
	banks := [18][]byte(k.Const)
	banks[0] = c0
	p = p.Bind(banks)
	p.SharedBytes, p.LocalBytes = k.SharedBytes, local
	threads := int(block[0] * block[1] * block[2])
	b := &exec.Block{}
	for i := range grid[0] * grid[1] * grid[2] {
		b.Reset(p, threads, [3]uint32{i % grid[0], i / grid[0] % grid[1], i / (grid[0] * grid[1])}, block, grid)
		for j, w := range b.Warps {
			w.Slot = j
			m.hazards.Start(w)
		}
		if err := m.block(b); err != nil {
			return err
		}
	}
	return nil
}

func (m *machine) block(b *exec.Block) error {
	var waiting uint64 // warps at a barrier
	release := func(warps uint64) { waiting &^= warps }
	for steps := 0; b.Live() > 0; steps++ {
		progress := false
		for i, w := range b.Warps {
			for range 7 {
				if waiting>>i&1 != 0 || w.Live == 0 {
					break
				}
				progress = true
				op := &b.Prog.Ops[w.PC]
				pc := w.PC
				m.hazards.Issue(w, op, pc, w.GuardMask(op))
				m.x.Exec(w, op, w.GuardMask(op))
				m.x.Clock++
				memory.Commit([]*memory.View{m.view})
				if m.x.Fault.Reason != "" {
					err := fmt.Errorf("%s: lane %d: %s", b.Prog.Text(pc), m.x.Fault.Lane, m.x.Fault.String())
					m.x.Fault = exec.ExecFault{}
					return err
				}
				if w.Live == 0 {
					for at := b.Exit(w); at != 0; at &= at - 1 {
						release(b.Complete(bits.TrailingZeros16(at)))
					}
				}
				if op.IsCtrl && m.x.Bar.Kind != lower.BarNone {
					if b.Arrive(w, &m.x.Bar) {
						waiting |= 1 << i
					}
					release(b.Complete(m.x.Bar.ID))
				}
			}
		}
		if !progress {
			return fmt.Errorf("deadlock")
		}
		if steps > 1<<22 {
			return fmt.Errorf("runs forever")
		}
	}
	return nil
}
