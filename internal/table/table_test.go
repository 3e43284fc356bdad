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
	if !strings.Contains(lines[1], "│ SMs │  MHz │ % of peak │ reason ") {
		t.Errorf("head %q", lines[1])
	}
	for _, want := range []string{"│  28 │ 1582 │      96.5 │", "│   8 │  300 │           │ 面積 µs "} {
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
