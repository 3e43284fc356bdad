package experiments

import (
	"context"
	"fmt"
	"slices"

	"warpdrop/dropout"
	"warpdrop/train"
	"warpdrop/workloads"
)

var _ = register(&work[LSTM]{
	About:     "Simulate a training iteration of a word LSTM.",
	Versions:  lstmVersions,
	Work:      lstmWork,
	Memory:    lstmMemory,
	Speed:     3.3e8, // multiply-adds
	Run:       runLSTM,
	Simulated: func(l LSTM) LSTM { l.Dropping = l.anyMask(); return l },
	Row: func(r *Row, s LSTM) {
		r.recurrent(s.Recurrent)
		r.dropping(s.Dropping)
		r.choosing(s.Dropping, s.dropped())
		r.trainedWith("", false, s.Groups, s.GroupBy)
		r.GPU = s.GPU
	},
	Label: func(s LSTM) []string {
		return []string{fmt.Sprintf("batch=%d", s.Batch)}
	},
})

// Recurrent is the network that LSTM simulates and TrainLSTM trains.
type Recurrent struct {
	Layers     int `json:"layers" jsonschema:"minimum=1,maximum=16,default=2" jsonschema_description:"LSTM layers."`
	Hidden     int `json:"hidden" need:"true" jsonschema:"minimum=1,maximum=65536" jsonschema_description:"Width of each layer and of the embedding."`
	Vocabulary int `json:"vocabulary" jsonschema:"minimum=2,maximum=1000000,default=8800" jsonschema_description:"Words in the dictionary."`
	Batch      int `json:"batch" jsonschema:"minimum=1,maximum=65536,default=20" jsonschema_description:"Sequences side by side."`
	Steps      int `json:"steps" jsonschema:"minimum=1,maximum=1024,default=35" jsonschema_description:"Time steps of truncated back-propagation."`
}

// sizes are the widths of the layers.
func (r Recurrent) sizes() []int { return slices.Repeat([]int{r.Hidden}, r.Layers) }

// dropped are the layers' inputs, with the weights behind them.
func (r Recurrent) dropped() []dropped {
	return slices.Repeat([]dropped{{r.Hidden, r.Hidden, 4 * r.Hidden}}, r.Layers)
}

// Grouping is several patterns an iteration.
type Grouping struct {
	Groups  int    `json:"groups,omitempty" jsonschema:"minimum=0,maximum=1024" jsonschema_description:"Patterns of rows: groups of a window's sequences or steps with a pattern each; 0 or 1 = one for all."`
	GroupBy string `json:"group_by,omitempty" jsonschema:"enum=samples,enum=steps" jsonschema_description:"What falls into groups: samples (sequences, also where it is left out) or steps."`
}

func (g Grouping) normal() Grouping {
	if g.Groups <= 1 {
		return Grouping{}
	}
	if g.GroupBy == string(train.GroupSamples) {
		g.GroupBy = ""
	}
	return g
}

// mostGroups is how many groups a window can have.
func (g Grouping) mostGroups(r Recurrent) int {
	if g.GroupBy == string(train.GroupSteps) {
		return r.Steps
	}
	return r.Batch
}

// LSTM is a simulated training iteration of a word LSTM.
type LSTM struct {
	GPU string `json:"gpu" jsonschema:"default=gtx1080ti" jsonschema_description:"GPU preset by name, or a preset file."`
	Recurrent
	Dropping
	Samples          int `json:"samples" jsonschema:"minimum=0,maximum=65536,default=0" jsonschema_description:"Pattern combinations to simulate, drawn by their probability; 0 = all, summed exactly."`
	SimulatedRepeats int `json:"simulated_repeats" jsonschema:"minimum=0,maximum=65536,default=0" jsonschema_description:"How many of identical launches (the same kernel, grid and arguments; matrices may lie elsewhere) are simulated, of long ones one; each of the others counts as the median of these without the first. 0 = all are simulated."`
	Seed             int `json:"seed" jsonschema:"minimum=0,default=1" jsonschema_description:"Seed of masks, patterns and data."`
	Grouping
}

func (LSTM) Kind() string { return "lstm" }
func (l LSTM) check() []problem {
	out := slices.Concat(checkGPU(l.GPU), l.Dropping.check(l.dropped()),
		l.checkSimulatedGroups(l.Groups, l.mostGroups(l.Recurrent)), checkSamples(l.Samples))
	if l.Hidden%4 != 0 {
		out = append(out, problem{"hidden", fmt.Sprintf("%d is not a multiple of 4, which the simulated LSTM wants",
			l.Hidden)})
	}
	if l.Method == string(dropout.DropConnect) {
		out = append(out, problem{"method", "dropconnect is there for mlp only; allowed are " +
			dropout.Names(dropout.Methods(dropout.None, dropout.Dense, dropout.Masked))})
	}
	if n := l.Batch * l.Steps; n > 65536 {
		out = append(out, problem{"batch", fmt.Sprintf("batch %d x %d steps are %d words; allowed is up to 65536",
			l.Batch, l.Steps, n)})
	}
	return out
}

func (l LSTM) normal() Spec {
	l.Dropping, l.Grouping = l.Dropping.normal(), l.Grouping.normal()
	if !l.approximate() {
		l.Samples = 0
	}
	return l
}

