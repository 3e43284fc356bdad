package main

import (
	"fmt"
	"strings"

	"warpdrop/sim/energy"
)

// energyReport is the energy estimate of a launch, over its cycles without the launch overhead.
type energyReport struct {
	TotalMJ    float64            `json:"total_mj"`
	Watts      float64            `json:"mean_w"`
	EDP        float64            `json:"energy_delay_uj_s"` // microjoule seconds
	Components map[string]float64 `json:"components_mj"`
}

func newEnergyReport(e *energy.Estimate) *energyReport {
	r := &energyReport{TotalMJ: 1e3 * e.Total(), Watts: e.Watts(), EDP: 1e6 * e.DelayProduct(), Components: e.ByName()}
	for name := range r.Components {
		r.Components[name] *= 1e3
	}
	return r
}

// rows are the lines of a table of counters.
func (r *energyReport) rows() [][]any {
	parts := map[string]int64{}
	for name, mj := range r.Components {
		parts[name] = int64(1e9 * mj) // picojoules: shares need no more
	}
	return [][]any{
		{"energy (estimate)", fmt.Sprintf("%.4g mJ, %.0f W, energy x delay %.4g uJ s", r.TotalMJ, r.Watts, r.EDP)},
		{"energy by part", strings.Join(shares(parts, "", 0), ", ")},
	}
}
