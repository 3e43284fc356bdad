package experiments

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"warpdrop/dropout"
	"warpdrop/sim"
)

// Point is a spec bound to the versions that its result depends on.
type Point struct {
	Spec     Spec
	Versions map[string]string // of what its result depends on: simulator model, preset, data (see Worker.Versions)
	Hash     string            // names the point: SHA-256 of kind, spec and versions
}

// specText is the canonical text of a spec: its kind and its fields in the order of the type.
func specText(s Spec) string {
	data, err := json.Marshal(s)
	if err != nil {
		// specs hold plain numbers and strings
		panic(fmt.Sprintf("experiments: spec %T cannot be written as JSON: %v", s, err))
	}
	return s.Kind() + " " + string(data)
}

// maskRate is the rate that iterations with conventional dropout, or none, are simulated at, whatever theirs is: what a
// mask holds moves no launch (TestMaskRate in package workloads).
const maskRate = 0.5

// anyRate tells whether an iteration takes the same at every rate.
func (d Dropping) anyRate() bool {
	return d.Method == string(dropout.Dense) || d.Method == string(dropout.None)
}

// rateCoverage says so, as the end of a result's coverage.
func (d Dropping) rateCoverage() string {
	if !d.anyRate() {
		return ""
	}
	return "; simulated once for all rates, because what a mask holds moves no launch"
}

// anyMask is d at the rate that an iteration is simulated at.
func (d Dropping) anyMask() Dropping {
	if d.anyRate() {
		d.Rates = slices.Repeat([]float64{maskRate}, len(d.Rates))
	}
	return d
}

// simulated is the spec that a point is named by and run as.
func simulated(s Spec) Spec { return kindOf(s).simulated(s) }

// NewPoint names a spec under the versions that it will run with.
func NewPoint(s Spec, versions map[string]string) Point {
	v, _ := json.Marshal(versions) // keys are sorted
	sum := sha256.Sum256([]byte(specText(simulated(s)) + " " + string(v)))
	return Point{Spec: s, Versions: versions, Hash: hex.EncodeToString(sum[:])}
}

// Result is what a point yields: one of the four, by kind. It holds nothing that differs from run to run; see Timing.
type Result struct {
	Search *SearchResult `json:"search,omitempty"`
	Sim    *SimResult    `json:"sim,omitempty"`
	Train  *TrainResult  `json:"train,omitempty"`
	Micro  *MicroResult  `json:"micro,omitempty"`
}

// SearchResult is a distribution of dp.
type SearchResult struct {
	P       []float64 `json:"p"` // P[i] is the probability of dp = i+1
	Reached float64   `json:"reached"`
	Entropy float64   `json:"entropy"` // nats
	Steps   int       `json:"steps"`
}

// SimResult is a simulated iteration or kernel. With a distribution of patterns its figures are expected values.
type SimResult struct {
	Cycles       float64 `json:"cycles"`                  // core clock, with launch overhead and copies
	KernelCycles float64 `json:"kernel_cycles,omitempty"` // of the kernels alone; 0: not known
	// 95 % interval of Cycles, equal to it where nothing is sampled
	Low      float64            `json:"low"`
	High     float64            `json:"high"`              //
	TimeUS   float64            `json:"time_us"`           // at the preset's clock
	Parts    map[string]float64 `json:"parts"`             // cycles by part: gemm, mask, update, copy …
	Counters map[string]float64 `json:"counters"`          // of all launches: see sim.Counters for their names
	Kernels  []KernelResult     `json:"kernels,omitempty"` // for the roofline and the breakdown
	// by component (energy.PartNames): an estimate; none without calibration
	Energy      map[string]float64 `json:"energy_mj,omitempty"`
	EnergyParts map[string]float64 `json:"energy_parts_mj,omitempty"` // the same by part, as Parts
	// of the first combination, where it has at most 1,000 launches
	Timeline     []TimelineLaunch `json:"timeline,omitempty"`
	Distribution []SearchResult   `json:"distribution"`       // of each layer, empty without patterns
	Patterns     []PatternCycles  `json:"patterns,omitempty"` // each combination that was simulated
	Coverage     string           `json:"coverage"`           // what the figures cover, in words
	// floating-point operations of the mathematics, dense
	FLOP float64 `json:"flop"`
	// of the GPU: flop_per_cycle, dram_bytes_per_cycle, core_hz
	Peak map[string]float64 `json:"peak,omitempty"`
	// warp-instructions simulated to get here, the measure of this point's work
	Instructions float64 `json:"instructions"`
	// pattern combinations that were drawn; 0 = summed over all of them
	Samples int `json:"samples,omitempty"`

	Launches          int `json:"launches"`           // and copies, of all combinations together
	SimulatedLaunches int `json:"simulated_launches"` // the others are like one of these

	Launch *LaunchInfo `json:"launch,omitempty"` // of kind launch

	// The same work on the real GPU, where it is published.
	MeasuredUS   float64 `json:"measured_us,omitempty"`
	MeasuredFrom string  `json:"measured_from,omitempty"` // the publication
}

