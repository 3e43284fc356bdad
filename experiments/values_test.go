package experiments

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// saxpyArgs are arguments that the kernel of launchHead takes.
const saxpyArgs = `args: ["buf:4", "buf:4", "f32:1", "i32:1"]`

const launchHead = "name: t\ntitle: T\npoints:\n  - launch: {file: ../workloads/examples/saxpy.cubin, kernel: saxpy, "

// TestLaunchFormulas: grid, block, arguments and defines from formulas over swept and fixed values.
func TestLaunchFormulas(t *testing.T) {
	head := strings.Replace(launchHead, "../workloads/examples/saxpy.cubin, kernel: saxpy",
		"../sim/testdata/globals.cubin, kernel: look", 1)
	e, err := Parse("t.yaml",
		[]byte(head+`values: {n: 1000, half: tile/2}, grid: [ceil(n/tile), "max(half, 1)"], block: tile,
     args: ["buf:{4*n}", "struct:{u16:{n},u8:2}"], variables: ["table:{half/2}:f32=1"]}
    sweep: {tile: [32, 64]}
    scales: {smoke: {n: 10}}
`))
	if err != nil {
		t.Fatal(err)
	}
	specs := e.Specs("small")
	if len(specs) != 2 {
		t.Fatalf("%d points, want 2", len(specs))
	}
	l := specs[1].(Launch)
	if !slices.Equal(l.Grid, []int{16, 32}) || !slices.Equal(l.Block, []int{64}) {
		t.Errorf("grid %v and block %v, want [16 32] and [64]", l.Grid, l.Block)
	}
	if want := []string{"buf:4000", "struct:{u16:1000,u8:2}"}; !slices.Equal(l.Args, want) {
		t.Errorf("args %v, want %v", l.Args, want)
	}
	if want := (NamedValues{"n": "1000", "tile": "64", "half": "32"}); !maps.Equal(l.Values, want) {
		t.Errorf("values %v, want %v", l.Values, want)
	}
	if small := e.Specs("smoke")[0].(Launch); small.Args[1] != "struct:{u16:10,u8:2}" || small.Grid[0] != 1 {
		t.Errorf("at scale smoke args %v, grid %v; want n = 10", small.Args, small.Grid)
	}
	plain := l
	plain.Values = nil
	if NewPoint(l, nil).Hash != NewPoint(plain, nil).Hash {
		t.Error("the values name a point; what they make of its keys should")
	}
}

func TestLaunchFormulaErrors(t *testing.T) {
	for _, c := range []struct{ yaml, want string }{
		{"grid: ceil(m/tile), block: 32, values: {n: 4, tile: 32}}", `no value named "m"; there are n, tile`},
		{"grid: [1], block: [32], values: {n: 4}}", `"n" is no key, and no formula uses it`},
		{"grid: [1], block: [32]}\n    sweep: {blok: [1, 2]}",
			`"blok" is no key (did you mean "block"?), and no formula uses it`},
		{"grid: [1], block: [32], blok: 3}", `unknown key "blok" (did you mean "block"?)`},
		{"grid: n/0, block: [32], values: {n: 4}}", "division by 0"},
		{"grid: [n*0.3], block: [32], values: {n: 4}}", "no whole number"},
		{"grid: [n], block: [32], values: {n: -4}}", "grid is -4; allowed is a whole number from 1"},
		{"grid: [n], block: [32], values: {n: [4]}}", "values: n is a list"},
		{"grid: [1], block: [32], values: {block: 4}}", "values: block is 4; allowed are names that are no key"},
		{"grid: [1], block: [32], cubin: x.cubin}", "file and cubin are two names of one key"},
	} {
		_, err := Parse("t.yaml", []byte(launchHead+c.yaml+"\n"))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want it to say %s", c.yaml, err, c.want)
		}
	}
}

// TestOldNameOfFile: cubin is still read.
func TestOldNameOfFile(t *testing.T) {
	e, err := Parse("t.yaml", []byte(strings.Replace(launchHead, "file:", "cubin:", 1)+"grid: [1], block: [32], "+
		saxpyArgs+"}\n"))
	if err != nil || e.Specs("small")[0].(Launch).Cubin == "" {
		t.Errorf("%v", err)
	}
}

func TestFiguresAgainst(t *testing.T) {
	body := strings.Replace(launchHead, "points:", "figures: [NAME]\npoints:", 1) + "grid: [1], block: threads, " +
		saxpyArgs + "}\n    sweep: {threads: [32, 64]}\n"
	for name, want := range map[string]string{
		"kernel_cycles against threads": "", "energy_mj against block": "", "stalls": "",
		"kernel_cycle against threads": `no column of numbers "kernel_cycle" (did you mean "kernel_cycles"?)`,
		"kernel_cycles against thread": `no key or column "thread" (did you mean "threads"?)`,
		"stall":                        `figure "stall" (did you mean "stalls"?)`,
	} {
		_, err := Parse("t.yaml", []byte(strings.Replace(body, "NAME", name, 1)))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("figure %s: error %v, want %q", name, err, want)
		}
	}
}

