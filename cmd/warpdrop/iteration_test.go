package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestIteration(t *testing.T) {
	for _, line := range []string{
		"iteration mlp --hidden 64,64 --method rdp --dp 2,3 --update lazy --json",
		"iteration mlp --inputs 128 --hidden 128,128 --method tdp --dp 2 --tile 64 --json",
		"iteration lstm --hidden 64 --vocabulary 200 --steps 8 --method rdp --dp 2,2,3 --simulated-repeats 2 --json",
	} {
		var out, errs bytes.Buffer
		if code := run(context.Background(), strings.Fields(line), nil, &out, &errs); code != 0 {
			t.Fatalf("%s: exit code %d: %s", line, code, errs.String())
		}
		var r iterationReport
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		share, cycles, count := 0.0, int64(0), 0
		for _, l := range r.Launches {
			share, cycles, count = share+l.Share, cycles+l.Cycles, count+l.Count
		}
		if share < 0.999 || share > 1.001 || cycles != r.Cycles || count < r.Simulated {
			t.Errorf("%s: shares add up to %g, cycles to %d of %d, %d launches, %d simulated", line, share, cycles, r.Cycles,
				count, r.Simulated)
		}
	}
	trace := filepath.Join(t.TempDir(), "trace.json")
	var out, errs bytes.Buffer
	if code := run(context.Background(), []string{"iteration", "mlp", "--hidden", "64,64", "--trace", trace}, nil, &out,
		&errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	var events struct {
		TraceEvents []struct {
			Name string `json:"name"`
			Cat  string `json:"cat"`
		} `json:"traceEvents"`
	}
	data, err := os.ReadFile(trace)
	if err == nil {
		err = json.Unmarshal(data, &events)
	}
	seen := map[string]int{}
	for _, e := range events.TraceEvents {
		seen[e.Cat]++
	}
	if err != nil || seen["kernel"] < 10 || seen["copy"] == 0 {
		t.Errorf("trace of an iteration: events by category %v, error %v", seen, err)
	}
	for line, want := range map[string]string{
		"iteration":                                         "mlp or lstm",
		"iteration mlp --hidden 64,0":                       "layers[2]: 0 is not in 1..65536",
		"iteration mlp --method tdp --tile 16":              "tile: 16 is not one of [32 64]",
		"iteration mlp --method rdp --tile 64":              "--tile belongs to methods that drop tiles, not rdp",
		"iteration mlp --dp 2":                              "--dp and --bias belong to the methods rdp and tdp, not dense",
		"iteration mlp --rates 1,0.5":                       "rates[0]: 1 is not in [0, 1)",
		"iteration mlp --groups 2":                          "method dense has one pattern or mask for all",
		"iteration lstm --method rows-k --groups 21":        "groups: 21 is not in 1..20",
		"iteration lstm --method rows-k --group-by words":   "allowed are samples and steps",
		"iteration lstm --hidden 0":                         "hidden: 0 is not in 4..16384",
		"iteration lstm --method rdp --dp 2,2":              "--dp has 2 values; wanted are 1 or 3",
		"iteration lstm --method tdp --dp 1000 --hidden 64": "dp must be in 1..16",
	} {
		var out, errs bytes.Buffer
		if code := run(context.Background(), strings.Fields(line), nil, &out, &errs); code != 2 ||
			!strings.Contains(errs.String(), want) {
			t.Errorf("%s: exit code %d, %q; want 2 and %q", line, code, errs.String(), want)
		}
	}
}
