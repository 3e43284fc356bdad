package table

import (
	"bytes"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"
)

// A table has its headers as they are written, fits the width and loses no word; numbers stand on the right.
func TestTable(t *testing.T) {
	var out bytes.Buffer
	x := New(&out, 50, "SMs", "MHz", "% of peak", "reason")
	x.Add(28, 1582, "96.5", "waits for memory, for shared memory, for a barrier and for the first time")
	x.Add(8, 300, "", "面積 µs")
	if err := x.Render(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for _, l := range lines {
		if w := runewidth.StringWidth(l); w > 50 || w != runewidth.StringWidth(lines[0]) {
			t.Errorf("%d columns: %s", w, l)
		}
	}
	if !strings.Contains(lines[1], "│ SMs │  MHz │ % of │ reason ") {
		t.Errorf("head %q", lines[1])
	}
	for _, want := range []string{"│  28 │ 1582 │ 96.5 │", "│   8 │  300 │      │ 面積 µs "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	for word := range strings.FieldsSeq("waits for memory, for shared memory, for a barrier and for the first time") {
		if !strings.Contains(out.String(), word) {
			t.Errorf("%q is lost", word)
		}
	}
}

// quickstart is the table of experiments/quickstart.yaml at scale smoke, of 175 columns.
var quickstart = [][]string{
	{"method", "network", "gpu", "rate", "batch", "patterns", "tile", "reached rate", "kernel cycles", "with launch",
		"speedup over dense", "accuracy %", "bank conflicts", "divergent branches", "energy mJ"},
	{"dense", "784-128-128-10", "gtx1080ti", "0.5 0.5", "128", "", "", "-", "135382", "296736", "1.00", "91.71", "0", "96",
		"13.295"},
	{"masked", "784-128-128-10", "gtx1080ti", "0.5 0.5", "128", "", "", "-", "220353", "389617", "0.76", "91.71", "0",
		"14864", "17.095"},
	{"rdp", "784-128-128-10", "gtx1080ti", "0.5 0.5", "128", "4", "", "0.4970", "127412", "283922", "1.05", "91.60", "0",
		"224", "12.172"},
	{"tdp", "784-128-128-10", "gtx1080ti", "0.5 0.5", "128", "4", "32", "0.4970", "145691", "299135", "0.99", "91.41", "0",
		"88", "12.980"},
}

// launches are rows of the table of an iteration: more than can be turned.
var launches = [][]string{
	{"launch", "kernel", "count", "with launch", "share %", "GFLOP", "% of peak", "DRAM MB", "% of peak"},
	{"copy batch", "copy host to device", "1", "65575", "23.7", "0.000", "0", "0.00", "0"},
	{"forward 1", "gemm_nt_v_32x32", "1", "21592", "7.8", "0.006", "4", "0.50", "8"},
	{"gather 2", "gather_rdp", "1", "5767", "2.1", "0.000", "0", "0.01", "1"},
	{"softmax, loss", "softmax_loss", "1", "13076", "4.7", "0.000", "0", "0.00", "0"},
	{"backward data 3", "gemm_nt_v_32x32", "1", "11907", "4.3", "0.000", "0", "0.00", "0"},
	{"bias gradient 3", "column_sums", "1", "6469", "2.3", "0.000", "0", "0.00", "0"},
	{"update 1", "sgd_rdp", "1", "8164", "3.0", "0.000", "0", "0.30", "13"},
}

// sweep is a part of Table I with a pattern of a user's own: more rows than can be turned.
var sweep = [][]string{
	{"method", "network", "search", "reached rate", "kernel cycles", "with launch", "speedup over dense (interval)",
		"accuracy %", "divergent branches", "energy mJ"},
	{"dense", "784-1024-64-10", "", "-", "304952", "466306", "1.00", "90.88", "150", "27.519"},
	{"rdp", "784-1024-64-10", "sgd", "0.6923", "209316", "365833", "1.27 (1.26 to 1.29)", "82.25", "1259", "18.418"},
	{"rdp", "784-1024-64-10", "exact", "0.7000", "210730", "368129", "1.27 (1.27 to 1.27)", "87.78", "1340", "18.444"},
	{"rows-chunks", "784-1024-64-10", "", "-", "222834", "388885", "1.20 (1.20 to 1.20)", "76.46", "319", "19.536"},
	{"dense", "784-1024-1024-10", "", "-", "560410", "721764", "1.00", "-", "236", "50.630"},
	{"rdp", "784-1024-1024-10", "sgd", "0.6923", "307676", "464479", "1.55 (1.54 to 1.57)", "-", "1106", "25.785"},
	{"rows-chunks", "784-1024-1024-10", "", "-", "316305", "483015", "1.49 (1.49 to 1.50)", "-", "2646", "26.574"},
}

// Wide tables fit every width, in the form that says most, and lose no value.
func TestForms(t *testing.T) {
	for _, c := range []struct {
		name  string
		rows  [][]string
		width int
		want  []string
	}{
		{"wide", quickstart, 200, []string{"│ method │ network        │ gpu "}},
		{"turned", quickstart, 80, []string{
			"all rows: network 784-128-128-10, gpu gtx1080ti, rate 0.5 0.5, batch 128,\n  bank conflicts 0\n",
			"│ method             │  dense │ masked │    rdp │    tdp │",
			"│ speedup over dense │   1.00 │   0.76 │   1.05 │   0.99 │"}},
		{"turned", quickstart, 60, []string{
			", gpu gtx1080ti,\n  rate 0.5 0.5, batch 128, bank conflicts 0\n",
			"│ accuracy %         │  91.71 │  91.71 │  91.60 │  91.41 │"}},
		{"lists", quickstart, 40, []string{"method              rdp\npatterns            4\nreached rate        0.4970\n"}},
		{"one row", quickstart[:2], 80, []string{
			"│ method             │ dense ",
			"│ network            │ 784-128-128-10 │"}},
		{"wrapped", launches, 80, []string{"all rows: count 1\n", "│ copy batch ",
			"│   with │ share │ GFLOP │ % of │ DRAM │ % of │"}},
		{"two tables", launches, 60, []string{"│ launch ", "│ forward 1 "}},
		{"two tables", sweep, 80, []string{"│ method ", "│ 1.55 (1.54 to 1.57) │"}},
		{"lists of many rows", sweep, 44, []string{"method rdp\n  network 784-1024-64-10; search sgd;\n"}},
	} {
		var out bytes.Buffer
		x := New(&out, c.width, c.rows[0]...)
		x.AddRows(c.rows[1:])
		if err := x.Render(); err != nil {
			t.Fatal(err)
		}
		for l := range strings.Lines(out.String()) {
			if w := runewidth.StringWidth(strings.TrimSuffix(l, "\n")); w > c.width {
				t.Errorf("%s: %d columns in %d: %s", c.name, w, c.width, l)
			}
		}
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s in %d columns: no %q in\n%s", c.name, c.width, want, out.String())
			}
		}
		for _, row := range c.rows {
			for word := range strings.FieldsSeq(strings.Join(row, " ")) {
				if word != "-" && !strings.Contains(out.String(), word) && c.name != "one row" {
					t.Errorf("%s in %d columns: %q is lost", c.name, c.width, word)
				}
			}
		}
	}
}

// Names without spaces, as C++ has them, are broken where nothing else helps.
func TestLongWords(t *testing.T) {
	var out bytes.Buffer
	x := New(&out, 60, "kernel", "cycles")
	x.Add("_ZN7cutlass6KernelINS_4gemm6kernel4GemmINS1_11threadblock13MmaMultistageEEEEvNT_6ParamsE", 1234)
	x.Add("面積面積面積面積面積面積面積面積面積面積面積面積面積面積面積面積", 5)
	if err := x.Render(); err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(out.String()) {
		if w := runewidth.StringWidth(strings.TrimSuffix(l, "\n")); w > 60 {
			t.Errorf("%d columns: %s", w, l)
		}
	}
}
