//go:build check

package timing

import (
	"strings"
	"testing"

	"warpdrop/sim/sm/lower"
)

// TestBrokenStateIsFound: what is broken by hand in an SM with two blocks is found and named.
func TestBrokenStateIsFound(t *testing.T) {
	for _, c := range []struct {
		want string
		do   func(m *SM)
	}{
		{"stands twice in the order", func(m *SM) { m.sched[0].order[1] = m.sched[0].order[0] }},
		{"slots 0x1 are older", func(m *SM) { m.sched[0].older[1] = 0 }},
		{"its warp is in slot", func(m *SM) { m.sched[1].warps[0].Slot++ }},
		{"can issue at", func(m *SM) { m.wakes[0] = Never }},
		{"can issue at 100, not only from", func(m *SM) { m.sched[1].others = Never }},
		{"0 warps wait at BAR, 1 are counted", func(m *SM) { m.sched[1].parked++ }},
		{"sleeps, but its barriers open", func(m *SM) { m.sched[2].ready[0] = Never }},
		{"opens at", func(m *SM) { m.sched[0].warps[0].issue.pending[3] = 1 }},
		{"replies, 0 are under way", func(m *SM) {
			w := m.sched[0].warps[0]
			w.issue.hold(3)
		}},
		{"is free twice", func(m *SM) { m.freeLoads = []uint32{0, 0}; m.loads = make([]pendingLoad, 1) }},
		{"is in use by no warp", func(m *SM) { m.loads = make([]pendingLoad, 1) }},
		{"registers are counted", func(m *SM) { m.regsUsed-- }},
		{"do not agree that it waits", func(m *SM) {
			s := &m.sched[0]
			s.warps[0].issue.atBar, s.ready[0] = true, Never
		}},
		{"scheduler cycles are accounted for", func(m *SM) { m.Counters.IssueCycles++; m.Counters.WarpInstructions++ }},
		{"warp cycles are accounted for", func(m *SM) { m.sched[3].warps[0].issue.at++ }},
		{"threads 0x2 are lost", func(m *SM) { m.sched[0].warps[0].Active &^= 2 }},
		{"PT is", func(m *SM) { m.sched[0].warps[0].Preds[7] = 0 }},
	} {
		cfg := &Config{Schedulers: 4, WarpsPerSM: 64, BlocksPerSM: 32, Registers: 65536, RegisterUnit: 256,
			Shared: 98304, SharedUnit: 256, Policy: "gto",
			ICache:     ICache{Bytes: 1024, LineBytes: 128, Ways: 4, NextBytes: 4096},
			ConstCache: CCache{Bytes: 1024, LineBytes: 64}}
		m, err := New(0, cfg, nil)
		if err != nil {
			t.Fatal(err)
		}
		p := &lower.Program{Registers: 8, Ops: make([]lower.Op, 4), Pool: make([]lower.Row, 1)}
		m.Begin(100)
		for i := range uint32(2) {
			m.Start(p, NeedOf(cfg, p, 128), [3]uint32{i, 0, 0}, [3]uint32{128, 1, 1}, [3]uint32{2, 1, 1}, 100, 100)
		}
		m.consistent()
		c.do(m)
		func() {
			defer func() {
				if got, _ := recover().(string); !strings.Contains(got, c.want) {
					t.Errorf("%q was found, want %q", got, c.want)
				}
			}()
			m.consistent()
		}()
	}
}
