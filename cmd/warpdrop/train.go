package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"warpdrop/dropout"
	"warpdrop/internal/atomicfile"
	"warpdrop/train"
)

func newTrainCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "train",
		Short: "Train the perceptron on MNIST or the word LSTM on text, on the CPU",
		Long: `Train on the CPU, without dropout, with conventional dropout or with patterns, whose products are of the kept rows or
tiles only.`,
	}
	c.AddCommand(newTrainMLPCommand(), newTrainLSTMCommand())
	return c
}

// trainFlags are those of both networks.
type trainFlags struct {
	method, search, scale   string
	blas, metrics           string
	rates                   []float64
	patterns, tile, threads int
	of                      int
	seed                    uint64
	asJSON                  bool
	saving                  train.Saving
}

func (t *trainFlags) add(c *cobra.Command, n dropout.Network) {
	f := c.Flags()
	f.StringVar(&t.method, "method", "dense", dropout.Names(n.Methods())+"; dense is conventional dropout")
	f.IntVar(&t.of, "of", 0,
		"rows-k: k of every so many rows are kept (0: from 10 on, one that has the rate and, if there is any, divides the "+
			"layer)")
	f.Float64SliceVar(&t.rates, "rate", []float64{0.5}, "dropout rate: one for all layers, or one a layer")
	f.IntVar(&t.patterns, "patterns", 0, "rdp, tdp: number N of patterns dp = 1 .. N (0: chosen from the rate)")
	f.StringVar(&t.search, "search", dropout.TrainingSearch(n),
		"rdp, tdp: how the distribution of dp is found: exact (largest entropy), sgd (Algorithm 1) or balanced (least "+
			"spread of the kept share)")
	f.StringVar(&t.scale, "scale", "rate",
		"rdp, tdp: what is kept is multiplied by 1/(1-rate) in every iteration (rate), or by the iteration's dp (dp)")
	f.IntVar(&t.tile, "tile", 32, "methods that drop tiles: edge of one")
	f.Uint64Var(&t.seed, "seed", 1, "seed of weights, order, masks and patterns")
	f.StringVar(&t.blas, "blas", train.BLASAuto,
		"auto (OpenBLAS where it is found, else panels where the processor can, else gonum), gonum, openblas, panels "+
			"(this package's own, AVX2 or AVX-512), or the path of a library with BLAS's Fortran interface")
	f.IntVar(&t.threads, "threads", 0, "threads (0: one a core)")
	outputVar(f, &t.saving.Checkpoint, "checkpoint",
		"keep the state in this file: after every epoch, and when stopped (Ctrl-C)")
	f.BoolVar(&t.saving.Resume, "resume", false, "go on from --checkpoint where that file is there")
	outputVar(f, &t.metrics, "metrics", "write the metrics of each epoch to this file: .csv, else JSON lines")
	f.BoolVar(&t.asJSON, "json", false, "print the result as one JSON object")
}

// dropping is the rate and the distribution of dp of each of n layers.
func (t *trainFlags) dropping(n int) (rates []float64, ds []dropout.Distribution, err error) {
	if len(t.rates) != 1 && len(t.rates) != n {
		return nil, nil, usagef("--rate has %d values; allowed are 1 and %d, one a layer", len(t.rates), n)
	}
	if _, err := dropout.ParseScale(t.scale); err != nil || t.scale == "" {
		return nil, nil, usagef("--scale %q; allowed are %s and %s", t.scale, dropout.ScaleRate, dropout.ScaleDP)
	}
	method := dropout.Method(t.method)
	for i := range n {
		rate := t.rates[min(i, len(t.rates)-1)]
		rates = append(rates, rate)
		if !method.HasDP() {
			continue
		}
		opt := dropout.DefaultSearch()
		opt.Method, opt.Patterns = t.search, t.patterns
		d, _, err := dropout.Search(rate, opt)
		if err != nil {
			return nil, nil, usageError{err}
		}
		ds = append(ds, d)
	}
	return rates, ds, nil
}

