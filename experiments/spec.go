// Package experiments turns a YAML file into points (one simulation or one training run each), runs those that the store
// lacks, and makes tables, figures and a report of them.
package experiments

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"warpdrop/dropout"
	"warpdrop/workloads"
)

// The json tag of a field is its key in YAML too. The jsonschema tag states its default and its range, for the decoder
// (decode.go) and for the JSON Schema (schema.go) alike; need:"true" marks a key that a point cannot do without.

// File is one experiment.
type File struct {
	Name     string   `json:"name" need:"true" jsonschema:"pattern=^[a-z0-9][a-z0-9-]*$" jsonschema_description:"Short name: lower-case letters, digits and dashes."`
	Title    string   `json:"title" need:"true" jsonschema_description:"Heading of the report."`
	Question string   `json:"question,omitempty" jsonschema_description:"The question that the report answers first."`
	Paper    string   `json:"paper,omitempty" jsonschema:"enum=fig1b,enum=fig4,enum=table1,enum=table2,enum=fig5,enum=fig6a,enum=fig6b" jsonschema_description:"Table or figure of the paper whose numbers are set beside ours."`
	Scale    string   `json:"scale,omitempty" jsonschema:"enum=smoke,enum=small,enum=paper,default=small" jsonschema_description:"Scale that is run when the command line names none."`
	Baseline string   `json:"baseline,omitempty" jsonschema:"enum=none,enum=dense,enum=dropconnect,default=dense" jsonschema_description:"Method whose time the speedups are relative to."`
	Figures  []string `json:"figures,omitempty" jsonschema_description:"Figures to draw, by name; without it all that the results allow."`
	Notes    []string `json:"notes,omitempty" jsonschema_description:"Remarks for the report."`
	Points   []Group  `json:"points" need:"true" jsonschema_description:"Groups of points; each is one kind of work with its parameters."`
}

// Group is a kind of work, its parameters, and the lists to sweep them over.
type Group struct {
	Search    *Search        `json:"search,omitempty" jsonschema_description:"Find a distribution of patterns (Algorithm 1)."`
	GEMM      *GEMM          `json:"gemm,omitempty" jsonschema_description:"Simulate one matrix product."`
	MLP       *MLP           `json:"mlp,omitempty" jsonschema_description:"Simulate a training iteration of a multi-layer perceptron."`
	LSTM      *LSTM          `json:"lstm,omitempty" jsonschema_description:"Simulate a training iteration of a word LSTM."`
	TrainMLP  *TrainMLP      `json:"train-mlp,omitempty" jsonschema_description:"Train a multi-layer perceptron on MNIST on the CPU."`
	TrainLSTM *TrainLSTM     `json:"train-lstm,omitempty" jsonschema_description:"Train a word LSTM on text on the CPU."`
	Launch    *Launch        `json:"launch,omitempty" jsonschema_description:"Simulate one launch of a kernel of your own."`
	DeepBench *DeepBench     `json:"deepbench,omitempty" jsonschema_description:"Simulate a product that was timed on a real GTX 1080 Ti."`
	Micro     *Microbench    `json:"microbench,omitempty" jsonschema_description:"Measure the simulated GPU's memory with kernels that read the clock."`
	Sweep     map[string]any `json:"sweep,omitempty" jsonschema_description:"Key: list of values. Every combination is a point."`
	Scales    *Scales        `json:"scales,omitempty" jsonschema_description:"What differs at a scale: keys of the kind of work, sweep, or skip: true."`
}

// Scales holds what differs at each scale.
type Scales struct {
	Smoke map[string]any `json:"smoke,omitempty"`
	Small map[string]any `json:"small,omitempty"`
	Paper map[string]any `json:"paper,omitempty"`
}

// ScaleNames are the scales from seconds to full size.
var ScaleNames = []string{"smoke", "small", "paper"}

