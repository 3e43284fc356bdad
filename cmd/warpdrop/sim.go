package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"warpdrop/internal/atomicfile"
	"warpdrop/internal/codefile"
	"warpdrop/internal/cudac"
	"warpdrop/sim"
	"warpdrop/sim/sm/lower"
	"warpdrop/workloads"
)

// simReport is the object that `warpdrop sim --json` prints.
type simReport struct {
	Kernel   string `json:"kernel"`             // name in the file
	Compiler string `json:"compiler,omitempty"` // of a .cu or .ptx file
	// what was taken out of the file: code or PTX, and for which architecture
	Code  string `json:"code"`
	GPU   string `json:"gpu"`   // preset
	Grid  string `json:"grid"`  // blocks, x x y x z
	Block string `json:"block"` // threads of a block, x x y x z
	// of --waves; none: all blocks were simulated
	Sample *sim.Sample `json:"sample,omitempty"`
	// from the first block's dispatch to the last access's end
	KernelCycles       int64   `json:"kernel_cycles"`
	Cycles             int64   `json:"cycles_with_launch"`  // of that and the launch overhead
	TimeUS             float64 `json:"time_us"`             // of the cycles with launch
	WarpInstructions   int64   `json:"warp_instructions"`   // warp instructions issued
	ThreadInstructions int64   `json:"thread_instructions"` // the same, times active threads
	// warp instructions a cycle, of the whole chip
	IPC float64 `json:"ipc"`
	// resident warps / the SMs' room for warps, mean over active cycles
	Occupancy   float64 `json:"achieved_occupancy"`
	BlocksPerSM int     `json:"blocks_per_sm"` // blocks that fit on an SM at once
	// share of lanes that are active, mean over instructions
	SIMTEfficiency float64 `json:"simt_efficiency"`
	SharedAccesses int64   `json:"shared_accesses"` // warp instructions to shared memory
	// passes over the banks beyond those that width alone needs
	SharedBankConflicts int64 `json:"shared_bank_conflicts"`
	Branches            int64 `json:"branches"`           // branch instructions executed by warps
	DivergentBranches   int64 `json:"divergent_branches"` // of those, the ones that split the warp
	SectorsRead         int64 `json:"sectors_read"`       // asked for by loads, 32 bytes each
	SectorsWritten      int64 `json:"sectors_written"`    // asked for by stores
	// share of sectors looked up in L1 that were found
	L1HitRate float64 `json:"l1_hit_rate"`
	// share of sectors read from L2 that were found
	L2HitRate float64 `json:"l2_hit_rate"`
	DRAMBytes int64   `json:"dram_bytes"` // read and written
	// floating-point operations of threads: FFMA 2, FADD and FMUL 1
	FLOP      int64     `json:"flop"`
	Bandwidth bandwidth `json:"bandwidth_gb_per_s"` // bytes moved at each level / time
	// where the launch lies under the roofs of peak and DRAM bandwidth
	Roofline sim.Roofline `json:"roofline"`
	// scheduler cycles; with stall_cycles all of them
	IssueCycles int64 `json:"issue_cycles"`
	// scheduler cycles without issue, by reason
	Stalls map[string]int64 `json:"stall_cycles"`
	// warp cycles without issue, by what the warp waited for
	WarpStalls    map[string]int64 `json:"warp_stall_cycles"`
	EligibleWarps float64          `json:"eligible_warps"` // a scheduler, mean
	// share of cycles that each execution unit was busy
	Utilization map[string]float64 `json:"unit_utilization"`
	Units       map[string]int64   `json:"unit_instructions"` // warp instructions by execution unit
	Memory      map[string]int64   `json:"memory"`            // all counters of the memory system
	Energy      *energyReport      `json:"energy,omitempty"`  // none: the preset has no coefficients
	// modelled copies of file= buffers to the device
	CopyIn      copyReport `json:"copy_to_device"`
	CopyOut     copyReport `json:"copy_to_host"`                 // modelled copies of out= buffers back
	WallSeconds float64    `json:"wall_seconds"`                 // of the simulation on this machine
	Speed       float64    `json:"warp_instructions_per_second"` // simulated, a second of this machine
}

