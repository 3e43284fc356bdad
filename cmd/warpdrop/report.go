package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"warpdrop/internal/codefile"
	"warpdrop/internal/cudac"
	"warpdrop/internal/infile"
	"warpdrop/internal/table"
	"warpdrop/profile"
	"warpdrop/sim"
)

// maxReportBytes bounds a report that is read: a page of 100,000 instructions has less.
const maxReportBytes = 64 << 20

// profileFlags ask for the instructions of launches with what warps waited for before each.
type profileFlags struct{ out profile.Output }

func (p *profileFlags) add(f *pflag.FlagSet) {
	outputVar(f, &p.out.File, "profile", "write the instructions, with stall cycles and their reasons, to this file: "+
		"text, cut to the width, or .csv with every count, or .json with the whole page; - for standard output")
	allowStdout(f, "profile")
	f.StringVar(&p.out.Order, "sort", "", "of --profile as text: "+strings.Join(profile.Orders, ", ")+
		" (default "+profile.Orders[0]+": the hottest first; address: the order of the code)")
	f.IntVar(&p.out.Width, "width", 0,
		"columns of --profile and --report as text (0: $COLUMNS, or the terminal's, or 80)")
}

// wanted tells whether launches have to be profiled.
func (p *profileFlags) wanted() bool { return p.out.File != "" }

// check refuses what could not be written; asJSON tells whether standard output is taken.
func (p *profileFlags) check(asJSON bool) error {
	if asJSON && p.out.File == "-" {
		return usagef("--profile - and --json both print on standard output; give one of them a file, or leave it out")
	}
	if err := p.out.Check(); err != nil {
		return usageError{fmt.Errorf("--profile, --sort, --width: %w", err)}
	}
	return nil
}

// write writes the instructions of launches, if they are asked for.
func (p *profileFlags) write(stdout io.Writer, gpu *sim.GPU, launches ...*sim.Result) error {
	if !p.wanted() {
		return nil
	}
	var pages []*profile.Page
	for _, r := range launches {
		pages = append(pages, profile.New(r, gpu))
	}
	out := p.out
	if out.Width == 0 && out.File == "-" {
		out.Width = table.Width(raw(stdout))
	}
	return out.Write(stdout, pages...)
}

// reportFlags ask for the page of a launch, or its instructions.
type reportFlags struct {
	profileFlags
	file, against string
	before        *profile.Page // that against names
	sources       []string      // files of the command line, which pages quote
}

func (p *reportFlags) add(f *pflag.FlagSet) {
	outputVar(f, &p.file, "report",
		"write a page for people to this file: .html, or .json and .txt with the same, or .csv with its instructions")
	f.StringVar(&p.against, "against", "", "a .json report of another run, which --report sets beside this one")
	p.profileFlags.add(f)
}

func (p *reportFlags) wanted() bool { return p.file != "" || p.profileFlags.wanted() }

// check also reads the report of the other run.
func (p *reportFlags) check(asJSON bool) error {
	if err := p.profileFlags.check(asJSON); err != nil || p.against == "" {
		return err
	}
	data, err := infile.Read(p.against, maxReportBytes)
	if err != nil {
		return usageError{fmt.Errorf("--against: %w", err)}
	}
	p.before = new(profile.Page)
	if err := json.Unmarshal(data, p.before); err != nil || p.before.Numbers == nil {
		return usagef("--against %s: is no report that `warpdrop sim --report FILE.json` wrote (%v)", p.against, err)
	}
	return nil
}

// quotable are the sources among files, by their names without folders; a name that two have tells nothing.
func quotable(files []string) map[string][]byte {
	out := map[string][]byte{}
	for _, f := range files {
		if !cudac.IsSource(f) {
			continue
		}
		name := filepath.Base(f)
		if _, twice := out[name]; twice {
			out[name] = nil
			continue
		}
		if data, err := infile.Read(f, codefile.MaxBytes); err == nil {
			out[name] = data
		}
	}
	return out
}

// write writes what is asked for of a launch.
func (p *reportFlags) write(stdout io.Writer, gpu *sim.GPU, r *sim.Result) error {
	if p.file != "" {
		page := profile.New(r, gpu)
		page.Quote(quotable(p.sources))
		if p.before != nil {
			page.Compare(p.before)
		}
		out := profile.Output{File: p.file, Width: p.out.Width, Whole: true}
		if err := out.Write(nil, page); err != nil {
			return err
		}
	}
	return p.profileFlags.write(stdout, gpu, r)
}
