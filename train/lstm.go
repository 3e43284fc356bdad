package train

import (
	"context"
	"fmt"
	"math"

	"warpdrop/dropout"
	"warpdrop/internal/hostmem"
)

// LSTMConfig is a training run of a word LSTM on text: truncated back-propagation, plain SGD whose step decays,
// clipping.
type LSTMConfig struct {
	Layers, Hidden int // Hidden: also the width of the embedding
	Vocabulary     int
	Batch, Steps   int
	Epochs         int
	LR             float64 // of the first DecayAfter epochs; each later one multiplies it by Decay
	Decay          float64
	DecayAfter     int
	Clip           float64 // largest norm of all gradients together; 0 = none
	Init           float64 // weights start uniform in [-Init, Init]
	Method         dropout.Method
	// dense: one mask of input units for all words of a window, as RDP and TDP have it
	SharedMask bool `json:",omitempty"`
	// at the input of each LSTM layer; the last one also at that of the softmax layer
	Rates         []float64
	Distributions []dropout.Distribution // rdp, tdp: of dp, one a rate
	// rdp, tdp: what is kept is multiplied by the iteration's dp, in place of 1/(1 - reached rate)
	ScaleByDP bool `json:",omitempty"`
	Of        int  `json:",omitempty"` // rows-k: n of k rows of every n; 0 = chosen from the rate
	// methods that drop rows: groups of the window with a pattern each; 0 and 1 = one for all
	Groups     int     `json:",omitempty"`
	GroupBy    GroupBy `json:",omitempty"`
	Tile       int     // methods that drop tiles: edge of one
	Seed       uint64
	BLAS       string // see newEngine
	Threads    int    // 0 = all CPUs
	Data       string // see LoadText
	TextDigest string `json:",omitempty"` // what the text has to be; empty: any. See TextDigest
	Tokens     int    // words of the training text to use, 0 = all
	Saving
}

// DefaultLSTM has what Zaremba et al. chose for a size: their small (hidden 200), medium (650) and large (1500)
// networks. Dropping, data, seed and threads are left open.
func DefaultLSTM(hidden int) LSTMConfig {
	c := LSTMConfig{Layers: 2, Hidden: hidden, Vocabulary: 10000, Batch: 20, Steps: 35, Epochs: 13, LR: 1, Decay: 0.5,
		DecayAfter: 4, Clip: 5, Init: 0.1, Method: dropout.None, Tile: 32, Seed: 1}
	switch {
	case hidden >= 1000:
		c.Epochs, c.Decay, c.DecayAfter, c.Clip, c.Init = 55, 1/1.15, 14, 10, 0.04
	case hidden >= 400:
		c.Epochs, c.Decay, c.DecayAfter, c.Clip, c.Init = 39, 1/1.2, 6, 5, 0.05
	}
	return c
}

// Check reports the first value that is out of its range.
func (c *LSTMConfig) Check() error {
	for _, r := range []struct {
		name           string
		n, least, most int
	}{{"layers", c.Layers, 1, 16}, {"hidden", c.Hidden, 1, 65536}, {"vocabulary", c.Vocabulary, 3, 1000000},
		{"batch", c.Batch, 1, 65536}, {"steps", c.Steps, 1, 1024},
		{"epochs", c.Epochs, 1, 100000}, {"decay after", c.DecayAfter, 0, 100000}, {"tokens", c.Tokens, 0, math.MaxInt32}} {
		if r.n < r.least || r.n > r.most {
			return fmt.Errorf("train: %s: %d is not in %d..%d", r.name, r.n, r.least, r.most)
		}
	}
	switch {
	case !(c.LR > 0) || math.IsInf(c.LR, 0):
		return fmt.Errorf("train: learning rate: %g is not above 0", c.LR)
	case !(c.Decay > 0 && c.Decay <= 1):
		return fmt.Errorf("train: decay: %g is not in (0, 1]", c.Decay)
	case !(c.Clip >= 0):
		return fmt.Errorf("train: clip: %g is not 0 (none) or above", c.Clip)
	case !(c.Init > 0) || math.IsInf(c.Init, 0):
		return fmt.Errorf("train: init: %g is not above 0", c.Init)
	}
	if c.SharedMask && c.Method != dropout.Dense && c.Method != dropout.Masked {
		return fmt.Errorf("train: shared mask: method %s has no masks, allowed with %s and %s", c.Method, dropout.Dense,
			dropout.Masked)
	}
	if err := checkDropping(c.Method, dropout.LSTM.Methods(), c.Rates, c.Distributions, c.Layers, c.Tile,
		c.ScaleByDP); err != nil {
		return err
	}
	if err := c.checkGroups(); err != nil {
		return err
	}
	for i := range c.Layers + 1 {
		if _, err := c.stream(i); err != nil {
			return fmt.Errorf("train: %w", err)
		}
	}
	return nil
}

