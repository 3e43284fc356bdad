package experiments

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestTrainLSTMPoint runs a small training run on a text of its own, twice, and once without a text.
func TestTrainLSTMPoint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "text.txt")
	var b strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&b, "w%d ", i*i%37)
		if i%10 == 9 {
			b.WriteByte('\n')
		}
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	spec := TrainLSTM{Recurrent: Recurrent{Layers: 2, Hidden: 16, Vocabulary: 15, Batch: 4, Steps: 10},
		Dropping: Dropping{Method: "rdp", Rates: []float64{0.5, 0.5}, Search: "exact", Tile: 32}, LearningRate: 1,
		Epochs: 2, Seed: 1}
	var first *TrainResult
	for _, threads := range []int{1, 2} {
		e := NewHost(path)
		v, err := e.Versions(spec)
		if err != nil || len(v["text"]) != 64 || v["blas"] != "gonum" {
			t.Fatalf("versions %v, error %v", v, err)
		}
		curves := map[string][]TracePoint{}
		e.SetCurves(func(hash string, trace []TracePoint) { curves[hash] = trace })
		got, err := e.Run(t.Context(), spec, threads, func(float64) {})
		if err != nil {
			t.Fatal(err)
		}
		r := got.Train
		if told := curves[NewPoint(spec, v).Hash]; len(curves) != 1 || len(told) != 2 ||
			told[1].Iteration != r.Trace[1].Iteration || told[1].Perplexity != r.Perplexity {
			t.Errorf("curves %+v, of a training that ends with %+v", curves, r)
		}
		if len(r.Trace) != 2 || !(r.Perplexity > 1 && r.Perplexity < 15) || !(r.Trace[1].Loss < r.Trace[0].Loss) {
			t.Errorf("result %+v", r)
		}
		if first == nil {
			first = r
		} else if first.Perplexity != r.Perplexity || first.Loss != r.Loss {
			t.Errorf("perplexity %g on one thread, %g on two", first.Perplexity, r.Perplexity)
		}
	}
	t.Setenv("WARPDROP_TEXT", "")
	e := NewHost("")
	if v, err := e.Versions(spec); err != nil || v["text"] != "missing" {
		t.Errorf("versions without a text %v, error %v", v, err)
	}
	if _, err := e.Run(t.Context(), spec, 1, func(float64) {}); err == nil || !strings.Contains(err.Error(), "--data") {
		t.Errorf("a run without a text: error %v", err)
	}
	if err := e.SetBLAS("none"); err == nil {
		t.Error("a BLAS that is none was accepted")
	}
}

// TestTrainingsOfOneRow: a row's runs differ in their seeds alone. Runs with another learning rate, or more epochs,
// have a row of their own that says so, each with the figures of the simulation.
func TestTrainingsOfOneRow(t *testing.T) {
	e := mustParse(t, `name: x
title: X
points:
  - lstm: {method: dense, rates: [0.5], vocabulary: 60, hidden: 16, layers: 1, batch: 10, steps: 20}
  - train-lstm: {method: dense, rates: [0.5], vocabulary: 60, hidden: 16, layers: 1, batch: 10, steps: 20}
    sweep: {learning_rate: [1, 2], epochs: [1, 3], seed: [1, 2]}
  - train-lstm: {method: rdp, rates: [0.5], vocabulary: 60, hidden: 16, layers: 1, batch: 10, steps: 20}
    sweep: {seed: [1, 2, 3]}
`)
	var points []Point
	stored := map[string]*Stored{}
	for _, s := range e.Specs("small") {
		p := NewPoint(s, nil)
		points = append(points, p)
		result := Result{Sim: &SimResult{Cycles: 1000}}
		if l, ok := s.(TrainLSTM); ok {
			accuracy := l.LearningRate/10 + float64(l.Epochs)/100 + float64(l.Seed)/1e3
			result = Result{Train: &TrainResult{Accuracy: accuracy}}
		}
		stored[p.Hash] = &Stored{Hash: p.Hash, Spec: s, Result: result}
	}
	r := NewResults(e, "small", points, stored)
	var got []string
	for _, row := range r.Rows {
		got = append(got, fmt.Sprintf("%s %q: %d runs, %.2f, %v cycles", row.Method, row.Option, row.Seeds,
			row.Accuracy, row.Cycles.known()))
	}
	want := []string{
		`dense "epochs 1, learning rate 1": 2 runs, 11.15, true cycles`,
		`dense "epochs 3, learning rate 1": 2 runs, 13.15, true cycles`,
		`dense "epochs 1, learning rate 2": 2 runs, 21.15, true cycles`,
		`dense "epochs 3, learning rate 2": 2 runs, 23.15, true cycles`,
		`rdp "": 3 runs, 11.20, false cycles`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
