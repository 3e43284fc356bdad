package plots

import (
	"bytes"
	"errors"
	"flag"
	"image"
	_ "image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/plot"
)

var update = flag.Bool("update", false, "write the golden images anew")

// samples draws one figure of each kind from made-up numbers.
func samples(t *testing.T) map[string]*plot.Plot {
	t.Helper()
	nan := math.NaN()
	out := map[string]*plot.Plot{}
	add := func(name string, p *plot.Plot, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = p
	}
	p, err := Lines(Axis{Title: "Speedup", X: "dropout rate", Y: "speedup (×)", Reference: 1, ReferenceFor: "dense"}, []Series{
		{Name: "rdp", X: []float64{0.3, 0.5, 0.7}, Y: []float64{1.2, 1.5, 1.9}, Low: []float64{1.1, 1.4, 1.8}, High: []float64{1.3, 1.6, 2.1}},
		{Name: "tdp", X: []float64{0.3, 0.5, 0.7}, Y: []float64{1.1, nan, 1.6}},
		{Name: "rdp", Paper: true, X: []float64{0.3, 0.7}, Y: []float64{1.2, 1.77}},
	})
	add("lines", p, err)
	p, err = Lines(Axis{Title: "One point", X: "x", Y: "y"}, []Series{{Name: "dense", X: []float64{1}, Y: []float64{5}}})
	add("one-point", p, err)
	p, err = Bars(Axis{Title: "Bars", Y: "speedup (×)"}, []string{"small", "large"}, []Group{
		{Name: "rdp", Y: []float64{1.2, 2.2}, Low: []float64{1.1, 2.0}, High: []float64{1.3, 2.3}}, {Name: "rdp", Paper: true, Y: []float64{1.3, nan}}, {Name: "tdp", Y: []float64{nan, 1.9}},
	})
	add("bars", p, err)
	p, err = Stacked(Axis{Title: "Stalls", Y: "share of cycles (%)"}, []string{"dense", "rdp"}, []Group{{Name: "memory", Y: []float64{40, 60}}, {Name: "issued", Y: []float64{50, 30}}, {Name: "barrier", Y: []float64{10, 10}}})
	add("stacked", p, err)
	p, err = Roofline("Roofline", 10.6e12, 484e9, []RooflinePoint{{"dense", "gemm", 1e9, 1e7, 2e-4}, {"dense", "update", 1e6, 1e7, 3e-5}, {"rdp", "gemm", 5e8, 8e6, 1e-4}})
	add("roofline", p, err)
	p, err = Staircase("Latency", []float64{4096, 65536, 1 << 20, 1 << 24}, []float64{82, 216, 217, 450}, map[string]float64{"L1": 82, "L2": 216})
	add("staircase", p, err)
	p, mape, err := Correlation("GEMM", []Pair{{"a", 1.1e-4, 1e-4}, {"b", 0.8e-3, 1e-3}})
	add("correlation", p, err)
	if math.Abs(mape-15) > 1e-9 { // (10 % + 20 %) / 2
		t.Errorf("mean absolute error %v %%, want 15", mape)
	}
	return out
}

func TestGoldenImages(t *testing.T) {
	for name, p := range samples(t) {
		got, err := Render(p, "png")
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", name+".png")
		if *update {
			if err := errors.Join(os.MkdirAll("testdata", 0o777), os.WriteFile(file, got, 0o644)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("%v; write it with -update", err)
		}
		if share := different(t, got, want); share > 0.001 {
			t.Errorf("%s: %.2f %% of the pixels differ from %s", name, 100*share, file)
		}
	}
}

// different is the share of pixels that differ by more than an eighth in a channel.
func different(t *testing.T, a, b []byte) float64 {
	t.Helper()
	x, _, err := image.Decode(bytes.NewReader(a))
	if err != nil {
		t.Fatal(err)
	}
	y, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if x.Bounds() != y.Bounds() {
		return 1
	}
	n := 0
	far := func(p, q uint32) bool { return max(p, q)-min(p, q) > 0xffff/8 }
	for i := range x.Bounds().Dx() {
		for j := range x.Bounds().Dy() {
			r, g, b, _ := x.At(i, j).RGBA()
			s, h, c, _ := y.At(i, j).RGBA()
			if far(r, s) || far(g, h) || far(b, c) {
				n++
			}
		}
	}
	return float64(n) / float64(x.Bounds().Dx()*x.Bounds().Dy())
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
	if title := p.Title.Text; !strings.Contains(title, "missing: rdp") && !strings.Contains(title, "missing: tdp small") {
		t.Errorf("title %q does not name the missing bar", title)
	}
}

func TestNothingToDraw(t *testing.T) {
	var nothing ErrNothing
	nan := []float64{math.NaN()}
	_, e1 := Lines(Axis{Y: "y"}, []Series{{Name: "a", X: nan, Y: nan}})
	_, e2 := Bars(Axis{Y: "y"}, []string{"a"}, []Group{{Name: "a", Y: nan}})
	_, e3 := Stacked(Axis{Y: "y"}, []string{"a"}, []Group{{Name: "a", Y: []float64{0}}})
	_, e4 := Roofline("", 1, 1, nil)
	_, _, e5 := Correlation("", nil)
	for i, err := range []error{e1, e2, e3, e4, e5} {
		if !errors.As(err, &nothing) || nothing.Missing == "" {
			t.Errorf("%d: error %v, want ErrNothing that says what is missing", i, err)
		}
	}
}

// TestReadableInGrey checks that methods which often stand side by side differ in lightness, or else in dashes and marker.
func TestReadableInGrey(t *testing.T) {
	for a, x := range looks {
		for b, y := range looks {
			if a >= b {
				continue
			}
			lum := func(l Look) float64 {
				return 0.2126*float64(l.Color.R) + 0.7152*float64(l.Color.G) + 0.0722*float64(l.Color.B)
			}
			if x.Marker == y.Marker && len(x.Dashes) == len(y.Dashes) && math.Abs(lum(x)-lum(y)) < 40 {
				t.Errorf("%s and %s look alike in grey", a, b)
			}
		}
	}
}
