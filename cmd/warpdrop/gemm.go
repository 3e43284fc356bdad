package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"warpdrop/dropout"
	"warpdrop/sim"
	"warpdrop/workloads"
)

// gemmReport is the object that `warpdrop gemm --json` prints.
type gemmReport struct {
	GPU          string  `json:"gpu"`
	M            int     `json:"m"`
	N            int     `json:"n"`
	K            int     `json:"k"`
	Method       string  `json:"method"`
	Kernel       string  `json:"kernel"`
	Split        int     `json:"split"`
	Grid         string  `json:"grid"`
	BlocksPerSM  int     `json:"blocks_per_sm"`
	KernelCycles int64   `json:"kernel_cycles"`
	Cycles       int64   `json:"cycles_with_launch"`
	TimeUS       float64 `json:"time_us"` // of the cycles with launch
	FLOP         int64   `json:"flop"`
	TFLOPS       float64 `json:"tflops"`
	PeakShare    float64 `json:"peak_share"`
	BoundFLOP    int64   `json:"bound_flop_cycles"`
	BoundBytes   int64   `json:"bound_bytes_cycles"`
	BoundShare   float64 `json:"bound_share"`
	CheckedRows  int     `json:"checked_rows"`
	MaxError     float64 `json:"max_error"`
	LargestValue float64 `json:"largest_value"`

	WarpInstructions      int64            `json:"warp_instructions"`
	Occupancy             float64          `json:"achieved_occupancy"`
	SIMTEfficiency        float64          `json:"simt_efficiency"`
	DualIssues            int64            `json:"dual_issues"`
	RegisterBankConflicts int64            `json:"register_bank_conflicts"`
	SharedAccesses        int64            `json:"shared_accesses"`
	SharedBankConflicts   int64            `json:"shared_bank_conflicts"`
	Branches              int64            `json:"branches"`
	DivergentBranches     int64            `json:"divergent_branches"`
	L1HitRate             float64          `json:"l1_hit_rate"`
	L2HitRate             float64          `json:"l2_hit_rate"`
	L2Bytes               int64            `json:"l2_bytes"`
	DRAMBytes             int64            `json:"dram_bytes"`
	Stalls                map[string]int64 `json:"stall_cycles"`
}

func newGEMMReport(gpu *sim.GPU, s *workloads.GEMMSpec, r *workloads.GEMMResult) gemmReport {
	c := &r.Counters
	rates := c.Memory.Rates()
	return gemmReport{
		GPU: gpu.Name, M: s.M, N: s.N, K: s.K, Method: string(s.Method),
		Kernel: r.Kernel, Split: r.Split, Grid: r.Grid.String(), BlocksPerSM: r.BlocksPerSM,
		KernelCycles: r.KernelCycles, Cycles: r.Cycles, TimeUS: r.TimeUS, FLOP: r.FLOP, TFLOPS: r.TFLOPS,
		PeakShare: r.PeakShare, BoundFLOP: r.Bounds.FLOP, BoundBytes: r.Bounds.Bytes,
		BoundShare: float64(r.Bounds.Cycles()) / float64(r.KernelCycles), CheckedRows: r.Error.Rows, MaxError: r.Error.Max,
		LargestValue: r.Error.Scale, WarpInstructions: c.SM.WarpInstructions, Occupancy: r.Occupancy,
		SIMTEfficiency: c.SIMTEfficiency(), DualIssues: c.SM.DualIssues, RegisterBankConflicts: c.SM.RegisterBankConflicts,
		SharedAccesses: c.SM.SharedAccesses, SharedBankConflicts: c.SM.SharedBankConflicts, Branches: c.SM.Branches,
		DivergentBranches: c.SM.DivergentBranches, L1HitRate: rates.L1Hit, L2HitRate: rates.L2Hit,
		L2Bytes: c.Memory.L2Bytes(), DRAMBytes: c.Memory.DRAMBytes(), Stalls: c.Stalls(),
	}
}

