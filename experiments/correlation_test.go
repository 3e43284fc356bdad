package experiments

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"warpdrop/internal/toolchain"
)

// writeSet writes a set of saxpy launches, of 16 to 16 x rows blocks, with the given times in ms, and returns its path.
func writeSet(t *testing.T, extra string, times []float64) string {
	t.Helper()
	cubin, err := filepath.Abs("../workloads/examples/saxpy.cubin")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	table := "# comment\nblocks,unused,ms\n"
	for i, ms := range times {
		table += fmt.Sprintf("%d,1,%g\n", 16*(i+1), ms)
	}
	set := "name: saxpy\ntitle: saxpy\ntable: t.csv\ntime: ms\nkernel: saxpy\nconstants: [\"n=blocks*128\"]\ngrid: " +
		"[blocks]\nblock: [\"128\"]\n" +
		"args: [\"buf:{4*n}\", \"buf:{4*n}\", \"f32:0.5\", \"i32:{n}\"]\nfile: " + cubin + "\n" + extra
	for name, text := range map[string]string{"t.csv": table, "set.yaml": set} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "set.yaml")
}

func run(t *testing.T, c *Correlation, store string) *Correlated {
	t.Helper()
	host := NewHost("")
	rows := c.Sample()
	points, err := Points(c.Specs(rows), host)
	if err != nil {
		t.Fatal(err)
	}
	s, err := OpenStore(store)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := Local{Worker: host}.Execute(context.Background(), points, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Correlate(rows, points, stored)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestCorrelate: times made from the simulation itself have the errors that they were made with, at a fixed clock and
// at one that is to be found.
func TestCorrelate(t *testing.T) {
	store := t.TempDir()
	ones := []float64{1, 1, 1, 1, 1, 1}
	c, err := LoadCorrelation(writeSet(t, "n: 0\nclock: 1500\n", ones), CorrelationOverride{})
	if err != nil {
		t.Fatal(err)
	}
	base := run(t, c, store)
	byBlocks := map[string]float64{}
	for _, r := range base.Rows {
		byBlocks[r.Name] = r.Cycles / 1500 / 1e3 // ms
	}
	factors := []float64{1, 1.25, 0.8, 1, 1, 2} // measured / simulated
	times := make([]float64, len(factors))
	for i := range times {
		times[i] = byBlocks[fmt.Sprint(16*(i+1))] * factors[i]
	}
	c, err = LoadCorrelation(writeSet(t, "n: 0\nclock: 1500\n", times), CorrelationOverride{})
	if err != nil {
		t.Fatal(err)
	}
	got := run(t, c, store)
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-6 {
			t.Errorf("%s is %.6f, want %.6f", what, got, want)
		}
	}
	near("mean error", got.MeanError, (0.2+0.25+0.5)/6)
	near("median", got.MedianError, 0.1)
	near("signed mean", got.MeanSigned, (-0.2+0.25-0.5)/6)
	if w := got.Worst(2); w[0].Name != "96" || w[1].Name != "48" {
		t.Errorf("the worst are %+v", w)
	}
	if got.Pick == nil || got.Pick.Name != "16" && got.Pick.Loss < 0 || got.Columns != "blocks" || got.Missing != 0 ||
		got.Table != 6 {
		t.Errorf("%+v", got)
	}
	// Everything 20 % slower: at the clock that fits nothing is left.
	for i := range times {
		times[i] = byBlocks[fmt.Sprint(16*(i+1))] * 1.2
	}
	yes := true
	if c, err = LoadCorrelation(writeSet(t, "n: 0\nclock: 1500\n", times), CorrelationOverride{FitClock: &yes}); err !=
		nil {
		t.Fatal(err)
	}
	got = run(t, c, store)
	near("fitted clock", got.TimedMHz, 1250)
	near("mean error at it", got.MeanError, 0)
	near("Pearson", got.Pearson, 1)
	near("Spearman", got.Spearman, 1)
	near("loss of the pick", got.Pick.Loss, 0)
	if lines := strings.Join(got.Lines(), "\n"); !strings.Contains(lines,
		"1250 MHz, fitted to these rows (simulated at 1500)") || strings.Contains(lines, "sampled simulation") {
		t.Error(lines)
	}
	// A kernel that reads the host's memory is no faster than the link.
	if c, err = LoadCorrelation(writeSet(t, "n: 0\nhost_bytes: 12000000*blocks\n", times), CorrelationOverride{}); err !=
		nil {
		t.Fatal(err)
	}
	if got = run(t, c, store); got.Rows[0].Simulated != got.Rows[0].HostUS ||
		math.Abs(got.Rows[0].HostUS-16*1000-8) > 1e-6 {
		t.Errorf("over the host's link: %+v", got.Rows[0])
	}
	dir := filepath.Join(t.TempDir(), "out")
	for range 2 { // the second time over its own files
		if err := CheckCorrelationOutput(dir); err != nil {
			t.Fatal(err)
		}
		if err := got.Write(dir); err != nil {
			t.Fatal(err)
		}
	}
	if svg, err := os.ReadFile(filepath.Join(dir, CorrelationSVG)); err != nil ||
		!bytes.Contains(svg, []byte("<title>16: ")) {
		t.Errorf("the figure does not name its points (%v)", err)
	}
	other := t.TempDir()
	os.WriteFile(filepath.Join(other, "mine.txt"), nil, 0o644)
	if err := CheckCorrelationOutput(other); !errors.Is(err, ErrForeign) {
		t.Errorf("somebody else's folder: %v", err)
	}
}

// TestCorrelateSampled: what is sampled says so everywhere, and stands beside the whole simulation.
func TestCorrelateSampled(t *testing.T) {
	const rows = 3
	text := "n: 0\nwaves: 4\nwhole: 1\nwhere: [\"blocks <= 48\"]\nconstants: [\"n=blocks*25600\"]\ngrid: " +
		"[\"blocks*200\"]\n"
	path := writeSet(t, "", []float64{1, 2, 3, 4})
	set, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.Replace(strings.Replace(string(set), "constants: [\"n=blocks*128\"]\n", "", 1),
		"grid: [blocks]\n", "", 1)
	if err := os.WriteFile(path, []byte(plain+text), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := LoadCorrelation(path, CorrelationOverride{})
	if err != nil {
		t.Fatal(err)
	}
	got := run(t, c, t.TempDir())
	if len(got.Rows) != rows || len(got.Whole) != 1 {
		t.Fatalf("%d rows, %d whole", len(got.Rows), len(got.Whole))
	}
	if w := got.Whole[0]; math.Abs(w.Error) > w.Stated+0.03 || w.Error == 0 || w.Stated == 0 {
		t.Errorf("%+v", w)
	}
	for _, r := range got.Rows {
		if r.Total == 0 || r.Blocks >= r.Total || r.SampleError <= 0 {
			t.Errorf("%+v", r)
		}
	}
	lines := strings.Join(got.Lines(), "\n")
	for _, want := range []string{"sampled simulation: the first 4 waves of blocks of 3 configurations",
		"simulated whole as well: 16"} {
		if !strings.Contains(lines, want) {
			t.Errorf("no %q in\n%s", want, lines)
		}
	}
	if cells := got.Cells(got.Rows[:1]); !strings.HasPrefix(cells[0][len(cells[0])-1], "sampled ") {
		t.Errorf("%v", cells)
	}
	spec := c.Rows()[0].Launch
	row := newRow(spec)
	if label := Label(spec); !strings.Contains(label, "sampled:-4-waves") ||
		!strings.Contains(row.Option, "sampled: 4 waves") {
		t.Errorf("label %q, option %q", label, row.Option)
	}
}

// TestCorrelationSample: rows are drawn from all parts of the range, the same ones by the same seed.
func TestCorrelationSample(t *testing.T) {
	times := make([]float64, 40)
	for i := range times {
		times[i] = float64(1 + (i*17)%40)
	}
	n, seed, other := 8, 5, 6
	path := writeSet(t, "", times)
	c, err := LoadCorrelation(path, CorrelationOverride{N: &n, Seed: &seed})
	if err != nil {
		t.Fatal(err)
	}
	names := func(rows []Configured) (out []string) {
		for _, r := range rows {
			out = append(out, r.Name)
		}
		return out
	}
	first := c.Sample()
	for i, r := range first {
		if ms := r.Measured * 1e3; ms < float64(1+5*i) || ms > float64(5+5*i) {
			t.Errorf("row %d of 8 has %g ms", i, ms)
		}
	}
	if !slices.Equal(names(first), names(c.Sample())) {
		t.Error("the same seed draws other rows")
	}
	if c, err = LoadCorrelation(path, CorrelationOverride{N: &n, Seed: &other}); err != nil ||
		slices.Equal(names(first), names(c.Sample())) {
		t.Errorf("another seed draws the same rows (%v)", err)
	}
}

func TestCorrelationErrors(t *testing.T) {
	for extra, want := range map[string]string{
		"n: -1\n":                      "set.yaml:11:4: n is -1; allowed is a whole number from 0",
		"waves: 2\n":                   "set.yaml:11:8: waves is 2; allowed is 4 or more, or 0 for all blocks",
		"gpu: none\n":                  "set.yaml:11:6: ",
		"colour: red\n":                `unknown key "colour"`,
		"where: [\"blocks\"]\n":        `where: "blocks" is 16, not true or false`,
		"where: [\"blocks < 0\"]\n":    "t.csv has no row that is asked for",
		"defines: [\"A=x\"]\n":         `t.csv:3: defines: "x": no value named "x"; there are blocks, ms, n, unused`,
		"defines: [blocks]\n":          "defines are for .cu files",
		"shared: \"0-1\"\n":            "not a whole number from 0",
		"kernel_block: 1\n":            "unknown key",
		"host_bytes: \"(\"\n":          "host_bytes: \"(\" is not a formula",
		"within: 1\n":                  "set.yaml:11:9: within is 1; allowed is",
		"variables: [\"w:4:out=x\"]\n": "allowed here are buffers without out=",
		"unit: h\n":                    "unit is \"h\"; allowed is s, ms, us",
		"clock: 5\n":                   "clock is 5 MHz; allowed is 100 to 10000",
		"---\nname: x\n":               "second YAML document; allowed is one set of measured kernels a file",
	} {
		_, err := LoadCorrelation(writeSet(t, extra, []float64{1, 2}), CorrelationOverride{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v does not say %q", extra, err, want)
		}
	}
	if _, err := LoadCorrelation(writeSet(t, "", []float64{1, 0}), CorrelationOverride{}); err == nil ||
		!strings.Contains(err.Error(), `t.csv:4: ms is "0"; allowed is a time above 0`) {
		t.Errorf("a time of 0: %v", err)
	}
	if _, err := LoadCorrelation(filepath.Join(t.TempDir(), "no.yaml"), CorrelationOverride{}); err == nil {
		t.Error("a set that is not there")
	}
}

func TestRanks(t *testing.T) {
	if got := ranks([]float64{3, 1, 3, 2}); !slices.Equal(got, []float64{2.5, 0, 2.5, 1}) {
		t.Errorf("ranks %v", got)
	}
}

// measuredSets are the committed ones, and rows of each that are simulated in little time.
var measuredSets = map[string]struct {
	rows int      // that the set asks for
	some []string // names
}{
	"convolution": {71, []string{"80/4/2/2/1/0", "8/8/1/5/0/1"}},
	"pnpoly":      {121, []string{"736/1/0/1/0"}},
	"gemm":        {121, nil},
}

// loadMeasured loads a committed set from the repository's root.
func loadMeasured(t *testing.T, name string) *Correlation {
	t.Helper()
	c, err := LoadCorrelation("workloads/measured/"+name+"-gtx1080ti.yaml", CorrelationOverride{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestMeasuredSets: the committed sets load, with a launch of each row.
func TestMeasuredSets(t *testing.T) {
	t.Chdir("..")
	for name, want := range measuredSets {
		c := loadMeasured(t, name)
		if n := len(c.Rows()); n != want.rows {
			t.Errorf("%s has %d rows, want %d", name, n, want.rows)
		}
		for _, one := range want.some {
			if !slices.ContainsFunc(c.Rows(), func(r Configured) bool { return r.Name == one }) {
				t.Errorf("%s has no row %s", name, one)
			}
		}
	}
}

// TestMeasuredTimes simulates a few rows of each set beside their times on the card. It needs NVRTC, of the tool chain
// that WARPDROP_TOOLCHAIN names.
func TestMeasuredTimes(t *testing.T) {
	if os.Getenv(toolchain.Variable) == "" {
		t.Skip("set " + toolchain.Variable + " to the tool chain that scripts/toolchain.sh installs")
	}
	t.Chdir("..")
	for name, set := range measuredSets {
		c := loadMeasured(t, name)
		c.rows = slices.DeleteFunc(c.rows, func(r Configured) bool { return !slices.Contains(set.some, r.Name) })
		if len(c.rows) == 0 {
			continue
		}
		if _, err := NewHost("").Versions(c.rows[0].Launch); errors.Is(err, toolchain.ErrMissing) {
			t.Skip(err)
		}
		for _, r := range run(t, c, t.TempDir()).Rows {
			t.Logf("%s %s: %.0f us, %.0f on the card, %+.1f %%", name, r.Name, r.Simulated, r.Measured, 100*r.Error)
			if math.Abs(r.Error) > 0.25 {
				t.Errorf("%s %s: %.0f us, %.0f on the card", name, r.Name, r.Simulated, r.Measured)
			}
		}
	}
}

// TestCorrelatedCells: a configuration's name, which is of cells of somebody's table, is no formula in ours.
func TestCorrelatedCells(t *testing.T) {
	c := &Correlated{Rows: []CorrelatedRow{{Name: "=1+1\x1b[2J"}}}
	if got := string(c.CSV()); !strings.Contains(got, ",'=1+1") || strings.Contains(got, "\x1b") {
		t.Errorf("%q", got)
	}
}

// TestPick: the one that is simulated as the fastest, and the best of the three fastest.
func TestPick(t *testing.T) {
	c := Correlated{Rows: []CorrelatedRow{{Name: "a", Simulated: 1, Measured: 2.2},
		{Name: "b", Simulated: 4, Measured: 2}, {Name: "c", Simulated: 3, Measured: 2.1},
		{Name: "d", Simulated: 2, Measured: 3}}}
	c.pick(1)
	if p := c.Pick; p.Name != "a" || p.Best != "b" || p.OfThree != "c" || math.Abs(p.Loss-.1) > 1e-9 ||
		math.Abs(p.OfThreeLoss-.05) > 1e-9 || math.Abs(p.TableLoss-1.2) > 1e-9 {
		t.Errorf("%+v", p)
	}
	c.Rows = c.Rows[:1]
	if c.pick(2.2); c.Pick.OfThree != "a" || c.Pick.OfThreeLoss != 0 {
		t.Errorf("of one: %+v", c.Pick)
	}
}
