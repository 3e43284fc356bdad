package experiments

import (
	"fmt"
	"strings"
	"testing"
)

// TestLaunchRefused: what cannot run is refused when the experiment is read, at its place in the file.
func TestLaunchRefused(t *testing.T) {
	const good = `args: ["buf:4000", "buf:4000", "f32:2", "i32:1000"]`
	const cubin = "../sim/testdata/checks.cubin"
	for _, c := range []struct{ name, launch, want string }{
		{"unknown kernel", "kernel: nope, grid: [1], block: [128], " + good,
			`test.yaml:4:59: kernel: ../sim/testdata/checks.cubin has no kernel "nope"; it has: `},
		{"misspelled kind", `kernel: saxpy, grid: [1], block: [128], args: ["bfu:4096"]`,
			`test.yaml:4:97: args: "bfu:4096": kind "bfu" is not one of i8 u8 `},
		{"threads", "kernel: saxpy, grid: [1], block: [32, 32, 2], " + good,
			"test.yaml:4:84: block 32x32x2 has 2048 threads; this kernel allows 1..1024 (z at most 64)"},
		{"depth of a block", "kernel: saxpy, grid: [1], block: [1, 1, 65], " + good,
			"test.yaml:4:84: block 1x1x65 has 65 threads"},
		{"launch bounds", "kernel: bounded, grid: [1], block: [1024], args: []",
			"block 1024x1x1 has 1024 threads; this kernel allows 1..64"},
		{"grid", "kernel: saxpy, grid: [1, 65536], block: [128], " + good,
			"test.yaml:4:72: grid 1x65536x1 is not within 1x1x1..2147483647x65535x65535"},
		{"number of arguments", `kernel: saxpy, grid: [1], block: [128], args: ["buf:4000"]`,
			"test.yaml:4:97: args: kernel saxpy: 1 arguments for 4 parameters"},
		{"size of an argument", `kernel: saxpy, grid: [1], block: [128], args: ["buf:4000", "buf:4000", "f32:2", "i64:1"]`,
			"test.yaml:4:97: args: kernel saxpy: parameter 3 has 4 bytes; "},
		{"memory", `kernel: saxpy, grid: [1], block: [128], args: ["buf:100000000000", "buf:4", "f32:2", "i32:1"]`,
			"test.yaml:4:97: args: a buffer of 100000000000 bytes, and those before it, are more than the 11811160064 bytes " +
				"of gtx1080ti"},
		{"all memory", `kernel: saxpy, grid: [1], block: [128], args: ["buf:6000000000", "buf:6000000000", "f32:2", "i32:1"]`,
			"a buffer of 6000000000 bytes, and those before it, are more than"},
		{"unknown variable", `kernel: saxpy, grid: [1], block: [128], variables: ["nope=i32:4"], ` + good,
			`test.yaml:4:102: variables: no variable "nope"`},
		{"misspelled variable", `kernel: saxpy, grid: [1], block: [128], variables: ["nope=j32:4"], ` + good,
			`variables: "j32:4": kind "j32" is not one of`},
		{"no code", "cubin: launch_refused_test.go, kernel: saxpy, grid: [1], block: [128]",
			"test.yaml:4:21: cubin: launch_refused_test.go holds no code for GPUs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			launch := c.launch
			if !strings.HasPrefix(launch, "cubin") {
				launch = "cubin: " + cubin + ", " + launch
			}
			text := fmt.Sprintf("name: x\ntitle: X\npoints:\n  - launch: {%s}\n", launch)
			_, err := Parse("test.yaml", []byte(text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
	if _, err := Parse("test.yaml", []byte("name: x\ntitle: X\npoints:\n  - launch: {cubin: "+cubin+
		", kernel: saxpy, grid: [1], block: [128], "+good+"}\n")); err != nil {
		t.Errorf("a launch that can run: %v", err)
	}
}

// TestNamesAreBounded: a name becomes the name of a folder.
func TestNamesAreBounded(t *testing.T) {
	for n, want := range map[int]string{100: "", 101: "test.yaml:1:7: name has 101 characters; allowed are up to 100"} {
		text := "name: " + strings.Repeat("n", n) + "\ntitle: X\npoints:\n  - search: {rate: 0.5}\n"
		if _, err := Parse("test.yaml", []byte(text)); fmt.Sprint(err) != want && !(err == nil && want == "") {
			t.Errorf("%d characters: error %v, want %q", n, err, want)
		}
	}
}
