package energy_test

import (
	"encoding/csv"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"warpdrop/sim"
	"warpdrop/sim/energy"
	"warpdrop/sim/memory"
	"warpdrop/sim/sm/lower"
	"warpdrop/sim/sm/timing"
)

// The kernels themselves, from which the coefficients come, and kernels of the same character as others that were
// measured.
const (
	originals = "testdata/titanx-pascal-power.csv"
	own       = "testdata/titanx-pascal-own.csv"
)

// powerTable is a table of measured kernels, one map a row.
func powerTable(t *testing.T, file string) (rows []map[string]string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	all, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range all[1:] {
		m := map[string]string{}
		for i, v := range line {
			m[all[0][i]] = v
		}
		rows = append(rows, m)
	}
	return rows
}

func number(t *testing.T, row map[string]string, key string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(row[key], 64)
	if err != nil {
		t.Fatalf("%s: %s: %v", row["kernel"], key, err)
	}
	return v
}

func preset(t *testing.T) *energy.Config {
	t.Helper()
	g, err := sim.LoadGPU("titanx-pascal")
	if err != nil {
		t.Fatal(err)
	}
	return &g.Energy
}

// coefficients of the components that events cost, by name.
func coefficients(c *energy.Config) map[string]float64 {
	return map[string]float64{"issue": c.IssuePJ, "registers": c.RegisterPJ, "integer": c.IntegerPJ, "fp32": c.FLOPPJ,
		"fp64": c.FP64PJ, "sfu": c.SFUPJ, "shared": c.SharedPJ, "l2": c.L2PJ, "dram": c.DRAMPJ}
}

// The preset's energies an event are the medians that its comment says they are.
func TestCoefficientsAreMedians(t *testing.T) {
	for part, pj := range coefficients(preset(t)) {
		var each []float64
		for _, row := range powerTable(t, originals) {
			n, w := number(t, row, part+"_events"), number(t, row, "accelwattch_"+part+"_w")
			if n > 0 && w >= 0.1 {
				each = append(each, w*number(t, row, "seconds")/n*1e12)
			}
		}
		slices.Sort(each)
		median := (each[(len(each)-1)/2] + each[len(each)/2]) / 2
		if math.Abs(pj/median-1) > 0.005 {
			t.Errorf("%s: %g pJ in the preset, the median of %d kernels is %.4g", part, pj, len(each), median)
		}
	}
}

// watts is the power that the coefficients give for a row.
func watts(t *testing.T, c *energy.Config, row map[string]string) float64 {
	seconds, active := number(t, row, "seconds"), number(t, row, "active")
	w := c.ConstantWatts + (1-active)*28*c.IdleSMWatts +
		active*(c.StaticFirstLaneWatts+c.StaticLaneWatts*(number(t, row, "lanes")-1))
	for part, pj := range coefficients(c) {
		w += pj * 1e-12 * number(t, row, part+"_events") / seconds
	}
	return w
}

// Measured power confirms the estimate: it was not used for the coefficients, and of the second table nothing was.
func TestMeasuredPower(t *testing.T) {
	c := preset(t)
	mean := func(rows []map[string]string, x func(map[string]string) float64) float64 {
		sum := 0.0
		for _, row := range rows {
			sum += x(row)
		}
		return sum / float64(len(rows))
	}
	first, second := powerTable(t, originals), powerTable(t, own)
	all := slices.Concat(first, second)
	if len(all) != 22 {
		t.Errorf("%d kernels, 22 were published", len(all))
	}
	measured := func(row map[string]string) float64 { return number(t, row, "measured_w") }
	off := func(w float64, row map[string]string) float64 { return math.Abs(w/measured(row) - 1) }
	ours := func(row map[string]string) float64 { return off(watts(t, c, row), row) }
	for _, row := range all {
		w := watts(t, c, row)
		t.Logf("%-24s %6.1f W, measured %6.1f W: %+.1f %%", row["kernel"], w, measured(row), 100*(w/measured(row)-1))
	}
	for _, set := range []struct {
		name string
		rows []map[string]string
	}{{"originals", first}, {"own kernels", second}, {"all", all}} {
		one := mean(set.rows, measured)
		mae := mean(set.rows, ours)
		constant := mean(set.rows, func(row map[string]string) float64 { return off(one, row) })
		t.Logf("%s: mean absolute error %.1f %%; AccelWattch %.1f %%; one figure, their mean, for all %.1f %%",
			set.name, 100*mae, 100*mean(set.rows, func(row map[string]string) float64 {
				return off(number(t, row, "accelwattch_w"), row)
			}), 100*constant)
		if mae > 0.15 {
			t.Errorf("%s: mean absolute error %.1f %%, want at most 15", set.name, 100*mae)
		}
		if set.name != "own kernels" && mae >= constant {
			t.Errorf("%s: no better than one figure for every kernel: %.1f %% against %.1f", set.name, 100*mae, 100*constant)
		}
	}
}

