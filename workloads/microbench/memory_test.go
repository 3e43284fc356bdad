package microbench

import (
	"context"
	"testing"

	"warpdrop/sim"
)

// TestMemory runs every memory microbenchmark on the GTX 1080 Ti's preset: what is known of the GPU must come out.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some ten seconds")
	}
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	dev, err := sim.NewDevice(gpu)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := Memory(context.Background(), dev)
	if err != nil {
		t.Fatal(err)
	}
	value := map[string]float64{}
	for _, r := range rows {
		value[r.Group+", "+r.Case] = r.Value
		if !r.Within() {
			t.Errorf("%s, %s: %.2f %s; want %.2f to %.2f (%s)", r.Group, r.Case, r.Value, r.Unit, r.Low, r.High, r.From)
		}
	}
	for _, c := range []struct{ more, less string }{
		{"transpose_padded, 1024 x 1024", "transpose_unpadded, 1024 x 1024"},
		{"bandwidth: reads, 1 MiB in L2", "bandwidth: strided reads, useful, stride 1"},
		{"bandwidth: strided reads, useful, stride 8", "bandwidth: random reads, useful, 64 MiB"},
		{"atomics, on 4096 words", "atomics, on 1 words"},
	} {
		if value[c.less] <= 0 || value[c.more] < 1.1*value[c.less] {
			t.Errorf("%s is %.1f, %s %.1f: want at least 1.1 times as much", c.more, value[c.more], c.less, value[c.less])
		}
	}
}
