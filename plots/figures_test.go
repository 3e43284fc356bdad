package plots

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"warpdrop/plots/golden"
)

var update = flag.Bool("update", false, "write the golden images anew")

// samples draws one figure of each kind from made-up numbers.
func samples(t *testing.T) map[string]*Figure {
	t.Helper()
	nan := math.NaN()
	out := map[string]*Figure{}
	add := func(name string, p *Figure, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = p
	}
	p, err := Lines(Axis{Title: "Speedup", X: "dropout rate", Y: "speedup (×)", Reference: 1, ReferenceFor: "dense"},
		[]Series{
			{Name: "rdp", X: []float64{0.3, 0.5, 0.7}, Y: []float64{1.2, 1.5, 1.9}, Low: []float64{1.1, 1.4, 1.8},
				High: []float64{1.3, 1.6, 2.1}},
			{Name: "tdp", X: []float64{0.3, 0.5, 0.7}, Y: []float64{1.1, nan, 1.6}},
			{Name: "rdp", Paper: true, X: []float64{0.3, 0.7}, Y: []float64{1.2, 1.77}},
		})
	add("lines", p, err)
	p, err = Lines(Axis{Title: "One point", X: "x", Y: "y"}, []Series{{Name: "dense", X: []float64{1}, Y: []float64{5}}})
	add("one-point", p, err)
	p, err = Bars(Axis{Title: "Bars", Y: "speedup (×)"}, []string{"small", "large"}, []Group{
		{Name: "rdp", Y: []float64{1.2, 2.2}, Low: []float64{1.1, 2.0}, High: []float64{1.3, 2.3}},
		{Name: "rdp", Paper: true, Y: []float64{1.3, nan}}, {Name: "tdp", Y: []float64{nan, 1.9}},
	})
	add("bars", p, err)
	p, err = Dots(Axis{Title: "Dots", Y: "accuracy (%)"}, []string{"small", "large"}, []Group{
		{Name: "rdp", Y: []float64{98.2, 98.4}, Low: []float64{98.1, 98.2}, High: []float64{98.3, 98.6}},
		{Name: "rdp", Paper: true, Y: []float64{98.3, nan}}, {Name: "tdp", Y: []float64{nan, 98.1}},
	})
	add("dots", p, err)
	p, err = Changes(Axis{Title: "Changes", X: "change (%)"}, []string{"dense", "rdp", "tdp"}, []float64{-2, 5, nan},
		func(x float64) string { return fmt.Sprintf("%+.1f %%", x) })
	add("changes", p, err)
	p, err = Stacked(Axis{Title: "Stalls", X: "share of cycles (%)"}, []string{"dense", "rdp"},
		[]Group{{Name: "memory", Y: []float64{40, 60}}, {Name: "issued", Y: []float64{50, 30}},
			{Name: "barrier", Y: []float64{10, 10}}}, nil)
	add("stacked", p, err)
	p, err = Roofline("Roofline", 10.6e12, 484e9,
		[]RooflinePoint{{"dense", "gemm", 1e9, 1e7, 2e-4}, {"dense", "update", 1e6, 1e7, 3e-5},
			{"rdp", "gemm", 5e8, 8e6, 1e-4}})
	add("roofline", p, err)
	p, err = Staircase("Latency",
		[]Series{{Name: "chase", X: []float64{4096, 65536, 1 << 20, 1 << 24}, Y: []float64{82, 216, 217, 450}}},
		Series{X: []float64{4096}, Y: []float64{82}, Low: []float64{78}, High: []float64{86}})
	add("staircase", p, err)
	p, err = Correlation("GEMM", []Pair{{Series: "nn", Simulated: 1.1e-4, Measured: 1e-4},
		{Series: "nt", Name: "k < 2 & n > 1", Simulated: 0.8e-3, Measured: 1e-3}})
	add("correlation", p, err)
	if !strings.Contains(p.Title, "15.0 % over 2") { // (10 % + 20 %) / 2
		t.Errorf("title %q, want a mean absolute error of 15.0 %%", p.Title)
	}
	if svg, err := Render(p, "svg"); err != nil || bytes.Count(svg, []byte("<title>")) != 2 ||
		!bytes.Contains(svg, []byte("<title>k &lt; 2 &amp; n &gt; 1</title>")) {
		t.Errorf("points of an SVG have no names under the pointer (%v)", err)
	}
	p, err = TradeOff(Axis{Title: "Trade-off", X: "speedup (×)", Y: "accuracy (%)"},
		[]Series{{Name: "tdp", Points: true, X: []float64{1.1, 1.5, 1.3}, Y: []float64{98.5, 98.0, 97.9},
			Labels: []string{"a", "b", "c"}}})
	add("trade-off", p, err)
	return out
}

