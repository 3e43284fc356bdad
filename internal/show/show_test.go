package show

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/transform"
)

func TestShown(t *testing.T) {
	for _, c := range []struct{ in, text, cell string }{
		{"gemm_128x128", "gemm_128x128", "gemm_128x128"},
		{"Größe µs 面積", "Größe µs 面積", "Größe µs 面積"},
		{"k\x1b]0;owned\a", `k\u001b]0;owned\u0007`, `k\u001b]0;owned\u0007`},
		{"a\u202eb\u200b", `a\u202eb\u200b`, `a\u202eb\u200b`},
		{"\u009b31m", `\u009b31m`, `\u009b31m`},
		{"\x9b31m", "\ufffd31m", "\ufffd31m"}, // the 8-bit form of ESC [, which is no UTF-8
		{"a\rb", `a\u000db`, `a\u000db`},
		{"a\nb\tc", "a\nb\tc", `a\nb\tc`},
		{"\U000e0041", `\udb40\udc41`, `\udb40\udc41`}, // a tag character
		{"=1+1", "=1+1", "'=1+1"},
		{"@SUM(A1)", "@SUM(A1)", "'@SUM(A1)"},
		{"-1.5e3", "-1.5e3", "-1.5e3"},
		{"-x", "-x", "'-x"},
		{"+Inf", "+Inf", "+Inf"},
		{"", "", ""},
	} {
		if got := Text(c.in); got != c.text {
			t.Errorf("Text(%q) = %q, want %q", c.in, got, c.text)
		}
		if got := Cell(c.in); got != c.cell {
			t.Errorf("Cell(%q) = %q, want %q", c.in, got, c.cell)
		}
	}
}

// TestStream writes a text a byte at a time: what comes out is Text of the whole.
func TestStream(t *testing.T) {
	in := "面積\x1b[2J\u202e µ\xff" + strings.Repeat("\x00é", 5000)
	var out bytes.Buffer
	w := transform.NewWriter(&out, Transformer{})
	for i := range len(in) {
		if _, err := w.Write([]byte{in[i]}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if out.String() != Text(in) {
		t.Errorf("a byte at a time gives %q", out.String())
	}
}

// FuzzText: nothing but graphic characters, line ends and tabs comes out; shown text stays as it is; JSON keeps its
// meaning.
func FuzzText(f *testing.F) {
	f.Add("k\x1b[31m\u202e")
	f.Add(`{"kernel":"a"}`)
	f.Fuzz(func(t *testing.T, s string) {
		shown := Text(s)
		for _, r := range shown {
			if !plain(r) && r != utf8.RuneError {
				t.Fatalf("Text(%q) has %q", s, r)
			}
		}
		if again := Text(shown); again != shown {
			t.Fatalf("Text(%q) = %q, and of that %q", s, shown, again)
		}
		data, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back, want string
		if err := json.Unmarshal([]byte(Text(string(data))), &back); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &want); err != nil || back != want {
			t.Fatalf("JSON of %q shown means %q", s, back)
		}
	})
}
