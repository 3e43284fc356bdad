package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"warpdrop/dropout"
	"warpdrop/sim"
	"warpdrop/train"
	"warpdrop/workloads"
)

// iterationReport is the object that `warpdrop iteration --json` prints.
type iterationReport struct {
	Network      string             `json:"network"`
	Method       string             `json:"method"`
	Patterns     []dropout.Pattern  `json:"patterns,omitempty"`
	Tile         int                `json:"tile,omitempty"` // tdp: side of a weight tile, where one was asked for
	Update       string             `json:"update,omitempty"`
	GPU          string             `json:"gpu"`
	KernelCycles int64              `json:"kernel_cycles"`
	Cycles       int64              `json:"cycles_with_launch"` // and with copies
	TimeUS       float64            `json:"time_us"`
	Launches     []iterationLaunch  `json:"launches"`
	Parts        map[string]float64 `json:"parts"` // share of the cycles
	// Simulated is the number of launches that were simulated; the others are like one of them.
	Simulated int `json:"simulated_launches"`
}

// iterationLaunch is all launches of one name.
type iterationLaunch struct {
	Name         string  `json:"name"`
	Part         string  `json:"part"`
	Kernel       string  `json:"kernel"`
	Count        int     `json:"count"`
	KernelCycles int64   `json:"kernel_cycles"` // 0 of copies
	Cycles       int64   `json:"cycles_with_launch"`
	Share        float64 `json:"share"`
	FLOP         int64   `json:"flop"`
	DRAMBytes    int64   `json:"dram_bytes"`
	// Shares of the roofline: of the peak FLOP rate and of the DRAM pins' rate.
	PeakFLOP float64 `json:"share_of_peak_flop"`
	PeakDRAM float64 `json:"share_of_peak_dram"`
}

func newIterationReport(gpu *sim.GPU, it *workloads.IterationResult) *iterationReport {
	r := &iterationReport{GPU: gpu.Name, Cycles: it.Cycles, TimeUS: it.TimeUS, Parts: map[string]float64{},
		Simulated: it.Simulated()}
	at := map[string]int{}
	for i := range it.Launches {
		l := &it.Launches[i]
		n, ok := at[l.Name]
		if !ok {
			n = len(r.Launches)
			at[l.Name] = n
			r.Launches = append(r.Launches, iterationLaunch{Name: l.Name, Part: string(l.Part), Kernel: l.Kernel})
		}
		a := &r.Launches[n]
		a.Count++
		a.Cycles += l.Cycles
		a.KernelCycles += l.KernelCycles
		r.KernelCycles += l.KernelCycles
		a.FLOP += l.FLOP
		a.DRAMBytes += l.Counters.Memory.DRAMBytes()
	}
	for i := range r.Launches {
		l := &r.Launches[i]
		cycles := float64(max(l.Cycles, 1))
		l.Share = cycles / float64(it.Cycles)
		l.PeakFLOP = float64(l.FLOP) / cycles / (gpu.PeakGFLOPS() * 1e3 / gpu.CoreMHz)
		l.PeakDRAM = float64(l.DRAMBytes) / cycles / (gpu.Memory.PeakBytesPerSecond(gpu.CoreMHz) / (gpu.CoreMHz * 1e6))
	}
	for part, cycles := range it.Parts() {
		r.Parts[string(part)] = float64(cycles) / float64(it.Cycles)
	}
	return r
}