func TestGoldenImages(t *testing.T) {
	for name, f := range samples(t) {
		got, err := Render(f, "png")
		if err != nil {
			t.Fatal(err)
		}
		golden.Check(t, got, filepath.Join("testdata", name+".png"), *update)
	}
}

func TestFormats(t *testing.T) {
	p := samples(t)["bars"]
	for format, start := range map[string]string{"png": "\x89PNG", "svg": "<?xml", "pdf": "%PDF"} {
		data, err := Render(p, format)
		if err != nil || !strings.HasPrefix(string(data), start) {
			t.Errorf("%s starts with %.8q, error %v", format, data, err)
		}
	}
	if _, err := Render(p, "gif"); err == nil || !strings.Contains(err.Error(), "png, svg, pdf") {
		t.Errorf("gif: error %v, want the allowed formats", err)
	}
	if notes := strings.Join(p.Notes, "; "); !strings.Contains(notes, "missing: tdp small") {
		t.Errorf("notes %q do not name the missing bar", notes)
	}
}

func TestNothingToDraw(t *testing.T) {
	var nothing ErrNothing
	nan := []float64{math.NaN()}
	_, e1 := Lines(Axis{Y: "y"}, []Series{{Name: "a", X: nan, Y: nan}})
	_, e2 := Bars(Axis{Y: "y"}, []string{"a"}, []Group{{Name: "a", Y: nan}})
	_, e3 := Stacked(Axis{Y: "y"}, []string{"a"}, []Group{{Name: "a", Y: []float64{0}}}, nil)
	_, e4 := Roofline("", 1, 1, nil)
	_, e5 := Correlation("", nil)
	for i, err := range []error{e1, e2, e3, e4, e5} {
		if !errors.As(err, &nothing) || nothing.Missing == "" {
			t.Errorf("%d: error %v, want ErrNothing that says what is missing", i, err)
		}
	}
}

func init() { // as their registry says
	for name, look := range map[string]string{"rdp": "blue solid box plain", "tdp": "green dashed pyramid rising"} {
		if err := SetLook(name, look); err != nil {
			panic(err)
		}
	}
}

// TestSetLook: a look that cannot be read is an error that names the word and what is allowed.
func TestSetLook(t *testing.T) {
	for look, want := range map[string]string{"blue": "want four words",
		"blue solid box wavy":  "\"wavy\" is not one of crossed, falling, level, plain, rising",
		"pink solid box plain": "\"pink\" is not one of black, blue", "blue wide box plain": "\"wide\" is not one of dashdot",
		"blue solid star plain": "\"star\""} {
		if err := SetLook("x", look); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", look, err, want)
		}
	}
	if _, ok := looks["x"]; ok {
		t.Error("a look that was refused is kept")
	}
}

// TestReadableInGrey checks that methods, and parts that touch in a stack, differ in lightness or else in hatching, and
// methods as lines in marker or dashes too.
func TestReadableInGrey(t *testing.T) {
	alike := func(x, y Look) bool {
		return x.Hatch == y.Hatch && math.Abs(luminance(x.Color)-luminance(y.Color)) < 25
	}
	methods := []string{"none", "dense", "masked", "dropconnect", "rdp", "tdp"}
	for i, a := range methods {
		for _, b := range methods[:i] {
			if x, y := looks[a], looks[b]; alike(x, y) || x.Marker == y.Marker {
				t.Errorf("%s and %s look alike in grey", a, b)
			}
		}
	}
	for _, order := range [][]string{
		{"activation", "clip", "copy", "embedding", "gather", "gemm_backward_data", "gemm_backward_weights",
			"gemm_forward", "gemm_recurrent", "kernel", "loss", "mask", "update"},
		{"issued", "stall_count", "memory", "shared", "variable_latency", "unit_busy", "register_bank", "bank_conflict",
			"memory_queue", "instruction_fetch", "constant", "block_barrier", "branch", "block_start", "not_selected",
			"no_warp", "other"},
	} {
		for i := 1; i < len(order); i++ {
			x, ok := looks[order[i]]
			if !ok || alike(x, looks[order[i-1]]) {
				t.Errorf("%s and %s, neighbours in a stack, look alike in grey", order[i-1], order[i])
			}
		}
	}
}
