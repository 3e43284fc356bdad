package main

import (
	"encoding/csv"
	"os"
	"regexp"
	"testing"
)

// Effects that the page of deviations quotes for a value of a figure are those of sensitivity.csv.
func TestQuotedEffects(t *testing.T) {
	f, err := os.Open("../../docs/results/sensitivity.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	type effect struct{ value, dense, rdp string }
	known := map[effect]bool{}
	for _, row := range rows {
		known[effect{row[1], row[3], row[5]}] = true
	}
	page, err := os.ReadFile("../../docs/design/deviations.md")
	if err != nil {
		t.Fatal(err)
	}
	quote := regexp.MustCompile(`(\w[\w.]*):\s+([+-]\d+\.\d+)\s+and\s+([+-]\d+\.\d+)`)
	quoted := quote.FindAllStringSubmatch(string(page), -1)
	for _, m := range quoted {
		if !known[effect{m[1], m[2], m[3]}] {
			t.Errorf("%q is no line of sensitivity.csv", m[0])
		}
	}
	if len(quoted) < 50 {
		t.Errorf("%d effects are quoted", len(quoted))
	}
}
