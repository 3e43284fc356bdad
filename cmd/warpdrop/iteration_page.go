package main

import (
	"fmt"

	"warpdrop/internal/atomicfile"
	"warpdrop/plots"
	"warpdrop/profile"
	"warpdrop/sim"
	"warpdrop/workloads"
)

// page writes an iteration as a page: its launches as a timeline and a table, and what kernels, the longest launch of
// each, suggest.
func (r *iterationReport) page(file string, gpu *sim.GPU, it *workloads.IterationResult, kernels []*sim.Result) error {
	var spans []plots.Span
	at := 0.0
	for i := range it.Launches {
		l := &it.Launches[i]
		spans = append(spans, plots.Span{Name: l.Name + ": " + l.Kernel, Part: string(l.Part), From: at,
			To: at + float64(l.Cycles)})
		at += float64(l.Cycles)
	}
	figure, err := plots.Timeline(plots.Axis{Title: "Launch by launch", X: "cycles with launch"}, []string{r.Method},
		[][]plots.Span{spans})
	if err != nil {
		return err
	}
	svg, err := plots.Render(figure, "svg")
	if err != nil {
		return err
	}
	launches := plots.Table{Title: "Launches", Head: []string{"launch", "kernel", "count", "kernel cycles", "with launch",
		"share %", "GFLOP", "% of peak", "DRAM MB", "% of peak"}}
	for _, l := range r.Launches {
		launches.Rows = append(launches.Rows, []string{l.Name, l.Kernel, fmt.Sprint(l.Count), fmt.Sprint(l.KernelCycles),
			fmt.Sprint(l.Cycles), fmt.Sprintf("%.1f", 100*l.Share), fmt.Sprintf("%.3f", float64(l.FLOP)/1e9),
			fmt.Sprintf("%.0f", 100*l.PeakFLOP), fmt.Sprintf("%.2f", float64(l.DRAMBytes)/1e6),
			fmt.Sprintf("%.0f", 100*l.PeakDRAM)})
	}
	advice := plots.Table{Title: "What to try", Head: []string{"kernel", "advice", "measured", "limit"},
		Note: "Of the longest launch of each kernel; the kernels that take longest first."}
	for _, k := range kernels {
		for _, a := range profile.New(k, gpu).Advice {
			advice.Rows = append(advice.Rows, []string{k.Kernel, a.Text, a.Figure, a.Limit})
		}
	}
	page, err := plots.Report{
		Title: r.Network + ", " + r.Method, Meta: fmt.Sprintf("One training iteration on %s.", r.GPU),
		Answer: []string{fmt.Sprintf("%d kernel cycles; with launch overhead and copies %d cycles, %.1f µs.",
			r.KernelCycles, r.Cycles, r.TimeUS)},
		Figures: []plots.ReportFigure{{Name: "timeline",
			Caption: "Each launch and copy, one after the other, with launch overhead.", SVG: svg, Chart: figure.Chart}},
		Tables: []plots.Table{launches, advice},
	}.HTML()
	if err != nil {
		return err
	}
	return atomicfile.ThroughBytes(file, page)
}
