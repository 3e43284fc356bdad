package sim

import (
	"fmt"
	"strings"

	"warpdrop/internal/nearest"
	"warpdrop/sim/sm/exec"
)

// checks is the table of what a device can look for, by the names that users give.
var checks = []struct {
	name, text string
	on         func(*Device)
}{
	{"races", "two warps access one byte of shared memory with no barrier between, one of them storing",
		func(d *Device) { d.Races = true }},
	{"benign", "races also where both store the same value and read it after their own store",
		func(d *Device) { d.Races, d.Benign = true, true }},
	{"global", "two warps access one byte of global memory with no barrier or fence between, one of them storing",
		func(d *Device) { d.GlobalRaces = true }},
	{"uninit", "shared or local memory is read before it is written",
		func(d *Device) { d.Uninit = true }},
	{"unwritten", "a kernel reads device memory that neither the host nor a kernel has written since it was allocated",
		func(d *Device) { d.Unwritten = true }},
	{"divergence", "part of a warp's threads reach a barrier while others are elsewhere",
		func(d *Device) { d.Divergence = true }},
	{"shuffles", "a shuffle reads from a thread that takes no part in it",
		func(d *Device) { d.Shuffles = true }},
	{"constants", "constant memory is read beyond its end, or stored into",
		func(d *Device) { d.Constants = true }},
	{"leaks", "memory that kernels took with malloc or new is not given back when the program ends",
		func(d *Device) { d.Leaks = true }},
	{"hazards", "stall counts or barriers of the machine code let an instruction go before its operands are there",
		func(d *Device) { d.Hazards = true }},
}

// CheckNames are the names that EnableCheck takes.
func CheckNames() (names []string) {
	for _, c := range checks {
		names = append(names, c.name)
	}
	return names
}

// CheckTexts has a line for each check: its name and what it looks for.
func CheckTexts() string {
	var b strings.Builder
	for _, c := range checks {
		fmt.Fprintf(&b, "  %-11s %s\n", c.name, c.text)
	}
	return b.String()
}

// EnableCheck makes launches look for errors that change no value here but may on hardware, by the name of the check.
// It is for a device that is still empty: of memory that was allocated before, nothing is unwritten.
// What is found is a *CheckError or a *HazardError of the launch, which has run to its end; its Result is returned too.
func (d *Device) EnableCheck(name string) error {
	for _, c := range checks {
		if c.name == name {
			c.on(d)
			return nil
		}
	}
	return fmt.Errorf("check %q%s is not one of %s", name, nearest.Hint(name, CheckNames()),
		strings.Join(CheckNames(), ", "))
}

// watches tells whether a check of what threads do is on.
func (d *Device) watches() bool {
	return d.Races || d.Uninit || d.Divergence || d.Shuffles || d.Constants || d.notesGlobal()
}

// notesGlobal tells whether a check is on that looks at accesses to global memory in the order of time.
func (d *Device) notesGlobal() bool { return d.GlobalRaces || d.Unwritten }

// newCheck returns a check of what threads do, nil if none is on.
func (d *Device) newCheck() *exec.Check {
	if !d.watches() {
		return nil
	}
	return &exec.Check{Races: d.Races, Benign: d.Benign, Uninit: d.Uninit, Divergence: d.Divergence,
		Shuffles: d.Shuffles, Global: d.notesGlobal(), Constants: d.Constants, Variables: d.constants}
}

// newGlobalCheck returns a check of accesses to global memory, nil if none is on.
func (d *Device) newGlobalCheck() *exec.GlobalCheck {
	if !d.notesGlobal() {
		return nil
	}
	g := &exec.GlobalCheck{Races: d.GlobalRaces, Benign: d.Benign, Heaps: d.heaps}
	if d.Unwritten {
		g.Memory = d.mem
	}
	return g
}
