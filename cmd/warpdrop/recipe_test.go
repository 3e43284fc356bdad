package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// recipes are what CONTRIBUTING says how to add. Each is files that the project does not have and lines in files that
// it has.
var recipes = []struct {
	what  string
	files map[string]string
	lines []addedLine
}{
	{"a dropout pattern: one file", map[string]string{"dropout/rows_pair.go": `package dropout

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
`}, nil},
	{"a pattern with a dp: one file", map[string]string{"dropout/tiles_diagonal.go": `package dropout

// TilesDiagonal keeps one diagonal of tiles in dp.
const TilesDiagonal Method = "tiles-diagonal"

var _ = register(Kind{Name: TilesDiagonal, Text: "one diagonal of tiles in dp is kept", Drops: DropsTiles,
	Keep: func(s Shape, dp, bias int) Selection {
		list := []int{}
		for t := range s.TileRows * s.TileCols {
			if (t/s.TileCols+t%s.TileCols)%dp == bias-1 {
				list = append(list, t)
			}
		}
		return Selection{Units: KeepAll(s.Units), DP: dp, Bias: bias, Tiles: true, List: list}
	}})
`}, nil},
	{"a warp scheduling policy: one file", map[string]string{"sim/sm/timing/policy_youngest.go": `package timing

var _ = registerPolicy(Policy{Name: "youngest", Doc: "the youngest warp that is ready", pick: youngest})

func youngest(s *scheduler, t int64, m *SM) (slot int, next int64, first int) {
	next, first = Never, -1
	for place := s.n - 1; place >= 0; place-- {
		slot := s.turn(place)
		at := s.available(slot, m)
		if at <= t {
			return slot, 0, slot
		}
		if at < next {
			next, first = at, slot
		}
	}
	return -1, next, first
}
`}, nil},
	{"a kind of work: one file", map[string]string{"experiments/kind_dice.go": `package experiments

import "context"

var _ = register(&work[dice]{
	About:    "Throw dice.",
	Versions: func(*Host, dice) (map[string]string, error) { return map[string]string{"dice": "1"}, nil },
	Work:     func(d dice) float64 { return float64(d.Sides) },
	Memory:   func(dice) int64 { return 1 },
	Speed:    2,
	Run: func(_ context.Context, _ *Host, d dice, _ int, _ func(float64)) (Result, error) {
		return Result{Sim: &SimResult{Cycles: float64(d.Sides + 1), TimeUS: 1}}, nil
	},
	Row: func(r *Row, d dice) { r.Workload, r.Network, r.Luck = "dice", count(d.Sides), number(1/float64(d.Sides)) },
})

type dice struct {
	Sides int ` + "`json:\"sides\" need:\"true\" jsonschema:\"minimum=2,maximum=100\" jsonschema_description:\"Sides.\"`" + `
}

func (dice) Kind() string     { return "dice" }
func (dice) check() []problem { return nil }
func (d dice) normal() Spec   { return d }
`}, nil},
	{"a column: one line", nil, []addedLine{{"experiments/rows.go", "	SubModels ", "	Luck number `json:\"luck\"`"}}},
	{"a figure: one line and a function", map[string]string{"experiments/figures_luck.go": `package experiments

import "warpdrop/plots"

func luck(r *Results) (*plots.Figure, error) {
	none := func(*Row) float64 { return float64(none) }
	return bars(r.Rows, plots.Axis{Title: "Luck", Y: "luck"}, plots.Dots, func(row *Row) float64 { return float64(row.Luck) }, none, none, none)
}
`}, []addedLine{{"experiments/figures.go", "	{\"latency\",", `	{"luck", "How likely a throw is.", luck, nil},`}}},
	{"a GPU: one file", map[string]string{"sim/gpus/small.yaml": `base: gtx1080ti
name: small
sms: 2
sm: {policy: youngest}
`}, nil},
}

// addedLine is a line that is written behind the one that begins with after.
type addedLine struct{ file, after, line string }

const recipeExperiment = `name: recipes
title: What the recipes added
figures: [trade-off, accuracy, luck]
points:
  - mlp: {hidden: [64, 64], rates: [0.5, 0.5], gpu: small}
    sweep: {method: [dense, rows-pair, tiles-diagonal]}
  - train-mlp: {hidden: [64, 64], rates: [0.5, 0.5], epochs: 1, train_samples: 1280}
    sweep: {method: [dense, rows-pair, tiles-diagonal]}
  - gemm: {m: 96, n: 32, k: 64, dp: 2, gpu: small}
    sweep: {method: [dense, rows-pair, tiles-diagonal]}
  - dice: {}
    sweep: {sides: [6, 20]}
`

