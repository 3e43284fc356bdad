package experiments

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestBadFilesAreRefusedAtTheirPlace(t *testing.T) {
	head := "name: x\ntitle: X\npoints:\n"
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "test.yaml:1:1: file is empty"},
		{"syntax", "name: [", "test.yaml:1:1: a value is missing here, or a bracket"},
		{"top-level key", head + "  - search: {rate: 0.5}\nsize: 3\n",
			`test.yaml:5:1: unknown key "size"; allowed are name, title`},
		{"kind", head + "  - mpl: {}\n",
			`test.yaml:4:5: unknown key "mpl" (did you mean "mlp"?); allowed are deepbench, gemm, launch`},
		{"key", head + "  - search: {rate: 0.5, rat: 1}\n",
			`test.yaml:4:25: unknown key "rat" (did you mean "rate"?); allowed are rate, patterns, search, lambda1`},
		{"type", head + "  - search: {rate: fast}\n", `test.yaml:4:20: rate is "fast"; allowed is a number from 0 below 1`},
		{"rate of one", head + "  - search: {rate: 1}\n", "test.yaml:4:20: rate is 1; allowed is a number from 0 below 1"},
		{"rate not a number", head + "  - search: {rate: .nan}\n", "test.yaml:4:20: rate is .nan"},
		{"rate in a list", head + "  - mlp: {hidden: [8], rates: [1.5], method: rdp}\n", "test.yaml:4:32: rates is 1.5"},
		{"negative size", head + "  - mlp: {hidden: [-8], rates: [0.5], method: rdp}\n",
			"test.yaml:4:20: hidden is -8; allowed is a whole number from 1 up to 65536"},
		{"fraction", head + "  - mlp: {hidden: [8.5], rates: [0.5], method: rdp}\n", "test.yaml:4:20: hidden is 8.5"},
		{"missing key", head + "  - mlp: {rates: [0.5], method: rdp}\n", "test.yaml:4:5: key hidden is missing"},
		{"method", head + "  - mlp: {hidden: [8], rates: [0.5], method: drop}\n",
			`test.yaml:4:46: method is "drop"; allowed is none, dense, masked, dropconnect, rdp, tdp`},
		{"tile over 48 KB", head + "  - mlp: {hidden: [8], rates: [0.5], method: tdp, tile: 96}\n",
			"test.yaml:4:57: tile of 96 x 96 takes 73728 bytes of shared memory"},
		{"dp over its maximum", head + "  - mlp: {hidden: [8], rates: [0.5], method: rdp, dp: 9}\n",
			"test.yaml:4:55: dp = 9 is over the maximum of layer 1 of 8 units; allowed is 1 to 8"},
		{"patterns over the tiles", head + "  - mlp: {hidden: [1024, 64], rates: [0.7, 0.7], method: tdp, patterns: 65}\n",
			"test.yaml:4:73: 65 patterns are over the maximum dp of layer 2 of 64 units; allowed is up to 64"},
		{"gpu", head + "  - mlp: {gpu: gtx9000, hidden: [8], rates: [0.5], method: rdp}\n",
			`test.yaml:4:16: gpu "gtx9000" (did you mean "gtx1080"?) is not one of a100-40g, a6000, gtx1080, gtx1080ti`},
		{"cubin", head + "  - launch: {cubin: no.cubin, kernel: f, grid: [1], block: [32]}\n",
			"test.yaml:4:21: stat no.cubin: no such file"},
		{"four dimensions", head + "  - launch: {cubin: spec.go, kernel: f, grid: [1, 1, 1, 1], block: [32]}\n",
			"test.yaml:4:47: grid has 4 sizes; allowed are 1 to 3"},
		{"output of a launch",
			head + "  - launch: {cubin: spec.go, kernel: f, grid: [1], block: [32], args: [\"buf:4:out=x\"]}\n",
			"test.yaml:4:71: args has \"buf:4:out=x\""},
		{"groups of tiles", head + "  - mlp: {hidden: [64], rates: [0.5], method: tdp, groups: 2}\n",
			"test.yaml:4:60: method tdp drops no rows and has one pattern or mask for all"},
		{"groups of several dp", head + "  - lstm: {hidden: 64, rates: [0.5, 0.5], method: rdp, groups: 2}\n",
			"test.yaml:4:64: rdp draws several dp at rate 0.5; groups are simulated with one dp only: a fixed dp, or search " +
				"balanced at rates (dp-1)/dp"},
		{"more groups than steps",
			head + "  - lstm: {hidden: 64, rates: [0.5, 0.5], method: rows-k, groups: 9, group_by: steps, steps: 8}\n",
			"9 groups; allowed is up to 8"},
		{"too few patterns", head + "  - search: {rate: 0.9, patterns: 4}\n",
			"test.yaml:4:35: 4 patterns reach a rate of at most 0.75, not 0.9; allowed is 10 or more"},
		{"rates and layers", head + "  - mlp: {hidden: [8, 8], rates: [0.5], method: rdp}\n",
			"test.yaml:4:34: 1 rates for 2 layers"},
		{"twice", head + "  - search: {rate: 0.5, rate: 0.6}\n", `test.yaml:4:25: key "rate" is there twice`},
		{"sweep of unknown", head + "  - search: {rate: 0.5}\n    sweep: {speed: [1]}\n",
			`test.yaml:5:13: unknown key "speed"`},
		{"sweep not a list", head + "  - search: {rate: 0.5}\n    sweep: {rate: 0.5}\n",
			"test.yaml:5:19: sweep of rate is 0.5; allowed is a list"},
		{"sweep's value", head + "  - search: {}\n    sweep: {rate: [0.5, 2]}\n", "test.yaml:5:25: rate is 2"},
		{"scale", head + "  - search: {rate: 0.5}\n    scales: {huge: {rate: 0.1}}\n",
			`test.yaml:5:14: unknown scale "huge"; allowed are smoke, small, paper`},
		{"scale's value", head + "  - search: {rate: 0.5}\n    scales: {paper: {rate: -0.1}}\n",
			"test.yaml:5:28: rate is -0.1"},
		{"figure", "figures: [pie]\n" + head + "  - search: {rate: 0.5}\n",
			`test.yaml:1:10: figure "pie"; allowed are speedup-rate`},
		{"two documents", head + "  - search: {rate: 0.5}\n---\nname: y\n", "second YAML document"},
		{"alias loop", "name: &a [*a]\ntitle: X\npoints: [{search: {rate: 0.5}}]\n", "test.yaml:1"},
		{"too many points", head + "  - search: {}\n    sweep: {rate: [" + strings.Repeat("0.1,", 1000) +
			"0.2], patterns: [" + strings.Repeat("4,", 1000) + "8]}\n", "more than 100000 points"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("test.yaml", []byte(c.text))
			var list FileErrors
			if !errors.As(err, &list) {
				t.Fatalf("error %v (%T), want FileErrors", err, err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error\n%v\nwant it to say\n%s", err, c.want)
			}
		})
	}
}