// TestBaselineKeys: the row with the given keys, of several the one that has most of a row's other keys.
func TestBaselineKeys(t *testing.T) {
	e, err := Parse("t.yaml", []byte(strings.Replace(launchHead, "points:", "baseline: {threads: 64}\npoints:", 1)+
		"grid: ceil(n/threads), block: threads, args: [\"buf:4\", \"buf:4\", \"f32:1\", \"i32:{n}\"]}\n    sweep: {n: "+
		"[100, 200], threads: [32, 64, 128]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	var points []Point
	stored := map[string]*Stored{}
	for i, s := range e.Specs("small") {
		p := NewPoint(s, map[string]string{})
		points = append(points, p)
		cycles := float64(100 * (i + 1))
		stored[p.Hash] = &Stored{Hash: p.Hash, Kind: "launch", Spec: s,
			Result: Result{Sim: &SimResult{Cycles: cycles, Low: cycles, High: cycles, KernelCycles: cycles - 50}}}
	}
	r := NewResults(e, "small", points, stored)
	for i, want := range []struct {
		speedup float64
		over    string
	}{{2, "saxpy n 100, threads 64"}, {1, "saxpy n 100, threads 64"}, {2.0 / 3, "saxpy n 100, threads 64"},
		{1.25, "saxpy n 200, threads 64"}, {1, "saxpy n 200, threads 64"}, {5.0 / 6, "saxpy n 200, threads 64"}} {
		if row := r.Rows[i]; float64(row.Speedup) != want.speedup || row.SpeedupOver != want.over {
			t.Errorf("row %d: speedup %v over %q, want %v over %q", i, row.Speedup, row.SpeedupOver, want.speedup, want.over)
		}
	}
	if head, _ := r.Summary(); !slices.Contains(head, "speedup over threads 64") ||
		!slices.Contains(head, "kernel cycles") || !slices.Contains(head, "with launch") {
		t.Errorf("columns %q", head)
	}
	if csv := string(CSV(r.Rows)); !strings.Contains(csv, ",value_n,value_threads,") &&
		!strings.Contains(csv, ",value_n,value_threads\n") {
		t.Errorf("no columns of values in\n%s", csv)
	}
	for baseline, want := range map[string]string{"{threads: 31}": "baseline: no point has threads 31",
		"{thread: 64}": `unknown key "thread" (did you mean "threads"?)`,
		"dence":        `baseline is "dence" (did you mean "dense"?)`, "[]": "baseline is a list"} {
		_, err := Parse("t.yaml", []byte(strings.Replace(launchHead, "points:", "baseline: "+baseline+"\npoints:", 1)+
			"grid: [1], block: threads, "+saxpyArgs+"}\n    sweep: {threads: [32, 64]}\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("baseline %s: error %v, want %s", baseline, err, want)
		}
	}
}

// TestOwnFiles runs a sweep of a kernel: the report's own commands find everything stored, and no figure or sentence is
// about what a single launch has not.
func TestOwnFiles(t *testing.T) {
	dir := t.TempDir()
	cubin, err := os.ReadFile("../workloads/examples/saxpy.cubin")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for name, data := range map[string][]byte{"k/saxpy.cubin": cubin,
		"gpu.yaml": []byte("base: gtx1080ti\nname: mine\nsms: 4\n"),
		"t.yaml": []byte("name: t\ntitle: T\npoints:\n  - launch: {file: k/saxpy.cubin, kernel: saxpy, gpu: gpu.yaml, " +
			"grid: ceil(n/threads), block: threads, values: {n: 1024},\n" +
			"             args: [\"buf:{4*n}\", \"buf:{4*n}\", \"f32:2\", \"i32:{n}\"]}\n    sweep: {threads: [32, 128]}\n")} {
		os.MkdirAll(filepath.Dir(name), 0o777)
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	e, err := Load("t.yaml")
	if err != nil {
		t.Fatal(err)
	}
	h := NewHost("")
	points, err := Points(e.Specs("small"), h)
	if err != nil {
		t.Fatal(err)
	}
	store, err := OpenStoreFor("out/store", points)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := Local{Worker: h}.Execute(t.Context(), points, store, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := NewResults(e, "small", points, stored)
	if err := r.WriteOutput("out", "v", "store"); err != nil {
		t.Fatal(err)
	}
	report, err := os.ReadFile("out/report.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"warpdrop run t.yaml --scale small --out out",
		"cd out/inputs &amp;&amp; warpdrop run ../experiment.yaml", "Fastest: saxpy"} {
		if !strings.Contains(string(report), want) {
			t.Errorf("the report does not say %s", want)
		}
	}
	for _, not := range []string{"answer nothing yet", "standard deviation over seeds", `id="parts"`} {
		if strings.Contains(string(report), not) {
			t.Errorf("the report says %s", not)
		}
	}
	for _, f := range []string{"figures/kernel_cycles-against-threads.svg", "inputs/k/saxpy.cubin", "inputs/gpu.yaml"} {
		if _, err := os.Stat(filepath.Join("out", f)); err != nil {
			t.Error(err)
		}
	}
	if err := CheckOutput("out"); err != nil {
		t.Error(err)
	}
	// What the report says: from the copies, elsewhere.
	if err := os.Rename("out", "moved"); err != nil {
		t.Fatal(err)
	}
	t.Chdir("moved/inputs")
	e, err = Load("../experiment.yaml")
	if err != nil {
		t.Fatal(err)
	}
	again, err := Points(e.Specs("small"), NewHost(""))
	if err != nil {
		t.Fatal(err)
	}
	for i := range again {
		if again[i].Hash != points[i].Hash {
			t.Errorf("point %d has another name when it is run from the copies", i)
		}
	}
}
