package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// The listing is nvdisasm's (scripts/listings.sh); disasm adds an empty line between kernels.
func TestDisasm(t *testing.T) {
	const file = "../../sim/isa/testdata/functions"
	want, err := os.ReadFile(file + ".sass")
	if err != nil {
		t.Fatal(err)
	}
	disasm := func(args ...string) (int, string, string) {
		var stdout, stderr bytes.Buffer
		code := run(context.Background(), append([]string{"disasm"}, args...), nil, &stdout, &stderr)
		return code, stdout.String(), stderr.String()
	}
	code, out, stderr := disasm(file + ".cubin")
	if code != 0 || strings.ReplaceAll(out, "\n\n", "\n") != string(want) {
		t.Errorf("exit %d, %s; the listing differs from %s.sass", code, stderr, file)
	}
	code, out, _ = disasm(file+".cubin", "--kernel", "calls", "--control")
	if first := "calls:\n--:-:-:-:6  /*0008*/ MOV R1, c[0x0][0x20] ;\n"; code != 0 || !strings.HasPrefix(out, first) {
		t.Errorf("exit %d: %.80q, want %q", code, out, first)
	}
	code, out, _ = disasm(file+".cubin", "--kernel", "calls", "--json")
	var lines []disasmLine
	if err := json.Unmarshal([]byte(out), &lines); code != 0 || err != nil || len(lines) == 0 || lines[0].Text != "MOV R1, c[0x0][0x20]" || lines[0].Control != nil {
		t.Errorf("exit %d, %v: %.200s", code, err, out)
	}
	for _, args := range [][]string{{file + ".cubin", "--kernel", "none"}, {"missing.cubin"}, {}} {
		if code, _, stderr := disasm(args...); code != 2 || stderr == "" {
			t.Errorf("disasm %v: exit %d, %q; want 2 and a message", args, code, stderr)
		}
	}
}
