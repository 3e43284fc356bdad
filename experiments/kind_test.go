package experiments

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Every kind of work is whole: nothing that the harness asks for is missing.
func TestKindsAreWhole(t *testing.T) {
	for _, k := range kinds {
		w := reflect.ValueOf(k).Elem()
		for i := range w.NumField() {
			name := w.Type().Field(i).Name
			if optional := name == "Simulated" || name == "Label"; w.Field(i).IsZero() && !optional {
				t.Errorf("kind %s has no %s", k.name(), name)
			}
		}
	}
}

// dice is a kind of work that nothing else in the project knows of.
type dice struct {
	Sides int `json:"sides" need:"true" jsonschema:"minimum=2,maximum=100" jsonschema_description:"Sides."`
}

func (dice) Kind() string     { return "dice" }
func (dice) check() []problem { return nil }
func (d dice) normal() Spec   { return d }

// A kind of work is one struct: with it alone the kind is in YAML, schema, plan, store, table and labels.
func TestKindIsOneStruct(t *testing.T) {
	before := slices.Clone(kinds)
	defer func() { kinds = before }()
	register(&work[dice]{
		About:    "Throw dice.",
		Versions: func(*Host, dice) (map[string]string, error) { return map[string]string{"dice": "1"}, nil },
		Work:     func(d dice) float64 { return float64(d.Sides) },
		Memory:   func(dice) int64 { return 1 },
		Speed:    2,
		Run: func(_ context.Context, _ *Host, d dice, _ int, _ func(float64)) (Result, error) {
			return Result{Sim: &SimResult{Cycles: float64(d.Sides + 1), TimeUS: 1}}, nil
		},
		Row:   func(r *Row, d dice) { r.Workload, r.Network = "dice", count(d.Sides) },
		Label: func(dice) []string { return []string{"thrown"} },
	})
	e := mustParse(t, "name: dice\ntitle: Dice\npoints:\n  - dice: {}\n    sweep: {sides: [6, 20]}\n")
	if _, err := Parse("test.yaml", []byte("name: dice\ntitle: Dice\npoints:\n  - dice: {sides: 1}\n")); err == nil ||
		!strings.Contains(err.Error(), "allowed is a whole number from 2 up to 100") {
		t.Errorf("dice of one side: %v", err)
	}
	host := NewHost("")
	points, err := Points(e.Specs("small"), host)
	if err != nil {
		t.Fatal(err)
	}
	if plan := NewPlan(points, host, nil); plan.Seconds != 13 {
		t.Errorf("plan of %g seconds, want 26 sides at 2 a second", plan.Seconds)
	}
	dir := t.TempDir()
	if err := output(t.Context(), e, host, dir, runOptions{}); err != nil {
		t.Fatal(err)
	}
	r, _, err := ReadOutput(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) != 2 || r.Rows[1].Network != "20" || r.Rows[1].Cycles != 21 || r.Rows[1].Accuracy.known() {
		t.Errorf("rows %+v", r.Rows)
	}
	if got := Label(points[0].Spec); got != "dice 6 thrown" {
		t.Errorf("label %q", got)
	}
	if !strings.Contains(string(Schema()), `"description": "Throw dice."`) {
		t.Error("the schema lacks the kind")
	}
}

// A number that nothing sets is unknown in every column, not 0.
func TestUnsetNumbersAreUnknown(t *testing.T) {
	r := newRow(Search{Rate: 0.5, Search: "exact"})
	numbers := 0
	for i, v := 0, reflect.ValueOf(r).Elem(); i < v.NumField(); i++ {
		if v.Type().Field(i).Type == reflect.TypeFor[number]() {
			n := number(v.Field(i).Float())
			numbers++
			if n.known() || cell(n) != "" {
				t.Errorf("%s is %v", v.Type().Field(i).Name, n)
			}
		}
	}
	if numbers < 20 {
		t.Errorf("only %d numbers in a row", numbers)
	}
	if cell(number(0)) != "0" {
		t.Error("a 0 that was measured is not shown")
	}
}