func newTrainMLPCommand() *cobra.Command {
	var t trainFlags
	cfg := train.MLPConfig{}
	c := &cobra.Command{
		Use:   "mlp",
		Short: "Train a perceptron 784-…-10 on MNIST",
		Long: `Train a perceptron 784-…-10 on MNIST: ReLU, softmax with cross-entropy, SGD with momentum.

MNIST is read from the folder --data or $WARPDROP_MNIST, else from Go's module cache, where it came with this program's modules.`,
		Example: `  warpdrop train mlp --hidden 128 --epochs 1 --train-samples 6000
  warpdrop train mlp --hidden 2048,2048 --method rdp --rate 0.5 --epochs 20 --checkpoint rdp.checkpoint --resume --metrics rdp.csv`,
		Args: exactArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if cfg.Rates, cfg.Distributions, err = t.dropping(len(cfg.Hidden)); err != nil {
				return err
			}
			cfg.Method, cfg.Tile, cfg.Seed, cfg.BLAS, cfg.Threads, cfg.Saving = dropout.Method(t.method), t.tile, t.seed, t.blas,
				t.threads, t.saving
			cfg.ScaleByDP, cfg.Of = t.scale == "dp", t.of
			if err := cfg.Check(); err != nil {
				return usageError{err}
			}
			return t.run(cmd, func(progress func(train.Progress)) (*train.Result, error) {
				return train.TrainMLP(cmd.Context(), cfg, progress)
			})
		},
	}
	f := c.Flags()
	f.IntSliceVar(&cfg.Hidden, "hidden", []int{1024, 1024}, "width of each hidden layer")
	f.IntVar(&cfg.Batch, "batch", 128, "samples an iteration")
	f.IntVar(&cfg.Epochs, "epochs", 10, "passes over the training set")
	f.Float32Var(&cfg.LR, "learning-rate", 0.01, "step of SGD")
	f.Float32Var(&cfg.Momentum, "momentum", 0.9, "momentum of SGD")
	f.IntVar(&cfg.Groups, "groups", 1, "methods that drop rows: groups of the batch's samples with a pattern each")
	f.IntVar(&cfg.TrainSamples, "train-samples", 0, "images to train with (0: all 60,000)")
	f.StringVar(&cfg.DataDir, "data", "", "folder with the four files of MNIST, gzipped")
	t.add(c, dropout.MLP)
	return c
}

