package experiments

import (
	"go/constant"
	"os"
	"path/filepath"
	"testing"
)

// FuzzCorrelation: a set of measured kernels and its table are refused with their file, or have rows with times above 0
// and launches of whole sizes.
func FuzzCorrelation(f *testing.F) {
	const head = "name: s\ntitle: S\ntable: t.csv\ntime: ms\nfile: k.cubin\nkernel: k\n"
	f.Add([]byte(head+"grid: [\"ceil(n/64)\"]\nblock: [64]\nargs: [\"buf:{4*n}\", \"i32:{n}\"]\n"),
		[]byte("n,ms\n100,0.5\n# x\n7,2\n"))
	f.Add([]byte(head+"grid: [n, m]\nblock: [a]\nconstants: [\"a=n*n\"]\nwhere: [\"n<100\"]\n"),
		[]byte("n,m,ms\n3,1,1e-3\n"))
	f.Add([]byte(head+"grid: [\"pick(n==1, 2, min(n, 3))\"]\nblock: [1]\n"), []byte("n,ms\n1,Inf\n"))
	dir := f.TempDir()
	set, table := filepath.Join(dir, "s.yaml"), filepath.Join(dir, "t.csv")
	f.Fuzz(func(t *testing.T, text, rows []byte) {
		for path, data := range map[string][]byte{set: text, table: rows} {
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		c, err := LoadCorrelation(set, CorrelationOverride{Table: table})
		if err != nil {
			return
		}
		for _, r := range c.rows {
			if !(r.Measured > 0) || r.Name == "" {
				t.Errorf("row %+v of\n%s\n%s", r, text, rows)
			}
		}
	})
}

// FuzzFormula: a formula has a value within the bounds, or an error; names in it are those that it asks for.
func FuzzFormula(f *testing.F) {
	for _, text := range []string{"ceil(n/64)", "pick(n > 3 && !b, 1 << n, -n % 7)", "s + s", "1e400 * 1e400",
		"'a' + 1.5i", "n / (n - n)",
		"func() {}()", "(((((((n)))))))", "0x7fffffffffffffff * n", "ceil(n, 3)"} {
		f.Add(text)
	}
	vars := map[string]constant.Value{"n": constant.MakeInt64(5), "b": constant.MakeBool(true),
		"s": constant.MakeString("text"), "x": constant.MakeFloat64(0.5)}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := parseExpression(text)
		if err != nil {
			return
		}
		e.names(map[string]bool{})
		v, err := e.value(vars)
		if err == nil {
			_ = valueText(v)
		}
		if tp, err := parseTemplate(text); err == nil {
			_, _ = tp.fill(vars)
		}
	})
}

// FuzzOutput: a finished folder from anywhere gives results, from which everything is drawn, or an error.
func FuzzOutput(f *testing.F) {
	dir := f.TempDir()
	if _, err := OpenStore(filepath.Join(dir, StoreDir)); err != nil {
		f.Fatal(err)
	}
	source := []byte("name: x\ntitle: X\npoints:\n  - search: {rate: 0.5}\n" +
		"  - launch: {cubin: gone.cubin, kernel: k, grid: [1], block: [32]}\n")
	f.Add([]byte(`{"store":"store","scale":"small","points":[{"hash":"ab","spec":{}},{"hash":"cd","spec":{}}]}`),
		source)
	f.Add([]byte(`{"store":"../..","scale":"paper","points":[]}`), source)
	f.Fuzz(func(t *testing.T, manifest, source []byte) {
		for name, data := range map[string][]byte{ManifestName: manifest, SourceName: source} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		r, _, err := ReadOutput(dir)
		if err != nil {
			return
		}
		_ = CSV(r.Rows)
		_, _ = r.Summary()
		_ = r.Answer()
	})
}
