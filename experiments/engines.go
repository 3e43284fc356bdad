package experiments

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"

	"warpdrop/dropout"
	"warpdrop/train"
)

// Engines is the Engine of real runs: the one place where specs meet packages dropout, workloads and train.
type Engines struct {
	data           string // folder of the training data; "" = where package train looks by itself
	blas, blasName string // of training runs: see SetBLAS
	text           string // digest of the training text
	readText       sync.Once
	inputs         inputs // of launches
}

// NewEngines makes the engine; data is the folder of the training data, or "".
func NewEngines(data string) *Engines {
	return &Engines{data: data, blas: train.BLASGonum, blasName: train.BLASGonum}
}

// ErrNoEngine is the error for a kind of work that this version cannot run.
var ErrNoEngine = errors.New("this version of warpdrop has no engine for it")

// engine computes one kind of work. Its functions are as those of Engine.
type engine struct {
	versions func(e *Engines, s Spec) (map[string]string, error)
	work     func(s Spec) float64
	memory   func(s Spec) int64
	run      func(ctx context.Context, e *Engines, s Spec, threads int, progress func(float64)) (Result, error)
}

// engines is the table of them, by kind.
var engines = map[string]engine{
	"search":     {searchVersions, func(Spec) float64 { return 1 }, func(s Spec) int64 { return 1 << 20 }, runSearch},
	"lstm":       {lstmVersions, lstmWork, lstmMemory, runLSTM},
	"gemm":       {gemmVersions, gemmWork, gemmMemory, runGEMM},
	"mlp":        {mlpVersions, mlpWork, mlpMemory, runMLP},
	"launch":     {launchVersions, launchWork, launchMemory, runLaunch},
	"train-mlp":  {trainVersions, trainMLPWork, trainMLPMemory, runTrainMLP},
	"train-lstm": {trainLSTMVersions, trainLSTMWork, trainLSTMMemory, runTrainLSTM},

	"deepbench":  {deepBenchVersions, deepBenchWork, deepBenchMemory, runDeepBench},
	"microbench": {microbenchVersions, func(Spec) float64 { return 1 }, func(Spec) int64 { return 300 << 20 }, runMicrobench},
}

func engineOf(s Spec) (engine, error) {
	e, ok := engines[s.Kind()]
	if !ok {
		var have []string
		for k := range engines {
			have = append(have, k)
		}
		sort.Strings(have)
		return engine{}, fmt.Errorf("kind %s: %w; it has engines for %v", s.Kind(), ErrNoEngine, have)
	}
	return e, nil
}

// Versions implements Engine.
func (e *Engines) Versions(s Spec) (map[string]string, error) {
	one, err := engineOf(s)
	if err != nil {
		return nil, err
	}
	return one.versions(e, s)
}

// Work implements Engine.
func (e *Engines) Work(s Spec) float64 {
	one, err := engineOf(s)
	if err != nil {
		return 0
	}
	return one.work(s)
}

// Memory implements Engine.
func (e *Engines) Memory(s Spec) int64 {
	one, err := engineOf(s)
	if err != nil {
		return 0
	}
	return one.memory(s)
}

// Run implements Engine.
func (e *Engines) Run(ctx context.Context, s Spec, threads int, progress func(share float64)) (Result, error) {
	one, err := engineOf(s)
	if err != nil {
		return Result{}, err
	}
	return one.run(ctx, e, s, threads, progress)
}

// searchVersion changes with whatever changes the distribution that a search finds.
const searchVersion = "2"

func searchVersions(*Engines, Spec) (map[string]string, error) {
	return map[string]string{"search": searchVersion}, nil
}

func runSearch(_ context.Context, _ *Engines, s Spec, _ int, _ func(float64)) (Result, error) {
	spec := s.(Search)
	found, err := findDistribution(spec.Rate, spec.Patterns, spec.Search, spec.Lambda1)
	if err != nil {
		return Result{}, err
	}
	return Result{Search: found}, nil
}

// findDistribution runs the search that a spec asks for.
func findDistribution(rate float64, patterns int, method string, lambda1 float64) (*SearchResult, error) {
	opt := dropout.DefaultSearch()
	opt.Method, opt.Patterns, opt.Lambda1 = method, patterns, lambda1
	d, report, err := dropout.Search(rate, opt)
	if err != nil {
		return nil, err
	}
	if !report.Converged {
		return nil, fmt.Errorf("search for rate %g with %d patterns did not converge in %d steps", rate, report.Patterns, report.Steps)
	}
	return &SearchResult{P: d.P, Reached: report.Reached, Entropy: report.Entropy, Steps: report.Steps}, nil
}
