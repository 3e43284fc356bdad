package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"warpdrop/dropout"
	"warpdrop/internal/hostmem"
)

// MLPConfig is a training run of a perceptron 784-Hidden…-10 on MNIST: ReLU, softmax with cross-entropy, SGD with
// momentum.
type MLPConfig struct {
	Hidden        []int
	Batch         int
	Epochs        int
	LR, Momentum  float32
	Method        dropout.Method
	Rates         []float64              // one a hidden layer
	Distributions []dropout.Distribution // rdp, tdp: of dp, one a hidden layer
	// rdp, tdp: what is kept is multiplied by the iteration's dp, in place of 1/(1 - reached rate)
	ScaleByDP bool `json:",omitempty"`
	Of        int  `json:",omitempty"` // rows-k: n of k rows of every n; 0 = chosen from the rate
	// methods that drop rows: groups of the batch with a pattern each; 0 and 1 = one for all
	Groups       int `json:",omitempty"`
	Tile         int // methods that drop tiles: edge of one
	Seed         uint64
	BLAS         string // see newEngine
	Threads      int    // 0 = all CPUs
	DataDir      string // see LoadMNIST
	TrainSamples int    // 0 = all
	Saving
}

// Check reports the first value that is out of its range.
func (c *MLPConfig) Check() error {
	if len(c.Hidden) == 0 {
		return errors.New("train: hidden: no layer, want at least one")
	}
	for i, n := range c.Hidden {
		if n < 1 || n > 65536 {
			return fmt.Errorf("train: hidden[%d]: %d is not in 1..65536", i, n)
		}
	}
	switch {
	case c.Batch < 1 || c.Batch > 60000:
		return fmt.Errorf("train: batch: %d is not in 1..60000", c.Batch)
	case c.Epochs < 1:
		return fmt.Errorf("train: epochs: %d is not above 0", c.Epochs)
	case !(c.LR > 0) || math.IsInf(float64(c.LR), 0):
		return fmt.Errorf("train: learning rate: %g is not above 0", c.LR)
	case !(c.Momentum >= 0 && c.Momentum < 1):
		return fmt.Errorf("train: momentum: %g is not in [0, 1)", c.Momentum)
	case c.TrainSamples < 0 || c.TrainSamples > 60000 || c.TrainSamples > 0 && c.TrainSamples < c.Batch:
		return fmt.Errorf("train: samples: %d is not in %d..60000, nor 0 for all", c.TrainSamples, c.Batch)
	}
	if err := checkDropping(c.Method, dropout.MLP.Methods(), c.Rates, c.Distributions, len(c.Hidden), c.Tile,
		c.ScaleByDP); err != nil {
		return err
	}
	if err := checkGroups(c.Method, c.Groups, c.Batch); err != nil {
		return err
	}
	for i := range c.Hidden {
		if _, err := c.stream(i); err != nil {
			return fmt.Errorf("train: %w", err)
		}
	}
	return nil
}

// stream draws the patterns of hidden layer i; nil where the method has none.
func (c *MLPConfig) stream(i int) (*dropout.Stream, error) {
	in := imagePixels
	if i > 0 {
		in = c.Hidden[i-1]
	}
	return newStream(c.Method, c.Rates, c.Distributions, c.Of, i, dropout.ShapeOf(c.Hidden[i], in, c.Hidden[i], c.Tile),
		c.Seed, i)
}

// newStream makes the stream of patterns of a layer, with the rate and distribution at index i.
func newStream(m dropout.Method, rates []float64, ds []dropout.Distribution, of, i int, s dropout.Shape, seed uint64,
	layer int) (*dropout.Stream, error) {
	if !m.Approximate() {
		return nil, nil
	}
	o := dropout.Options{Rate: rates[i], Of: of}
	if m.HasDP() {
		o.Distribution = ds[i]
	}
	return dropout.NewStream(m, o, s, seed, layer)
}