// functionalReport is the object that `warpdrop sim --functional --json` prints: there is no time in it.
type functionalReport struct {
	Kernel           string  `json:"kernel"`
	Compiler         string  `json:"compiler,omitempty"` // of a .cu or .ptx file
	GPU              string  `json:"gpu"`
	Grid             string  `json:"grid"`
	Block            string  `json:"block"`
	Functional       bool    `json:"functional"`
	WarpInstructions int64   `json:"warp_instructions"`
	WallSeconds      float64 `json:"wall_seconds"`
	Speed            float64 `json:"warp_instructions_per_second"`
}

func printFunctional(cmd *cobra.Command, gpu *sim.GPU, r *sim.Result, compiler string, asJSON bool) error {
	n := r.Counters.SM.WarpInstructions
	rep := functionalReport{Kernel: r.Kernel, Compiler: compiler, GPU: gpu.Name, Grid: r.Grid.String(),
		Block: r.Block.String(), Functional: true, WarpInstructions: n, WallSeconds: r.WallSeconds,
		Speed: float64(n) / r.WallSeconds}
	if asJSON {
		return printJSON(cmd.OutOrStdout(), rep)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(),
		"%s, grid %s, block %s: values only, no cycles; %d warp instructions in %.3f s, %.3g/s\n",
		rep.Kernel, rep.Grid, rep.Block, n, rep.WallSeconds, rep.Speed)
	return err
}

// bandwidth is achieved bandwidth by level, GB/s.
type bandwidth struct {
	Shared float64 `json:"shared"` // passes over the banks, 128 bytes each
	L1     float64 `json:"l1"`
	L2     float64 `json:"l2"`
	DRAM   float64 `json:"dram"`
}

// copyReport is what copying the buffers that have a file takes on the preset's host link.
type copyReport struct {
	Bytes  int64   `json:"bytes"`
	TimeUS float64 `json:"time_us"`
}

func (c *copyReport) add(gpu *sim.GPU, n int64) {
	c.Bytes += n
	c.TimeUS += gpu.Copy.CopyTime(n) * 1e6
}

func newSimReport(gpu *sim.GPU, r *sim.Result, buffers []*workloads.Buffer) simReport {
	c := &r.Counters
	rates, bytes := c.Memory.Rates(), c.Memory.Bandwidth(r.Cycles, gpu.CoreMHz)
	rep := simReport{
		Kernel: r.Kernel, GPU: gpu.Name, Grid: r.Grid.String(), Block: r.Block.String(),
		Sample: r.Sample, KernelCycles: r.Cycles, Cycles: r.Cycles + r.OverheadCycles, TimeUS: r.TimeUS,
		WarpInstructions: c.SM.WarpInstructions, ThreadInstructions: c.SM.ThreadInstructions, IPC: r.IPC(),
		Occupancy: r.AchievedOccupancy(gpu), BlocksPerSM: r.BlocksPerSM, SIMTEfficiency: c.SIMTEfficiency(),
		SharedAccesses: c.SM.SharedAccesses, SharedBankConflicts: c.SM.SharedBankConflicts,
		Branches: c.SM.Branches, DivergentBranches: c.SM.DivergentBranches,
		SectorsRead: c.Memory.LoadSectors, SectorsWritten: c.Memory.StoreSectors,
		L1HitRate: rates.L1Hit, L2HitRate: rates.L2Hit, DRAMBytes: c.Memory.DRAMBytes(),
		FLOP: c.SM.FLOP, Roofline: r.Roofline(gpu),
		Bandwidth: bandwidth{float64(128*c.SM.SharedPasses) / gpu.Seconds(max(r.Cycles, 1)) / 1e9, bytes.L1, bytes.L2,
			bytes.DRAM},
		IssueCycles: c.SM.IssueCycles, Stalls: c.Stalls(), WarpStalls: c.WarpStalls(), EligibleWarps: r.EligibleWarps(gpu),
		Utilization: r.UnitUtilization(gpu), Units: map[string]int64{}, Memory: c.Memory.ByName(),
		WallSeconds: r.WallSeconds, Speed: float64(c.SM.WarpInstructions) * r.Sample.Share() / r.WallSeconds,
	}
	if e, ok := r.Energy(gpu); ok {
		rep.Energy = newEnergyReport(&e)
	}
	for i, n := range c.SM.UnitInstructions {
		rep.Units[lower.UnitNames[i]] = n
	}
	for _, b := range buffers {
		if b.File != "" {
			rep.CopyIn.add(gpu, b.Bytes)
		}
		if b.Out != "" {
			rep.CopyOut.add(gpu, b.Bytes)
		}
	}
	return rep
}

