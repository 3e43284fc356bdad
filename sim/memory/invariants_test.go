//go:build check

package memory

import (
	"strings"
	"testing"
)

// TestBrokenStateIsFound: what is broken by hand in a memory system at rest, or with requests under way, is found and
// named.
func TestBrokenStateIsFound(t *testing.T) {
	for _, c := range []struct {
		want string
		do   func(s *System)
	}{
		{"free twice", func(s *System) { p := &s.ports[0].misses; p.ring[0].entry = p.ring[1].entry }},
		{"entries wait for a reply", func(s *System) { s.ports[0].stores.take() }},
		{"waits for 1 replies, 0 will come", func(s *System) { s.ports[1].tokens[0].left++ }},
		{"stands twice, once among the free", func(s *System) { c := s.channels[0]; c.free[0] = c.free[1] }},
		{"are lost", func(s *System) { c := s.channels[0]; c.nodes = append(c.nodes, packet{}); s.ports[0].inbox.count-- }},
		{"are marked as of open rows", func(s *System) { s.channels[1].dram.reads.hit = 1 }},
		{"are marked as the oldest of banks that wait", func(s *System) { s.channels[1].dram.writes.lead ^= 1 }},
		{"are marked as waiting", func(s *System) { s.channels[1].dram.writes.waiting ^= 1 }},
		{"the banks with open rows are", func(s *System) { s.channels[1].dram.open ^= 1 }},
		{"set 0: order", func(s *System) { s.channels[0].slices[0].cache.sets[0].order = 0 }},
		{"sectors that L1 looked up", func(s *System) { s.ports[0].count.LoadSectors++ }},
		{"packets were sent", func(s *System) { s.ports[0].count.RequestPackets++ }},
	} {
		cfg := *preset(t)
		d := newDriver(t, &cfg, 2, 8, mixed(1<<20, 20, 1))
		d.run()
		d.s.Consistent(true)
		c.do(d.s)
		func() {
			defer func() {
				if got, _ := recover().(string); !strings.Contains(got, c.want) {
					t.Errorf("%q was found, want %q", got, c.want)
				}
			}()
			d.s.Consistent(true)
		}()
	}
}