// Spec is what a point computes: one of the kinds below, fully spelled out.
type Spec interface {
	Kind() string
	check() []problem
	// normal is the spec with the keys that its method does not heed at their defaults, so that one sweep over methods and
	// keys of some of them runs no point twice.
	normal() Spec
}

// problem is what is wrong with one key of a spec.
type problem struct{ key, text string }

// Dropping says what is dropped.
type Dropping struct {
	Method   string    `json:"method" need:"true" jsonschema:"enum=none,enum=dense,enum=masked,enum=dropconnect,enum=rdp,enum=tdp" jsonschema_description:"Way to drop: none; dense = conventional dropout by a mask; masked = skipping by if-else; dropconnect; rdp = row pattern; tdp = tile pattern."`
	Rates    []float64 `json:"rates" need:"true" jsonschema:"minimum=0,exclusiveMaximum=1" jsonschema_description:"Dropout rate of each hidden layer."`
	Patterns int       `json:"patterns" jsonschema:"minimum=0,maximum=65536,default=0" jsonschema_description:"Number N of patterns dp = 1 .. N to draw from; 0 = chosen from the rate."`
	Search   string    `json:"search" jsonschema:"enum=sgd,enum=exact,default=sgd" jsonschema_description:"How the distribution is found: sgd = Algorithm 1; exact = maximum entropy."`
	Tile     int       `json:"tile" jsonschema:"minimum=1,maximum=128,default=32" jsonschema_description:"Edge of TDP's square tile."`
	DP       int       `json:"dp" jsonschema:"minimum=0,maximum=65536,default=0" jsonschema_description:"Fix the pattern to one dp in place of a distribution; 0 = distribution."`
}

// approximate tells whether the method has patterns.
func (d Dropping) approximate() bool {
	return d.Method == string(dropout.RDP) || d.Method == string(dropout.TDP)
}

func (d Dropping) normal() Dropping {
	if !d.approximate() {
		d.Patterns, d.Search = 0, dropout.SGD
	}
	if d.Method != string(dropout.TDP) {
		d.Tile = 32
	}
	return d
}

// maxShared is the shared memory of one block in bytes (CUDA programming guide, compute capability 6.1).
const maxShared = 48 << 10

// dropped is what a rate drops from: units by rows, weights of inputs x outputs by tiles.
type dropped struct{ units, inputs, outputs int }

// check tests what the fields of d mean together; layers are in the order of Rates.
func (d Dropping) check(layers []dropped) (out []problem) {
	bad := func(key, format string, args ...any) { out = append(out, problem{key, fmt.Sprintf(format, args...)}) }
	if len(d.Rates) != len(layers) {
		bad("rates", "%d rates for %d layers; allowed is one rate a layer", len(d.Rates), len(layers))
		return out
	}
	// The tile GEMM keeps one tile of each operand in shared memory, as float32.
	if bytes := 2 * d.Tile * d.Tile * 4; bytes > maxShared {
		bad("tile", "tile of %d x %d takes %d bytes of shared memory for its two operands; allowed is up to %d bytes a block (tile up to %d)", d.Tile, d.Tile, bytes, maxShared, int(math.Sqrt(maxShared/8)))
	}
	if d.DP > 0 && !d.approximate() {
		bad("dp", "dp belongs to a pattern, method %s has none; allowed with rdp and tdp", d.Method)
	}
	if !d.approximate() {
		return out
	}
	for i, rate := range d.Rates {
		layer := layers[i]
		limit := dropout.MaxDP(dropout.Method(d.Method), layer.units, layer.inputs, layer.outputs, d.Tile)
		switch {
		case d.DP > limit:
			bad("dp", "dp = %d is over the maximum of layer %d of %d units; allowed is 1 to %d", d.DP, i+1, layer.units, limit)
		case d.DP == 0 && d.Patterns > limit:
			bad("patterns", "%d patterns are over the maximum dp of layer %d of %d units; allowed is up to %d", d.Patterns, i+1, layer.units, limit)
		case d.DP == 0 && d.Patterns > 0 && d.Patterns < dropout.MinPatterns(rate):
			bad("patterns", "%d patterns reach a rate of at most %.4g, not %g; allowed is %d or more", d.Patterns, float64(d.Patterns-1)/float64(d.Patterns), rate, dropout.MinPatterns(rate))
		}
	}
	return out
}