func (r *iterationReport) print(out io.Writer) error {
	var what strings.Builder
	fmt.Fprintf(&what, "%s, %s", r.Network, r.Method)
	for i, p := range r.Patterns {
		if p.DP > 0 {
			fmt.Fprintf(&what, "%s(%d,%d)", map[bool]string{true: " (dp,bias) ", false: " "}[i == 0], p.DP, p.Bias)
		} else if len(p.Tiles) > 0 {
			fmt.Fprintf(&what, "%s%d", map[bool]string{true: ", tiles kept: ", false: ", "}[i == 0], len(p.Tiles))
		} else {
			fmt.Fprintf(&what, "%s%d", map[bool]string{true: ", rows kept: ", false: ", "}[i == 0], len(p.Rows))
		}
	}
	if r.Tile != 0 {
		fmt.Fprintf(&what, ", tiles of %d", r.Tile)
	}
	if r.Update != "" {
		fmt.Fprintf(&what, ", update %s", r.Update)
	}
	fmt.Fprintf(&what, ", %s: %d kernel cycles; with launch overhead and copies %d cycles, %.1f us",
		r.GPU, r.KernelCycles, r.Cycles, r.TimeUS)
	if err := prose(out, what.String()); err != nil {
		return err
	}
	t := newTable(out, "launch", "kernel", "count", "with launch", "share %", "GFLOP", "% of peak", "DRAM MB", "% of peak")
	for _, l := range r.Launches {
		t.Add(l.Name, l.Kernel, l.Count, l.Cycles, fmt.Sprintf("%.1f", 100*l.Share), fmt.Sprintf("%.3f", float64(l.FLOP)/1e9),
			fmt.Sprintf("%.0f", 100*l.PeakFLOP), fmt.Sprintf("%.2f", float64(l.DRAMBytes)/1e6),
			fmt.Sprintf("%.0f", 100*l.PeakDRAM))
	}
	if err := t.Render(); err != nil {
		return err
	}
	var parts []string
	for p := range r.Parts {
		parts = append(parts, p)
	}
	sort.Slice(parts, func(i, j int) bool {
		return r.Parts[parts[i]] > r.Parts[parts[j]] || r.Parts[parts[i]] == r.Parts[parts[j]] && parts[i] < parts[j]
	})
	t = newTable(out, "part", "share %")
	for _, p := range parts {
		t.Add(p, fmt.Sprintf("%.1f", 100*r.Parts[p]))
	}
	return t.Render()
}

// iterationFlags are the flags of both networks.
type iterationFlags struct {
	gpu, method string
	trace       string
	report      string
	profile     profileFlags
	rates       []float64
	dp, bias    []int
	tile, batch int
	seed        uint64
	threads     int
	asJSON      bool
	simulate    func(ctx context.Context, gpu *sim.GPU, f *iterationFlags,
		opt workloads.Options) (*workloads.IterationResult, *iterationReport, error)
	of           int
	groups       int
	layers       int // that rates are for
	sites        int // that patterns are for
	shape        func(site int) dropout.Shape
	defaultBatch int
}

func (f *iterationFlags) add(c *cobra.Command) {
	p := c.Flags()
	p.StringVar(&f.gpu, "gpu", "gtx1080ti", "GPU preset or a preset file")
	p.StringVar(&f.method, "method", "dense", dropout.Names(dropout.Network(c.Name()).Methods()))
	p.IntVar(&f.of, "of", 0,
		"rows-k: k of every so many rows are kept (0: from 10 on, one that has the rate and, if there is any, divides the "+
			"layer)")
	p.IntVar(&f.groups, "groups", 1,
		"methods that drop rows: groups of samples, or of an LSTM's words, with a pattern each; with --dp the bias is the "+
			"next one from group to group")
	p.Float64SliceVar(&f.rates, "rates", []float64{0.5}, "dropout rate of each layer, or one for all")
	p.IntSliceVar(&f.dp, "dp", nil,
		"rdp and tdp: one row or tile in dp is kept; a layer each, or one for all (default: 1/(1-rate), rounded)")
	p.IntSliceVar(&f.bias, "bias", nil,
		"rdp and tdp: which one is kept, 1..dp; a layer each, or one for all (default: the middle)")
	p.IntVar(&f.tile, "tile", 0, "tdp: side of a weight tile, 32 or 64 (default 32)")
	p.IntVar(&f.batch, "batch", f.defaultBatch, "samples")
	p.Uint64Var(&f.seed, "seed", 1, "seed of weights, data and masks")
	p.IntVar(&f.threads, "threads", 0, "goroutines that simulate (0: one a core); changes no result")
	p.BoolVar(&f.asJSON, "json", false, "print one JSON object")
	outputVar(p, &f.report, "report", "write a page with a timeline, launch by launch, and what to try to this file")
	f.profile.out.Several = true
	f.profile.add(p)
	outputVar(p, &f.trace, "trace",
		"write kernels, blocks on SMs and counters over time to this file, for ui.perfetto.dev or chrome://tracing")
}

