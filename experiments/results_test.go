package experiments

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"warpdrop/plots"
)

// everything has a point for every figure.
const everything = `
name: everything
title: Everything <script>alert(1)</script>
question: "Does <b>markup</b> stay text?"
notes: ["</pre></details><img src=x onerror=alert(2)>", "{{.Title}} <a href='javascript:alert(3)'>x</a>"]
paper: table1
points:
  - search: {rate: 0.5}
    sweep: {search: [sgd, exact]}
  - mlp: {hidden: [1024, 64], rates: [0.7, 0.7]}
    sweep: {method: [dense, masked, rdp, tdp], batch: [64, 128]}
  - mlp: {hidden: [1024, 1024]}
    sweep: {rates: [[0.3, 0.3], [0.7, 0.7]], method: [dense, rdp, tdp]}
  - mlp: {hidden: [512], rates: [0.5], gpu: p4}
    sweep: {method: [dense, rdp]}
  - train-mlp: {hidden: [1024, 64], rates: [0.7, 0.7]}
    sweep: {method: [dense, rdp, tdp], seed: [1, 2, 3]}
  - gemm: {m: 64, n: 64, k: 64}
    sweep: {method: [dense, masked, rdp, tdp], tile: [8, 16, 32], pad: [true, false]}
  - gemm: {m: 64, n: 64, k: 64, tile: 32}
    sweep: {method: [dense, rdp], dp: [2, 3, 4]}
`

