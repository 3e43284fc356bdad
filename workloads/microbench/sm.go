package microbench

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"warpdrop/sim"
	"warpdrop/sim/isa"
)

//go:embed sm.cubin
var smCubin []byte

// instruction is a class of instruction with what is known of it.
type instruction struct {
	name    string  // of its two kernels, latency_NAME and throughput_NAME
	kind    byte    // f, d, u or h (pairs of FP16): what the chain is of
	ops     int     // instructions that a step of the chain takes
	latency float64 // cycles of a step
	lanes   float64 // results a clock an SM
	what    string
}

const (
	guide = "CUDA C Programming Guide, 6.1"
	ptxas = "ptxas's stall counts"
)

// instructions are the classes that are measured; latency and lanes are pascal.md's, sm.yaml's sources say whence; 0 is
// not known.
var instructions = []instruction{
	{"ffma", 'f', 1, 6, 128, "FFMA"},
	{"fadd", 'f', 1, 6, 128, "FADD"},
	{"fmul", 'f', 1, 6, 128, "FMUL"},
	{"iadd_lop", 'u', 2, 12, 128, "IADD, LOP"},
	{"lop3", 'u', 1, 6, 128, "LOP3"},
	{"xmad", 'u', 1, 6, 128, "XMAD"},
	{"imad", 'u', 3, 13, 128, "32-bit multiply-add of three XMADs"},
	{"shl", 'u', 1, 6, 64, "SHL"},
	{"shr", 'u', 1, 6, 64, "SHR"},
	{"shf", 'u', 1, 6, 64, "SHF"},
	{"bfe", 'u', 1, 6, 64, "BFE"},
	{"bfi", 'u', 1, 6, 64, "BFI"},
	{"iscadd", 'u', 1, 6, 64, "ISCADD"},
	{"sel", 'u', 1, 6, 64, "SEL"},
	{"prmt", 'u', 1, 6, 64, "PRMT"},
	{"imnmx", 'u', 2, 12, 64, "IMNMX, two"},
	{"fmnmx", 'f', 2, 12, 64, "FMNMX, two"},
	{"isetp", 'u', 2, 13 + 6, 64, "ISETP, SEL"},
	{"fsetp", 'f', 2, 13 + 6, 64, "FSETP, SEL"},
	{"dfma", 'd', 1, 0, 4, "DFMA"},
	{"dadd", 'd', 1, 0, 4, "DADD"},
	{"dmul", 'd', 1, 0, 4, "DMUL"},
	{"hfma2", 'h', 1, 0, 1, "HFMA2"},
	{"hadd2", 'h', 1, 0, 1, "HADD2"},
	{"hmul2", 'h', 1, 0, 1, "HMUL2"},
	{"mufu_rsq", 'f', 1, 0, 32, "MUFU.RSQ"},
	{"mufu_lg2", 'f', 1, 0, 32, "MUFU.LG2"},
	{"popc", 'u', 1, 14, 32, "POPC"},
	{"flo", 'u', 1, 14, 32, "FLO"},
	{"f2f", 'f', 1, 14, 32, "F2F.ROUND"},
	{"f2i_i2f", 'f', 2, 28, 32, "F2I, I2F"},
	{"shfl", 'u', 1, 0, 32, "SHFL"},
	{"imad_hi", 'u', 1, 86, 0, "IMAD.HI.SAT"},
	{"f2f64", 'd', 1, 0, 4, "F2F.F64"},
	{"ldc", 'u', 1, 0, 0, "LDC"},
}

// smBench runs the microbenchmarks of the SM on one device.
type smBench struct {
	memoryBench
	out sim.Ptr
}