// A launch whose energy can be added up by hand.
func TestByHand(t *testing.T) {
	c := energy.Config{ConstantWatts: 30, IdleSMWatts: 1, StaticFirstLaneWatts: 10, StaticLaneWatts: 0.5,
		IssuePJ: 100, RegisterPJ: 5, IntegerPJ: 4, FLOPPJ: 3, FP64PJ: 50, SFUPJ: 20, SharedPJ: 90, L2PJ: 250, DRAMPJ: 1700}
	s := timing.Counters{WarpInstructions: 1000, PredicatedInstructions: 16000, FLOP: 8000, SharedPasses: 30,
		ActiveCycles: 1000}
	s.UnitInstructions[lower.UnitFP32], s.UnitInstructions[lower.UnitHalf] = 600, 100
	s.UnitInstructions[lower.UnitSFU], s.UnitInstructions[lower.UnitFP64] = 50, 10
	m := memory.Counters{L2Reads: 40, L2Writes: 20, L2Atomics: 5, DRAMReads: 7, DRAMWrites: 3}
	e := c.Of(&energy.Run{Cycles: 1000, Seconds: 1e-6, SMs: 4, SM: &s, Memory: &m})
	flop := 8000. - 2*10*16
	want := [energy.NumParts]float64{
		energy.Constant: 30e-6, energy.Static: 0.25 * (10 + 0.5*15) * 1e-6, energy.IdleSMs: 0.75 * 4 * 1e-6,
		energy.Issue: 1000 * 100e-12, energy.Registers: 16000 * 5e-12,
		energy.Integer: (700*16 - flop/2) * 4e-12, energy.Float: flop * 3e-12,
		energy.FP64: 160 * 50e-12, energy.SFU: 800 * 20e-12, energy.Shared: 30 * 90e-12,
		energy.L2: 65 * 250e-12, energy.DRAM: 10 * 1700e-12,
	}
	total := 0.0
	for p, j := range want {
		total += j
		if math.Abs(e.Joules[p]-j) > 1e-18 {
			t.Errorf("%s: %g J, want %g", energy.PartNames[p], e.Joules[p], j)
		}
	}
	if math.Abs(e.Total()-total) > 1e-17 || math.Abs(e.Watts()-total/1e-6) > 1e-9 {
		t.Errorf("total %g J, %g W; want %g J", e.Total(), e.Watts(), total)
	}
	twice := e
	twice.Add(&e)
	if math.Abs(twice.Total()-2*total) > 1e-17 || twice.Watts() != e.Watts() || twice.Seconds != 2e-6 {
		t.Errorf("two such launches: %g J, %g W in %g s", twice.Total(), twice.Watts(), twice.Seconds)
	}
}

// Nothing ran: only what costs power over time, and no division by zero.
func TestIdle(t *testing.T) {
	c := energy.Config{ConstantWatts: 30, IdleSMWatts: 1, StaticFirstLaneWatts: 10, StaticLaneWatts: 0.5}
	e := c.Of(&energy.Run{Cycles: 1000, Seconds: 1e-6, SMs: 4, SM: &timing.Counters{}, Memory: &memory.Counters{}})
	if want := 34e-6; math.Abs(e.Total()-want) > 1e-15 {
		t.Errorf("%g J, want %g", e.Total(), want)
	}
	if w := (&energy.Estimate{}).Watts(); w != 0 {
		t.Errorf("power over no time is %g W", w)
	}
}

func TestValidate(t *testing.T) {
	if err := (&energy.Config{}).Validate(); err != nil {
		t.Errorf("no coefficients: %v", err)
	}
	for want, c := range map[string]energy.Config{
		"energy.constant_watts: is missing":  {DRAMPJ: 1},
		"energy.dram_pj: NaN is not in":      {ConstantWatts: 1, DRAMPJ: math.NaN()},
		"energy.issue_pj: -1 is not in":      {ConstantWatts: 1, IssuePJ: -1},
		"energy.constant_watts: +Inf is not": {ConstantWatts: math.Inf(1)},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v, want %q", c, err, want)
		}
	}
}
