package sim

import (
	"fmt"
	"strings"

	"warpdrop/sim/sm"
)

// ProfileListing returns a profiled launch's instructions with their counts: executions by warps and by threads, passes of
// shared-memory bank conflicts, and the warp cycles without issue before the instruction, all and by what the warp waited
// for. A last line has the sums.
func ProfileListing(r *Result) string {
	f := r.Profile
	total := f.Total()
	var reasons []int
	for i, n := range total {
		if n > 0 {
			reasons = append(reasons, i)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%12s %14s %10s %14s", "warps", "threads", "conflicts", "stall_cycles")
	for _, i := range reasons {
		fmt.Fprintf(&b, " %*s", width(i), sm.ReasonNames[i])
	}
	b.WriteString("  instruction\n")
	line := func(warps, threads, conflicts int64, stalls *[sm.NumReasons]int64, text string) {
		var all int64
		for _, n := range stalls {
			all += n
		}
		fmt.Fprintf(&b, "%12d %14d %10d %14d", warps, threads, conflicts, all)
		for _, i := range reasons {
			if stalls[i] == 0 {
				fmt.Fprintf(&b, " %*s", width(i), ".")
				continue
			}
			fmt.Fprintf(&b, " %*d", width(i), stalls[i])
		}
		fmt.Fprintf(&b, "  %s\n", text)
	}
	var warps, threads, conflicts int64
	for i := range f.Prog.Ops {
		if f.Warps[i] == 0 {
			continue
		}
		warps += f.Warps[i]
		threads += f.Threads[i]
		conflicts += f.Conflicts[i]
		line(f.Warps[i], f.Threads[i], f.Conflicts[i], &f.Stalls[i], f.Prog.Text(int32(i)))
	}
	line(warps, threads, conflicts, &total, "all")
	return b.String()
}

// width of a reason's column.
func width(reason int) int { return max(len(sm.ReasonNames[reason]), 11) }