func newGEMMCommand() *cobra.Command {
	var (
		s             workloads.GEMMSpec
		method, gpuAs string
		threads       int
		asJSON, plain bool
		report        reportFlags
	)
	c := &cobra.Command{
		Use:   "gemm --m M --n N --k K",
		Short: "Run one matrix product on the simulated GPU",
		Long: `gemm runs C = A B on the simulated GPU, C M x N, A M x K (a layer's weights, one row a neuron), B K x N (its inputs, one column
a sample), all row-major; --ta and --tb say that A or B is stored transposed. It prints the chosen kernel, cycles, TFLOP/s,
counters and the largest difference from the CPU.

  --method dense    every element
  --method masked   an if-else round each element's inner product, by a random mask of --rate
  --method PATTERN  what a pattern of rows or of 32 x 32 tiles of A keeps: rdp and tdp one in --dp, from --bias on; patterns
                    without a dp what they draw for --rate and --seed. Rows that are not evenly spaced are copied
                    together first, in a kernel that counts too, and C has them side by side

Without --tile the kernel comes from the tuned family; --tile 8, 16, 32 or 64 runs the simple kernel with such tiles;
--tensor one for tensor cores.`,
		Example: `  warpdrop gemm --m 2048 --n 128 --k 2048
  warpdrop gemm --m 256 --n 64 --k 256 --method tdp --dp 2 --json
  warpdrop gemm --m 256 --n 64 --k 256 --method rows-random --rate 0.7
  warpdrop gemm --m 256 --n 64 --k 256 --tile 16 --plain
  warpdrop gemm --m 256 --n 64 --k 256 --gpu a100-40g --tensor
  warpdrop gemm deepbench`,
		Args: exactArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			gpu, err := sim.LoadGPU(gpuAs)
			if err != nil {
				return usageError{err}
			}
			if err := needs(cmd, "m", "n", "k"); err != nil {
				return err
			}
			s.Method, s.Pad = dropout.Method(method), !plain
			if err := checkGEMMFlags(cmd, &s); err != nil {
				return err
			}
			if err := s.Check(); err != nil {
				return usageError{err}
			}
			if err := report.check(asJSON); err != nil {
				return err
			}
			opt := workloads.Options{Threads: threads}
			var longest *sim.Result // the product itself, not what gathers its operands
			if report.wanted() {
				opt.Launched = func(_ string, r *sim.Result) {
					if longest == nil || r.Cycles >= longest.Cycles {
						longest = r
					}
				}
			}
			r, err := workloads.SimulateGEMM(cmd.Context(), gpu, s, opt)
			if err != nil {
				return err
			}
			if err := report.write(cmd.OutOrStdout(), gpu, longest); err != nil {
				return err
			}
			rep := newGEMMReport(gpu, &s, r)
			if asJSON {
				return printJSON(cmd.OutOrStdout(), rep)
			}
			return rep.print(cmd.OutOrStdout())
		},
	}
	f := c.Flags()
	f.IntVar(&s.M, "m", 0, "rows of A and C")
	f.IntVar(&s.N, "n", 0, "columns of B and C")
	f.IntVar(&s.K, "k", 0, "columns of A, rows of B")
	f.BoolVar(&s.TA, "ta", false, "A is stored transposed")
	f.BoolVar(&s.TB, "tb", false, "B is stored transposed")
	f.StringVar(&method, "method", "dense", dropout.Names(workloads.GEMMMethods()))
	f.Float64Var(&s.Rate, "rate", 0.5,
		"masked and patterns without a dp: share of the elements, rows or tiles that are dropped")
	addPatternFlags(f, &s)
	f.IntVar(&s.Tile, "tile", 0, "0: tuned family; 8, 16, 32, 64: simple kernel with such tiles")
	f.StringVar(&s.Shape, "shape", "", "tuned family: 128x128, 128x64, 64x64, 128x32 or 32x32 (default: chosen)")
	f.BoolVar(&s.Tensor, "tensor", false,
		"on tensor cores: A and B hold halves, sums are FP32; dense and rdp, on GPUs that have them")
	f.IntVar(&s.Split, "split", 0, "tuned family: blocks that share k (0: chosen)")
	f.BoolVar(&plain, "plain", false, "simple kernel: rows of shared memory not padded")
	f.Uint64Var(&s.Seed, "seed", 1, "of values, mask and what a pattern without a dp keeps")
	f.BoolVar(&s.Warm, "warm", false,
		"measure the second of two launches, as benchmarks do: code and small matrices are in the caches")
	f.StringVar(&gpuAs, "gpu", "gtx1080ti", "GPU preset or a preset file")
	f.IntVar(&threads, "threads", 0, "goroutines that simulate (0: one a core); changes no result")
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	report.add(f)
	c.AddCommand(newDeepBenchCommand(), newCandidatesCommand())
	return c
}

func newCandidatesCommand() *cobra.Command {
	var (
		s             workloads.GEMMSpec
		method, gpuAs string
		limit         int
		asJSON        bool
	)
	c := &cobra.Command{
		Use:   "candidates --m M --n N --k K",
		Short: "Simulate the candidate kernels of one product beside what the cost model expects",
		Example: "  warpdrop gemm candidates --m 512 --n 128 --k 512 --limit 8\n  warpdrop gemm candidates --m 512 --n " +
			"128 --k 512 --method tdp --dp 2 --limit 4 --json",
		Args: exactArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			gpu, err := sim.LoadGPU(gpuAs)
			if err != nil {
				return usageError{err}
			}
			if limit < 1 {
				return usagef("--limit %d is not 1 or more", limit)
			}
			if err := needs(cmd, "m", "n", "k"); err != nil {
				return err
			}
			s.Method, s.Seed = dropout.Method(method), 1
			if err := checkGEMMFlags(cmd, &s); err != nil {
				return err
			}
			if err := s.Check(); err != nil {
				return usageError{err}
			}
			list, err := workloads.SimulateCandidates(cmd.Context(), gpu, s, limit, workloads.Options{})
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), list)
			}
			t := newTable(cmd.OutOrStdout(), "kernel", "split", "model cycles", "kernel cycles", "ratio")
			for _, c := range list {
				t.Add(c.Kernel, c.Split, c.Model, c.Cycles, fmt.Sprintf("%.2f", float64(c.Model)/float64(c.Cycles)))
			}
			return t.Render()
		},
	}
	f := c.Flags()
	f.IntVar(&s.M, "m", 0, "rows of A and C")
	f.IntVar(&s.N, "n", 0, "columns of B and C")
	f.IntVar(&s.K, "k", 0, "columns of A, rows of B")
	f.BoolVar(&s.TA, "ta", false, "A is stored transposed")
	f.BoolVar(&s.TB, "tb", false, "B is stored transposed")
	f.StringVar(&method, "method", "dense", dropout.Names(dropout.Methods(dropout.Dense)))
	f.Float64Var(&s.Rate, "rate", 0.5, "patterns without a dp: share of the rows or tiles that is dropped")
	addPatternFlags(f, &s)
	f.IntVar(&limit, "limit", 10, "how many, cheapest first by the model")
	f.StringVar(&gpuAs, "gpu", "gtx1080ti", "GPU preset or a preset file")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// addPatternFlags adds the flags of patterns.
