// Browser is the simulator in a web page: a kernel of a list or of a file that one drops, its grid, its arguments and a
// GPU give cycles, stalls, bank conflicts and the listing with its heat, all computed in the page by WebAssembly.
//
//	go run ./cmd/browser             # builds the page and serves it on this machine
//	go run ./cmd/browser -out DIR    # writes its files, for any web server
//
// This file is what both sides share: a request of the page and its answer.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"warpdrop/internal/codefile"
	"warpdrop/profile"
	"warpdrop/sim"
	"warpdrop/workloads"
)

// request is a launch, as the page asks for it.
type request struct {
	File   string   `json:"file"`   // name of the file that holds the kernel; its bytes come beside
	Kernel string   `json:"kernel"` // "" where the file has only one
	GPU    string   `json:"gpu"`    // name of a preset
	Grid   string   `json:"grid"`   // blocks, X[,Y[,Z]]
	Block  string   `json:"block"`  // threads of a block, X[,Y[,Z]]
	Shared int      `json:"shared"` // bytes of dynamic shared memory a block
	Args   []string `json:"args"`   // as of warpdrop sim --arg
	Checks []string `json:"checks"` // as of warpdrop sim --check
}

// answer is what the page shows.
type answer struct {
	Rows   [][2]string `json:"rows"`   // name and value
	Page   string      `json:"page"`   // the profile, a page of its own
	Output string      `json:"output"` // what the kernel printed, and what the checks found
}

// kernels lists the names of a file's kernels that run on gpu's family, once each, as warpdrop kernels does.
func kernels(file string, code []byte) ([]string, error) {
	f, err := codefile.Open(file, code)
	if err != nil {
		return nil, err
	}
	list, err := f.Kernels()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, k := range list {
		if k.Info != nil && !slices.Contains(names, k.Name) {
			names = append(names, k.Name)
		}
	}
	if len(names) == 0 {
		return nil,
			fmt.Errorf("%s: no machine code for sm_50 to sm_62; PTX and CUDA C++ need a compiler, which is not in the page",
				file)
	}
	return names, nil
}

// dim reads X[,Y[,Z]].
func dim(what, text string) (sim.Dim3, error) {
	v := [3]int{1, 1, 1}
	parts := strings.Split(text, ",")
	if len(parts) > 3 {
		return sim.Dim3{}, fmt.Errorf("%s %q: at most three numbers", what, text)
	}
	for i, p := range parts {
		n, err := strconv.Atoi(strings.TrimSpace(p))
		if err != nil || n < 1 || n > 1<<31-1 {
			return sim.Dim3{}, fmt.Errorf("%s %q: %q is no number in 1 to 2147483647", what, text, p)
		}
		v[i] = n
	}
	return sim.Dim3{X: v[0], Y: v[1], Z: v[2]}, nil
}

// simulate launches a kernel of code as req says; observe, if there is one, is told how far it is.
func simulate(ctx context.Context, req *request, code []byte, observe func(sim.Progress)) (*answer, error) {
	if !slices.Contains(sim.GPUs(), req.GPU) {
		return nil, fmt.Errorf("GPU %q is not one of %s", req.GPU, strings.Join(sim.GPUs(), ", "))
	}
	gpu, err := sim.LoadGPU(req.GPU)
	if err != nil {
		return nil, err
	}
	f, err := codefile.Open(req.File, code)
	if err != nil {
		return nil, err
	}
	chosen, err := f.Choose(ctx, codefile.Options{Arch: gpu.Arch, Kernel: req.Kernel})
	if err != nil {
		return nil, err
	}
	dev, err := sim.NewDevice(gpu)
	if err != nil {
		return nil, err
	}
	var output strings.Builder
	dev.Profile, dev.Observe, dev.Stdout = true, observe, &output
	for _, c := range req.Checks {
		if err := dev.EnableCheck(c); err != nil {
			return nil, err
		}
	}
	mod, err := dev.LoadModule(chosen.Image)
	if err != nil {
		return nil, err
	}
	k, err := mod.Kernel(chosen.Kernels[0])
	if err != nil {
		return nil, err
	}
	cfg := sim.LaunchConfig{Shared: req.Shared}
	if cfg.Grid, err = dim("grid", req.Grid); err != nil {
		return nil, err
	}
	if cfg.Block, err = dim("block", req.Block); err != nil {
		return nil, err
	}
	var args []sim.Arg
	for _, text := range req.Args {
		a, _, err := workloads.ParseArg(dev, text)
		if err != nil {
			return nil, fmt.Errorf("argument %w", err)
		}
		args = append(args, a)
	}
	r, err := dev.Launch(ctx, k, cfg, args...)
	if r == nil {
		return nil, err
	}
	if err != nil { // a check found something; the launch has run
		fmt.Fprintln(&output, err)
	}
	page, err := profile.New(r, gpu).HTML()
	if err != nil {
		return nil, err
	}
	return &answer{Rows: rows(r, gpu), Page: string(page), Output: output.String()}, nil
}

// rows are the figures that the page shows first.
func rows(r *sim.Result, gpu *sim.GPU) [][2]string {
	c := &r.Counters
	wait, most := "none", int64(0)
	for name, n := range c.Stalls() {
		if n > most || n == most && n > 0 && name < wait {
			wait, most = name, n
		}
	}
	total := max(r.Cycles, 1) * int64(gpu.SMs*gpu.SM.Schedulers)
	return [][2]string{
		{"kernel cycles", strconv.FormatInt(r.Cycles, 10)},
		{"time, us, with launch", fmt.Sprintf("%.2f", r.TimeUS)},
		{"warp instructions", strconv.FormatInt(c.SM.WarpInstructions, 10)},
		{"instructions a cycle", fmt.Sprintf("%.2f", r.IPC())},
		{"shared bank conflicts", strconv.FormatInt(c.SM.SharedBankConflicts, 10)},
		{"branches that diverged", fmt.Sprintf("%d of %d", c.SM.DivergentBranches, c.SM.Branches)},
		{"bytes from and to DRAM", strconv.FormatInt(c.Memory.DRAMBytes(), 10)},
		{"achieved occupancy", fmt.Sprintf("%.1f %%", 100*r.AchievedOccupancy(gpu))},
		{"schedulers waited most for", fmt.Sprintf("%s, %.1f %% of their cycles", wait, 100*float64(most)/float64(total))},
		{"seconds to simulate", fmt.Sprintf("%.2f", r.WallSeconds)},
	}
}

// answerText is the answer to the text of a request as JSON; what went wrong is {"error": …}.
func answerText(ctx context.Context, text string, code []byte, observe func(sim.Progress)) string {
	var req request
	err := json.Unmarshal([]byte(text), &req)
	var a *answer
	if err == nil {
		a, err = simulate(ctx, &req, code, observe)
	}
	if err != nil {
		return errorText(err)
	}
	return jsonText(a)
}

func errorText(err error) string { return jsonText(map[string]string{"error": err.Error()}) }

func jsonText(v any) string {
	data, err := json.Marshal(v)
	if err != nil { // strings and slices of them always can be written
		return `{"error": "the answer cannot be written as JSON"}`
	}
	return string(data)
}
