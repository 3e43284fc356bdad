package workloads

import (
	"bytes"
	"encoding/binary"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

var updatePolygon = flag.Bool("update-polygon", false, "write measured/*.f32 anew")

// TestPolygon: the polygon of pnpoly.cu is 600 points at random on a circle of radius 1, clockwise, as in the
// measurement; slopes are those of the edges that end in each.
func TestPolygon(t *testing.T) {
	rng := rand.New(rand.NewPCG(600, 1))
	angles := make([]float64, 600)
	for i := range angles {
		angles[i] = 2 * math.Pi * rng.Float64()
	}
	slices.Sort(angles)
	slices.Reverse(angles)
	vertices, slopes := make([]float32, 1200), make([]float32, 600)
	for i, a := range angles {
		vertices[2*i], vertices[2*i+1] = float32(math.Cos(a)), float32(math.Sin(a))
	}
	for i := range slopes {
		j := (i + 599) % 600
		slopes[i] = (vertices[2*j] - vertices[2*i]) / (vertices[2*j+1] - vertices[2*i+1])
	}
	for file, want := range map[string][]float32{"measured/polygon.f32": vertices, "measured/slopes.f32": slopes} {
		var b bytes.Buffer
		binary.Write(&b, binary.LittleEndian, want)
		if *updatePolygon {
			if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if have, err := os.ReadFile(file); err != nil || !bytes.Equal(have, b.Bytes()) {
			t.Errorf("%s is not the polygon's (%v): run go test ./workloads -run Polygon -update-polygon", file, err)
		}
	}
}
