package sim

import (
	"warpdrop/sim/internal/invariant"
)

// consistent checks the chip between two windows (build tag check): memory, and that each block of the launches of q is
// yet to come, on an SM, or finished. quiet says that nothing is under way any more.
func (d *Device) consistent(q *queue, quiet bool) {
	d.system.Consistent(quiet)
	resident := int64(0)
	for i, m := range d.sms {
		resident += int64(m.Blocks())
		invariant.Hold(!d.ports[i].Pending(), "SM %d: stores of a window that is over were not committed", i)
		invariant.Hold(!quiet || !m.Busy() && !m.Holds(), "SM %d is busy on a chip that is quiet", i)
	}
	for _, g := range q.active {
		invariant.Hold(g.finished >= 0 && g.finished <= g.next && g.next <= g.total,
			"kernel %s: %d blocks have finished, %d begun, of %d", g.prog.Name, g.finished, g.next, g.total)
		resident -= g.next - g.finished
	}
	invariant.Hold(resident == 0, "%d blocks too many are on the SMs", resident)
}
