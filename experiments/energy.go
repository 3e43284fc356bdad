package experiments

import (
	"fmt"
	"slices"

	"warpdrop/plots"
	"warpdrop/sim/energy"
)

// energyShown are the components of an estimate as tables and figures show them: those that grow with the same thing
// together.
var energyShown = []struct {
	name  string
	parts []energy.Part
}{
	{"constant", []energy.Part{energy.Constant}},
	{"static", []energy.Part{energy.Static, energy.IdleSMs}},
	{"instructions", []energy.Part{energy.Issue, energy.Registers}},
	{"arithmetic", []energy.Part{energy.Integer, energy.Float, energy.FP64, energy.SFU}},
	{"shared and L2", []energy.Part{energy.Shared, energy.L2}},
	{"dram", []energy.Part{energy.DRAM}},
}

// energyOf is what some components of a row's iteration are thought to cost, in mJ.
func (r *Row) energyOf(parts []energy.Part) (mj float64) {
	for _, p := range parts {
		mj += r.sim.Energy[energy.PartNames[p]]
	}
	return mj
}

// energyNote is what a reader must know of every estimate.
const energyNote = "An estimate from counts of events; docs/design/energy.md has its error on kernels whose power " +
	"was measured. Compare methods, not joules."

// energyTable is the report's table of energy, without rows where nothing is known.
func (r *Results) energyTable() plots.Table {
	t := plots.Table{Title: "Energy", Note: energyNote,
		Head: []string{"method", "network", "rate", "energy mJ", "relative to " + r.Experiment.Baseline.String(),
			"time relative", "mean power W", "energy x delay uJ s"}}
	for _, c := range energyShown {
		t.Head = append(t.Head, c.name)
	}
	for _, row := range r.Rows {
		if !row.EnergyMJ.known() {
			continue
		}
		line := []string{row.variant(), row.Network, join(row.Rates), row.EnergyMJ.round(3), row.EnergyAgainst.round(2),
			(1 / row.Speedup).round(2), row.PowerW.round(0), row.EnergyDelay.round(3)}
		for _, c := range energyShown {
			mj := number(row.energyOf(c.parts))
			line = append(line, fmt.Sprintf("%s (%s %%)", mj.round(3), (100*mj/row.EnergyMJ).round(0)))
		}
		t.Rows = append(t.Rows, line)
	}
	return t
}

func energyAgainst(row *Row) float64 { return float64(row.EnergyAgainst) }

// energyRows are the rows with an estimate, as simulated has them.
func (r *Results) energyRows() (rows []*Row, names []string, note string) {
	rows, names, note = r.simulated()
	for i := len(rows) - 1; i >= 0; i-- {
		if !rows[i].EnergyMJ.known() {
			rows, names = slices.Delete(rows, i, i+1), slices.Delete(names, i, i+1)
		}
	}
	return rows, names, note
}

func energyByComponent(r *Results) (*plots.Figure, error) {
	rows, names, note := r.energyRows()
	if len(rows) == 0 {
		return nothing("energy of simulated iterations")
	}
	var groups []plots.Group
	for _, c := range energyShown {
		g := plots.Group{Name: c.name}
		for _, row := range rows {
			g.Y = append(g.Y, row.energyOf(c.parts))
		}
		groups = append(groups, g)
	}
	return stacked(plots.Axis{Title: "Where the energy goes", X: "energy (mJ, estimate)"}, names, groups,
		millijoules, note)
}

func energyByPart(r *Results) (*plots.Figure, error) {
	rows, names, note := r.energyRows()
	if len(rows) == 0 || !r.hasParts() {
		return nothing("energy of simulated iterations of several parts")
	}
	var groups []plots.Group
	for _, part := range partNames(rows) {
		g := plots.Group{Name: part}
		for _, row := range rows {
			g.Y = append(g.Y, row.sim.EnergyParts[part])
		}
		groups = append(groups, g)
	}
	return stacked(plots.Axis{Title: "Energy by part", X: "energy (mJ, estimate)"}, names, groups, millijoules, note)
}

func millijoules(mj float64) string { return fmt.Sprintf("%.3g mJ", mj) }