// checkGroups refuses groups that the method or the window does not have.
func (c *LSTMConfig) checkGroups() error {
	most := c.Batch
	switch c.GroupBy {
	case "", GroupSamples:
	case GroupSteps:
		most = c.Steps
	default:
		return fmt.Errorf("train: group by: %q is not one of %s, %s", c.GroupBy, GroupSamples, GroupSteps)
	}
	return checkGroups(c.Method, c.Groups, most)
}

// checkGroups refuses more groups than there are samples or steps, and methods that have none.
func checkGroups(m dropout.Method, groups, most int) error {
	switch {
	case groups < 0 || groups > min(most, dropout.MaxGroups):
		return fmt.Errorf("train: groups: %d is not in 0..%d", groups, min(most, dropout.MaxGroups))
	case groups > 1 && m.Drops() != dropout.DropsRows:
		rows := dropout.MethodsWith(func(k *dropout.Kind) bool { return k.Drops == dropout.DropsRows })
		return fmt.Errorf("train: groups: method %s has one pattern or mask for all, allowed with %s", m, dropout.Names(rows))
	}
	return nil
}

// rateOf is the index of the rate of a site: the last layer's rate is the softmax layer's too.
func (c *LSTMConfig) rateOf(site int) int { return min(site, c.Layers-1) }

// width is how many columns the weights behind a site have.
func (c *LSTMConfig) width(site int) int {
	if site == c.Layers {
		return c.Vocabulary
	}
	return 4 * c.Hidden
}

// stream draws the patterns of a site; nil where the method has none.
func (c *LSTMConfig) stream(site int) (*dropout.Stream, error) {
	return newStream(c.Method, c.Rates, c.Distributions, c.Of, c.rateOf(site),
		dropout.ShapeOf(c.Hidden, c.Hidden, c.width(site), c.Tile), c.Seed, site)
}

// rate is the step of an epoch, from 1.
func (c *LSTMConfig) rate(epoch int) float64 {
	return c.LR * math.Pow(c.Decay, float64(max(0, epoch-c.DecayAfter)))
}

// Memory is what a training needs, about: weights, gradients, copies of weights and what a window's words leave.
func (c *LSTMConfig) Memory() int64 {
	h, v, layers := float64(c.Hidden), float64(c.Vocabulary), float64(c.Layers)
	words := float64(c.Batch) * float64(c.Steps)
	return int64(4 * (3*(layers*8*h*h+h*v) + v*h + words*(2*v+layers*16*h)))
}