// TestRecipes follows CONTRIBUTING: the program, built anew with what the recipes add, has the pattern in its searches,
// iterations, training, experiments and figures, the policy in a preset, the preset by name, the kind of work in
// experiments, and the column and the figure in what they write.
func TestRecipes(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program again")
	}
	work := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(work, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	program := filepath.Join(work, "warpdrop.exe")
	buildWithRecipes(t, write, program)
	experiment := write("recipes.yaml", recipeExperiment)
	for _, c := range []struct{ command, want string }{
		{"search diversity --rates 0.5 --inputs 64 --outputs 64 --iterations 100", "rows-pair"},
		{"search diversity --rates 0.5 --inputs 64 --outputs 64 --iterations 100", "tiles-diagonal"},
		{"search --rate 0.5 --pattern rows-pair", "the even or the odd rows are kept"},
		{"search --rate 0.5 --method exact --pattern tiles-diagonal", "rate asked 0.5, reached 0.5"},
		{"gemm --m 64 --n 32 --k 64 --method rows-pair", "64 x 32 x 64, rows-pair"},
		{"gemm --m 96 --n 32 --k 64 --method tiles-diagonal --dp 3 --bias 3 --ta", "96 x 32 x 64, tiles-diagonal"},
		{"gemm candidates --m 64 --n 32 --k 64 --method rows-pair --limit 1", "gemm_"},
		{"iteration mlp --hidden 64,64 --method tiles-diagonal --dp 2", "tiles-diagonal (dp,bias) (2,1)"},
		{"train lstm --hidden 32 --help", "tiles-diagonal"},
		{"iteration mlp --hidden 64,64 --method rows-pair", "rows kept: 32, 32"},
		{"iteration lstm --hidden 32 --vocabulary 50 --steps 2 --batch 4 --method rows-pair", "rows kept: 16, 16, 16"},
		{"train mlp --hidden 32,32 --method rows-pair --epochs 1 --train-samples 640", "method rows-pair"},
		{"gpus", "small"},
		{"gemm --m 64 --n 64 --k 64 --gpu small", "cycles"},
		{"validate " + experiment, "11 points"},
		{"validate --schema", "throw dice."},
		{"run " + experiment + " --store store --out out", "the even or the odd rows are kept"},
	} {
		var stdout, stderr bytes.Buffer
		run := exec.Command(program, strings.Fields(c.command)...)
		run.Dir, run.Stdout, run.Stderr = work, &stdout, &stderr
		if err := run.Run(); err != nil || !strings.Contains(strings.ToLower(stdout.String()), c.want) {
			t.Errorf("warpdrop %s: %v, want %q in\n%s%s", c.command, err, c.want, &stdout, &stderr)
		}
	}
	for _, figure := range []string{"trade-off", "accuracy", "luck"} {
		if found, _ := filepath.Glob(filepath.Join(work, "out", "figures", figure+".*")); len(found) == 0 {
			t.Errorf("no figure %s was drawn", figure)
		}
	}
	table, err := os.ReadFile(filepath.Join(work, "out", "results.csv"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(table)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := slices.Index(rows[0], "luck")
	if column < 0 {
		t.Fatalf("results.csv has no column luck:\n%s", table)
	}
	for _, cells := range rows[1:] {
		want := map[string]string{"6": "0.1666667", "20": "0.05"}[cells[1]] // by network; unknown where nothing sets it
		if cells[column] != want {
			t.Errorf("luck is %q, want %q, in %s", cells[column], want, cells)
		}
	}
}

// buildWithRecipes builds the program with what the recipes add; the working tree stays as it is.
func buildWithRecipes(t *testing.T, write func(name, text string) string, program string) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	replace := map[string]string{}
	scratch := func(file, text string) {
		replace[filepath.Join(root, filepath.FromSlash(file))] = write(strings.ReplaceAll(file, "/", "_"), text)
	}
	for _, r := range recipes {
		for file, text := range r.files {
			if _, err := os.Stat(filepath.Join(root, file)); err == nil {
				t.Fatalf("%s: %s is there already", r.what, file)
			}
			scratch(file, text)
		}
		for _, l := range r.lines {
			data, err := os.ReadFile(filepath.Join(root, l.file))
			if err != nil {
				t.Fatal(err)
			}
			before, rest, found := strings.Cut(string(data), "\n"+l.after)
			line, behind, _ := strings.Cut(rest, "\n")
			if !found {
				t.Fatalf("%s: no line of %s begins with %q", r.what, l.file, l.after)
			}
			scratch(l.file, before+"\n"+l.after+line+"\n"+l.line+"\n"+behind)
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-overlay", write("overlay.json", string(overlay)), "-o", program,
		"./cmd/warpdrop")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
