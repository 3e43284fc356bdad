package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func runSearch(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(context.Background(), append([]string{"search"}, args...), strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func TestSearchJSON(t *testing.T) {
	for _, method := range []string{"exact", "sgd"} {
		code, out, errs := runSearch(t, "--rate", "0.7", "--patterns", "8", "--method", method, "--json")
		if code != 0 {
			t.Fatalf("%s: code %d, %s", method, code, errs)
		}
		var got struct {
			Rate, Reached, Entropy, Seconds float64
			Patterns                        int
			P                               []float64
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		reached := 0.0
		for i, p := range got.P {
			reached += p * float64(i) / float64(i+1)
		}
		if got.Rate != 0.7 || got.Patterns != 8 || len(got.P) != 8 || math.Abs(reached-got.Reached) > 1e-12 ||
			math.Abs(reached-0.7) > 0.005 || got.Seconds <= 0 {
			t.Errorf("%s: %s", method, out)
		}
	}
}

func TestSearchRefuses(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"", "takes --rate"},
		{"--rate 1", "rate 1, allowed is 0 <= rate < 1"},
		{"--rate 0.9 --patterns 4", "4 patterns reach a rate of at most 0.75, not 0.9; 10 would"},
		{"--rate 0.5 --patterns 0", "--patterns 0"},
		{"--rate 0.5 --method adam", `"adam"`},
		{"--rate 0.5 --plot x.gif", "png, svg, pdf"},
		{"--rate 0.5 now", "argument"},
		{"patterns --rates 1.5", "rate 1.5"},
		{"diversity --show colour", `--show "colour"`},
		{"diversity --inputs 8 --outputs 8", "a single one"},
	} {
		if code, _, errs := runSearch(t, strings.Fields(c.args)...); code != 2 || !strings.Contains(errs, c.want) {
			t.Errorf("search %s: code %d, %q, want 2 and %q", c.args, code, errs, c.want)
		}
	}
}

// An interrupt ends a search before its next pattern, and no file is written.
func TestSearchIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, what := range []string{"patterns", "diversity"} {
		file := filepath.Join(t.TempDir(), "plot.svg")
		var out, errs bytes.Buffer
		code := run(ctx, []string{"search", what, "--plot", file}, strings.NewReader(""), &out, &errs)
		if _, err := os.Stat(file); code != interrupted || err == nil {
			t.Errorf("search %s: code %d, plot: %v; %s", what, code, err, &errs)
		}
	}
}

func TestSearchPlotsAndTables(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{
		{"--rate", "0.5"},
		{"patterns", "--rates", "0.5,0.8"},
		{"diversity", "--rates", "0.3,0.5", "--inputs", "64", "--outputs", "64", "--tile", "8", "--iterations", "200"},
	} {
		file := filepath.Join(dir, args[0]+".svg")
		code, out, errs := runSearch(t, append(args, "--plot", file)...)
		if code != 0 || !strings.Contains(out, "0.5") {
			t.Fatalf("search %v: code %d, %s%s", args, code, out, errs)
		}
		if data, err := os.ReadFile(file); err != nil || !bytes.Contains(data, []byte("<svg")) {
			t.Errorf("search %v: %v, plot of %d bytes", args, err, len(data))
		}
	}
	code, _, errs := runSearch(t, "diversity", "--rates", "0.5", "--inputs", "64", "--outputs", "64", "--tile", "8",
		"--iterations", "20", "--show", "spread,lost-inputs", "--plot", filepath.Join(dir, "of.svg"))
	if made, err := filepath.Glob(filepath.Join(dir, "of-*.svg")); err != nil || code != 0 || len(made) != 2 {
		t.Errorf("two metrics: code %d, %s, %v", code, errs, made)
	}
}
