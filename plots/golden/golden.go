// Package golden compares drawn figures with stored ones in tests.
package golden

import (
	"bytes"
	"errors"
	"image"
	_ "image/png" // the format of golden images
	"os"
	"path/filepath"
	"testing"
)

// tolerance is the share of pixels that may differ: rasterisers round differently from machine to machine.
const tolerance = 0.001

// Check compares a PNG with the one in a file, or writes the file anew.
func Check(t testing.TB, got []byte, file string, update bool) {
	t.Helper()
	if update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o777), os.WriteFile(file, got, 0o644)); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Errorf("%v; write it with -update", err)
		return
	}
	share, err := Difference(got, want)
	if err != nil {
		t.Fatal(err)
	}
	if share > tolerance {
		t.Errorf("%s: %.2f %% of the pixels differ; look at it, then -update", file, 100*share)
	}
}

// Difference is the share of pixels that differ by more than an eighth in a channel; 1 for images of different size.
func Difference(a, b []byte) (float64, error) {
	x, _, err := image.Decode(bytes.NewReader(a))
	if err != nil {
		return 0, err
	}
	y, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		return 0, err
	}
	if x.Bounds() != y.Bounds() {
		return 1, nil
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
	return float64(n) / float64(x.Bounds().Dx()*x.Bounds().Dy()), nil
}
