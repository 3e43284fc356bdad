package experiments

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// Every key of every kind of work is decoded, whatever its type: none panics.
func TestEveryKeyIsDecoded(t *testing.T) {
	for _, k := range kinds {
		spec := reflect.ValueOf(k.newSpec()).Elem()
		for _, f := range structFields(spec.Type()) {
			for _, text := range []string{"1", "0.5", "x", "true", "[1]", "[x]", "{a: 1}"} {
				var n yaml.Node
				if err := yaml.Unmarshal([]byte(text), &n); err != nil {
					t.Fatal(err)
				}
				d := &decoder{}
				d.value(n.Content[0], spec.FieldByIndex(f.index), f)
			}
		}
	}
}

// max_cycles ends a launch of an experiment that takes longer.
func TestMaxCycles(t *testing.T) {
	t.Chdir("..")
	for _, c := range []struct {
		most  int
		fails bool
	}{{20, true}, {1_000_000, false}} {
		e, err := Parse("x.yaml", []byte(fmt.Sprintf(`name: x
title: x
points:
  - launch: {file: workloads/examples/saxpy.cubin, kernel: saxpy, grid: 8, block: 128, max_cycles: %d,
      args: ["buf:4096", "buf:4096", "f32:2", "i32:1024"]}
`, c.most)))
		if err != nil {
			t.Fatal(err)
		}
		specs := e.Specs(e.Scale)
		if len(specs) != 1 || specs[0].(Launch).MaxCycles != int64(c.most) {
			t.Fatalf("%+v", specs)
		}
		_, err = NewHost("").Run(t.Context(), specs[0], 1, func(float64) {})
		if got := err != nil && strings.Contains(err.Error(), "20 cycles"); got != c.fails {
			t.Errorf("max_cycles %d: %v", c.most, err)
		}
	}
}

// Where no point is stored, the report says so and speaks of no answers.
func TestNothingIsStored(t *testing.T) {
	e, err := Parse("x.yaml", []byte("name: x\ntitle: x\npoints:\n  - search: {rate: 0.5}\n"))
	if err != nil {
		t.Fatal(err)
	}
	points := []Point{NewPoint(e.Specs(e.Scale)[0], nil)}
	if got := NewResults(e, e.Scale, points, nil).Answer(); len(got) != 1 || got[0] != "No point is stored yet." {
		t.Errorf("answer %q", got)
	}
}