// simHelp is the long help of sim.
var simHelp = `Run one kernel of a file on the simulated GPU and print its cycles and counters. The file is a cubin, PTX (.ptx), CUDA C++
(.cu), or a program, a library, an object or a fatbin that holds code for GPUs: then the machine code is taken that fits the
GPU best, else PTX is compiled for it. warpdrop kernels FILE lists what there is; --kernel takes the name as the file has it, as
the source has it, or with its template arguments and parameters. Several files are linked: objects (ptxas -c, nvcc -dc), and .cu
and .ptx files, which are compiled to objects then. What no file defines is an error of the kernels that reach it.

Arguments are given in order, one --arg a kernel parameter:
` + workloads.ArgHelp + `
--global sets a __device__ or __constant__ variable before the run: NAME=ARG stores an argument of these kinds (of a buffer, its
address), NAME:BYTES[:FILL][,out=PATH] fills the variable as a buffer, and writes what it holds after the run to out=.

--waves N simulates the first N waves of blocks, a wave being as many as the chip holds at once, and extends cycles and counters
to the whole grid. What comes out is labelled as sampled, with its error. --within 0.05 goes on until that is 5 %.

Accesses out of bounds or misaligned, deadlocks at barriers, stack overflows and illegal instructions are errors that name the
instruction, block and thread. --check looks for more; what it finds is an error at the end of the run:
` + sim.CheckTexts() + `

A .cu file is compiled by NVIDIA's run-time compiler (libnvrtc, with CUDA's headers) where it is found, else by clang-19 and ptxas;
scripts/toolchain.sh installs both, and so does pip install nvidia-cuda-nvrtc-cu12 nvidia-cuda-runtime-cu12 nvidia-cuda-cccl-cu12. NVRTC takes device code
only: a file with host code goes to clang, which reads over it, with a <cuda_runtime.h> of ours that has the functions that kernels
mostly use. A .ptx file is compiled by ptxas.`

// simFlags are what sim is asked for.
type simFlags struct {
	kernel, grid, block, gpu string
	trace                    string
	report                   reportFlags
	shared, threads, waves   int
	within                   float64
	maxCycles                int64
	asJSON, functional, ptx  bool
	specs, variables         []string
	checks, defines          []string
	compiler                 string
}

func newSimCommand() *cobra.Command {
	var s simFlags
	c := &cobra.Command{
		Use:   "sim FILE [OBJECT…]",
		Short: "Run one kernel of a file on the simulated GPU",
		Long:  simHelp,
		Example: `  warpdrop sim sim/testdata/checks.cubin --kernel saxpy --grid 8 --block 128 --arg buf:4000 --arg buf:4000 --arg f32:0.5 --arg i32:1000
  warpdrop sim sim/sm/testdata/programs.cubin --kernel transpose --grid 3,2 --block 32,8 --arg buf:12600 --arg buf:12600 --arg i32:70 --arg i32:45 --check races,uninit --json`,
		Args: someArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return s.run(cmd, args) },
	}
	s.add(c.Flags())
	return c
}

