package workloads

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"warpdrop/internal/cudac"
	"warpdrop/internal/toolchain"
	"warpdrop/sim"
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

// TestPointsInPolygon: pnpoly.cu tells points inside the circle that the polygon is drawn in from those outside, on
// each family, by code that reads constants at addresses in uniform registers among others.
func TestPointsInPolygon(t *testing.T) {
	if os.Getenv(toolchain.Variable) == "" {
		t.Setenv(toolchain.Variable, "../.toolchain")
	}
	const n = 512
	rng := rand.New(rand.NewPCG(12, 1))
	points, want := make([]float32, 2*n), make([]int32, n)
	for i := range n {
		angle, radius := 2*math.Pi*rng.Float64(), .995*rng.Float64()
		if i%2 == 0 {
			radius += 1.005
		} else {
			want[i] = 1
		}
		points[2*i], points[2*i+1] = float32(radius*math.Cos(angle)), float32(radius*math.Sin(angle))
	}
	for _, name := range []string{"gtx1080ti", "rtx2070super", "a100-40g", "rtx3090"} {
		for _, form := range [][2]string{{"2", "1"}, {"1", "0"}, {"3", "2"}} {
			gpu, err := sim.LoadGPU(name)
			if err != nil {
				t.Fatal(err)
			}
			cubin, _, err := cudac.Compile(t.Context(), "measured/pnpoly.cu", cudac.Options{
				Arch: gpu.Arch, Compiler: "nvrtc",
				Defines: []string{"block_size_x=64", "tile_size=2", "between_method=" + form[0],
					"use_precomputed_slopes=1", "use_method=" + form[1]}})
			if errors.Is(err, toolchain.ErrMissing) {
				t.Skip(err)
			} else if err != nil {
				t.Fatal(err)
			}
			dev, err := sim.NewDevice(gpu)
			if err != nil {
				t.Fatal(err)
			}
			dev.Functional = true
			mod, err := dev.LoadModule(cubin)
			if err != nil {
				t.Fatal(err)
			}
			for variable, file := range map[string]string{"vertices": "measured/polygon.f32",
				"slopes": "measured/slopes.f32"} {
				at, _, err := mod.Global(variable)
				data, err2 := os.ReadFile(file)
				if err := errors.Join(err, err2, dev.Write(at, data)); err != nil {
					t.Fatal(err)
				}
			}
			k, err := mod.Kernel("pnpoly")
			if err != nil {
				t.Fatal(err)
			}
			in, err := dev.Malloc(8 * n)
			out, err2 := dev.Malloc(4 * n)
			var b bytes.Buffer
			binary.Write(&b, binary.LittleEndian, points)
			if err := errors.Join(err, err2, dev.Write(in, b.Bytes())); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, 4*n)
			_, err = dev.Launch(t.Context(), k, sim.LaunchConfig{Grid: sim.Dim3{X: n / 128}, Block: sim.Dim3{X: 64}},
				sim.PtrArg(out), sim.PtrArg(in), sim.I32(n))
			if err := errors.Join(err, dev.Read(out, got)); err != nil {
				t.Fatal(err)
			}
			for i, w := range want {
				if g := int32(binary.LittleEndian.Uint32(got[4*i:])); g != w {
					t.Errorf("%s, between_method %s, use_method %s: point %d (%g, %g) gives %d, want %d", name, form[0],
						form[1], i, points[2*i], points[2*i+1], g, w)
					break
				}
			}
		}
	}
}