// LaunchInfo is what a launch of a user's kernel took of an SM, and how it was simulated.
type LaunchInfo struct {
	Compiler    string      `json:"compiler,omitempty"` // of a source
	Registers   int         `json:"registers"`
	SharedBytes int         `json:"shared_bytes"`
	LocalBytes  int         `json:"local_bytes"` // a thread's; above 0 where registers are spilled
	BlocksPerSM int         `json:"blocks_per_sm"`
	Sample      *sim.Sample `json:"sample,omitempty"` // nil: all blocks were simulated
}

// KernelResult is one kernel of an iteration.
type KernelResult struct {
	Name      string  `json:"name"`
	Part      string  `json:"part"`
	Launches  float64 `json:"launches"`
	Cycles    float64 `json:"cycles"`     // with launch overhead
	FLOP      float64 `json:"flop"`       // FFMA counts 2
	DRAMBytes float64 `json:"dram_bytes"` //
}

// TimelineLaunch is one launch or copy, in the order in which they run.
type TimelineLaunch struct {
	Name   string  `json:"name"`
	Kernel string  `json:"kernel"`
	Part   string  `json:"part"`
	Cycles float64 `json:"cycles"` // with launch overhead
}

// PatternCycles is one combination of dp, a layer each.
type PatternCycles struct {
	DP          []int   `json:"dp"`
	Probability float64 `json:"probability"`
	Cycles      float64 `json:"cycles"`
}

// TrainResult is a training run.
type TrainResult struct {
	Accuracy   float64      `json:"accuracy"`             // of the test set: share of right answers, 0 to 1
	Perplexity float64      `json:"perplexity,omitempty"` // of the test text
	Loss       float64      `json:"loss"`
	SubModels  float64      `json:"sub_models,omitempty"` // different pattern combinations that were drawn
	Trace      []TracePoint `json:"trace,omitempty"`
	BLAS       string       `json:"blas"`
	// where; the figures are those of the last whole epoch before, or 0
	Diverged string `json:"diverged,omitempty"`
}

// MicroResult is what microbenchmarks of a preset measured.
type MicroResult struct {
	Rows []MicroRow `json:"rows"`
}

// MicroRow is one measurement; see microbench.Row.
type MicroRow struct {
	Group string  `json:"group"`
	Case  string  `json:"case"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Low   float64 `json:"low,omitempty"` // what is known of the real GPU: between Low and High, unless High is 0
	High  float64 `json:"high,omitempty"`
	From  string  `json:"from,omitempty"`
}

// TracePoint is the state of a training run after some iterations.
type TracePoint struct {
	Iteration  int     `json:"iteration"`
	Accuracy   float64 `json:"accuracy"`
	Perplexity float64 `json:"perplexity,omitempty"`
	Loss       float64 `json:"loss"`
}

// Timing is what differs from run to run; it stays out of results.csv and results.json.
type Timing struct {
	Seconds float64 `json:"seconds"` // wall clock
	Threads int     `json:"threads"` // that the point had
	Work    float64 `json:"work"`    // Estimate.Work of the point
	Host    string  `json:"host"`
	CPUs    int     `json:"cpus"`
	Ended   string  `json:"ended"` // RFC 3339, UTC
}

// Stored is a finished point as the store keeps it.
type Stored struct {
	Hash     string            `json:"hash"`
	Kind     string            `json:"kind"`
	Spec     Spec              `json:"spec"`
	Versions map[string]string `json:"versions"`
	Result   Result            `json:"result"`
	Timing   Timing            `json:"timing"`
}

// UnmarshalJSON makes a spec of the stored kind.
func (s *Stored) UnmarshalJSON(data []byte) error {
	var raw struct {
		Hash     string            `json:"hash"`
		Kind     string            `json:"kind"`
		Spec     json.RawMessage   `json:"spec"`
		Versions map[string]string `json:"versions"`
		Result   Result            `json:"result"`
		Timing   Timing            `json:"timing"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	k := kindNamed(raw.Kind)
	if k == nil {
		return fmt.Errorf("kind %q is not known", raw.Kind)
	}
	spec := k.newSpec()
	if err := json.Unmarshal(raw.Spec, spec); err != nil {
		return err
	}
	*s = Stored{raw.Hash, raw.Kind, reflect.ValueOf(spec).Elem().Interface().(Spec), raw.Versions, raw.Result, raw.Timing}
	return nil
}