// Search finds the distribution of dp for a rate.
type Search struct {
	Rate     float64 `json:"rate" need:"true" jsonschema:"minimum=0,exclusiveMaximum=1" jsonschema_description:"Dropout rate to reach."`
	Patterns int     `json:"patterns" jsonschema:"minimum=0,maximum=65536,default=0" jsonschema_description:"Number N of patterns; 0 = chosen from the rate."`
	Search   string  `json:"search" jsonschema:"enum=sgd,enum=exact,default=sgd" jsonschema_description:"sgd = Algorithm 1; exact = maximum entropy."`
	Lambda1  float64 `json:"lambda1" jsonschema:"exclusiveMinimum=0,maximum=1,default=0.9" jsonschema_description:"Weight of the rate's error in Algorithm 1's loss."`
}

func (Search) Kind() string { return "search" }

func (s Search) normal() Spec { return s }

func (s Search) check() []problem {
	if s.Patterns > 0 && s.Patterns < dropout.MinPatterns(s.Rate) {
		return []problem{{"patterns", fmt.Sprintf("%d patterns reach a rate of at most %.4g, not %g; allowed is %d or more", s.Patterns, float64(s.Patterns-1)/float64(s.Patterns), s.Rate, dropout.MinPatterns(s.Rate))}}
	}
	return nil
}

// GEMM is one product C[m x n] = A[m x k] B[k x n].
type GEMM struct {
	GPU    string  `json:"gpu" jsonschema:"default=gtx1080ti" jsonschema_description:"GPU preset by name, or a preset file."`
	M      int     `json:"m" need:"true" jsonschema:"minimum=1,maximum=65536" jsonschema_description:"Rows of C."`
	N      int     `json:"n" need:"true" jsonschema:"minimum=1,maximum=65536" jsonschema_description:"Columns of C."`
	K      int     `json:"k" need:"true" jsonschema:"minimum=1,maximum=65536" jsonschema_description:"Length of the sums."`
	TA     bool    `json:"ta" jsonschema:"default=false" jsonschema_description:"A is stored transposed."`
	TB     bool    `json:"tb" jsonschema:"default=false" jsonschema_description:"B is stored transposed."`
	Method string  `json:"method" need:"true" jsonschema:"enum=dense,enum=masked,enum=rdp,enum=tdp" jsonschema_description:"dense, masked (if-else skipping), rdp or tdp."`
	Rate   float64 `json:"rate" jsonschema:"minimum=0,exclusiveMaximum=1,default=0" jsonschema_description:"Dropout rate of the masked method."`
	DP     int     `json:"dp" jsonschema:"minimum=1,maximum=65536,default=1" jsonschema_description:"rdp and tdp: one row or tile in dp is kept."`
	Bias   int     `json:"bias" jsonschema:"minimum=1,default=1" jsonschema_description:"rdp and tdp: offset of the pattern, 1 .. dp."`
	Tile   int     `json:"tile" jsonschema:"minimum=0,maximum=128,default=0" jsonschema_description:"Edge of the tile; 0 = chosen for the shape."`
	Pad    bool    `json:"pad" jsonschema:"default=true" jsonschema_description:"Pad rows of shared memory against bank conflicts."`
}

func (GEMM) Kind() string { return "gemm" }

func (g GEMM) normal() Spec {
	if g.Method != "rdp" && g.Method != "tdp" {
		g.DP, g.Bias = 1, 1
	}
	if g.Method != "masked" {
		g.Rate = 0
	}
	return g
}