// SM runs the microbenchmarks of the streaming multiprocessor on a device: latency and throughput of the instruction
// classes, register banks, dual issue, divergence, occupancy. It takes some seconds.
func SM(ctx context.Context, dev *sim.Device) ([]Row, error) {
	mod, err := dev.LoadModule(smCubin)
	if err != nil {
		return nil, err
	}
	out, err := dev.Malloc(mib)
	if err != nil {
		return nil, err
	}
	b := &smBench{memoryBench{ctx: ctx, dev: dev, mod: mod}, out}
	for _, f := range []func() error{
		b.latencies, b.throughputs, b.special, b.branches, b.banks, b.dual, b.splits, b.nested, b.masks, b.occupancy} {
		if err := f(); err != nil {
			return nil, err
		}
	}
	return b.rows, b.free(out)
}

// known is the range of values within share of want.
func known(want, share float64) (low, high float64) { return want * (1 - share), want * (1 + share) }

func (in *instruction) args() (a, b sim.Arg) {
	switch in.kind {
	case 'f':
		return sim.F32(1.25), sim.F32(.5)
	case 'd':
		return sim.F64(1.25), sim.F64(.5)
	}
	return sim.U32(3), sim.U32(5)
}

// latencies measures dependent chains: of one warp, to the cycle.
func (b *smBench) latencies() error {
	for _, in := range instructions {
		cycles, err := b.latency(&in)
		if err != nil {
			return err
		}
		low, high, from := in.latency, in.latency, ""
		switch {
		case in.latency > 0:
			from = "Jia et al.; " + ptxas
		case in.kind == 'd': // a warp takes the unit for 32 / (lanes / 4) cycles, longer than the latency of 8
			low, high, from = 32, 32, "8 (Jia et al.), held up by 4 lanes an SM ("+guide+")"
		case in.kind == 'h':
			low, high, from = 32, 32, "held up by one lane an SM ("+guide+")"
		case in.lanes == 32 && in.name != "shfl":
			low, high, from = 14, 40, "14 and up: Jia et al."
		}
		b.add("latency", in.what, cycles, "cycles", low, high, from)
	}
	return nil
}

// latency returns the cycles of a step of in's chain.
func (b *smBench) latency(in *instruction) (float64, error) {
	x, y := in.args()
	if _, err := b.launch("latency_"+in.name, sim.Dim3{X: 1}, sim.Dim3{X: 32}, sim.PtrArg(b.out), sim.PtrArg(b.out+256), x,
		y); err != nil {
		return 0, err
	}
	short, err := b.word(b.out + 4)
	if err != nil {
		return 0, err
	}
	long, err := b.word(b.out + 8)
	return float64(long-short) / 32, err
}

// rate returns warp instructions a clock of one SM times 32, in the steady state: what four times as long a loop takes
// more. kernel's last argument is the number of rounds, 256 x ops instructions each.
func (b *smBench) rate(mod *sim.Module, kernel string, ops int, args ...sim.Arg) (float64, error) {
	k, err := mod.Kernel(kernel)
	if err != nil {
		return 0, err
	}
	var cycles [2]int64
	rounds := [2]int{8, 24}
	for i, n := range rounds {
		r, err := b.dev.Launch(b.ctx, k, sim.LaunchConfig{Grid: sim.Dim3{X: 1}, Block: sim.Dim3{X: 1024}},
			append(args[:len(args):len(args)], sim.I32(int32(n)))...)
		if err != nil {
			return 0, err
		}
		cycles[i] = r.Cycles
	}
	return float64(256*ops*(rounds[1]-rounds[0])*1024) / float64(cycles[1]-cycles[0]), nil
}

// throughputs measures independent chains of 32 warps on one SM.
func (b *smBench) throughputs() error {
	for _, in := range instructions {
		x, y := in.args()
		v, err := b.rate(b.mod, "throughput_"+in.name, in.ops, sim.PtrArg(b.out), x, y)
		if err != nil {
			return err
		}
		low, high := known(in.lanes, .02)
		from := guide
		if in.lanes == 0 {
			from = ""
		}
		b.add("throughput", in.what, v, "lanes/clk", low, high, from)
	}
	for _, l := range []struct {
		kernel, what string
		lanes        float64
	}{{"lds", "LDS", 32}, {"lds64", "LDS.64", 16}, {"lds128", "LDS.128", 8}} {
		v, err := b.rate(b.mod, "throughput_"+l.kernel, 1, sim.PtrArg(b.out))
		if err != nil {
			return err
		}
		low, high := known(l.lanes, .02)
		b.add("throughput", l.what, v, "lanes/clk", low, high, "32 banks of 4 bytes a clock: "+guide)
	}
	return nil
}