// checkDropping checks what both networks say of dropout.
func checkDropping(method dropout.Method, offered []dropout.Method, rates []float64, ds []dropout.Distribution, layers,
	tile int, scaleByDP bool) error {
	err := dropout.Check(method, offered, rates, layers)
	if err == nil && method.Approximate() {
		err = dropout.CheckDistributions(method, ds, layers, tile)
	}
	if err == nil && scaleByDP && !method.HasDP() {
		err = fmt.Errorf("scale by dp: method %s has no dp, allowed with %s",
			method, dropout.Names(dropout.MethodsWith((*dropout.Kind).HasDP)))
	}
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return nil
}

// Memory is what a training needs, about: weights, momenta, gradients and copies of weights.
func (c *MLPConfig) Memory() int64 {
	weights, from := 0.0, imagePixels
	for _, n := range append(slices.Clone(c.Hidden), imageClasses) {
		weights += float64(from) * float64(n)
		from = n
	}
	return int64(16 * weights)
}

// TrainMLP runs cfg to its end, or until ctx ends (Result.Stopped). Methods with patterns compute products of the kept
// rows or tiles only. With gonum's BLAS the result depends on the seed and not on the number of threads.
func TrainMLP(ctx context.Context, cfg MLPConfig, progress func(Progress)) (*Result, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if err := hostmem.Check("train: the network", cfg.Memory()); err != nil {
		return nil, err
	}
	data, err := sharedMNIST(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	if cfg.TrainSamples > 0 {
		data.Train = data.Train.First(cfg.TrainSamples)
	}
	e, err := newEngine(cfg.BLAS, cfg.Threads)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	m, err := newMLP(e, cfg)
	if err != nil {
		return nil, err
	}
	res := newResult(cfg.Method, e)
	for _, l := range m.layers {
		res.reached(l.stream)
	}
	t := training{Saving: cfg.Saving, kind: "mlp", config: cfg.common(), epochs: cfg.Epochs,
		per: data.Train.Len() / cfg.Batch, samples: cfg.Batch, notify: 20, models: m.models, progress: progress}
	if err := t.run(ctx, &mlpRun{mlp: m, data: &data, order: make([]int, data.Train.Len())}, res); err != nil {
		return nil, err
	}
	return res, nil
}

// common is what a resumed run has to have in common with the one before: all but the number of epochs, where data lie,
// and how it is computed.
func (c MLPConfig) common() any {
	c.Epochs, c.BLAS, c.Threads, c.DataDir, c.Saving = 0, "", 0, "", Saving{}
	return c
}

// mlpRun is the model of a run on MNIST.
type mlpRun struct {
	*mlp
	data  *MNIST
	order []int
}

func (r *mlpRun) start(epoch, _ int) { shuffle(r.order, r.cfg.Seed, epoch) }

func (r *mlpRun) iterate(i int, iteration uint64) (float64, error) {
	b := r.cfg.Batch
	r.load(r.data.Train, r.order[i*b:(i+1)*b])
	err := r.step(iteration)
	return r.loss, err
}

func (r *mlpRun) measure(em *EpochMetrics) {
	em.TestAccuracy = r.accuracy(r.data.Test)
	em.LearningRate = float64(r.cfg.LR)
}

func (r *mlpRun) matrices() (out []*matrix) {
	for _, l := range r.layers {
		out = append(out, l.matrix)
	}
	return out
}

func (r *mlpRun) state() (out []array) {
	for i, l := range r.layers {
		l.leaveTiles()
		for _, a := range []array{{"weights", bitsOf(l.w)}, {"velocities", bitsOf(l.v)}, {"bias", bitsOf(l.bias)},
			{"velocities of bias", bitsOf(l.biasV)}, {"stamps", l.stamps}} {
			out = append(out, array{fmt.Sprintf("layer %d: %s", i+1, a.name), a.values})
		}
	}
	return out
}

// shuffle is the order of an epoch. It depends on seed and epoch only, so that a resumed run needs no state of it.
func shuffle(order []int, seed uint64, epoch int) {
	for i := range order {
		order[i] = i
	}
	rng := rand.New(rand.NewPCG(seed, uint64(epoch)<<8|orderStream))
	rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
}

// The streams of random numbers that a seed has beside those of package dropout.
const (
	weightStream = 1
	orderStream  = 2
)