func (g GEMM) check() (out []problem) {
	out = checkGPU(g.GPU)
	if bytes := 2 * g.Tile * g.Tile * 4; bytes > maxShared {
		out = append(out, problem{"tile", fmt.Sprintf("tile of %d x %d takes %d bytes of shared memory for its two operands; allowed is up to %d bytes a block", g.Tile, g.Tile, bytes, maxShared)})
	}
	if len(out) > 0 {
		return out
	}
	spec := g.workload()
	if err := spec.Check(); err != nil {
		key, text, _ := strings.Cut(err.Error(), ": ")
		out = append(out, problem{key, text})
	}
	return out
}

// Perceptron is the network that MLP simulates and TrainMLP trains.
type Perceptron struct {
	Inputs  int   `json:"inputs" jsonschema:"minimum=1,maximum=65536,default=784" jsonschema_description:"Width of the input."`
	Hidden  []int `json:"hidden" need:"true" jsonschema:"minimum=1,maximum=65536" jsonschema_description:"Width of each hidden layer."`
	Outputs int   `json:"outputs" jsonschema:"minimum=2,maximum=65536,default=10" jsonschema_description:"Number of classes."`
	Batch   int   `json:"batch" jsonschema:"minimum=1,maximum=65536,default=128" jsonschema_description:"Samples an iteration."`
}

func (p Perceptron) dropped() (out []dropped) {
	inputs := p.Inputs
	for _, n := range p.Hidden {
		out = append(out, dropped{n, inputs, n})
		inputs = n
	}
	return out
}

// MLP is a simulated training iteration: forward, backward by data and by weights, update.
type MLP struct {
	GPU string `json:"gpu" jsonschema:"default=gtx1080ti" jsonschema_description:"GPU preset by name, or a preset file."`
	Perceptron
	Dropping
	Update  string `json:"update" jsonschema:"enum=dense,enum=lazy,default=dense" jsonschema_description:"SGD with momentum on every weight, or lazily on kept ones."`
	Samples int    `json:"samples" jsonschema:"minimum=0,maximum=65536,default=0" jsonschema_description:"Pattern combinations to simulate, drawn by their probability; 0 = all, summed exactly."`
	Seed    int    `json:"seed" jsonschema:"minimum=0,default=1" jsonschema_description:"Seed of masks, patterns and data."`
}

func (MLP) Kind() string { return "mlp" }

func (m MLP) check() []problem {
	return slices.Concat(checkGPU(m.GPU), m.Dropping.check(m.dropped()), checkSamples(m.Samples))
}

func (m MLP) normal() Spec {
	m.Dropping = m.Dropping.normal()
	if !m.approximate() { // every weight has a gradient, and there are no patterns
		m.Update, m.Samples = workloads.UpdateDense, 0
	}
	return m
}

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

// LSTM is a simulated training iteration of a word LSTM.
type LSTM struct {
	GPU string `json:"gpu" jsonschema:"default=gtx1080ti" jsonschema_description:"GPU preset by name, or a preset file."`
	Recurrent
	Dropping
	Samples          int `json:"samples" jsonschema:"minimum=0,maximum=65536,default=0" jsonschema_description:"Pattern combinations to simulate, drawn by their probability; 0 = all, summed exactly."`
	SimulatedRepeats int `json:"simulated_repeats" jsonschema:"minimum=0,maximum=65536,default=0" jsonschema_description:"Launches alike (one kernel, grid and arguments, whatever matrices) to simulate, long ones once; the median of all but the first counts for those that follow. 0 = all."`
	Seed             int `json:"seed" jsonschema:"minimum=0,default=1" jsonschema_description:"Seed of masks, patterns and data."`
}

