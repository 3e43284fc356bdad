package driver

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// closed ends the program and reads the launches that it wrote to a JSON file.
func (c *client) closed(file string) []Launch {
	c.t.Helper()
	if err := c.d.Close(); err != nil {
		c.t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		c.t.Fatal(err)
	}
	var rep struct{ Launches []Launch }
	if err := json.Unmarshal(data, &rep); err != nil {
		c.t.Fatal(err)
	}
	return rep.Launches
}

// TestSelection: only what the variables select is timed; the rest has its values and no time.
func TestSelection(t *testing.T) {
	for _, v := range []struct {
		env   string
		timed []bool // saxpy four times, then with_barrier once
	}{
		{"", []bool{true, true, true, true, true}},
		{"WARPDROP_MODE=timed", []bool{true, true, true, true, true}},
		{"WARPDROP_MODE=functional", []bool{false, false, false, false, false}},
		{"WARPDROP_KERNELS=^sax", []bool{true, true, true, true, false}},
		{"WARPDROP_KERNELS=bar WARPDROP_COUNT=7", []bool{false, false, false, false, true}},
		{"WARPDROP_KERNELS=saxpy WARPDROP_SKIP=1 WARPDROP_COUNT=2", []bool{false, true, true, false, false}},
		{"WARPDROP_SKIP=4", []bool{false, false, false, false, true}},
	} {
		o, err := FromEnvironment(func(name string) (string, bool) {
			for _, kv := range strings.Fields(v.env) {
				if value, ok := strings.CutPrefix(kv, name+"="); ok {
					return value, true
				}
			}
			return "", false
		})
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "l.json")
		c := newClient(t, func(to *Options) { to.Selection, to.JSON = o.Selection, file })
		const n = 500
		x, y, m := c.alloc(4*n), c.alloc(4*n), c.module()
		c.ok("cuMemsetD32_v2", x, 0x3f800000, n) // 1.0
		c.ok("cuMemsetD32_v2", y, 0, n)
		for range 4 {
			c.ok("cuLaunchKernel", c.function(m, "saxpy"), 4, 1, 1, 128, 1, 1, 0, 0, c.saxpy(y, x, 0.5, n), 0)
		}
		back := c.mem(4 * n)
		c.ok("cuMemcpyDtoH_v2", back.addr(), y, 4*n)
		if got := back.float(n - 1); got != 2 {
			t.Errorf("%q: y is %g, want 2", v.env, got)
		}
		c.ok("cuLaunchKernel", c.function(m, "with_barrier"), 1, 1, 1, 128, 1, 1, 0, 0, c.pointers(y), 0)
		launches := c.closed(file)
		var timed []bool
		for _, l := range launches {
			timed = append(timed, l.LaunchTime != nil)
			if (l.LaunchTime == nil) != l.Functional || l.LaunchTime != nil && l.Cycles == 0 || l.WarpInsts == 0 {
				t.Errorf("%q: launch %+v", v.env, l)
			}
		}
		if !slices.Equal(timed, v.timed) {
			t.Errorf("%q: timed are %v, want %v", v.env, timed, v.timed)
		}
		if said := c.said.String(); strings.Contains(said, "values only") != slices.Contains(v.timed, false) ||
			strings.Contains(said, "NaN") {
			t.Errorf("%q: the table says\n%s", v.env, said)
		}
	}
}

// TestSampled: of a launch of many waves the first are timed, and all blocks have their values.
func TestSampled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "l.json")
	c := newClient(t, func(o *Options) { o.Selection.Sampled, o.JSON = true, file })
	const blocks = 6000
	const n = blocks * 256
	x, y, m := c.alloc(4*n), c.alloc(4*n), c.module()
	c.ok("cuMemsetD32_v2", x, 0x3f800000, n) // 1.0
	c.ok("cuMemsetD32_v2", y, 0, n)
	f := c.function(m, "saxpy")
	c.ok("cuLaunchKernel", f, blocks, 1, 1, 256, 1, 1, 0, 0, c.saxpy(y, x, 0.5, n), 0)
	c.ok("cuLaunchKernel", f, 10, 1, 1, 256, 1, 1, 0, 0, c.saxpy(y, x, 0.5, 2560), 0)
	back := c.mem(4 * n)
	c.ok("cuMemcpyDtoH_v2", back.addr(), y, 4*n)
	for i := range n {
		want := float32(0.5)
		if i < 2560 {
			want = 1
		}
		if back.float(i) != want {
			t.Fatalf("y[%d] is %g, want %g", i, back.float(i), want)
		}
	}
	l := c.closed(file)
	if len(l) != 2 || l[0].Sample == nil || l[0].Sample.Total != blocks || l[0].Sample.Blocks >= blocks ||
		l[1].Sample != nil {
		t.Fatalf("launches %+v", l)
	}
	// Warp instructions are those of the whole grid: as many a block as in the launch of ten.
	if got, want := l[0].WarpInsts, l[1].WarpInsts*blocks/10; got < want*99/100 || got > want*101/100 {
		t.Errorf("%d warp instructions, want %d", got, want)
	}
	if said := c.said.String(); !strings.Contains(said, "1 of the launches were sampled (~)") {
		t.Errorf("the table says\n%s", said)
	}
}

// TestVariables: what a variable does not allow is refused with its name.
func TestVariables(t *testing.T) {
	for kv, want := range map[string]string{"WARPDROP_MODE=fast": "not timed, sampled or functional",
		"WARPDROP_KERNELS=(": "missing closing", "WARPDROP_COUNT=0": "not a number in 1..",
		"WARPDROP_THREADS=x": "not a number in 0..1024", "WARPDROP_MODE=functional WARPDROP_CHECK=hazards": "there is none"} {
		_, err := FromEnvironment(func(name string) (string, bool) {
			for _, x := range strings.Fields(kv) {
				if v, ok := strings.CutPrefix(x, name+"="); ok {
					return v, true
				}
			}
			return "", false
		})
		if err == nil || !strings.Contains(err.Error(), "WARPDROP_") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error that says %q", kv, err, want)
		}
	}
}
