package workloads

import (
	"fmt"
	"strings"

	"warpdrop/sim"
	"warpdrop/sim/memory"
)

// Known holds launches that were simulated, so that others like them need not be: those of the same kernel, grid and arguments, but
// that matrices may begin elsewhere, at the same place within a sector. The steps of an LSTM, its layers, and iterations with
// different patterns have many. What is not simulated computes no values.
type Known struct {
	// Repeats is how many launches alike are simulated; the last one counts for those that follow. One that takes longer than
	// longLaunch times what DRAM needs to fill L2 is simulated once: what the launch before left in the caches cannot move it by more
	// than one part in longLaunch.
	Repeats int

	launches map[string]*knownLaunch
}

const longLaunch = 100

// AlikeVersion changes with every change of what counts for launches alike; it is part of the name under which a result of them is stored.
const AlikeVersion = "2"

type knownLaunch struct {
	LaunchResult
	simulated int
}

// alike is the same text for launches alike.
func alike(module, kernel string, cfg sim.LaunchConfig, args []sim.Arg) string {
	var b strings.Builder
	fmt.Fprint(&b, module, " ", kernel, cfg)
	for _, a := range args {
		if p, ok := a.Pointer(); ok && p != 0 {
			fmt.Fprint(&b, " @", p%memory.SectorBytes)
		} else {
			fmt.Fprintf(&b, " %x", a.Data())
		}
	}
	return b.String()
}

// find returns what a launch is known to take, nil if it is to be simulated.
func (k *Known) find(gpu *sim.GPU, key string) *LaunchResult {
	l := k.launches[key]
	if l == nil {
		return nil
	}
	m := &gpu.Memory
	fill := float64(m.DRAM.Channels*m.L2.SlicesPerChannel*m.L2.SliceBytes) / (gpu.Memory.PeakBytesPerSecond(gpu.CoreMHz) / (gpu.CoreMHz * 1e6)) // cycles
	if l.simulated >= k.Repeats || float64(l.Cycles) > longLaunch*fill {
		return &l.LaunchResult
	}
	return nil
}

// add keeps a launch that was simulated.
func (k *Known) add(key string, r LaunchResult) {
	if k.launches == nil {
		k.launches = map[string]*knownLaunch{}
	}
	l := k.launches[key]
	if l == nil {
		l = &knownLaunch{}
		k.launches[key] = l
	}
	l.LaunchResult = r
	l.simulated++
}