// s2rCubin returns a copy of sm.cubin in which the POPCs of latency_popc and throughput_popc are S2Rs with the same
// control words: the chain's S2Rs wait for each other by their barriers. ptxas reads a special register once, however
// often the source does.
func s2rCubin() ([]byte, error) {
	const s2rLaneID = 0xf0c8_0000_0007_0000 // unguarded; the destination is in the low byte
	cubin := smCubin
	for _, kernel := range []string{"latency_popc", "throughput_popc"} {
		var err error
		if cubin, err = isa.Patch(cubin, kernel, func(in *isa.Inst, word *uint64, _ *uint32) {
			if in.Op == isa.OpPOPC {
				*word = s2rLaneID | *word&255
			}
		}); err != nil {
			return nil, err
		}
	}
	return cubin, nil
}

// special measures S2R.
func (b *smBench) special() error {
	cubin, err := s2rCubin()
	if err != nil {
		return err
	}
	mod, err := b.dev.LoadModule(cubin)
	if err != nil {
		return err
	}
	s := &smBench{memoryBench{ctx: b.ctx, dev: b.dev, mod: mod}, b.out}
	cycles, err := s.latency(&instruction{name: "popc", kind: 'u'})
	if err != nil {
		return err
	}
	b.add("latency", "S2R", cycles, "cycles", 24, 26, "about 25: maxas wiki")
	v, err := s.rate(mod, "throughput_popc", 1, sim.PtrArg(b.out), sim.U32(3), sim.U32(5))
	if err != nil {
		return err
	}
	b.add("throughput", "S2R", v, "lanes/clk", 0, 0, "")
	return nil
}

// branchCubin returns a copy of sm.cubin in which the POPCs of throughput_popc are branches to the next instruction.
func branchCubin() ([]byte, error) {
	const (
		bra     = 0xe240_0000_0007_000f // unguarded; its distance from the next place is in bits 20 to 43
		control = 5 | 7<<5 | 7<<8       // stalls 5 cycles, sets no barrier
	)
	return isa.Patch(smCubin, "throughput_popc", func(in *isa.Inst, word *uint64, field *uint32) {
		if in.Op == isa.OpPOPC {
			*word, *field = bra, control
			if in.PC%32 == 24 { // the last of three: a control word comes first
				*word |= 8 << 20
			}
		}
	})
}

// branches measures BRA.
func (b *smBench) branches() error {
	cubin, err := branchCubin()
	if err != nil {
		return err
	}
	mod, err := b.dev.LoadModule(cubin)
	if err != nil {
		return err
	}
	v, err := b.rate(mod, "throughput_popc", 1, sim.PtrArg(b.out), sim.U32(3), sim.U32(5))
	if err != nil {
		return err
	}
	low, high := known(128./6, .02)
	b.add("throughput", "BRA", v, "lanes/clk", low, high, "6 cycles of a scheduler: loops of pnpoly on the GTX 1080 Ti")
	return nil
}

// Where FFMA's words hold its registers, and its control field the reuse flags of the first two sources.
const (
	fieldDst, fieldA, fieldB, fieldC = 0, 8, 20, 39
	reuseA, reuseB                   = 1 << 17, 1 << 18
)