func lstmVersions(_ *Host, l LSTM) (map[string]string, error) {
	v, err := iterationVersions(l.Dropping, l.GPU)
	if err == nil && l.SimulatedRepeats > 0 {
		v["alike"] = workloads.RepeatsVersion
	}
	return v, err
}

// lstmProducts are the multiply-adds of a word: of the products that dropout acts on, by site, and of those with the
// state.
func lstmProducts(r Recurrent) (sites []float64, recurrent float64) {
	h := float64(r.Hidden)
	for range r.Layers {
		sites = append(sites, 4*h*h)
	}
	return append(sites, h*float64(r.Vocabulary)), float64(r.Layers) * 4 * h * h
}

// What an iteration costs beside its products, in multiply-adds: a weight for the update, a weight for the norm of all
// gradients, and in all for small launches (fitted to host times of two layers of 256).
const (
	lstmUpdateWork = 45
	lstmNormWork   = 20
	lstmFixedWork  = 1e8
)

// lstmSites are the sites that drop: the inputs of the layers and that of the output layer.
func lstmSites(r Recurrent) []dropped {
	return append(r.dropped(), dropped{r.Hidden, r.Hidden, r.Vocabulary})
}

// lstmWork estimates the multiply-adds that are simulated: of repeated launches once where they are not all simulated.
func lstmWork(l LSTM) float64 {
	sites, recurrent := lstmProducts(l.Recurrent)
	draw, err := draw(l.Dropping, lstmSites(l.Recurrent), l.Groups, l.Samples, uint64(l.Seed), lstmKept(l.Recurrent))
	if err != nil {
		return 0
	}
	words, h := float64(l.Batch*l.Steps), float64(l.Hidden)
	work, seen := 0.0, map[string]bool{}
	count := func(multiplyAdds float64, launch ...any) {
		key := fmt.Sprint(launch...)
		if l.SimulatedRepeats == 0 || !seen[key] {
			work += multiplyAdds
		}
		seen[key] = true
	}
	for _, c := range draw.distinct() {
		for site, n := range sites {
			dp, bias := 1.0, 0
			if c.patterns != nil {
				dp, bias = 1/shares(c)[site], c.patterns[site].Bias
			}
			if l.method().Drops() != dropout.DropsTiles {
				bias = 0
			}
			count((3*words+lstmUpdateWork)*n/dp, n, dp, bias)
			work += lstmNormWork * n / dp
		}
		work += lstmFixedWork + lstmNormWork*recurrent
		for range l.Layers {
			count((words+lstmUpdateWork)*4*h*h, "recurrent weights")
			for range l.Steps {
				count(2*4*h*h*float64(max(l.Batch, 32)), "step") // whose tiles are 32 high
			}
		}
	}
	return work
}

// lstmMemory is the device memory of an iteration (weights, gradients, activations), the weights it starts from, and
// the simulator's own.
func lstmMemory(l LSTM) int64 {
	return (&workloads.LSTMSpec{Layers: l.Layers, Hidden: l.Hidden, Vocabulary: l.Vocabulary, Batch: l.Batch,
		Steps: l.Steps}).Memory() + 300<<20
}

// lstmKept is the multiply-adds of a word that a combination of patterns keeps of the products that dropout acts on.
func lstmKept(r Recurrent) func(share []float64) float64 {
	sites, _ := lstmProducts(r)
	return func(share []float64) (sum float64) {
		for i, n := range sites {
			sum += n * share[i]
		}
		return sum
	}
}

func runLSTM(ctx context.Context, _ *Host, spec LSTM, threads int, progress func(float64)) (Result, error) {
	gpu, err := loadGPU(spec.GPU)
	if err != nil {
		return Result{}, err
	}
	var known *workloads.Known // shared by the combinations
	if spec.SimulatedRepeats > 0 {
		known = &workloads.Known{Repeats: spec.SimulatedRepeats}
	}
	r, err := expectation(ctx, gpu, spec.Dropping, lstmSites(spec.Recurrent), spec.Groups, spec.Samples, uint64(spec.Seed),
		threads, progress, lstmKept(spec.Recurrent),
		func(ctx context.Context, rates []float64, c combination, opt workloads.Options) (*workloads.IterationResult, error) {
			return workloads.SimulateLSTM(ctx, gpu, workloads.LSTMSpec{Layers: spec.Layers, Hidden: spec.Hidden,
				Vocabulary: spec.Vocabulary, Batch: spec.Batch, Steps: spec.Steps, Method: dropout.Method(spec.Method),
				Rates: rates, Patterns: c.patterns, Groups: c.groups, GroupSteps: spec.GroupBy == string(train.GroupSteps),
				Tile: spec.Tile, LR: 1, Clip: 5, Seed: uint64(spec.Seed), Known: known}, opt)
		})
	if err != nil {
		return Result{}, err
	}
	sites, products := lstmProducts(spec.Recurrent)
	for _, n := range sites {
		products += n
	}
	r.FLOP = 6 * products * float64(spec.Batch*spec.Steps)
	how := "all launches simulated"
	if known != nil {
		how = fmt.Sprintf("%d of %d launches simulated, the others counted like one of these (same kernel, grid and "+
			"arguments)", r.SimulatedLaunches, r.Launches)
	}
	r.Coverage = "one training iteration: copies to the device, forward, back-propagation through time, clipping, " +
		"update; launch overhead included; " + how + r.Coverage
	r.Coverage += spec.rateCoverage()
	return Result{Sim: r}, nil
}
