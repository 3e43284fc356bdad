package exec

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"warpdrop/sim/sm/lower"
)

// TestMeasuredSums: sums of one block of products, bit by bit as tensor cores of an A100 and an A2 gave them.
func TestMeasuredSums(t *testing.T) {
	text, err := os.ReadFile("testdata/tensor.txt")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]uint32{"fp16": lower.MMAF16, "bf16": lower.MMABF16, "tf32": lower.MMATF32}
	numbers := func(list string) (v []uint32) {
		for _, f := range strings.Fields(list) {
			n, err := strconv.ParseUint(f, 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			v = append(v, uint32(n))
		}
		return v
	}
	tested := 0
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.Split(line, "|")
		what := strings.Fields(parts[0])
		kind, known := kinds[what[1]]
		if !known || len(parts) != 5 {
			t.Fatalf("cannot read %q", line)
		}
		var factors [2][]fraction
		for i := range factors {
			for _, v := range numbers(parts[1+i]) {
				factors[i] = append(factors[i], fractionOf(v, kind))
			}
		}
		c, want := numbers(parts[3])[0], numbers(parts[4])[0]
		got := blockSum(factors[0], factors[1], c, 2*fractionBits[kind], 1, what[2] == "fp32", false)
		if got != want {
			t.Errorf("%s: %#x, want %#x", strings.TrimSpace(line), got, want)
		}
		tested++
	}
	if tested < 150 {
		t.Errorf("%d sums tested, want at least 150", tested)
	}
}
