package experiments

import (
	"go/constant"
	"strings"
	"testing"
)

func TestExpression(t *testing.T) {
	vars := map[string]constant.Value{"x": cellValue("7"), "y": cellValue(" 2"), "f": cellValue("0.5"),
		"layout": cellValue("NT")}
	for text, want := range map[string]string{
		"x/y": "3", "x%y": "1", "x/2.0": "3.5", "-x+10*y": "13", "(x+1)*f": "4", "1<<y": "4", "x>>1": "3",
		"ceil(x, y)": "4", "ceil(8, 2)": "4", "min(x, y)": "2", "max(x, f)": "7", "pick(x > y, x, y)": "7",
		`pick(layout == "NN", 1, 2)`: "2", "x > y && !(y == 2)": "0", "x >= 7 || x/0 == 1": "!division by 0",
		"4096*4096*4": "67108864", "z": `!no value named "z"; there are f, layout, x, y`, "x +": "!is not a formula",
		"x/(y-2)": "!division by 0", "f(x)": "!functions are ceil", "x[1]": "!allowed are numbers", "x && y": "!do not fit",
		"layout * 2": "!do not fit", "1 << 80": "!shift by 80", "pick(x, 1, 2)": "!functions are", "1.0 % 2": "!do not fit",
	} {
		e, err := parseExpression(text)
		var got string
		if err == nil {
			var v constant.Value
			if v, err = e.value(vars); err == nil {
				got = valueText(v)
			}
		}
		if problem, bad := strings.CutPrefix(want, "!"); bad {
			if err == nil || !strings.Contains(err.Error(), problem) {
				t.Errorf("%s = %q, error %v; want an error that says %q", text, got, err, problem)
			}
		} else if err != nil || got != want {
			t.Errorf("%s = %q (%v), want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{"buf:{4*x}:normal=1": "buf:28:normal=1", "i32:5": "i32:5",
		"{layout}_{x}{y}": "NT_72"} {
		tmpl, err := parseTemplate(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := tmpl.fill(vars); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", text, got, err, want)
		}
	}
	if _, err := parseTemplate("buf:{4*x"); err == nil || !strings.Contains(err.Error(), "not closed") {
		t.Errorf("an open brace: %v", err)
	}
}