func (s *simFlags) add(f *pflag.FlagSet) {
	f.StringVar(&s.kernel, "kernel", "", "kernel name (needed when the file has several)")
	f.StringVar(&s.grid, "grid", "1", "blocks: X[,Y[,Z]]")
	f.StringVar(&s.block, "block", "32", "threads a block: X[,Y[,Z]]")
	f.StringVar(&s.compiler, "compiler", "",
		"of a .cu file: nvrtc or clang (default: nvrtc where it is found, else clang)")
	f.StringArrayVarP(&s.defines, "define", "D", nil,
		"NAME or NAME=VALUE for the compiler of a .cu file; may be given several times")
	f.BoolVar(&s.ptx, "ptx", false, "compile the file's PTX for the GPU although it may have machine code")
	f.IntVar(&s.shared, "shared", 0, "bytes of dynamic shared memory a block")
	f.StringVar(&s.gpu, "gpu", "gtx1080ti", "GPU preset or a preset file")
	f.Float64Var(&s.within, "within", 0,
		"with --waves: double them, up to 64, until the stated error is this share of the result (0: never)")
	f.IntVar(&s.waves, "waves", 0,
		fmt.Sprintf("simulate so many waves of blocks, at least %d, and extend the result (0: all blocks)", sim.MinWaves))
	f.Int64Var(&s.maxCycles, "max-cycles", 0, "stop with an error after so many cycles (0: no limit)")
	f.IntVar(&s.threads, "threads", 0, "goroutines that simulate (0: one a core); changes no result")
	s.report.add(f)
	f.StringSliceVar(&s.checks, "check", nil,
		"look for errors that change no value here: "+strings.Join(sim.CheckNames(), ", "))
	outputVar(f, &s.trace, "trace",
		"write kernels, blocks on SMs and counters over time to this file, for ui.perfetto.dev or chrome://tracing")
	f.BoolVar(&s.functional, "functional", false,
		"compute values only, several times as fast: no cycles, no counters")
	f.BoolVar(&s.asJSON, "json", false, "print one JSON object")
	f.StringArrayVar(&s.specs, "arg", nil, "a kernel argument, in order")
	f.StringArrayVar(&s.variables, "global", nil,
		"what a __device__ or __constant__ variable holds: NAME=ARG or NAME:BYTES:FILL; may be given several times")
}

// simLaunch is a launch that is ready.
type simLaunch struct {
	dev      *sim.Device
	kernel   *sim.Kernel
	code     *codefile.Code
	compiler string
	cfg      sim.LaunchConfig
	args     []sim.Arg
	buffers  []*workloads.Buffer
}

func (s *simFlags) run(cmd *cobra.Command, files []string) error {
	s.report.sources = files
	gpu, err := sim.LoadGPU(s.gpu)
	if err != nil {
		return usageError{err}
	}
	l, err := s.prepare(cmd, gpu, files)
	if err != nil {
		return err
	}
	r, err := l.dev.Launch(cmd.Context(), l.kernel, l.cfg, l.args...)
	if err != nil {
		if l.dev.Trace != nil { // what there is of it shows how far the kernel came
			err = errors.Join(err, writeTrace(s.trace, l.dev.Trace))
		}
		return err
	}
	if err := s.write(cmd.OutOrStdout(), l, gpu, r); err != nil {
		return err
	}
	if err := l.dev.CheckLeaks(); err != nil {
		return err
	}
	if s.functional {
		return printFunctional(cmd, gpu, r, l.compiler, s.asJSON)
	}
	rep := newSimReport(gpu, r, l.buffers)
	rep.Compiler, rep.Code = l.compiler, l.code.From
	if s.asJSON {
		return printJSON(cmd.OutOrStdout(), rep)
	}
	return printSimReport(cmd, &rep)
}

// prepare finds the kernel and makes what it is launched with.
func (s *simFlags) prepare(cmd *cobra.Command, gpu *sim.GPU, files []string) (l *simLaunch, err error) {
	if s.compiler != "" && !slices.Contains(cudac.Compilers, s.compiler) {
		return nil, usagef("--compiler %q is not one of %s", s.compiler, strings.Join(cudac.Compilers, ", "))
	}
	l = &simLaunch{cfg: sim.LaunchConfig{Shared: s.shared, Waves: s.waves, Within: s.within}}
	opt := codeOptions{Options: cudac.Options{Compiler: s.compiler, Arch: gpu.Arch, Defines: s.defines}, ptx: s.ptx}
	file, by, err := codeOf(cmd.Context(), files, opt)
	if err != nil {
		return nil, err
	}
	l.compiler = by
	if l.code, err = file.Choose(cmd.Context(), opt.choice(s.kernel)); err != nil {
		return nil, usageError{err}
	}
	if l.dev, err = sim.NewDevice(gpu); err != nil {
		return nil, usageError{err}
	}
	if err := s.report.check(s.asJSON); err != nil {
		return nil, err
	}
	if err := s.configure(cmd, l.dev); err != nil {
		return nil, err
	}
	mod, err := l.dev.LoadModule(l.code.Image)
	if err == nil {
		l.kernel, err = mod.Kernel(l.code.Kernels[0])
	}
	if err != nil {
		return nil, usageError{fmt.Errorf("%s: %w", files[0], err)}
	}
	if l.cfg.Grid, err = parseDim("grid", s.grid); err != nil {
		return nil, err
	}
	if l.cfg.Block, err = parseDim("block", s.block); err != nil {
		return nil, err
	}
	return l, s.fill(l, mod)
}