func addPatternFlags(f *pflag.FlagSet, s *workloads.GEMMSpec) {
	f.IntVar(&s.DP, "dp", 2, "patterns with a dp: one row or tile in dp is kept")
	f.IntVar(&s.Bias, "bias", 1, "patterns with a dp: the first one kept, 1 to dp")
	f.IntVar(&s.Of, "of", 0, "rows-k: k of every so many rows are kept (0: chosen)")
}

// needs names the flags that are missing.
func needs(cmd *cobra.Command, names ...string) error {
	var missing []string
	for _, n := range names {
		if !cmd.Flags().Changed(n) {
			missing = append(missing, "--"+n)
		}
	}
	if len(missing) > 0 {
		return usagef("missing: %s; see %s --help", strings.Join(missing, ", "), cmd.CommandPath())
	}
	return nil
}

// checkGEMMFlags refuses flags that the method does not use.
func checkGEMMFlags(cmd *cobra.Command, s *workloads.GEMMSpec) error {
	with := func(has func(*dropout.Kind) bool, plain ...dropout.Method) (bool, string) {
		methods := append(plain, dropout.MethodsWith(has)...)
		return slices.Contains(methods, s.Method), "--method " + dropout.Names(methods)
	}
	for name, allowed := range map[string]func() (bool, string){
		"rate": func() (bool, string) {
			return with(func(k *dropout.Kind) bool { return !k.HasDP() }, dropout.Masked)
		},
		"dp":    func() (bool, string) { return with((*dropout.Kind).HasDP) },
		"bias":  func() (bool, string) { return with((*dropout.Kind).HasDP) },
		"of":    func() (bool, string) { return with(func(k *dropout.Kind) bool { return k.HasOf }) },
		"plain": func() (bool, string) { return s.Tile != 0, "--tile 8, 16, 32 or 64" },
	} {
		if used, where := allowed(); cmd.Flags().Changed(name) && !used {
			return usagef("--%s has no meaning here; it is allowed with %s", name, where)
		}
	}
	return nil
}

func (r *gemmReport) print(out io.Writer) error {
	t := newTable(out, "counter", "value")
	for _, row := range [][2]string{
		{"product", fmt.Sprintf("%d x %d x %d, %s, on %s", r.M, r.N, r.K, r.Method, r.GPU)},
		{"kernel", r.Kernel},
		{"grid, blocks on an SM, split of k", fmt.Sprintf("%s, %d, %d", r.Grid, r.BlocksPerSM, r.Split)},
		{"kernel cycles", fmt.Sprint(r.KernelCycles)},
		{"with launch", fmt.Sprintf("%d cycles, %.2f us", r.Cycles, r.TimeUS)},
		{"TFLOP/s, share of peak", fmt.Sprintf("%.2f, %.1f %%", r.TFLOPS, 100*r.PeakShare)},
		{"bound (FLOP, bytes), share", fmt.Sprintf("%d, %d cycles, %.1f %%", r.BoundFLOP, r.BoundBytes, 100*r.BoundShare)},
		{"largest error, value (rows checked)", fmt.Sprintf("%.2g, %.3g (%d)", r.MaxError, r.LargestValue, r.CheckedRows)},
		{"warp instructions, dual issues", fmt.Sprintf("%d, %d", r.WarpInstructions, r.DualIssues)},
		{"achieved occupancy, SIMT efficiency", fmt.Sprintf("%.1f %%, %.1f %%", 100*r.Occupancy, 100*r.SIMTEfficiency)},
		{"register bank conflicts", fmt.Sprint(r.RegisterBankConflicts)},
		{"shared accesses, bank conflicts", fmt.Sprintf("%d, %d", r.SharedAccesses, r.SharedBankConflicts)},
		{"branches (divergent)", fmt.Sprintf("%d (%d)", r.Branches, r.DivergentBranches)},
		{"L1, L2 hit rate", fmt.Sprintf("%.1f %%, %.1f %%", 100*r.L1HitRate, 100*r.L2HitRate)},
		{"L2, DRAM bytes", fmt.Sprintf("%d, %d", r.L2Bytes, r.DRAMBytes)},
	} {
		t.Add(row[0], row[1])
	}
	return t.Render()
}
