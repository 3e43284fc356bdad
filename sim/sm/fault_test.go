package sm

import (
	"strings"
	"testing"
)

// TestFaults runs kernels that go wrong and looks at what they are told.
func TestFaults(t *testing.T) {
	d1 := func(x uint32) [3]uint32 { return [3]uint32{x, 1, 1} }
	for _, c := range []struct {
		name, kernel string
		run          func(m *machine) error
		want         []string
	}{
		{"load past the end", "spmv", func(m *machine) error {
			rows := m.buffer([]uint32{0, 1})
			one := m.buffer([]uint32{0})
			return m.run("spmv", d1(1), d1(64), rows, one, one, one, one, int32(64))
		}, []string{"LDG", "out of bounds", "4 bytes at", "past the end of the allocation of 8 bytes"}},
		{"store past the end", "recursion", func(m *machine) error {
			return m.run("recursion", d1(1), d1(64), m.buffer(make([]uint32, 63)))
		}, []string{"STG", "lane 31", "out of bounds"}},
		{"null pointer", "recursion", func(m *machine) error { return m.run("recursion", d1(1), d1(32), uint64(0)) },
			[]string{"out of bounds", "below all allocations"}},
		{"misaligned", "recursion", func(m *machine) error {
			return m.run("recursion", d1(1), d1(32), m.buffer(make([]uint32, 64))+2)
		}, []string{"misaligned"}},
		{"shared memory", "bitonic", func(m *machine) error {
			return m.run("bitonic", d1(1), d1(1024), m.buffer(make([]uint32, 1024)))
		}, []string{"STS", "shared-memory access out of bounds", "the block has 2048 bytes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.run(load(t, "programs"))
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not say %q", err, w)
				}
			}
		})
	}
}