// configure sets the device's modes.
func (s *simFlags) configure(cmd *cobra.Command, dev *sim.Device) error {
	dev.Threads, dev.MaxCycles, dev.Stdout = s.threads, s.maxCycles, cmd.OutOrStdout()
	if s.asJSON {
		dev.Stdout = cmd.ErrOrStderr()
	}
	dev.Stalled = func(what string) { fmt.Fprintln(cmd.ErrOrStderr(), "warpdrop:", what) }
	timed := s.report.wanted() || s.trace != "" || s.waves != 0 || slices.Contains(s.checks, "hazards")
	if dev.Functional = s.functional; s.functional && timed {
		return usagef("--functional computes values only: " +
			"--profile, --report, --trace, --waves and --check hazards need time")
	}
	dev.Profile = s.report.wanted()
	if s.trace != "" {
		dev.Trace = &sim.Trace{}
	}
	for _, c := range s.checks {
		if err := dev.EnableCheck(c); err != nil {
			return usageError{fmt.Errorf("--%w", err)}
		}
	}
	return nil
}

// fill makes arguments and variables, and tries what is written after the run.
func (s *simFlags) fill(l *simLaunch, mod *sim.Module) error {
	for _, text := range s.specs {
		a, b, err := workloads.ParseArg(l.dev, text)
		if err != nil {
			return usageError{fmt.Errorf("--arg %w", err)}
		}
		l.args, l.buffers = append(l.args, a), append(l.buffers, b...)
	}
	for _, text := range s.variables {
		b, err := workloads.SetVariable(l.dev, mod, text)
		if err != nil {
			return usageError{fmt.Errorf("--global %w", err)}
		}
		l.buffers = append(l.buffers, b...)
	}
	for _, b := range l.buffers {
		if b.Out == "" {
			continue
		}
		if err := atomicfile.TryThrough(b.Out); err != nil {
			return usageError{fmt.Errorf("out=%s: %w", b.Out, err)}
		}
		if s.waves != 0 {
			return usagef("--waves %d: out=%s would hold what a part of the blocks wrote; leave one of the two out",
				s.waves, b.Out)
		}
	}
	return nil
}

// write writes all files that were asked for.
func (s *simFlags) write(stdout io.Writer, l *simLaunch, gpu *sim.GPU, r *sim.Result) error {
	for _, b := range l.buffers {
		if b.Out == "" {
			continue
		}
		data := make([]byte, b.Bytes)
		if _, err := l.dev.CopyOut(b.Ptr, data); err != nil {
			return err
		}
		if err := atomicfile.ThroughBytes(b.Out, data); err != nil {
			return err
		}
	}
	if l.dev.Trace != nil {
		if err := writeTrace(s.trace, l.dev.Trace); err != nil {
			return err
		}
	}
	return s.report.write(stdout, gpu, r)
}

// parseDim reads X[,Y[,Z]].
func parseDim(what, s string) (sim.Dim3, error) {
	v := [3]int{1, 1, 1}
	parts := strings.Split(s, ",")
	if len(parts) > 3 {
		return sim.Dim3{}, usagef("--%s %q: at most three numbers", what, s)
	}
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 1 || n > 1<<31-1 {
			return sim.Dim3{}, usagef("--%s %q: %q is not a number in 1..2147483647", what, s, p)
		}
		v[i] = n
	}
	return sim.Dim3{X: v[0], Y: v[1], Z: v[2]}, nil
}

func writeTrace(path string, t *sim.Trace) error {
	return atomicfile.Through(path, func(w io.Writer) error {
		_, err := t.WriteTo(w)
		return err
	})
}

