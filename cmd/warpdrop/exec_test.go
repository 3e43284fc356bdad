package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func runExec(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(context.Background(), append([]string{"exec"}, args...), nil, &out, &err)
	return code, out.String(), err.String()
}

// TestExec: the program finds the library and what its user wants, and warpdrop ends as it does.
func TestExec(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no shell here")
	}
	dir := t.TempDir()
	t.Setenv(libraryVariable, dir)
	if code, _, stderr := runExec("--", "true"); code != 2 || !strings.Contains(stderr, "run scripts/libcuda.sh") {
		t.Errorf("without the library: exit code %d, %q", code, stderr)
	}
	if err := os.WriteFile(filepath.Join(dir, "libcuda.so.1"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := runExec("--gpu", "gtx1080", "--report", "r.html", "--check", "races", "--", "sh", "-c",
		"echo $LD_LIBRARY_PATH $WARPDROP_GPU $WARPDROP_REPORT $WARPDROP_CHECK; exit 7")
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	want := dir + " gtx1080 " + filepath.Join(wd, "r.html") + " races\n"
	if code != 7 || stdout != want || stderr != "" {
		t.Errorf("exit code %d, %q, %q; want 7, %q", code, stdout, stderr, want)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{}, "takes a program to run"},
		{[]string{"--gpu", "gtx9000", "--", "true"}, `gpu "gtx9000" (did you mean "gtx1080"?) is not one of`},
		{[]string{"--max-cycles", "x", "--", "true"}, `WARPDROP_MAX_CYCLES: "x" is not a number`},
		{[]string{"--", "no-such-program"}, "no-such-program"},
	} {
		if code, _, stderr := runExec(c.args...); code != 2 || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit code %d, %q does not say %q", c.args, code, stderr, c.want)
		}
	}
}
