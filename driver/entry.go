package driver

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

//go:embed signatures.txt
var signatures string

// need is what a call asks for beside its arguments.
type need int

const (
	needsNothing need = iota
	needsInit         // cuInit was called
	needsContext      // and the thread has a current context, without a fault
)

// entry is an entry point of the API.
type entry struct {
	symbol string
	base   string // as programs ask for it: without _v2 …
	since  int    // CUDA version from which the base's name means this symbol
	suffix string // of its per-thread twin: ptds, ptsz or none
	args   string // p, i, h, b
	needs  need
	run    func(*call) Result
}

var (
	entries = map[string]*entry{}   // by symbol
	named   = map[string][]*entry{} // by base name, the newest first
)

// Package-level variables are set before init functions run, so that those of every file may register.
var _ = readSignatures()

func readSignatures() bool {
	add := func(base string, since int, e *entry) {
		x := *e
		x.since = since
		named[base] = append(named[base], &x)
	}
	for line := range strings.Lines(signatures) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] == "#" {
			continue
		}
		if f[1] == "never" {
			entries[f[0]] = &entry{symbol: f[0], args: f[3], run: func(*call) Result { return NotSupported }}
			continue
		}
		since, err := strconv.Atoi(f[1])
		if err != nil {
			panic(fmt.Sprintf("driver: signatures.txt: %q: %v", line, err))
		}
		if alias, ok := strings.CutPrefix(f[0], "="); ok {
			add(alias, since, entries[f[2]])
			continue
		}
		e := &entry{symbol: f[0], base: f[0], since: since}
		if i := strings.LastIndex(f[0], "_v"); i > 0 {
			e.base = f[0][:i]
		}
		if f[2] != "-" {
			e.suffix = f[2]
		}
		if len(f) > 3 {
			e.args = f[3]
		}
		entries[e.symbol] = e
		add(e.base, since, e)
	}
	for _, list := range named {
		slices.SortStableFunc(list, func(a, b *entry) int { return b.since - a.since })
	}
	return true
}

// register gives entry points what they do.
func register(n need, list map[string]func(*call) Result) {
	for name, f := range list {
		e := entries[name]
		if e == nil || e.run != nil {
			panic("driver: " + name + " is not in signatures.txt, or registered twice")
		}
		e.needs, e.run = n, f
	}
}

// Symbol is one symbol that the library exports.
type Symbol struct {
	Name string
	Args string // the kinds of its arguments in order: p 64 bits, i 32, h 16, b 8
}

// Symbols lists what the library exports, in the order of signatures.txt.
func Symbols() (out []Symbol) {
	for line := range strings.Lines(signatures) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] == "#" || f[0][0] == '=' {
			continue
		}
		e := entries[f[0]]
		out = append(out, Symbol{e.symbol, e.args})
		if e.suffix != "" {
			out = append(out, Symbol{e.symbol + "_" + e.suffix, e.args})
		}
	}
	return out
}

// Flags of cuGetProcAddress, and what it says of a symbol.
const (
	procPerThread = 2
	procFound     = 0
	procNotFound  = 1
	procTooOld    = 2
)

// lookUp finds the symbol that a program of a CUDA version means by a name.
func lookUp(name string, version int, perThread bool) (symbol string, status int) {
	list := named[name]
	if len(list) == 0 {
		return "", procNotFound
	}
	for _, e := range list {
		if e.since <= version {
			if perThread && e.suffix != "" {
				return e.symbol + "_" + e.suffix, procFound
			}
			return e.symbol, procFound
		}
	}
	return "", procTooOld
}

// procAddress is cuGetProcAddress; status is the argument that takes what is known of the symbol, 0 if the caller has
// none.
func procAddress(status int) func(*call) Result {
	return func(c *call) Result {
		if c.u64(0) == 0 || c.u64(1) == 0 {
			return InvalidValue
		}
		symbol, known := lookUp(hostString(c.u64(0)), c.int(2), c.u64(3)&procPerThread != 0)
		addr := uintptr(0)
		if known == procFound && c.options.Symbol != nil {
			addr = c.options.Symbol(symbol)
		}
		put64(c.u64(1), uint64(addr))
		if status > 0 {
			put32(c.u64(status), uint32(known))
		}
		if addr == 0 && (status == 0 || c.u64(status) == 0) {
			return NotFound
		}
		return Success
	}
}

func init() {
	register(needsNothing, map[string]func(*call) Result{
		"cuInit": func(c *call) Result {
			if c.u32(0) != 0 {
				return InvalidValue
			}
			return c.start()
		},
		"cuDriverGetVersion":     func(c *call) Result { return c.put32(0, Version) },
		"cuGetProcAddress":       procAddress(0),
		"cuGetProcAddress_v2":    procAddress(4),
		"cuModuleGetLoadingMode": func(c *call) Result { return c.put32(0, 1) }, // eager
		// The tables that NVIDIA's own runtime asks for are private to it and its driver. This is another driver.
		"cuGetExportTable": func(c *call) Result {
			put64(c.u64(0), 0)
			return NotFound
		},
		"cuProfilerStart":      succeed,
		"cuProfilerStop":       succeed,
		"cuProfilerInitialize": func(*call) Result { return NotSupported },
	})
}

// succeed is a call that has nothing to do.
func succeed(*call) Result { return Success }
