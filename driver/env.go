package driver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"warpdrop/internal/atomicfile"
	"warpdrop/profile"
)

// Variable is an environment variable that a program's user sets.
type Variable struct {
	Name, Help string
	set        func(o *Options, v string) error
}

// Variables are those that the driver reads, with what they do.
var Variables = []Variable{
	{"WARPDROP_GPU", "GPU preset or preset file (gtx1080ti)", func(o *Options, v string) error { o.GPU = v; return nil }},
	{"WARPDROP_THREADS", "threads that simulate; changes no result (0: one a core)",
		func(o *Options, v string) (err error) {
			o.Threads, err = number(v, 0, 1024)
			return err
		}},
	{"WARPDROP_MAX_CYCLES", "end a launch with an error after so many cycles", func(o *Options, v string) error {
		n, err := number(v, 1, 1<<62)
		o.MaxCycles = int64(n)
		return err
	}},
	{"WARPDROP_MODE",
		"timed; sampled: the first waves of blocks in time, the rest for their values; functional: values only, no cycles " +
			"(timed)", func(o *Options, v string) error {
			if v != "timed" && v != "sampled" && v != "functional" {
				return fmt.Errorf("%q is not timed, sampled or functional", v)
			}
			o.Selection.None, o.Selection.Sampled = v == "functional", v == "sampled"
			return nil
		}},
	{"WARPDROP_KERNELS", "time kernels whose names match this regular expression, run others for their values",
		func(o *Options, v string) (err error) {
			o.Selection.Kernels, err = regexp.Compile(v)
			return err
		}},
	{"WARPDROP_SKIP", "run so many launches (of WARPDROP_KERNELS) for their values before the first that is timed",
		func(o *Options, v string) (err error) {
			o.Selection.Skip, err = number(v, 0, 1<<62)
			return err
		}},
	{"WARPDROP_COUNT", "time so many launches (of WARPDROP_KERNELS), run those after them for their values",
		func(o *Options, v string) (err error) {
			o.Selection.Count, err = number(v, 1, 1<<62)
			return err
		}},
	{"WARPDROP_CHECK", "look for races, unwritten, leaks … (comma-separated; warpdrop sim --help lists all); " +
		"findings go to standard error",
		func(o *Options, v string) error {
			o.Checks = strings.FieldsFunc(v, func(r rune) bool { return r == ',' })
			return nil
		}},
	{"WARPDROP_REPORT", "write kernels by time, with a profile page each, to this HTML file at the end",
		func(o *Options, v string) error { o.HTML = v; return atomicfile.TryThrough(v) }},
	{"WARPDROP_PROFILE", "write each kernel's instructions with stall cycles to this file at the end: text, or " +
		".csv or .json with every count; - for standard error",
		func(o *Options, v string) error {
			o.Profile = v
			if err := (&profile.Output{File: v, Several: true}).Check(); err != nil || v == "-" {
				return err
			}
			return atomicfile.TryThrough(v)
		}},
	{"WARPDROP_JSON", "write every launch to this JSON file at the end",
		func(o *Options, v string) error { o.JSON = v; return atomicfile.TryThrough(v) }},
	{"WARPDROP_TRACE", "write streams and copies over time to this file, for ui.perfetto.dev",
		func(o *Options, v string) error { o.Trace = v; return atomicfile.TryThrough(v) }},
	{"WARPDROP_QUIET", "1: no table at the end, no progress on the terminal",
		func(o *Options, v string) error { o.Quiet = v != "" && v != "0"; return nil }},
	{"WARPDROP_CACHE", "folder of compiled PTX (warpdrop/ptx in the user's cache folder; - for none)",
		func(o *Options, v string) error {
			if o.Cache = v; v == "-" {
				o.Cache = ""
			}
			return nil
		}},
	{"WARPDROP_LOG", "write each call of the driver and its result to this file (- for standard error)",
		func(o *Options, v string) error {
			if v == "-" {
				o.Log = os.Stderr
				return nil
			}
			f, err := os.OpenFile(v, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
			if err == nil {
				o.Log = f
			}
			return err
		}},
}

func number(v string, lo, hi int) (int, error) {
	n, err := strconv.Atoi(v)
	if err != nil || n < lo || n > hi {
		return 0, fmt.Errorf("%q is not a number in %d..%d", v, lo, hi)
	}
	return n, nil
}

// FromEnvironment reads the variables; look is os.LookupEnv.
func FromEnvironment(look func(string) (string, bool)) (Options, error) {
	o := Options{}
	if dir, err := os.UserCacheDir(); err == nil {
		o.Cache = filepath.Join(dir, "warpdrop", "ptx")
	}
	for _, v := range Variables {
		if text, ok := look(v.Name); ok && text != "" {
			if err := v.set(&o, text); err != nil {
				return o, fmt.Errorf("%s: %w", v.Name, err)
			}
		}
	}
	if o.Selection.None && slices.Contains(o.Checks, "hazards") {
		return o, errors.New("WARPDROP_CHECK: hazards are about time, and with WARPDROP_MODE=functional there is none")
	}
	return o, nil
}
