package workloads

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"warpdrop/sim"
	"warpdrop/sim/memory"
)

// Known holds launches that were simulated, so that others like them need not be: those of the same kernel, grid and
// arguments, but that matrices may begin elsewhere, at the same place within a sector. The steps of an LSTM, its
// layers, and iterations with different patterns have many. What is not simulated computes no values.
type Known struct {
	// Repeats is how many repeated launches are simulated; the median of all but the first, which finds caches as other
	// kernels left them, counts for those that follow. One that takes longer than longLaunch times what DRAM needs to fill
	// L2 is simulated once.
	Repeats int

	launches map[string]*knownLaunch
}

// longLaunch is so that what the launch before left in the caches cannot move a launch by more than a hundredth.
const longLaunch = 100

// RepeatsVersion changes with every change of what counts as a repeated launch; it is part of the name under which
// a result of them is stored.
const RepeatsVersion = "2"

// knownLaunch is the repeated launches that were simulated.
type knownLaunch struct {
	first LaunchResult
	later []LaunchResult // by cycles
}

// counts is the one that counts for others.
func (l *knownLaunch) counts() *LaunchResult {
	if n := len(l.later); n > 0 {
		return &l.later[(n-1)/2]
	}
	return &l.first
}

// launchKey is the same text for repeated launches.
func launchKey(module, kernel string, cfg sim.LaunchConfig, args []sim.Arg) string {
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
	// cycles
	fill := float64(m.DRAM.Channels*m.L2.SlicesPerChannel*m.L2.SliceBytes) /
		(gpu.Memory.PeakBytesPerSecond(gpu.CoreMHz) / (gpu.CoreMHz * 1e6))
	if r := l.counts(); 1+len(l.later) >= k.Repeats || float64(r.Cycles) > longLaunch*fill {
		return r
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
		k.launches[key] = &knownLaunch{first: r}
		return
	}
	at, _ := slices.BinarySearchFunc(l.later, r, func(a, b LaunchResult) int { return cmp.Compare(a.Cycles, b.Cycles) })
	l.later = slices.Insert(l.later, at, r)
}
