package main

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"warpdrop/experiments"
)

func TestProgressLinesOffTerminals(t *testing.T) {
	point := func(hash string) experiments.Point {
		return experiments.Point{Hash: hash, Spec: experiments.Search{Rate: 0.5, Search: "sgd"}}
	}
	plan := &experiments.Plan{Points: []experiments.Planned{
		{Point: point("a"), Stored: true, Seconds: 1}, {Point: point("b"), Seconds: 10}, {Point: point("c"), Seconds: 10},
		{Point: point("d"), Seconds: 20},
	}}
	var out bytes.Buffer
	p := newProgress(&out, plan)
	p.every = 0
	p.notify(experiments.Event{Kind: experiments.Cached, Point: point("a")})
	p.notify(experiments.Event{Kind: experiments.Started, Point: point("b")})
	// b took three times the estimate: c and d, of the same kind, will take 90 s of one processor, less the half of c.
	p.notify(experiments.Event{Kind: experiments.Progress, Point: point("c"), Share: 0.5})
	p.notify(experiments.Event{Kind: experiments.Finished, Point: point("b"),
		Seconds: float64(30) / float64(runtime.GOMAXPROCS(0)), Threads: runtime.GOMAXPROCS(0)})
	if got := p.remaining(); got < 74.9 || got > 75.1 {
		t.Errorf("%v s of one processor remain, want 3 x (10/2 + 20)", got)
	}
	p.notify(experiments.Event{Kind: experiments.Failed, Point: point("c"), Err: errors.New("broken")})
	p.notify(experiments.Event{Kind: experiments.Finished, Point: point("d"), Seconds: 60})
	p.close()
	for _, want := range []string{"[1/4] 1 stored already", "[1/4] started", "[2/4] search sgd rate=0.5: ",
		" left\n", "failed: search sgd rate=0.5: broken", "about 0s left"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("progress lacks %q:\n%s", want, &out)
		}
	}
	// Many short points: a line at the beginning, one at the end.
	var short bytes.Buffer
	p = newProgress(&short, plan)
	for _, hash := range []string{"a", "b", "c", "d"} {
		p.notify(experiments.Event{Kind: experiments.Started, Point: point(hash)})
		p.notify(experiments.Event{Kind: experiments.Finished, Point: point(hash), Seconds: 0.01})
	}
	p.close()
	if n := strings.Count(short.String(), "\n"); n != 2 || !strings.Contains(short.String(), "[4/4]") {
		t.Errorf("%d lines for four short points, want the first and the last:\n%s", n, &short)
	}
	if strings.ContainsAny(out.String(), "\r\x1b") {
		t.Errorf("control characters off a terminal: %q", &out)
	}
}

func TestCompletion(t *testing.T) {
	for args, want := range map[string]string{
		"sim --gpu ":              "gtx1080ti",
		"sim --check ":            "races",
		"iteration mlp --method ": "rows-random",
		"search --method ":        "balanced",
		"sim ../../workloads/examples/saxpy.cubin --kernel ": "saxpy4",
		"sim ../../workloads/examples/saxpy.cu --kernel ":    "saxpy4",
		"sim --check races,hazards,":                         "races,hazards,uninit",
		"exec --check races,":                                "races,uninit",
		"train lstm --search ":                               "exact",
	} {
		var out, errs bytes.Buffer
		line := append([]string{"__complete"}, strings.Split(args, " ")...)
		if code := run(t.Context(), line, nil, &out, &errs); code != 0 || !strings.Contains(out.String(), want) {
			t.Errorf("completion of %q: exit code %d, %q; want it to have %s", args, code, &out, want)
		}
	}
}

// A command's --method is completed with what it takes, and with nothing else.
func TestCompletionOfMethods(t *testing.T) {
	seen := 0
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		if f := c.Flags().Lookup("method"); f != nil {
			seen++
			offered := methods(c)
			if len(offered) == 0 {
				t.Errorf("%s: no methods are offered", c.CommandPath())
			}
			words := strings.FieldsFunc(f.Usage, func(r rune) bool { return strings.ContainsRune(", ();", r) })
			for _, m := range append([]string{"none", "dense", "masked", "dropconnect"}, offered...) {
				if has := slices.Contains(words, m); has != slices.Contains(offered, m) {
					t.Errorf("%s --method %s: offered: %v, in the text %q", c.CommandPath(), m, !has, f.Usage)
				}
			}
		}
		for _, sub := range c.Commands() {
			look(sub)
		}
	}
	root := &cobra.Command{Use: "warpdrop"}
	for _, c := range commands {
		root.AddCommand(c())
	}
	look(root)
	if seen < 7 {
		t.Errorf("%d commands with --method", seen)
	}
}

// Flags, commands, methods and GPUs that are none bring the nearest that is one.
func TestDidYouMean(t *testing.T) {
	for args, want := range map[string]string{
		"rnu x": `"run"`, "sim x --chek races": `"check"`, "gemm --m 64 --n 64 --k 64 --method rpd": `"rdp"`,
		"gemm --m 64 --n 64 --k 64 --gpu gtx1080it": `"gtx1080ti"`, "iteration mlp --hidden 64 --methd rdp": `"method"`,
	} {
		var out, errs bytes.Buffer
		code := run(t.Context(), strings.Fields(args), nil, &out, &errs)
		if code != 2 || !strings.Contains(errs.String(), "did you mean "+want) {
			t.Errorf("%s: exit code %d, %s; want it to ask for %s", args, code, &errs, want)
		}
	}
}

// A run that is stopped ends as shells expect of Ctrl-C.
func TestStoppedExitCode(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	if code := run(ctx, []string{"sim", "../../workloads/examples/saxpy.cubin", "--kernel", "saxpy", "--block", "32",
		"--arg", "buf:4", "--arg", "buf:4", "--arg", "f32:1", "--arg", "i32:1"}, nil, &out, &errs); code != 130 {
		t.Errorf("exit code %d, want 130: %s", code, &errs)
	}
}

func TestMissingSizes(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"gemm", "--m", "5"}, nil, &out, &errs); code != 2 ||
		!strings.Contains(errs.String(), "missing: --n, --k") {
		t.Errorf("exit code %d: %s", code, &errs)
	}
}