// each spreads a list that was given for all layers at once.
func each[T any](name string, list []T, n int) ([]T, error) {
	if len(list) == 1 {
		out := make([]T, n)
		for i := range out {
			out[i] = list[0]
		}
		return out, nil
	}
	if len(list) != n {
		return nil, usagef("--%s has %d values; wanted are 1 or %d", name, len(list), n)
	}
	return list, nil
}

// dropping fills in rates and patterns; with several groups these are the first one's, and each has its own.
func (f *iterationFlags) dropping() (rates []float64, patterns []dropout.Pattern, groups [][]dropout.Pattern,
	err error) {
	rates, patterns, err = f.droppingOf(0)
	for g := 0; err == nil && f.groups > 1 && g < f.groups; g++ {
		var one []dropout.Pattern
		_, one, err = f.droppingOf(g)
		groups = append(groups, one)
	}
	return rates, patterns, groups, err
}

// droppingOf fills in rates and the patterns of a group.
func (f *iterationFlags) droppingOf(group int) (rates []float64, patterns []dropout.Pattern, err error) {
	method := dropout.Method(f.method)
	if f.tile != 0 && method.Drops() != dropout.DropsTiles {
		return nil, nil, usagef("--tile belongs to methods that drop tiles, not %s", f.method)
	}
	if f.method == string(dropout.None) {
		return nil, nil, nil
	}
	if rates, err = each("rates", f.rates, f.layers); err != nil {
		return nil, nil, err
	}
	if !method.HasDP() {
		if f.dp != nil || f.bias != nil {
			return nil, nil, usagef("--dp and --bias belong to the methods rdp and tdp, not %s", f.method)
		}
		if !method.Approximate() {
			return rates, nil, nil
		}
		for site := range f.sites {
			o := dropout.Options{Rate: rates[min(site, f.layers-1)], Of: f.of}
			stream, err := dropout.NewStream(method, o, f.shape(site), f.seed, site)
			if err != nil {
				return nil, nil, usageError{err}
			}
			patterns = append(patterns, stream.At(0, group).Pattern(method))
		}
		return rates, patterns, nil
	}
	dp, bias := f.dp, f.bias
	if dp == nil {
		for i := range f.sites {
			dp = append(dp, int(1/(1-min(rates[min(i, f.layers-1)], 0.999))+0.5))
		}
	}
	if dp, err = each("dp", dp, f.sites); err != nil {
		return nil, nil, err
	}
	if bias == nil {
		for _, d := range dp {
			bias = append(bias, (d+1)/2)
		}
	}
	if bias, err = each("bias", bias, f.sites); err != nil {
		return nil, nil, err
	}
	for i := range dp {
		patterns = append(patterns, dropout.Pattern{Method: method, DP: dp[i], Bias: (bias[i]-1+group)%max(dp[i], 1) + 1})
	}
	return rates, patterns, nil
}