func resultsOf(t testing.TB, text string) (*Results, string) {
	t.Helper()
	e := mustParse(t, text)
	points, err := Points(e.Specs("small"), &fake{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	store, err := OpenStore(filepath.Join(dir, StoreDir))
	if err != nil {
		t.Fatal(err)
	}
	stored, err := execute(context.Background(), points, &fake{}, store, runOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return NewResults(e, "small", points, stored), dir
}

func TestRowsJoinSimulationTrainingAndPaper(t *testing.T) {
	r, _ := resultsOf(t, everything)
	var dense, rdp *Row
	for _, row := range r.Rows {
		if row.Network == "784-1024-64-10" && row.Batch == 128 {
			switch row.Method {
			case "dense":
				dense = row
			case "rdp":
				rdp = row
			case "masked":
				if row.Accuracy.text() != dense.Accuracy.text() {
					t.Errorf("masked trains as dense does, but has accuracy %s beside %s", row.Accuracy.text(), dense.Accuracy.text())
				}
			}
		}
	}
	if dense == nil || rdp == nil {
		t.Fatal("rows of 784-1024-64-10 are missing")
	}
	if want := dense.Cycles / rdp.Cycles; math.Abs(float64(rdp.Speedup-want)) > 1e-12 || dense.Speedup != 1 {
		t.Errorf("speedup %v of rdp and %v of dense, want %v and 1", rdp.Speedup, dense.Speedup, want)
	}
	if rdp.Seeds != 3 || !(rdp.AccuracySpread > 0) {
		t.Errorf("%d seeds with spread %v, want 3 with a spread", rdp.Seeds, rdp.AccuracySpread)
	}
	if rdp.PaperSpeedup != 1.27 || rdp.PaperAccuracy != 98.07 { // Table I of the paper
		t.Errorf("paper's speedup %v and accuracy %v, want 1.27 and 98.07", rdp.PaperSpeedup, rdp.PaperAccuracy)
	}
	if rdp.BankConflicts != 7 || rdp.ConflictsPerAccess != 0.07 || rdp.SIMTEfficiency != 0.625 {
		t.Errorf("conflicts %v, an access %v, SIMT efficiency %v; want 7, 0.07, 20/32",
			rdp.BankConflicts, rdp.ConflictsPerAccess, rdp.SIMTEfficiency)
	}
}

func TestExportsAreReadable(t *testing.T) {
	r, dir := resultsOf(t, everything)
	table, err := csv.NewReader(bytes.NewReader(CSV(r.Rows))).ReadAll()
	if err != nil || len(table) != len(r.Rows)+1 {
		t.Fatalf("results.csv has %d lines for %d rows: %v", len(table), len(r.Rows), err)
	}
	if err := r.WriteOutput(dir, "test", StoreDir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{JSONName, ManifestName} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !json.Valid(data) {
			t.Errorf("%s: valid JSON %v, error %v", name, json.Valid(data), err)
		}
	}
	again, _, err := ReadOutput(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(CSV(again.Rows), CSV(r.Rows)) {
		t.Error("results read from the folder differ from those written")
	}
	for _, c := range Compare(r, again) {
		if c.Changed() {
			t.Errorf("row %s differs from itself", c.Row)
		}
	}
	report, err := os.ReadFile(filepath.Join(dir, ReportName))
	if err != nil {
		t.Fatal(err)
	}
	// The page's own scripts are apart: the chart library, what it draws (JSON), and the page's.
	if bytes.Contains(report, []byte("<script>alert")) || bytes.Contains(report, []byte("<script src")) {
		t.Error("report.html runs a script of a user's or one from elsewhere")
	}
	page := regexp.MustCompile(`(?s)<script( type="application/json"[^>]*)?>.*?</script>`).ReplaceAll(report, nil)
	for _, bad := range []string{"<script", "<b>", "<img src=x", "<a href='java", "http://", "https://"} {
		if bytes.Contains(page, []byte(bad)) {
			t.Errorf("report.html contains %s: it must escape what users write and load nothing", bad)
		}
	}
	for _, data := range regexp.MustCompile(`(?s)<script type="application/json"[^>]*>(.*?)</script>`).FindAllSubmatch(
		report, -1) {
		if !json.Valid(data[1]) || bytes.ContainsAny(data[1], "<>") {
			t.Errorf("what a figure draws is not JSON with < and > escaped: %.200s", data[1])
		}
	}
	if !bytes.Contains(report, []byte("&lt;script&gt;alert(1)")) || !bytes.Contains(report, []byte("rdp")) {
		t.Error("report.html lacks the title or the results")
	}
}

func TestCompareFindsWhatChanged(t *testing.T) {
	a := fixtureOf(t, "methods", fixtures[2].points)
	stored := map[string]*Stored{}
	for hash, s := range a.Stored {
		if m, ok := s.Spec.(MLP); ok && m.Method == "rdp" {
			c, sim := *s, *s.Result.Sim
			sim.Cycles *= 1.1
			sim.Parts = map[string]float64{"update": s.Result.Sim.Parts["update"] * 2, "copy": s.Result.Sim.Parts["copy"]}
			c.Result.Sim = &sim
			s = &c
		} else if newRow(s.Spec).Method == "tdp" {
			continue // only the first run has it
		}
		stored[hash] = s
	}
	changes := Compare(a, NewResults(a.Experiment, a.Scale, a.Points, stored))
	changed := map[string]Change{}
	for _, c := range changes {
		if c.Changed() {
			changed[c.Row] = c
		}
	}
	rdp, tdp := changed["rdp"], changed["tdp"]
	if len(changed) != 2 || len(changes) != 4 || math.Abs(float64(rdp.Values["with launch"].relative()-10)) > 1e-9 ||
		rdp.Part == "" {
		t.Errorf("changes %+v; want rdp by 10 %%, and tdp gone", changed)
	}
	if v := tdp.Values["with launch"]; !v.Before.known() || v.Now.known() {
		t.Errorf("cycles of tdp %+v, want them before and not now", v)
	}
	head, rows := ChangeTable(changes)
	if len(rows) != 4 || !slices.Contains(head, "change %") || slices.Contains(head, "perplexity before") {
		t.Errorf("table %v with %d rows; want the values that any row has", head, len(rows))
	}
	if _, err := DrawChanges(changes, "before", "now"); err != nil {
		t.Error(err)
	}
}

func TestEveryFormatOfEveryFigure(t *testing.T) {
	for _, f := range fixtures {
		dir := t.TempDir()
		drawn, err := fixtureOf(t, f.name, f.points).DrawFigures(dir, f.figures, plots.Formats)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range drawn {
			if d.Missing != "" {
				t.Errorf("figure %s from %s: missing %q", d.Name, f.name, d.Missing)
			}
			for format, start := range map[string]string{"png": "\x89PNG", "svg": "<?xml", "pdf": "%PDF"} {
				data, err := os.ReadFile(filepath.Join(dir, d.Name+"."+format))
				if err != nil || !strings.HasPrefix(string(data), start) {
					t.Errorf("%s.%s starts with %.8q, error %v", d.Name, format, data, err)
				}
			}
		}
	}
}

// TestOneMethodMissing draws what is left when points of one method are not stored, and says which they are.
func TestOneMethodMissing(t *testing.T) {
	for _, f := range fixtures {
		full := fixtureOf(t, f.name, f.points)
		methods := map[string]bool{}
		for _, row := range full.Rows {
			methods[row.Method] = true
		}
		for method := range methods {
			left := map[string]*Stored{}
			for _, p := range full.Points {
				if newRow(p.Spec).Method != method {
					left[p.Hash] = full.Stored[p.Hash]
				}
			}
			r := NewResults(full.Experiment, full.Scale, full.Points, left)
			for _, figure := range Figures {
				p, err := figure.Draw(r)
				var nothing plots.ErrNothing
				switch {
				case errors.As(err, &nothing) && nothing.Missing != "":
				case err != nil:
					t.Errorf("figure %s of %s without %s: %v", figure.Name, f.name, method, err)
				case !strings.Contains(strings.Join(p.Notes, " "), "are missing: "):
					t.Errorf("figure %s of %s without %s does not say so: %q", figure.Name, f.name, method, p.Notes)
				}
			}
			if w := strings.Join(r.Warnings(), " "); !strings.Contains(w, "points are missing") {
				t.Errorf("%s without %s: warnings %q", f.name, method, w)
			}
		}
	}
}

func TestFiguresOfLittleSayWhatIsMissing(t *testing.T) {
	r, dir := resultsOf(t, `
name: one
title: One point
points:
  - mlp: {hidden: [64], rates: [0.5], method: rdp}
`)
	if err := r.WriteOutput(dir, "test", StoreDir); err != nil {
		t.Fatal(err)
	}
	for _, f := range Figures {
		_, err := f.Draw(r)
		var nothing plots.ErrNothing
		if err != nil && (!errors.As(err, &nothing) || nothing.Missing == "") {
			t.Errorf("figure %s: error %v, want a drawing or what is missing", f.Name, err)
		}
	}
	// A point that is not there is named.
	e := mustParse(t, everything)
	points, _ := Points(e.Specs("small"), &fake{})
	none := NewResults(e, "small", points, nil)
	if w := none.Warnings(); len(w) == 0 || !strings.Contains(w[0], "points are missing: search") {
		t.Errorf("warnings %q, want the missing points", w)
	}
	if err := none.WriteOutput(t.TempDir(), "test", StoreDir); err != nil {
		t.Errorf("output of no points: %v", err)
	}
}

func TestTenThousandPoints(t *testing.T) {
	if raceDetector {
		t.Skip("takes minutes with the race detector, and has one thread")
	}
	var rates, hidden []string
	for i := range 50 {
		rates = append(rates, fmt.Sprintf("[%.2f]", float64(i)/100+0.1))
		hidden = append(hidden, fmt.Sprintf("[%d]", 64+4*i))
	}
	e := mustParse(t,
		"name: many\ntitle: Many\npoints:\n  - mlp: {}\n    sweep: {method: [dense, masked, rdp, tdp], rates: ["+
			strings.Join(rates, ",")+"], hidden: ["+strings.Join(hidden, ",")+"]}\n")
	specs := e.Specs("small")
	if len(specs) != 10_000 {
		t.Fatalf("%d points", len(specs))
	}
	points, err := Points(specs, &fake{})
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string]*Stored{}
	for _, p := range points {
		result, err := (&fake{}).Run(t.Context(), p.Spec, 1, func(float64) {})
		if err != nil {
			t.Fatal(err)
		}
		stored[p.Hash] = &Stored{Hash: p.Hash, Kind: p.Spec.Kind(), Spec: p.Spec, Result: result}
	}
	e.Figures = FigureNames() // all, and not only those that suit
	start := processorTime()
	r := NewResults(e, "small", points, stored)
	if err := r.WriteOutput(t.TempDir(), "test", StoreDir); err != nil {
		t.Fatal(err)
	}
	if took := processorTime() - start; took > 10*time.Second {
		t.Errorf("10,000 points took %v, want under 10 s", took)
	}
}

func TestPaperTableHasEveryPublishedRow(t *testing.T) {
	r := fixtureOf(t, "networks", fixtures[1].points)
	for _, table := range r.tables() {
		if !strings.HasPrefix(table.Title, "Beside the paper") {
			continue
		}
		if want := len(PaperRows("table1")); len(table.Rows) != want {
			t.Errorf("%d rows, want the paper's %d", len(table.Rows), want)
		}
		for _, row := range table.Rows {
			if row[3] == "-" || row[4] == "-" || row[5] == "-" {
				t.Errorf("row %q lacks our speedup, the paper's or the difference", row)
			}
		}
		return
	}
	t.Error("no table beside the paper")
}

func TestPaperValues(t *testing.T) {
	// The headline of the paper: MLP speedups from 1.18 to 2.16.
	low, high := 9.0, 0.0
	for _, in := range []string{"fig4", "table1"} {
		for _, p := range PaperRows(in) {
			low, high = min(low, p.Speedup), max(high, p.Speedup)
		}
	}
	if low != 1.18 || high != 2.16 {
		t.Errorf("paper.yaml spans speedups %v to %v, the paper's abstract says 1.18 to 2.16", low, high)
	}
	if n := len(PaperRows("table2")); n != 9 {
		t.Errorf("Table II has %d rows, want 3 methods x 3 rates", n)
	}
}
