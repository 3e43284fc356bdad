package experiments

import (
	"errors"
	"math"
	"strings"
	"testing"

	"warpdrop/plots"
	"warpdrop/sim"
)

// Energy adds up in both ways, holds at least the constant power over the whole time, and is left out, in every table
// and figure, for a preset without coefficients.
func TestEnergy(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates products")
	}
	results := func(gpu string) (*Results, *SimResult) {
		e := mustParse(t, "name: energy\ntitle: Energy\npoints:\n  - gemm: {m: 128, n: 64, k: 64, gpu: "+gpu+
			"}\n    sweep: {method: [dense, rdp], dp: [2]}\n")
		host := NewHost("")
		points, err := Points(e.Specs("small"), host)
		if err != nil {
			t.Fatal(err)
		}
		stored := map[string]*Stored{}
		for _, p := range points {
			result, err := host.Run(t.Context(), p.Spec, 1, func(float64) {})
			if err != nil {
				t.Fatal(err)
			}
			stored[p.Hash] = &Stored{Hash: p.Hash, Kind: p.Spec.Kind(), Spec: p.Spec, Versions: p.Versions, Result: result}
		}
		r := NewResults(e, "small", points, stored)
		return r, stored[points[0].Hash].Result.Sim
	}
	r, s := results("gtx1080ti")
	sum := func(m map[string]float64) (total float64) {
		for _, mj := range m {
			total += mj
		}
		return total
	}
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	byComponent, byPart, constant := sum(s.Energy), sum(s.EnergyParts), gpu.Energy.ConstantWatts*s.TimeUS*1e-3
	if !(byComponent > constant) || math.Abs(byComponent/byPart-1) > 1e-12 ||
		math.Abs(s.Energy["constant"]/constant-1) > 1e-9 {
		t.Errorf("%g mJ by component, %g by part; constant power is %g, over the time %g",
			byComponent, byPart, s.Energy["constant"], constant)
	}
	dense := r.Rows[0]
	if math.Abs(float64(dense.EnergyMJ)/byComponent-1) > 1e-12 || dense.EnergyAgainst != 1 ||
		math.Abs(float64(dense.PowerW)-byComponent*1e3/s.TimeUS) > 1e-9 ||
		math.Abs(float64(dense.EnergyDelay)-byComponent*s.TimeUS*1e-3) > 1e-12 {
		t.Errorf("row of dense: %g mJ, %g of the baseline's, %g W, %g uJ s", dense.EnergyMJ, dense.EnergyAgainst,
			dense.PowerW, dense.EnergyDelay)
	}
	if rdp := r.Rows[1]; !(rdp.EnergyAgainst < 1) ||
		math.Abs(float64(rdp.EnergyAgainst-rdp.EnergyMJ/dense.EnergyMJ)) > 1e-12 {
		t.Errorf("rdp: %g mJ, %g of dense's", rdp.EnergyMJ, rdp.EnergyAgainst)
	}
	if table := r.energyTable(); len(table.Rows) != 2 || len(table.Rows[0]) != len(table.Head) {
		t.Errorf("table %+v", table)
	}

	none, s := results("gtx980")
	if s.Energy != nil || s.EnergyParts != nil || len(none.energyTable().Rows) > 0 {
		t.Errorf("gtx980 has no coefficients, and energy %v", s.Energy)
	}
	head, _ := none.Summary()
	for _, text := range []string{strings.Join(head, " "), strings.Join(none.Answer(), " ")} {
		if strings.Contains(text, "energy") {
			t.Errorf("energy of a preset without coefficients: %s", text)
		}
	}
	if csv := strings.Split(string(CSV(none.Rows)), "\n"); !strings.Contains(csv[0], "energy_mj") ||
		none.Rows[0].EnergyMJ.text() != "" || none.Rows[0].EnergyAgainst.text() != "" {
		t.Errorf("results.csv: %s", csv[0])
	}
	for _, f := range Figures {
		if f.Name != "energy" && f.Name != "energy-parts" {
			continue
		}
		var nothing plots.ErrNothing
		if _, err := f.Draw(none); !errors.As(err, &nothing) {
			t.Errorf("%s of a preset without coefficients: %v", f.Name, err)
		}
		_, err := f.Draw(r)
		if f.Name == "energy-parts" && !r.hasParts() { // of one launch
			if !errors.As(err, &nothing) {
				t.Errorf("%s of a single part: %v", f.Name, err)
			}
		} else if err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}