func (f *iterationFlags) run(cmd *cobra.Command) error {
	gpu, err := sim.LoadGPU(f.gpu)
	if err != nil {
		return usageError{err}
	}
	if err := f.profile.check(f.asJSON); err != nil {
		return err
	}
	opt := workloads.Options{Threads: f.threads}
	if f.trace != "" {
		opt.Trace = &sim.Trace{}
	}
	if errs := cmd.ErrOrStderr(); isTerminal(errs) {
		bar := progressbar.NewOptions(-1, progressbar.OptionSetWriter(raw(errs)),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetDescription("launches"))
		defer bar.Clear()
		opt.Progress = func(done, total int) {
			bar.ChangeMax(total)
			bar.Set(done)
		}
	}
	longest := map[string]*sim.Result{} // launch of each kernel
	if f.report != "" || f.profile.wanted() {
		opt.Launched = func(_ string, r *sim.Result) {
			if was := longest[r.Kernel]; was == nil || r.Cycles > was.Cycles {
				longest[r.Kernel] = r
			}
		}
	}
	it, head, err := f.simulate(cmd.Context(), gpu, f, opt)
	if err != nil {
		return err
	}
	if opt.Trace != nil {
		if err := writeTrace(f.trace, opt.Trace); err != nil {
			return err
		}
	}
	r := newIterationReport(gpu, it)
	r.Network, r.Method, r.Patterns, r.Tile, r.Update = head.Network, f.method, head.Patterns, f.tile, head.Update
	kernels := slices.SortedFunc(maps.Values(longest), func(a, b *sim.Result) int {
		return cmp.Or(cmp.Compare(b.Cycles, a.Cycles), cmp.Compare(a.Kernel, b.Kernel))
	})
	if f.report != "" {
		if err := r.page(f.report, gpu, it, kernels); err != nil {
			return err
		}
	}
	if err := f.profile.write(cmd.OutOrStdout(), gpu, kernels...); err != nil {
		return err
	}
	if f.asJSON {
		return printJSON(cmd.OutOrStdout(), r)
	}
	return r.print(cmd.OutOrStdout())
}

func newIterationCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "iteration mlp|lstm",
		Short: "Simulate one training iteration and print what each kernel takes",
		Long: `Simulate one training iteration (copies of the batch, forward, backward, update) with given
patterns and print the cycles of each launch, its share, and its place under the roofline: its shares of the peak FLOP
rate and of DRAM's peak rate. Cycles include the overhead of launches.`,
		Example: `  warpdrop iteration mlp --hidden 2048,2048 --method rdp --dp 3 --rates 0.7
  warpdrop iteration lstm --hidden 256 --vocabulary 1000 --steps 8 --method tdp --dp 2
  warpdrop iteration mlp --method dense --trace iteration.json`,
		Args: func(_ *cobra.Command, args []string) error {
			return usagef("iteration wants a network: mlp or lstm; see warpdrop iteration --help")
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newIterationMLPCommand(), newIterationLSTMCommand())
	return c
}

func newIterationMLPCommand() *cobra.Command {
	var (
		f               = iterationFlags{defaultBatch: 128}
		hidden          []int
		inputs, outputs int
		update          string
	)
	c := &cobra.Command{
		Use:   "mlp",
		Short: "One training iteration of a multi-layer perceptron: SGD with momentum",
		Example: `  warpdrop iteration mlp --hidden 64,64 --method dense
  warpdrop iteration mlp --hidden 64,64 --method rdp --dp 2,3 --update lazy --json
  warpdrop iteration mlp --hidden 64,64 --method rows-random --rates 0.5`,
		Args: exactArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.layers, f.sites = len(hidden), len(hidden)
			f.shape = func(site int) dropout.Shape {
				return dropout.ShapeOf(hidden[site], append([]int{inputs}, hidden...)[site], hidden[site],
					cmp.Or(f.tile, workloads.TDPTile))
			}
			f.simulate = func(ctx context.Context, gpu *sim.GPU, f *iterationFlags,
				opt workloads.Options) (*workloads.IterationResult, *iterationReport, error) {
				rates, patterns, groups, err := f.dropping()
				if err != nil {
					return nil, nil, err
				}
				s := workloads.MLPSpec{Layers: append(append([]int{inputs}, hidden...), outputs), Batch: f.batch,
					Method: dropout.Method(f.method), Rates: rates, Patterns: patterns, Groups: groups, Tile: f.tile, Update: update,
					LR: 0.01, Momentum: 0.9, Seed: f.seed}
				if err := s.Check(); err != nil {
					return nil, nil, usageError{err}
				}
				it, err := workloads.SimulateMLP(ctx, gpu, s, opt)
				return it, &iterationReport{Network: fmt.Sprintf("mlp %v, batch %d", s.Layers, f.batch), Patterns: patterns,
					Update: update}, err
			}
			return f.run(cmd)
		},
	}
	f.add(c)
	p := c.Flags()
	p.IntVar(&inputs, "inputs", 784, "width of the input")
	p.IntSliceVar(&hidden, "hidden", []int{512, 512}, "width of each hidden layer")
	p.IntVar(&outputs, "outputs", 10, "classes")
	p.StringVar(&update, "update", workloads.UpdateDense, "dense or lazy")
	return c
}

