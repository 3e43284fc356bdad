package experiments

import (
	"fmt"
	"strings"
	"testing"
)

// TestFilesAreBounded: a short file asks for no endless work when it is read: values that double from one to the next,
// and groups that have few too many points each.
func TestFilesAreBounded(t *testing.T) {
	launch := func(first, next string) string {
		var b strings.Builder
		b.WriteString("name: x\ntitle: X\npoints:\n  - launch:\n      file: k.cubin\n      kernel: k\n" +
			"      block: [32]\n      grid: [v99]\n      values:\n        v0: " + first + "\n")
		for i := range 99 {
			fmt.Fprintf(&b, "        v%d: %s\n", i+1, strings.ReplaceAll(next, "v", fmt.Sprintf("v%d", i)))
		}
		return b.String()
	}
	for _, c := range []struct{ name, text, want string }{
		{"numbers", launch("3", "v * v"), "bits; allowed are 512"},
		{"text", launch(`'"ab"'`, "v + v"), "bytes; allowed are 65536"},
	} {
		_, err := Parse("x.yaml", []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %.300v, want %q", c.name, err, c.want)
		}
	}
	d := decoder{file: "x.yaml", expanded: map[string]int{"paper": maxPoints - 1}} // by the groups before
	_, err := d.parse([]byte("name: x\ntitle: X\npoints:\n  - search: {}\n    sweep: {rate: [0.4, 0.5]}\n"))
	if err == nil || err.Error() != "x.yaml:4:5: the file has more than 100000 points at scale paper" {
		t.Error(err)
	}
}