// TrainLSTM runs cfg to its end, or until ctx ends (Result.Stopped). Methods with patterns compute products of the kept
// input units or tiles only. With gonum's BLAS the result depends on the seed and not on the number of threads.
func TrainLSTM(ctx context.Context, cfg LSTMConfig, progress func(Progress)) (*Result, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if err := hostmem.Check("train: the network", cfg.Memory()); err != nil {
		return nil, err
	}
	text, err := LoadText(cfg.Data, cfg.Vocabulary)
	if err != nil {
		return nil, err
	}
	if cfg.TextDigest != "" && text.Digest != cfg.TextDigest {
		return nil, fmt.Errorf("train: text: %s is not the text that was asked for: its SHA-256 is %s, expected is %s; "+
			"it was changed since", cfg.Data, text.Digest, cfg.TextDigest)
	}
	if cfg.Tokens > 0 {
		if cfg.Tokens > len(text.Train) {
			return nil, fmt.Errorf("train: tokens: %d, the training text has %d words", cfg.Tokens, len(text.Train))
		}
		text.Train = text.Train[:cfg.Tokens]
	}
	for _, part := range []struct {
		name  string
		words []int32
		least int
	}{{"training", text.Train, cfg.Batch * (cfg.Steps + 1)}, {"validation", text.Valid, 2 * cfg.Batch},
		{"test", text.Test, 2 * cfg.Batch}} {
		if len(part.words) < part.least {
			return nil, fmt.Errorf("train: text: %d words of %s text, at least %d are needed for %d sequences",
				len(part.words), part.name, part.least, cfg.Batch)
		}
	}
	e, err := newEngine(cfg.BLAS, cfg.Threads)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	m, err := newLSTM(e, cfg)
	if err != nil {
		return nil, err
	}
	res := newResult(cfg.Method, e)
	for _, c := range m.cells {
		res.reached(c.stream)
	}
	t := training{Saving: cfg.Saving, kind: "lstm", data: text.Digest, config: cfg.common(), epochs: cfg.Epochs,
		per: (len(text.Train)/cfg.Batch - 1) / cfg.Steps, samples: cfg.Batch * cfg.Steps, notify: 5, models: m.models,
		progress: progress}
	if err := t.run(ctx, &lstmRun{lstm: m, text: text}, res); err != nil {
		return nil, err
	}
	return res, nil
}

// common is what a resumed run has to have in common with the one before: all but the number of epochs, where data lie,
// and how it is computed.
func (c LSTMConfig) common() any {
	c.Epochs, c.BLAS, c.Threads, c.Data, c.TextDigest, c.Saving = 0, "", 0, "", "", Saving{}
	return c
}

// lstmRun is the model of a run on text.
type lstmRun struct {
	*lstm
	text *Text
	lr   float64
}

func (r *lstmRun) start(epoch, done int) {
	r.lr = r.cfg.rate(epoch)
	if done == 0 {
		r.reset()
	}
}

func (r *lstmRun) iterate(i int, iteration uint64) (float64, error) {
	r.load(r.text.Train, i*r.cfg.Steps, r.cfg.Steps)
	err := r.step(iteration, float32(r.lr))
	return r.loss / float64(r.cfg.Steps*r.cfg.Batch), err
}

func (r *lstmRun) measure(em *EpochMetrics) {
	em.LearningRate = r.lr
	em.Perplexity, _ = r.evaluate(r.text.Valid)
	em.TestPerplexity, em.TestAccuracy = r.evaluate(r.text.Test)
}

func (r *lstmRun) matrices() []*matrix { return nil } // plain SGD has nothing to make up for

func (r *lstmRun) state() []array {
	out := []array{{"embedding", bitsOf(r.embedding)}, {"softmax: weights", bitsOf(r.out.w)},
		{"softmax: bias", bitsOf(r.outBias)}}
	for i, c := range r.cells {
		k := c.batch * c.hidden
		for _, a := range []array{{"input weights", bitsOf(c.w)}, {"recurrent weights", bitsOf(c.recurrent.w)},
			{"bias", bitsOf(c.bias)}, {"h", bitsOf(c.h[:k])}, {"c", bitsOf(c.c[:k])}} {
			out = append(out, array{fmt.Sprintf("layer %d: %s", i+1, a.name), a.values})
		}
	}
	return out
}