func newIterationLSTMCommand() *cobra.Command {
	f := iterationFlags{defaultBatch: 20}
	s := workloads.LSTMSpec{LR: 1, Clip: 5}
	repeats, groupBy := 0, ""
	c := &cobra.Command{
		Use:   "lstm",
		Short: "One training iteration of a word LSTM: plain SGD with clipping",
		Long: `One training iteration of a word LSTM: embedding, layers, softmax over the vocabulary, back-propagation
through time, clipping, plain SGD.
Dropout sites are the inputs of the layers and that of the output layer: --dp and --bias take one value more than
--rates.`,
		Example: `  warpdrop iteration lstm --hidden 64 --vocabulary 200 --steps 3 --method dense
  warpdrop iteration lstm --hidden 64 --vocabulary 200 --steps 8 --method rdp --dp 2,2,3 --simulated-repeats 2`,
		Args: exactArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.layers, f.sites = s.Layers, s.Layers+1
			f.shape = func(site int) dropout.Shape {
				return dropout.ShapeOf(s.Hidden, s.Hidden, s.Outputs(site), cmp.Or(f.tile, workloads.TDPTile))
			}
			f.simulate = func(ctx context.Context, gpu *sim.GPU, f *iterationFlags,
				opt workloads.Options) (*workloads.IterationResult, *iterationReport, error) {
				rates, patterns, groups, err := f.dropping()
				if err != nil {
					return nil, nil, err
				}
				s.Batch, s.Method, s.Rates, s.Patterns, s.Groups, s.Tile, s.Seed = f.batch, dropout.Method(f.method), rates,
					patterns, groups, f.tile, f.seed
				if s.GroupSteps = groupBy == string(train.GroupSteps); !s.GroupSteps && groupBy != string(train.GroupSamples) {
					return nil, nil, usagef("--group-by %q; allowed are %s and %s", groupBy, train.GroupSamples, train.GroupSteps)
				}
				if repeats != 0 {
					s.Known = &workloads.Known{Repeats: repeats}
				}
				if err := s.Check(); err != nil {
					return nil, nil, usageError{err}
				}
				it, err := workloads.SimulateLSTM(ctx, gpu, s, opt)
				name := fmt.Sprintf("lstm %d x %d, vocabulary %d, batch %d, %d steps", s.Layers, s.Hidden, s.Vocabulary,
					s.Batch, s.Steps)
				if err == nil && s.Known != nil {
					name += fmt.Sprintf(" (%d of %d launches simulated)", it.Simulated(), len(it.Launches))
				}
				return it, &iterationReport{Network: name, Patterns: patterns}, err
			}
			return f.run(cmd)
		},
	}
	f.add(c)
	p := c.Flags()
	p.IntVar(&s.Layers, "layers", 2, "LSTM layers")
	p.IntVar(&s.Hidden, "hidden", 256, "width of each layer and of the embedding, a multiple of 4")
	p.IntVar(&s.Vocabulary, "vocabulary", 1000, "words in the dictionary")
	p.IntVar(&s.Steps, "steps", 35, "time steps")
	p.StringVar(&groupBy, "group-by", string(train.GroupSamples),
		"what falls into groups: samples (sequences side by side) or steps (of time)")
	p.IntVar(&repeats, "simulated-repeats", 0,
		"repeated launches to simulate; the median of all but the first counts for those that follow (0: all)")
	return c
}
