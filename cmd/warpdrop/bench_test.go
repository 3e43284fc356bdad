package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

func TestBench(t *testing.T) {
	for _, c := range []struct{ format, want string }{
		{"table", `(?s)sgemm-256.* threads .* 1 .* 2 .*million/s`},
		{"go", `(?m)^BenchmarkSimulate/sgemm-256/threads=1 \t1\t\d+ ns/op\t\d+ warpinst/s\t.*\d+ B/op\t\d+ allocs/op$`},
		{"json", `"warp_instructions_per_second": [1-9]`},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), []string{"bench", "--kernels", "sgemm-256", "--count", "1", "--format", c.format},
			strings.NewReader(""), &stdout, &stderr); code != 0 {
			t.Fatalf("exit code %d: %s", code, &stderr)
		}
		if !regexp.MustCompile(c.want).Match(stdout.Bytes()) {
			t.Errorf("--format %s: no match of %s in\n%s", c.format, c.want, &stdout)
		}
		if c.format == "json" {
			var rows []benchRow
			if err := json.Unmarshal(stdout.Bytes(), &rows); err != nil || len(rows) != 2 || rows[0].Cycles != rows[1].Cycles {
				t.Errorf("%v, %+v", err, rows)
			}
		}
	}
	for _, args := range [][]string{{"--kernels", "nosuch"}, {"--format", "xml"}, {"--count", "0"}, {"--threads", "0"},
		{"--gpu", "nosuch"}} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), append([]string{"bench"}, args...), strings.NewReader(""), &stdout, &stderr); code != 2 ||
			stderr.Len() == 0 {
			t.Errorf("bench %v: exit code %d, want 2; %s", args, code, &stderr)
		}
	}
}
