package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// evenRows is a pattern that a user adds: one file in dropout/.
const evenRows = `package dropout

// RowsPair keeps the even or the odd rows.
const RowsPair Method = "rows-pair"

var _ = register(Kind{Name: RowsPair, Text: "the even or the odd rows are kept", Drops: DropsRows,
	Support: func(Options) (Support, error) { return rowsPair{}, nil }})

type rowsPair struct{}

func (rowsPair) Reached(Shape) float64 { return 0.5 }

func (rowsPair) Entropy(Shape) float64 { return 0.693147 }

func (rowsPair) Draw(w *Words, s Shape) Selection {
	var list []int
	for i := w.Below(2); i < s.Units; i += 2 {
		list = append(list, i)
	}
	return Selection{Units: KeepList(s.Units, list)}
}
`

const evenExperiment = `name: pair
title: A pattern of one file
figures: [trade-off, accuracy]
points:
  - mlp: {hidden: [64, 64], rates: [0.5, 0.5]}
    sweep: {method: [dense, rows-pair]}
  - train-mlp: {hidden: [64, 64], rates: [0.5, 0.5], epochs: 1, train_samples: 1280}
    sweep: {method: [dense, rows-pair]}
`

// TestPatternRecipe follows CONTRIBUTING: with one more file in dropout/ the program, built anew, has the pattern in its searches, its
// iterations, its training, its experiments and their figures.
func TestPatternRecipe(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program again")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(work, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, "dropout", "rows_pair.go"): write("rows_pair.go", evenRows)}})
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(work, "warpdrop.exe")
	build := exec.Command("go", "build", "-overlay", write("overlay.json", string(overlay)), "-o", program, "./cmd/warpdrop")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	experiment := write("pair.yaml", evenExperiment)
	for _, c := range []struct{ command, want string }{
		{"search diversity --rates 0.5 --inputs 64 --outputs 64 --iterations 100", "rows-pair"},
		{"iteration mlp --hidden 64,64 --method rows-pair", "rows kept: 32, 32"},
		{"iteration lstm --hidden 32 --vocabulary 50 --steps 2 --batch 4 --method rows-pair", "rows kept: 16, 16, 16"},
		{"train mlp --hidden 32,32 --method rows-pair --epochs 1 --train-samples 640", "method rows-pair"},
		{"validate " + experiment, "4 points"},
		{"run " + experiment + " --store store --out out", "the even or the odd rows are kept"},
	} {
		var stdout, stderr bytes.Buffer
		run := exec.Command(program, strings.Fields(c.command)...)
		run.Dir, run.Stdout, run.Stderr = work, &stdout, &stderr
		if err := run.Run(); err != nil || !strings.Contains(strings.ToLower(stdout.String()), c.want) {
			t.Errorf("warpdrop %s: %v, want %q in\n%s%s", c.command, err, c.want, &stdout, &stderr)
		}
	}
	for _, figure := range []string{"trade-off", "accuracy"} {
		if found, _ := filepath.Glob(filepath.Join(work, "out", "figures", figure+".*")); len(found) == 0 {
			t.Errorf("no figure %s was drawn", figure)
		}
	}
}
