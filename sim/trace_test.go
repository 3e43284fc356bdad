package sim_test

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"warpdrop/sim"
)

// TestTrace: the trace is what trace viewers read, agrees with the results, and changes nothing.
func TestTrace(t *testing.T) {
	run := func(trace *sim.Trace) []*sim.Result {
		b := newBench(t)
		b.dev.Trace = trace
		out := b.buffer(4096)
		if _, err := b.dev.CopyIn(out, make([]byte, 4096)); err != nil {
			t.Fatal(err)
		}
		var all []*sim.Result
		for range 2 {
			r, err := b.launch("with_barrier", shape(200, 128, 0), sim.PtrArg(out))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, r)
		}
		if _, err := b.dev.CopyOut(out, make([]byte, 4096)); err != nil {
			t.Fatal(err)
		}
		return all
	}
	trace := &sim.Trace{Interval: 200}
	got, want := run(trace), run(nil)
	for i := range got {
		if got[i].Cycles != want[i].Cycles || !reflect.DeepEqual(got[i].Counters, want[i].Counters) {
			t.Errorf("launch %d: the trace changes cycles or counters: %d, without %d", i, got[i].Cycles, want[i].Cycles)
		}
	}
	var text bytes.Buffer
	n, err := trace.WriteTo(&text)
	if err != nil || n != int64(text.Len()) {
		t.Fatalf("%d bytes of %d: %v", n, text.Len(), err)
	}
	var file struct {
		TraceEvents []struct {
			Name, Cat, Ph string
			Ts, Dur       float64
			Pid, Tid      int
			Args          map[string]any
		}
	}
	if err := json.Unmarshal(text.Bytes(), &file); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	type track struct{ pid, tid int }
	ends := map[track]float64{}
	var kernels []float64
	type sample struct{ at, watts float64 }
	var power []sample
	var spans [][2]float64 // of kernels, microseconds
	ipc, cycles := 0.0, 0.0
	last := -1.0
	for _, e := range file.TraceEvents {
		count[e.Ph+e.Cat]++
		switch e.Ph {
		case "X":
			if e.Dur < 0 || e.Ts < 0 {
				t.Errorf("%s at %g for %g", e.Name, e.Ts, e.Dur)
			}
			if e.Cat == "block" {
				if at := (track{e.Pid, e.Tid}); e.Ts < ends[at]-1e-9 {
					t.Errorf("%s begins at %g, when another on its track lasts to %g", e.Name, e.Ts, ends[at])
				} else {
					ends[at] = e.Ts + e.Dur
				}
				if e.Args["kernel"] != "with_barrier" {
					t.Errorf("%s belongs to kernel %v", e.Name, e.Args["kernel"])
				}
			}
			if e.Cat == "kernel" {
				kernels = append(kernels, e.Dur)
				spans = append(spans, [2]float64{e.Ts, e.Ts + e.Dur})
			}
		case "C":
			if e.Name == "scheduler cycles (%)" {
				sum := 0.0
				for _, v := range e.Args {
					sum += v.(float64)
				}
				if math.Abs(sum-100) > 0.5 {
					t.Errorf("shares of the schedulers' cycles at %g add up to %g %%", e.Ts, sum)
				}
			}
			if e.Name == "power (W, estimate)" {
				power = append(power, sample{e.Ts, e.Args["power"].(float64)})
			}
			if e.Name == "warp instructions a cycle" {
				if e.Ts <= last {
					t.Errorf("samples at %g and %g", last, e.Ts)
				}
				last = e.Ts
				ipc += e.Args["ipc"].(float64)
				cycles++
			}
		}
	}
	if count["Xblock"] != 400 || count["Xkernel"] != 2 || count["Xcopy"] != 2 || count["C"] < 8 || ipc == 0 {
		t.Errorf("events by kind: %v; want 400 blocks, 2 kernels, 2 copies, and counters", count)
	}
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range kernels {
		if w := gpu.Seconds(got[i].Cycles) * 1e6; math.Abs(d-w) > 1e-6 {
			t.Errorf("kernel %d lasts %g us in the trace, %g us by its result", i, d, w)
		}
		// Power over time adds up to the launch's energy.
		sum := 0.0
		for k, p := range power {
			if p.at < spans[i][0]-1e-9 || p.at >= spans[i][1] {
				continue
			}
			end := spans[i][1]
			if k+1 < len(power) {
				end = min(end, power[k+1].at)
			}
			sum += p.watts * (end - p.at) * 1e-6
		}
		if e, _ := got[i].Energy(gpu); math.Abs(sum/e.Total()-1) > 1e-3 {
			t.Errorf("kernel %d: power over time adds up to %g J, the launch's energy is %g J", i, sum, e.Total())
		}
	}
}

// TestTraceBounds: what is kept is bounded, however long the run.
func TestTraceBounds(t *testing.T) {
	b := newBench(t)
	b.dev.Trace = &sim.Trace{Interval: 1, MaxBlocks: 10, MaxSamples: 4}
	if _, err := b.launch("with_barrier", shape(2000, 128, 0), sim.PtrArg(b.buffer(128))); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := b.dev.Trace.WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text.Bytes(), []byte(`"cat":"block"`)); n != 10 {
		t.Errorf("%d blocks kept, want 10", n)
	}
	if n := bytes.Count(text.Bytes(), []byte(`"name":"resident warps"`)); n < 2 || n > 5 {
		t.Errorf("%d samples kept, want 2 to 5", n)
	}
	if !bytes.Contains(text.Bytes(), []byte(`"blocks_not_kept":1990`)) {
		t.Error("the blocks that were not kept are not counted")
	}
}
