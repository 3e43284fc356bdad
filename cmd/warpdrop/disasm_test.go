package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"maps"
	"os"
	"slices"
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
	if err := json.Unmarshal([]byte(out), &lines); code != 0 || err != nil || len(lines) == 0 ||
		lines[0].Text != "MOV R1, c[0x0][0x20]" || lines[0].Control != nil {
		t.Errorf("exit %d, %v: %.200s", code, err, out)
	}
	for _, args := range [][]string{{file + ".cubin", "--kernel", "none"}, {"missing.cubin"}, {}} {
		if code, _, stderr := disasm(args...); code != 2 || stderr == "" {
			t.Errorf("disasm %v: exit %d, %q; want 2 and a message", args, code, stderr)
		}
	}
}

// TestContainers: a program's file with fatbins in it is taken as a cubin is; what fits the GPU best is chosen and
// said.
func TestContainers(t *testing.T) {
	cubin, err := os.ReadFile("../../sim/testdata/checks.cubin")
	if err != nil {
		t.Fatal(err)
	}
	old := bytes.Clone(cubin)
	old[0x30] = 50
	other, err := os.ReadFile("../../sim/sm/testdata/programs.cubin")
	if err != nil {
		t.Fatal(err)
	}
	ptx := []byte(".version 6.0\n.target sm_35\n.address_size 64\n.visible .entry only_ptx() { ret; }\n")
	file := t.TempDir() + "/library.so"
	host := []byte("\x7fELF\x02\x01\x01, a host's library, machine 62 and so on, for all that is known here\x00")
	if err := os.WriteFile(file, bytes.Join([][]byte{host, fatbinOf(map[int][]byte{50: old, 61: cubin}, nil), host,
		fatbinOf(map[int][]byte{61: other}, ptx), fatbinOf(nil, ptx)}, nil), 0o644); err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) (int, string, string) {
		var stdout, stderr bytes.Buffer
		code := run(context.Background(), args, nil, &stdout, &stderr)
		return code, stdout.String(), stderr.String()
	}
	code, out, stderr := command("kernels", file)
	for _, want := range []string{"sm_50, sm_61", "saxpy", "transpose", "PTX sm_35", "only_ptx"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("kernels: exit %d, %s; no %q in\n%s", code, stderr, want, out)
		}
	}
	sim := []string{"sim", file, "--kernel", "saxpy", "--grid", "8", "--block", "128", "--arg", "buf:4000", "--arg",
		"buf:4000", "--arg", "f32:0.5", "--arg", "i32:1000", "--json"}
	code, out, stderr = command(sim...)
	if code != 0 || !strings.Contains(out, `"code": "code for sm_61"`) {
		t.Errorf("sim: exit %d, %s, %.300s", code, stderr, out)
	}
	code, whole, _ := command("disasm", "../../sim/testdata/checks.cubin", "--kernel", "saxpy")
	if code2, part, stderr := command("disasm", file, "--kernel", "saxpy", "--arch", "53"); code != 0 || code2 != 0 ||
		part != whole {
		t.Errorf("disasm: exit %d and %d, %s: the listings differ", code, code2, stderr)
	}
	for _, c := range []struct{ args, want string }{
		{"sim " + file, "name a kernel: it has "},
		{"sim " + file + " --kernel nothing", "has no kernel \"nothing\"; it has: "},
		{"sim " + file + " --kernel saxpy --ptx", "has no kernel \"saxpy\"; it has: only_ptx"},
		{"sim main.go", "holds no code for GPUs"},
	} {
		if code, _, stderr := command(strings.Fields(c.args)...); code != 2 || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit %d, %q; want 2 and %q", c.args, code, stderr, c.want)
		}
	}
}

// fatbinOf makes a container, not packed.
func fatbinOf(code map[int][]byte, ptx []byte) []byte {
	var body []byte
	add := func(kind uint16, arch int, data []byte) {
		h := make([]byte, 64)
		binary.LittleEndian.PutUint16(h, kind)
		binary.LittleEndian.PutUint32(h[4:], 64)
		binary.LittleEndian.PutUint64(h[8:], uint64(len(data)))
		binary.LittleEndian.PutUint32(h[28:], uint32(arch))
		body = append(append(body, h...), data...)
	}
	for _, arch := range slices.Sorted(maps.Keys(code)) {
		add(2, arch, code[arch])
	}
	if ptx != nil {
		add(1, 35, ptx)
	}
	h := make([]byte, 16)
	binary.LittleEndian.PutUint32(h, 0xba55ed50)
	binary.LittleEndian.PutUint16(h[4:], 1)
	binary.LittleEndian.PutUint16(h[6:], 16)
	binary.LittleEndian.PutUint64(h[8:], uint64(len(body)))
	return append(h, body...)
}

// --lines puts a comment before the first instruction of each line, as nvdisasm -g does.
func TestDisasmLines(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"disasm", "../../sim/isa/testdata/lines.cubin", "--kernel", "inlined", "--lines"},
		nil, &stdout, &stderr); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr.String())
	}
	const want = `inlined:
	//## File "/src/sim/isa/testdata/lines.cu", line 11
/*0008*/ MOV R1, c[0x0][0x20] ;
	//## File "/src/workloads/kernels/cuda.h", line 31
/*0010*/ S2R R0, SR_CTAID.X ;
	//## File "/src/workloads/kernels/cuda.h", line 30
/*0018*/ S2R R2, SR_TID.X ;
	//## File "/src/sim/isa/testdata/lines.cu", line 12
/*0028*/ XMAD.MRG R3, R0.reuse, c[0x0] [0x8].H1, RZ ;
` // nvdisasm -novliw -g's, but for its indentation
	if out := stdout.String(); !strings.HasPrefix(out, want) {
		t.Errorf("%s\nwant\n%s", out, want)
	}
	stdout.Reset()
	if code := run(t.Context(), []string{"disasm", "../../sim/isa/testdata/lines.cubin", "--kernel", "inlined", "--json"},
		nil, &stdout, &stderr); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr.String())
	}
	var lines []disasmLine
	if err := json.Unmarshal(stdout.Bytes(), &lines); err != nil || lines[1].Line != 31 ||
		!strings.HasSuffix(lines[1].File, "/cuda.h") {
		t.Errorf("%v: %+v", err, lines)
	}
}
