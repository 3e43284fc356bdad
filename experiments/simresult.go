package experiments

import (
	"cmp"
	"maps"
	"slices"

	"warpdrop/sim"
	"warpdrop/sim/energy"
	"warpdrop/workloads"
)

// simVersions are what a simulated result depends on beside its spec.
func simVersions(gpu string) (map[string]string, error) {
	g, err := hashedGPU(gpu)
	if err != nil {
		return nil, err
	}
	return map[string]string{"sim": sim.ModelVersion, "gpu": g.hash, "kernels": workloads.KernelVersion,
		"search": searchVersion}, nil
}

// newSimResult is an empty result of a preset, to add launches to.
func newSimResult(gpu *sim.GPU) *SimResult {
	r := &SimResult{Parts: map[string]float64{}, Counters: map[string]float64{}, Peak: peaks(gpu)}
	if gpu.Energy.Calibrated() {
		r.Energy, r.EnergyParts = map[string]float64{}, map[string]float64{}
	}
	return r
}

// peaks are what a roofline is drawn with.
func peaks(gpu *sim.GPU) map[string]float64 {
	return map[string]float64{"flop_per_cycle": gpu.PeakGFLOPS() * 1e3 / gpu.CoreMHz, "core_hz": gpu.CoreMHz * 1e6,
		"dram_bytes_per_cycle": gpu.Memory.PeakBytesPerSecond(gpu.CoreMHz) / (gpu.CoreMHz * 1e6)}
}

// finish sets what follows from the cycles, once all is added. Low and High, where they are sampled, are set before.
func (r *SimResult) finish(gpu *sim.GPU) {
	if r.Low == 0 && r.High == 0 {
		r.Low, r.High = r.Cycles, r.Cycles
	}
	r.TimeUS = r.Cycles / gpu.CoreMHz
	slices.SortFunc(r.Kernels, func(a, b KernelResult) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Part, b.Part))
	})
}

// simulated counts launches, and the instructions of those that were simulated.
func (r *SimResult) simulated(it *workloads.IterationResult) {
	for i := range it.Launches {
		r.Launches++
		if it.Launches[i].Simulated {
			r.SimulatedLaunches++
			r.Instructions += float64(it.Launches[i].Counters.SM.WarpInstructions)
		}
	}
}

// maxTimeline is the most launches that are kept one by one.
const maxTimeline = 1000

// add adds an iteration, or the launches of a single product, that happens with the given probability.
func (r *SimResult) add(gpu *sim.GPU, it *workloads.IterationResult, probability float64) {
	r.Cycles += probability * float64(it.Cycles)
	for i := range it.Launches {
		r.KernelCycles += probability * float64(it.Launches[i].KernelCycles)
	}
	if r.Timeline == nil && len(it.Launches) > 1 && len(it.Launches) <= maxTimeline {
		for i := range it.Launches {
			l := &it.Launches[i]
			r.Timeline = append(r.Timeline, TimelineLaunch{l.Name, l.Kernel, string(l.Part), float64(l.Cycles)})
		}
	}
	parts := it.Parts()
	for _, part := range slices.Sorted(maps.Keys(parts)) {
		r.Parts[string(part)] += probability * float64(parts[part])
	}
	for name, n := range countersOf(&it.Counters) {
		r.Counters[name] += probability * n
	}
	for i := range it.Launches {
		l := &it.Launches[i]
		at := slices.IndexFunc(r.Kernels, func(k KernelResult) bool { return k.Name == l.Kernel && k.Part == string(l.Part) })
		if at < 0 {
			at = len(r.Kernels)
			r.Kernels = append(r.Kernels, KernelResult{Name: l.Kernel, Part: string(l.Part)})
		}
		k := &r.Kernels[at]
		k.Launches += probability
		k.Cycles += probability * float64(l.Cycles)
		k.FLOP += probability * float64(l.FLOP)
		k.DRAMBytes += probability * float64(l.Counters.Memory.DRAMBytes())
		r.addEnergy(gpu, l, probability)
	}
}

// addEnergy adds what a launch or a copy is thought to cost, over its time with the launch overhead, in which all SMs
// are idle.
func (r *SimResult) addEnergy(gpu *sim.GPU, l *workloads.LaunchResult, probability float64) {
	if r.Energy == nil {
		return
	}
	e := gpu.Energy.Of(&energy.Run{Cycles: l.Cycles, Seconds: gpu.Seconds(l.Cycles), SMs: gpu.SMs, SM: &l.Counters.SM,
		Memory: &l.Counters.Memory})
	for part, joules := range e.Joules {
		r.Energy[energy.PartNames[part]] += probability * joules * 1e3
		r.EnergyParts[string(l.Part)] += probability * joules * 1e3
	}
}

// countersOf are the counters that results keep, by name: those of tables and figures.
func countersOf(c *sim.Counters) map[string]float64 {
	out := map[string]float64{
		"warp_instructions": float64(c.SM.WarpInstructions), "thread_instructions": float64(c.SM.ThreadInstructions),
		"shared_accesses": float64(c.SM.SharedAccesses), "shared_passes": float64(c.SM.SharedPasses),
		"shared_bank_conflicts": float64(c.SM.SharedBankConflicts), "branches": float64(c.SM.Branches),
		"divergent_branches": float64(c.SM.DivergentBranches), "dram_bytes": float64(c.Memory.DRAMBytes()),
		"issue_cycles": float64(c.SM.IssueCycles),
	}
	for name, n := range c.Stalls() {
		out[stallPrefix+name] = float64(n)
	}
	return out
}