func (LSTM) Kind() string { return "lstm" }
func (l LSTM) check() []problem {
	out := slices.Concat(checkGPU(l.GPU), l.Dropping.check(l.dropped()), checkSamples(l.Samples))
	if l.Hidden%4 != 0 {
		out = append(out, problem{"hidden", fmt.Sprintf("%d is not a multiple of 4, which the simulated LSTM wants", l.Hidden)})
	}
	if l.Method == string(dropout.DropConnect) {
		out = append(out, problem{"method", "dropconnect is there for mlp only; allowed are none, dense, masked, rdp, tdp"})
	}
	if n := l.Batch * l.Steps; n > 65536 {
		out = append(out, problem{"batch", fmt.Sprintf("batch %d x %d steps are %d words; allowed is up to 65536", l.Batch, l.Steps, n)})
	}
	return out
}

func (l LSTM) normal() Spec {
	l.Dropping = l.Dropping.normal()
	if !l.approximate() {
		l.Samples = 0
	}
	return l
}

// TrainMLP is a training run on MNIST.
type TrainMLP struct {
	Perceptron
	Dropping
	LearningRate float64 `json:"learning_rate" jsonschema:"exclusiveMinimum=0,maximum=100,default=0.01" jsonschema_description:"Step of SGD."`
	Momentum     float64 `json:"momentum" jsonschema:"minimum=0,exclusiveMaximum=1,default=0.9" jsonschema_description:"Momentum of SGD."`
	Epochs       int     `json:"epochs" jsonschema:"minimum=1,maximum=100000,default=1" jsonschema_description:"Passes over the training set."`
	TrainSamples int     `json:"train_samples" jsonschema:"minimum=0,maximum=60000,default=0" jsonschema_description:"Images of the training set to use, 0 = all 60,000."`
	Seed         int     `json:"seed" jsonschema:"minimum=0,default=1" jsonschema_description:"Seed of weights, order and masks; sweep it for a spread."`
}

func (TrainMLP) Kind() string { return "train-mlp" }

func (t TrainMLP) normal() Spec { t.Dropping = t.Dropping.normal(); return t }

func (t TrainMLP) check() (out []problem) {
	out = t.Dropping.check(t.dropped())
	if t.Inputs != 784 {
		out = append(out, problem{"inputs", fmt.Sprintf("%d inputs; MNIST has 784", t.Inputs)})
	}
	if t.Outputs != 10 {
		out = append(out, problem{"outputs", fmt.Sprintf("%d outputs; MNIST has 10", t.Outputs)})
	}
	return out
}

// TrainLSTM is a training run on text (ptb.train.txt, ptb.valid.txt, ptb.test.txt in the data folder).
type TrainLSTM struct {
	Recurrent
	Dropping
	LearningRate float64 `json:"learning_rate" jsonschema:"exclusiveMinimum=0,maximum=100,default=1" jsonschema_description:"First step of SGD, decaying."`
	Epochs       int     `json:"epochs" jsonschema:"minimum=1,maximum=100000,default=1" jsonschema_description:"Passes over the training text."`
	Tokens       int     `json:"tokens" jsonschema:"minimum=0,default=0" jsonschema_description:"Words of the training text to use, 0 = all."`
	Seed         int     `json:"seed" jsonschema:"minimum=0,default=1" jsonschema_description:"Seed of weights, order and masks."`
}

func (TrainLSTM) Kind() string       { return "train-lstm" }
func (t TrainLSTM) check() []problem { return t.Dropping.check(t.dropped()) }
func (t TrainLSTM) normal() Spec     { t.Dropping = t.Dropping.normal(); return t }