func newTrainLSTMCommand() *cobra.Command {
	var t trainFlags
	cfg := train.DefaultLSTM(200)
	c := &cobra.Command{
		Use:   "lstm",
		Short: "Train a word LSTM on text",
		Long: `Train a word LSTM on text: truncated back-propagation, SGD with a decaying step, clipping, dropout on the non-recurrent connections.

--data (or $WARPDROP_TEXT) is a folder with ptb.train.txt, ptb.valid.txt and ptb.test.txt, as of the Penn Treebank, or the same names without
"ptb.", each gzipped (.gz) or not; or one text file, whose lines are cut 90 : 5 : 5. Flags that are not given have what Zaremba et al. (2014) chose
for networks of 200, 650 and 1500 units.`,
		Example: `  warpdrop train lstm --data ptb --hidden 200 --method none
  warpdrop train lstm --data book.txt --vocabulary 2000 --hidden 128 --method rdp --rate 0.5 --checkpoint book.checkpoint --resume`,
		Args: exactArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			// What is not asked for goes by the size.
			d, f := train.DefaultLSTM(cfg.Hidden), cmd.Flags()
			for _, one := range []struct {
				name string
				set  func()
			}{
				{"epochs", func() { cfg.Epochs = d.Epochs }}, {"decay", func() { cfg.Decay = d.Decay }},
				{"decay-after", func() { cfg.DecayAfter = d.DecayAfter }},
				{"clip", func() { cfg.Clip = d.Clip }}, {"init", func() { cfg.Init = d.Init }}} {
				if !f.Changed(one.name) {
					one.set()
				}
			}
			var err error
			if cfg.Rates, cfg.Distributions, err = t.dropping(cfg.Layers); err != nil {
				return err
			}
			cfg.Method, cfg.Tile, cfg.Seed, cfg.BLAS, cfg.Threads, cfg.Saving = dropout.Method(t.method), t.tile, t.seed, t.blas,
				t.threads, t.saving
			cfg.ScaleByDP, cfg.Of = t.scale == "dp", t.of
			if cfg.Groups <= 1 {
				cfg.Groups, cfg.GroupBy = min(cfg.Groups, 0), ""
			}
			if err := cfg.Check(); err != nil {
				return usageError{err}
			}
			return t.run(cmd, func(progress func(train.Progress)) (*train.Result, error) {
				return train.TrainLSTM(cmd.Context(), cfg, progress)
			})
		},
	}
	f := c.Flags()
	f.IntVar(&cfg.Layers, "layers", cfg.Layers, "LSTM layers")
	f.IntVar(&cfg.Hidden, "hidden", cfg.Hidden, "width of each layer and of the embedding")
	f.IntVar(&cfg.Vocabulary, "vocabulary", cfg.Vocabulary, "words known: the most frequent ones; all others are <unk>")
	f.IntVar(&cfg.Batch, "batch", cfg.Batch, "sequences side by side")
	f.IntVar(&cfg.Steps, "steps", cfg.Steps, "words of truncated back-propagation")
	f.IntVar(&cfg.Epochs, "epochs", 0, "passes over the training text (default 13, 39 or 55, by size)")
	f.Float64Var(&cfg.LR, "learning-rate", cfg.LR, "step of SGD in the first epochs")
	f.Float64Var(&cfg.Decay, "decay", 0,
		"factor of the step for each epoch after --decay-after (default 1/2, 1/1.2 or 1/1.15, by size)")
	f.IntVar(&cfg.DecayAfter, "decay-after", 0, "epochs before the step decays (default 4, 6 or 14, by size)")
	f.Float64Var(&cfg.Clip, "clip", 0, "largest norm of all gradients together (default 5 or 10, by size)")
	f.Float64Var(&cfg.Init, "init", 0,
		"weights start uniform within plus and minus this (default 0.1, 0.05 or 0.04, by size)")
	f.IntVar(&cfg.Tokens, "tokens", 0, "words of the training text to use (0: all)")
	f.StringVar(&cfg.Data, "data", "", "folder of the text, or a text file")
	f.BoolVar(&cfg.SharedMask, "shared-mask", false,
		"dense: one mask of units for all words of a window, drawn anew each iteration")
	f.IntVar(&cfg.Groups, "groups", 1, "methods that drop rows: groups of the window with a pattern each")
	f.StringVar((*string)(&cfg.GroupBy), "group-by", string(train.GroupSamples),
		"what falls into groups: samples (sequences side by side) or steps (of time)")
	t.add(c, dropout.LSTM)
	return c
}

// run trains, shows how it goes, and prints the result.
func (t *trainFlags) run(cmd *cobra.Command, run func(func(train.Progress)) (*train.Result, error)) error {
	p := newTrainProgress(cmd.ErrOrStderr())
	var metricsErr error
	last := train.Progress{}
	res, err := run(func(s train.Progress) {
		p.show(s)
		last = s
		if s.Ended != nil && t.metrics != "" {
			err := atomicfile.ThroughBytes(t.metrics, metricsText(t.metrics, s.Ended))
			if err != nil && metricsErr == nil {
				metricsErr = fmt.Errorf("--metrics: %w", err)
			}
		}
	})
	p.close()
	if err != nil {
		return err
	}
	if metricsErr != nil {
		return metricsErr
	}
	if res.Stopped {
		if t.saving.Checkpoint == "" {
			return fmt.Errorf("stopped after %d iterations; nothing was kept, since there is no --checkpoint", res.Iterations)
		}
		return fmt.Errorf("stopped after %d iterations of %d; the state is in %s, and --resume goes on from there",
			res.Iterations, last.Iterations, t.saving.Checkpoint)
	}
	if t.asJSON {
		err = printJSON(cmd.OutOrStdout(), res)
	} else {
		err = printTraining(cmd.OutOrStdout(), res)
	}
	if err == nil && res.Diverged != "" {
		err = fmt.Errorf("the training diverged in %s", res.Diverged)
	}
	return err
}

