package memory

import (
	"fmt"
	"sort"
	"testing"
)

// checkCommands reads a channel's command stream and returns the timing rules it breaks.
func checkCommands(cfg *DRAMConfig, commands []command) []string {
	var breaches []string
	sort.SliceStable(commands, func(i, j int) bool { return commands[i].at < commands[j].at })
	const longAgo = -1 << 40
	type bank struct {
		open                                   bool
		row                                    int64
		activated, precharged, read, writeData int64
	}
	banks := make([]bank, cfg.Banks)
	for i := range banks {
		banks[i] = bank{activated: longAgo, precharged: longAgo, read: longAgo, writeData: longAgo}
	}
	burst := int64(cfg.Burst / cfg.DataRate)
	var (
		activated, column, read, writeData = int64(longAgo), int64(longAgo), int64(longAgo), int64(longAgo)
		group                              = make([]int64, cfg.BankGroups)
		refreshed, dataEnd                 = int64(longAgo), int64(longAgo)
	)
	for i := range group {
		group[i] = longAgo
	}
	for _, c := range commands {
		b := &banks[c.bank]
		rule := func(name string, since int64, least int) {
			if c.at-since < int64(least) {
				breaches = append(breaches, fmt.Sprintf("%s: command %d of bank %d at %d, %d after; at least %d",
					name, c.kind, c.bank, c.at, c.at-since, least))
			}
		}
		state := func(ok bool, name string) {
			if !ok {
				breaches = append(breaches, fmt.Sprintf("%s: command %d of bank %d row %d at %d",
					name, c.kind, c.bank, c.row, c.at))
			}
		}
		if c.kind != commandRefresh {
			rule("RFC", refreshed, cfg.RFC)
		}
		switch c.kind {
		case commandPrecharge:
			state(b.open, "precharge of a closed bank")
			rule("RAS", b.activated, cfg.RAS)
			rule("RTPL", b.read, cfg.RTPL)
			rule("WR", b.writeData, cfg.WR)
			b.open, b.precharged = false, c.at
		case commandActivate:
			state(!b.open, "activate of an open bank")
			rule("RC", b.activated, cfg.RC)
			rule("RP", b.precharged, cfg.RP)
			rule("RRD", activated, cfg.RRD)
			b.open, b.row, b.activated, activated = true, c.row, c.at, c.at
		case commandRead, commandWrite:
			state(b.open && b.row == c.row, "column command to a row that is not open")
			rule("RCD", b.activated, cfg.RCD)
			rule("CCD", column, cfg.CCD)
			g := int(c.bank) % cfg.BankGroups
			rule("CCDL", group[g], cfg.CCDL)
			group[g], column = c.at, c.at
			data := c.at + int64(cfg.CL)
			if c.kind == commandRead {
				rule("CDLR", writeData, cfg.CDLR)
				read, b.read = c.at, c.at
			} else {
				rule("read to write", read, cfg.CL+int(burst)+2-cfg.WL)
				data = c.at + int64(cfg.WL)
				writeData = data + burst
				b.writeData = writeData
			}
			if data < dataEnd {
				breaches = append(breaches, fmt.Sprintf("data bus: burst at %d while one lasts to %d", data, dataEnd))
			}
			dataEnd = data + burst
		case commandRefresh:
			for i := range banks {
				state(!banks[i].open, "refresh with an open bank")
				rule("RP", banks[i].precharged, cfg.RP)
			}
			refreshed = c.at
		}
	}
	return breaches
}

func TestCheckerFindsBreaches(t *testing.T) {
	cfg := &preset(t).DRAM
	good := []command{{0, commandActivate, 0, 1}, {16, commandRead, 0, 1}, {20, commandRead, 0, 1},
		{37, commandPrecharge, 0, 1}, {53, commandActivate, 0, 2}}
	if b := checkCommands(cfg, good); len(b) != 0 {
		t.Fatalf("a correct stream: %v", b)
	}
	for i, at := range []int64{1, 15, 18, 36, 52} {
		bad := append([]command{}, good...)
		if i == 0 {
			bad = append(bad, command{1, commandActivate, 1, 1}) // RRD
		} else {
			bad[i].at = at
		}
		if b := checkCommands(cfg, bad); len(b) == 0 {
			t.Errorf("command %d at %d is not reported", i, at)
		}
	}
}

// TestDRAMTiming runs different traffic with every policy and checks the commands against the timing rules.
func TestDRAMTiming(t *testing.T) {
	base := *preset(t)
	fcfs := small(base)
	fcfs.DRAM.Scheduler = "fcfs"
	slow := base // other timings, so that no rule is kept by chance
	d := &slow.DRAM
	d.CCD, d.CCDL, d.RRD, d.RCD, d.RAS, d.RP, d.RC, d.CL, d.WL, d.CDLR, d.WR, d.RTPL = 3, 9, 5, 21, 60, 25, 90, 27,
		11, 13, 29, 40
	d.Banks, d.BankGroups, d.REFI, d.RFC = 8, 2, 2001, 111
	for name, cfg := range map[string]Config{"preset": base, "small": small(base), "fcfs": fcfs, "other timings": slow} {
		for _, traffic := range []struct {
			name string
			p    program
		}{
			{"copy", copyProgram(28, 64, 1<<20)},
			{"random", mixed(256<<20, 8, 9)},
			{"narrow", mixed(4<<20, 8, 10)},
		} {
			t.Run(name+"/"+traffic.name, func(t *testing.T) {
				d := newDriver(t, &cfg, 28, 64, traffic.p)
				streams := make([][]command, d.s.Channels())
				for i, c := range d.s.channels {
					c.dram.trace = func(x command) { streams[i] = append(streams[i], x) }
				}
				d.run()
				d.run()
				count := d.s.Counters()
				var columns, activates, refreshes int64
				for i, s := range streams {
					b := checkCommands(&cfg.DRAM, s)
					for _, x := range b[:min(len(b), 3)] {
						t.Errorf("channel %d: %s", i, x)
					}
					for _, c := range s {
						switch c.kind {
						case commandRead, commandWrite:
							columns++
						case commandActivate:
							activates++
						case commandRefresh:
							refreshes++
						}
					}
				}
				if columns != count.DRAMReads+count.DRAMWrites || activates != count.DRAMActivates || columns == 0 {
					t.Errorf("%d column commands and %d activates seen; the counters say %d and %d",
						columns, activates, count.DRAMReads+count.DRAMWrites, count.DRAMActivates)
				}
				if cfg.DRAM.REFI > 0 && refreshes == 0 {
					t.Error("no refresh seen")
				}
			})
		}
	}
}