func TestScalesAndSweeps(t *testing.T) {
	e := mustParse(t, `
name: x
title: X
points:
  - search: {patterns: 8}
    sweep: {rate: [0.3, 0.5], search: [sgd, exact]}
    scales:
      smoke: {rate: 0.4}
      paper: {sweep: {rate: [0.1, 0.2, 0.3]}}
  - search: {rate: 0.3, patterns: 8}
    scales: {smoke: {skip: true}}
`)
	for scale, want := range map[string]int{"smoke": 2, "small": 4, "paper": 6} {
		if got := len(e.Specs(scale)); got != want {
			t.Errorf("scale %s: %d points, want %d (the second group repeats one)", scale, got, want)
		}
	}
	if got := e.Specs("small")[1].(Search); got.Rate != 0.3 || got.Search != "exact" || got.Lambda1 != 0.9 {
		t.Errorf("second point is %+v; the first key is the slowest and defaults are filled in", got)
	}
}

func TestShippedExperimentsAreValid(t *testing.T) {
	files, _ := filepath.Glob("*.yaml")
	n := 0
	for _, f := range files {
		if f == "paper.yaml" {
			continue
		}
		e, err := Load(f)
		if err != nil {
			t.Error(err)
			continue
		}
		n++
		if e.Name+".yaml" != f {
			t.Errorf("%s is named %s", f, e.Name)
		}
		if !bytes.Contains(e.Source, []byte("$schema=schema.json")) {
			t.Errorf("%s does not name its schema for editors", f)
		}
	}
	if n == 0 {
		t.Error("no experiment files")
	}
}

func TestSchemaFileIsUpToDate(t *testing.T) {
	have, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, Schema()) {
		t.Error("schema.json is out of date: go run ./cmd/warpdrop validate --schema > experiments/schema.json")
	}
}

func FuzzParse(f *testing.F) {
	for _, k := range kinds { // every key of every kind, so that fuzzing begins with all of them
		var text strings.Builder
		fmt.Fprintf(&text, "name: k\ntitle: K\npoints:\n  - %s:\n", k.name())
		for _, field := range structFields(reflect.TypeOf(k.newSpec()).Elem()) {
			fmt.Fprintf(&text, "      %s: 1\n", field.name)
		}
		f.Add([]byte(text.String()))
	}
	f.Add([]byte(faultFile))
	f.Add([]byte("name: &a [*a]\npoints: *a\n"))
	f.Add([]byte("points:\n  - search: {rate: 1e999}\n    sweep: {? [a] : b}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := Parse("f.yaml", data)
		if (e == nil) == (err == nil) {
			t.Errorf("experiment %v with error %v", e, err)
		}
	})
}

// TestYAMLInOurWords: what a YAML library says of indentation, brackets and quotes is said with what is allowed.
func TestYAMLInOurWords(t *testing.T) {
	for text, want := range map[string]string{
		"name: a\n\ttitle: b\n":                                      "t.yaml:2:1: the line",
		"name: a\n title: b\npoints: 3\n":                            "keys of one level have one indentation",
		"name: a\ntitle: b: c\npoints: 3\n":                          "needs quotes",
		"name: a\ntitle: \"b\npoints: [3\n":                          "not closed",
		"name: a\npoints:\n  - search: {rate: 1}\n - gemm: {m: 4}\n": "fits none above it",
		"name: a\ntitle: b\npints: []\n":                             `unknown key "pints" (did you mean "points"?); allowed are name, title, question, paper, scale, baseline, figures, notes, points`,
		"name: a\ntitle: b\npoints:\n  - serch: {rate: 0.5}\n":       `unknown key "serch" (did you mean "search"?)`,
	} {
		if _, err := Parse("t.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want it to say %s", text, err, want)
		}
	}
}