func printSimReport(cmd *cobra.Command, r *simReport) error {
	t := newTable(cmd.OutOrStdout(), "counter", "value")
	rows := [][]any{
		{"kernel", codefile.Demangle(r.Kernel)}, {"code", r.Code}, {"gpu", r.GPU}, {"grid x block", r.Grid + " x " + r.Block},
		{"kernel cycles", r.KernelCycles}, {"with launch", fmt.Sprintf("%d cycles, %.2f us", r.Cycles, r.TimeUS)},
		{"warp instructions", r.WarpInstructions}, {"thread instructions", r.ThreadInstructions},
		{"IPC", fmt.Sprintf("%.2f", r.IPC)}, {"achieved occupancy", fmt.Sprintf("%.1f %%", 100*r.Occupancy)},
		{"SIMT efficiency", fmt.Sprintf("%.1f %%", 100*r.SIMTEfficiency)},
		{"shared accesses", r.SharedAccesses}, {"shared bank conflicts", r.SharedBankConflicts},
		{"branches (divergent)", fmt.Sprintf("%d (%d)", r.Branches, r.DivergentBranches)},
		{"sectors read, written", fmt.Sprintf("%d, %d", r.SectorsRead, r.SectorsWritten)},
		{"L1, L2 hit rate", fmt.Sprintf("%.1f %%, %.1f %%", 100*r.L1HitRate, 100*r.L2HitRate)},
		{"DRAM bytes, row hits",
			fmt.Sprintf("%d, %.1f %%", r.DRAMBytes, 100*share(r.Memory["dram_row_hits"], r.Memory["dram_reads"]+
				r.Memory["dram_writes"]))},
		{"GB/s: shared, L1, L2, DRAM", fmt.Sprintf("%.0f, %.0f, %.0f, %.0f", r.Bandwidth.Shared, r.Bandwidth.L1,
			r.Bandwidth.L2, r.Bandwidth.DRAM)},
		{"queue stalls: miss, store entries", fmt.Sprintf("%d, %d cycles", r.Memory["mshr_stalls"],
			r.Memory["store_stalls"])},
		{"GFLOP/s", fmt.Sprintf("%.0f of %.0f", r.Roofline.GFLOPS, r.Roofline.PeakGFLOPS)},
		{"roofline", fmt.Sprintf("%.2f flop/byte, bound by %s, %.1f %% of the roof", r.Roofline.FLOPPerByte, r.Roofline.Bound,
			100*r.Roofline.Share)},
		{"scheduler cycles", strings.Join(shares(r.Stalls, "issued", r.IssueCycles), ", ")},
		{"warp cycles stalled", strings.Join(shares(r.WarpStalls, "", 0), ", ")},
		{"eligible warps", fmt.Sprintf("%.2f", r.EligibleWarps)},
		{"wall seconds", fmt.Sprintf("%.3f", r.WallSeconds)}, {"warp instructions/s", fmt.Sprintf("%.3g", r.Speed)},
	}
	if r.Sample != nil {
		rows = slices.Insert(rows, 3, []any{"sampled", r.Sample.String()})
	}
	if r.Energy != nil {
		rows = append(rows, r.Energy.rows()...)
	}
	if r.CopyIn.Bytes+r.CopyOut.Bytes > 0 {
		rows = append(rows, []any{"copies to device, to host",
			fmt.Sprintf("%.1f us, %.1f us", r.CopyIn.TimeUS, r.CopyOut.TimeUS)})
	}
	for _, row := range rows {
		t.Add(row...)
	}
	return t.Render()
}

// shares lists the parts of a sum that are at least half a percent of it, the largest first, in percent.
func shares(parts map[string]int64, first string, n int64) []string {
	type part struct {
		name string
		n    int64
	}
	list := []part{}
	sum := n
	for name, k := range parts {
		list = append(list, part{name, k})
		sum += k
	}
	if first != "" {
		list = append(list, part{first, n})
	}
	sort.Slice(list, func(i, j int) bool {
		return list[i].n > list[j].n || list[i].n == list[j].n && list[i].name < list[j].name
	})
	var out []string
	for _, p := range list {
		if share := 100 * float64(p.n) / float64(max(sum, 1)); share >= .5 {
			out = append(out, fmt.Sprintf("%s %.1f %%", p.name, share))
		}
	}
	return out
}

func share(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