// metricsText has a line for each epoch, as CSV or, for other names, as JSON lines.
func metricsText(path string, epochs []train.EpochMetrics) []byte {
	var b bytes.Buffer
	if strings.ToLower(filepath.Ext(path)) != ".csv" {
		e := json.NewEncoder(&b)
		for _, m := range epochs {
			e.Encode(m) // plain numbers into memory
		}
		return b.Bytes()
	}
	w := csv.NewWriter(&b)
	w.Write([]string{"epoch", "iteration", "train_loss", "test_accuracy", "perplexity", "test_perplexity", "learning_rate",
		"seconds", "samples_per_second"})
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', 7, 64) }
	for _, m := range epochs {
		perplexity, test := "", ""
		if m.Perplexity > 0 {
			perplexity, test = number(m.Perplexity), number(m.TestPerplexity)
		}
		w.Write([]string{strconv.Itoa(m.Epoch), strconv.Itoa(m.Iteration), number(m.TrainLoss), number(m.TestAccuracy),
			perplexity, test, number(m.LearningRate), number(m.Seconds), number(m.SamplesPerSecond)})
	}
	w.Flush()
	return b.Bytes()
}

// printTraining prints a table of the epochs, and what the run was.
func printTraining(out io.Writer, r *train.Result) error {
	lstm := r.TestPerplexity > 0
	head := []string{"epoch", "train loss", "test accuracy %", "samples/s"}
	if lstm {
		head = []string{"epoch", "train loss", "valid perplexity", "test perplexity", "next word right %", "tokens/s"}
	}
	t := newTable(out, head...)
	for _, e := range r.Epochs {
		row := []any{e.Epoch, fmt.Sprintf("%.4f", e.TrainLoss)}
		if lstm {
			row = append(row, fmt.Sprintf("%.2f", e.Perplexity), fmt.Sprintf("%.2f", e.TestPerplexity))
		}
		row = append(row, fmt.Sprintf("%.2f", 100*e.TestAccuracy), fmt.Sprintf("%.0f", e.SamplesPerSecond))
		t.Add(row...)
	}
	if err := t.Render(); err != nil {
		return err
	}
	fmt.Fprintf(out, "method %s, %d threads, BLAS: %s\n", r.Method, r.Threads, r.BLAS)
	if r.SubModels > 0 {
		fmt.Fprintf(out, "%d different combinations of patterns were drawn; rates reached: %.4f\n",
			r.SubModels, r.ReachedRates)
	}
	return nil
}

// trainProgress shows how training goes on: a bar with the time left on a terminal, a line an epoch elsewhere.
type trainProgress struct {
	out   io.Writer
	bar   *progressbar.ProgressBar
	start time.Time
	first int // iterations that were done before
}

func newTrainProgress(out io.Writer) *trainProgress {
	return &trainProgress{out: out, first: -1}
}

func (p *trainProgress) show(s train.Progress) {
	if p.first < 0 {
		p.first, p.start = s.Iteration, time.Now()
		if isTerminal(p.out) {
			p.bar = progressbar.NewOptions(s.Iterations, progressbar.OptionSetWriter(raw(p.out)),
				progressbar.OptionSetPredictTime(true), progressbar.OptionFullWidth(), progressbar.OptionSetElapsedTime(true),
				progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
		}
	}
	quality := ""
	if s.TestPerplexity > 0 {
		quality = fmt.Sprintf(", test perplexity %.2f", s.TestPerplexity)
	}
	if s.TestAccuracy > 0 {
		quality += fmt.Sprintf(", accuracy %.2f %%", 100*s.TestAccuracy)
	}
	text := fmt.Sprintf("epoch %d/%d: loss %.4f%s, %.0f/s", s.Epoch, s.Epochs, s.TrainLoss, quality, s.SamplesPerSecond)
	if p.bar != nil {
		p.bar.Describe(text)
		p.bar.Set(s.Iteration)
		return
	}
	if s.Ended != nil {
		left := ""
		if done := s.Iteration - p.first; done > 0 && s.Iteration < s.Iterations {
			left = ", about " + (time.Since(p.start) * time.Duration(s.Iterations-s.Iteration) / time.Duration(done)).Round(
				time.Second).String() + " left"
		}
		fmt.Fprintf(p.out, "%s%s\n", text, left)
	}
}

func (p *trainProgress) close() {
	if p.bar != nil {
		p.bar.Clear()
	}
}