// Launch is one launch of a user's kernel. Files are named from the folder that warpdrop runs in; their contents are part of
// the point's name.
type Launch struct {
	GPU    string   `json:"gpu" jsonschema:"default=gtx1080ti" jsonschema_description:"GPU preset by name, or a preset file."`
	Cubin  string   `json:"cubin" need:"true" jsonschema_description:"File of sm_50 to sm_62 machine code."`
	Kernel string   `json:"kernel" need:"true" jsonschema_description:"Kernel of the file."`
	Grid   []int    `json:"grid" need:"true" jsonschema:"minimum=1,maximum=2147483647" jsonschema_description:"Blocks: x, y and z, or fewer."`
	Block  []int    `json:"block" need:"true" jsonschema:"minimum=1,maximum=1024" jsonschema_description:"Threads of a block: x, y and z, or fewer."`
	Shared int      `json:"shared" jsonschema:"minimum=0,maximum=49152,default=0" jsonschema_description:"Bytes of dynamic shared memory a block."`
	Args   []string `json:"args" jsonschema_description:"A kernel argument each, as warpdrop sim --arg takes them: i32:5, f32:0.5, buf:4096, buf:4096:file=x.bin."`
}

func (Launch) Kind() string   { return "launch" }
func (l Launch) normal() Spec { return l }

func (l Launch) check() (out []problem) {
	out = checkGPU(l.GPU)
	if _, err := os.Stat(l.Cubin); err != nil {
		out = append(out, problem{"cubin", err.Error()})
	}
	for _, a := range l.Args {
		if strings.HasPrefix(a, "buf:") && strings.Contains(a, "out=") {
			out = append(out, problem{"args", fmt.Sprintf("args has %q; allowed here are buffers without out=, warpdrop sim writes files", a)})
		}
	}
	for _, dim := range []struct {
		key  string
		size []int
	}{{"grid", l.Grid}, {"block", l.Block}} {
		if len(dim.size) > 3 {
			out = append(out, problem{dim.key, fmt.Sprintf("%s has %d sizes; allowed are 1 to 3", dim.key, len(dim.size))})
		}
	}
	return out
}

// DeepBench is one product of the table of real times that comes with package workloads.
type DeepBench struct {
	Row   int `json:"row" need:"true" jsonschema:"minimum=1,maximum=1000" jsonschema_description:"Row of the table, from 1."`
	Clock int `json:"clock" jsonschema:"minimum=100,maximum=10000,default=1700" jsonschema_description:"Core clock in MHz that the real GPU is taken to have run at; its memory's clock is the preset's."`
}

func (DeepBench) Kind() string   { return "deepbench" }
func (d DeepBench) normal() Spec { return d }

func (d DeepBench) check() []problem {
	if n := len(workloads.DeepBench()); d.Row > n {
		return []problem{{"row", fmt.Sprintf("row is %d; the table has 1 to %d", d.Row, n)}}
	}
	return nil
}

// product is the row.
func (d DeepBench) product() workloads.MeasuredGEMM { return workloads.DeepBench()[d.Row-1] }

// Microbench measures a preset as one measures a real GPU.
type Microbench struct {
	GPU string `json:"gpu" jsonschema:"default=gtx1080ti" jsonschema_description:"GPU preset by name, or a preset file."`
}

func (Microbench) Kind() string       { return "microbench" }
func (m Microbench) check() []problem { return checkGPU(m.GPU) }
func (m Microbench) normal() Spec     { return m }

// kinds makes an empty spec of each kind, in the order of Group.
var kinds = []struct {
	name string
	make func() any
}{
	{"search", func() any { return &Search{} }},
	{"gemm", func() any { return &GEMM{} }},
	{"mlp", func() any { return &MLP{} }},
	{"lstm", func() any { return &LSTM{} }},
	{"train-mlp", func() any { return &TrainMLP{} }},
	{"train-lstm", func() any { return &TrainLSTM{} }},
	{"launch", func() any { return &Launch{} }},
	{"deepbench", func() any { return &DeepBench{} }},
	{"microbench", func() any { return &Microbench{} }},
}

// Kinds are the names of the kinds of work.
func Kinds() (names []string) {
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

// newSpec makes a pointer to an empty spec, nil for a kind that is none.
func newSpec(kind string) any {
	for _, k := range kinds {
		if k.name == kind {
			return k.make()
		}
	}
	return nil
}