// bankCubins returns copies of sm.cubin in which the FFMAs of kernel banks read registers of as many banks as named.
func bankCubins() (map[string][]byte, error) {
	// Registers of kernel banks that hold nothing but operands of FFMA, by bank: free to use.
	var free [4][]uint8
	seen := map[uint8]bool{}
	if _, err := isa.Patch(smCubin, "banks", func(in *isa.Inst, _ *uint64, _ *uint32) {
		if in.Op != isa.OpFFMA {
			return
		}
		for _, o := range in.Operands[1:3] {
			if !seen[o.Reg] {
				seen[o.Reg] = true
				free[o.Reg%4] = append(free[o.Reg%4], o.Reg)
			}
		}
	}); err != nil {
		return nil, err
	}
	for i, f := range free {
		if len(f) < 4 {
			return nil, fmt.Errorf("microbench: kernel banks has %d registers in bank %d, want 4", len(f), i)
		}
	}
	cubins := map[string][]byte{}
	for name, banks := range map[string][3]int{"three banks": {1, 2, 0}, "two banks": {0, 1, 0}, "one bank": {0, 0, 0},
		"one bank, two reused": {0, 0, 0}} {
		var err error
		n := 0
		cubins[name], err = isa.Patch(smCubin, "banks", func(in *isa.Inst, word *uint64, control *uint32) {
			if in.Op != isa.OpFFMA {
				return
			}
			c := uint64(free[banks[2]][2+n%2])
			n++
			for field, r := range map[int]uint64{fieldDst: c, fieldA: uint64(free[banks[0]][0]),
				fieldB: uint64(free[banks[1]][1]), fieldC: c} {
				*word = *word&^(255<<field) | r<<field
			}
			*control &^= 15 << 17
			if name == "one bank, two reused" {
				*control |= reuseA | reuseB
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return cubins, nil
}

// banks measures FFMAs whose three registers lie in one, two or three banks.
func (b *smBench) banks() error {
	cubins, err := bankCubins()
	if err != nil {
		return err
	}
	for _, c := range []struct {
		name string
		want float64
	}{{"three banks", 128}, {"two banks", 128. / 2}, {"one bank", 128. / 3}, {"one bank, two reused", 128}} {
		mod, err := b.dev.LoadModule(cubins[c.name])
		if err != nil {
			return err
		}
		v, err := b.rate(mod, "banks", 1, sim.PtrArg(b.out), sim.PtrArg(b.out))
		if err != nil {
			return err
		}
		low, high := known(c.want, .03)
		b.add("register banks", "FFMA, "+c.name, v, "lanes/clk", low, high,
			"a cycle for each further source in a bank: maxas wiki")
		if c.name == "three banks" {
			if err := b.peak(mod); err != nil {
				return err
			}
		}
	}
	return nil
}

// peak measures FFMAs without bank conflicts on the whole chip, start, loop and end included.
func (b *smBench) peak(mod *sim.Module) error {
	const rounds, block = 48, 1024
	k, err := mod.Kernel("banks")
	if err != nil {
		return err
	}
	grid := b.dev.GPU.SMs
	r, err := b.dev.Launch(b.ctx, k, sim.LaunchConfig{Grid: sim.Dim3{X: grid}, Block: sim.Dim3{X: block}},
		sim.PtrArg(b.out), sim.PtrArg(b.out), sim.I32(rounds))
	if err != nil {
		return err
	}
	gflops := 2 * 256 * rounds * block * float64(grid) / b.dev.GPU.Seconds(r.Cycles) / 1e9
	b.add("register banks", "FFMA, three banks, all SMs", 100*gflops/b.dev.GPU.PeakGFLOPS(), "% of peak", 96.5, 100,
		"maxas: SGEMM at 98 % on Maxwell")
	return nil
}

// dual measures FFMAs with shared loads between them, which the machine code pairs with them.
func (b *smBench) dual() error {
	v, err := b.rate(b.mod, "dual", 1, sim.PtrArg(b.out), sim.F32(1), sim.F32(2))
	if err != nil {
		return err
	}
	low, high := known(128, .02)
	b.add("dual issue", "FFMA, with an LDS for every eight", v, "lanes/clk", low, high,
		"LDS takes no issue cycle: maxas wiki")
	return nil
}

// splits measures a warp that is split k ways, each way doing the same.
func (b *smBench) splits() error {
	cycles := func(ways int) (float64, error) {
		if _, err := b.launch("split", sim.Dim3{X: 1}, sim.Dim3{X: 32}, sim.PtrArg(b.out), sim.PtrArg(b.out+256), sim.F32(1),
			sim.F32(2), sim.I32(int32(ways))); err != nil {
			return 0, err
		}
		c, err := b.word(b.out)
		return float64(c), err
	}
	none, err := cycles(0)
	if err != nil {
		return err
	}
	var one float64
	for _, k := range []int{1, 2, 4, 8, 16, 32} {
		c, err := cycles(k)
		if err != nil {
			return err
		}
		if k == 1 {
			one = c - none
		}
		low, high := known(float64(k), .02)
		b.add("divergence", fmt.Sprintf("warp split %d ways", k), (c-none)/one, "paths", low, high, "the sum of the paths")
	}
	return nil
}

// nestedBodies is how often a warp runs the inner loop's body of kernel nested: in each round of the outer loop as
// often as the thread that is still there and goes round most.
func nestedBodies(outer, inner int) int {
	sum := 0
	for o := range outer {
		most := 0
		for lane := range 32 {
			if 1+lane%outer > o {
				most = max(most, 1+lane/4%inner)
			}
		}
		sum += most
	}
	return sum
}

// nested counts how often a warp runs the body of nested loops with trip counts of their own in each thread.
func (b *smBench) nested() error {
	profile := b.dev.Profile
	b.dev.Profile = true
	defer func() { b.dev.Profile = profile }()
	for _, c := range [][2]int{{1, 1}, {3, 1}, {1, 5}, {3, 5}, {7, 2}, {32, 8}} {
		r, err := b.launch("nested", sim.Dim3{X: 1}, sim.Dim3{X: 32}, sim.PtrArg(b.out), sim.F32(1), sim.F32(2),
			sim.I32(int32(c[0])), sim.I32(int32(c[1])))
		if err != nil {
			return err
		}
		var ffmas int64
		for _, l := range r.Profile.Lines {
			if strings.Contains(l.Text, " FFMA ") {
				ffmas += l.Warps
			}
		}
		want := float64(nestedBodies(c[0], c[1]))
		b.add("divergence", fmt.Sprintf("nested loops, up to %d and %d rounds", c[0], c[1]), float64(ffmas)/16, "bodies",
			want, want, "rounds of the last thread to leave")
	}
	return nil
}

// masks is the paper's figure 1(b): a branch that a share of the threads takes, chosen thread by thread or in whole
// warps.
func (b *smBench) masks() error {
	const rounds = 16
	grid := 32 * b.dev.GPU.SMs
	n := grid * threads
	take, err := b.buffer(n)
	if err != nil {
		return err
	}
	out, err := b.buffer(4 * n)
	if err != nil {
		return err
	}
	var full float64
	for i, share := range []float64{1, 1, .9, .7, .5, .3, .1, 0} { // the first fills caches
		for _, unit := range []int{1, 32} {
			if (share == 0 || share == 1) && unit == 32 {
				continue
			}
			r := rand.New(rand.NewPCG(1, uint64(unit)))
			mask := make([]byte, n)
			for i := 0; i < n; i += unit {
				if r.Float64() < share {
					for j := range unit {
						mask[i+j] = 1
					}
				}
			}
			if err := b.dev.Write(take, mask); err != nil {
				return err
			}
			res, err := b.launch("masked", sim.Dim3{X: grid}, sim.Dim3{X: threads}, sim.PtrArg(out), sim.PtrArg(take),
				sim.F32(1), sim.F32(2), sim.I32(rounds))
			if err != nil {
				return err
			}
			if share == 1 {
				full = float64(res.Cycles)
			}
			if i == 0 {
				continue
			}
			// Work that is the same for all comes on top, and warps stay on their scheduler, whatever the others have to do.
			warps := 100 * (1 - math.Pow(1-share, 32))
			how, from := "random threads", "share of warps with a thread that takes it, up to 20 more"
			if unit == 32 {
				how, warps = "whole warps", 100*share
			}
			low, high := .98*warps, min(warps+20, 102)
			if share == 0 {
				low, high, from = 0, 0, ""
			}
			b.add("branch taken by a share", fmt.Sprintf("%.0f %%, %s", 100*share, how), 100*float64(res.Cycles)/full,
				"% of all", low, high, from)
		}
	}
	return b.free(take, out)
}

// occupancyCases are the launches of kernel resident_VALUES whose blocks on an SM are counted.
var occupancyCases = []struct{ values, threads, shared int }{
	{4, 32, 0}, {4, 64, 0}, {4, 96, 0}, {4, 256, 0}, {4, 1024, 0}, {4, 1000, 1024}, {4, 128, 8192}, {4, 64, 3072},
	{4, 256, 49152}, {4, 32, 6145},
	{20, 128, 0}, {20, 256, 16384}, {28, 128, 0}, {28, 256, 0}, {28, 768, 0}, {36, 512, 0}, {36, 1024, 0}, {52, 64, 0},
	{52, 320, 10240},
	{68, 416, 24576}, {68, 192, 12288}, {100, 256, 0}, {100, 33, 0}, {150, 128, 17408}, {150, 256, 0}, {230, 32, 0},
	{230, 256, 0}, {230, 64, 40960},
}

// blocksBy returns how many blocks an SM of compute capability 6.1 holds, by the steps of NVIDIA's CUDA occupancy
// calculator: the least of the limits by warps, registers, shared memory and block slots.
func blocksBy(threads, registers, shared int) int {
	up := func(n, unit int) int { return (n + unit - 1) / unit * unit }
	warps := up(threads, 32) / 32
	n := min(32, 64/warps, 65536/up(32*registers, 256)/4*4/warps)
	if shared > 0 {
		n = min(n, 98304/up(shared, 256))
	}
	return n
}

// occupancy counts the blocks that are on an SM at once.
func (b *smBench) occupancy() error {
	sms := b.dev.GPU.SMs
	now, most := b.out, b.out+4096
	in, err := b.buffer(4096)
	if err != nil {
		return err
	}
	for _, c := range occupancyCases {
		k, err := b.mod.Kernel(fmt.Sprintf("resident_%d", c.values))
		if err != nil {
			return err
		}
		want := blocksBy(c.threads, k.Registers(), c.shared)
		if err := b.dev.Write(now, make([]byte, 8192)); err != nil {
			return err
		}
		cfg := sim.LaunchConfig{Grid: sim.Dim3{X: sms * (want + 1)}, Block: sim.Dim3{X: c.threads}, Shared: c.shared}
		if _, err := b.dev.Launch(b.ctx, k, cfg, sim.PtrArg(now), sim.PtrArg(most), sim.PtrArg(b.out+8192), sim.PtrArg(in),
			sim.I32(4000)); err != nil {
			return err
		}
		peak := uint32(0)
		for i := range sms {
			n, err := b.word(most + sim.Ptr(4*i))
			if err != nil {
				return err
			}
			peak = max(peak, n)
			if left, err := b.word(now + sim.Ptr(4*i)); err != nil || left != 0 {
				return fmt.Errorf("microbench: %d blocks on SM %d after the launch; %w", left, i, err)
			}
		}
		b.add("occupancy", fmt.Sprintf("%d threads, %d registers, %d bytes shared", c.threads, k.Registers(), c.shared),
			float64(peak), "blocks", float64(want), float64(want), "CUDA occupancy calculator")
	}
	return b.free(in)
}
