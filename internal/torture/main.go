//go:build unix

// Command torture runs experiments under faults, drawn from a seed: kills, several writers at once, full disks, damaged
// files, file times far off, files of others in the way. After each round the experiment is run to its end undisturbed,
// and must give the bytes of a run that nothing ever happened to.
//
//	go run ./internal/torture -for 1m            CI
//	go run ./internal/torture -for 4h -seed 7    by hand; a failure names the seed and the round that show it again
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	var (
		seed    = flag.Uint64("seed", 1, "seed of all that is drawn")
		round   = flag.Int("round", 0, "begin at this round, with nothing of those before")
		rounds  = flag.Int("rounds", 1<<30, "rounds at most")
		length  = flag.Duration("for", time.Minute, "begin no round after this time")
		only    = flag.String("only", "", "faults, comma-separated (default: all of "+strings.Join(names(), ", ")+")")
		program = flag.String("program", "", "warpdrop to torture (default: built from here)")
	)
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	counts, err := torture(ctx, options{*seed, *round, *rounds, *length, *only, *program})
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		fmt.Printf("%-28s %d\n", name, counts[name])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
}

type options struct {
	seed          uint64
	round, rounds int
	length        time.Duration
	only, program string
}

// torture runs rounds until the time is over, and counts what was done.
func torture(ctx context.Context, o options) (counts map[string]int, err error) {
	chosen := names()
	if o.only != "" {
		chosen = strings.Split(o.only, ",")
	}
	for _, name := range chosen {
		if faults[name] == nil {
			return nil, fmt.Errorf("fault %q; allowed are %s", name, strings.Join(names(), ", "))
		}
	}
	dir, err := os.MkdirTemp("", "torture-")
	if err != nil {
		return nil, err
	}
	w, err := newWorld(ctx, dir, o.program)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err == nil {
			os.RemoveAll(dir)
		}
	}()
	end := time.Now().Add(o.length)
	for i := o.round; i < o.round+o.rounds && time.Now().Before(end) && ctx.Err() == nil; i++ {
		w.rand = rand.New(rand.NewPCG(o.seed, uint64(i)))
		name := chosen[w.rand.IntN(len(chosen))]
		w.begin(i)
		err := faults[name](ctx, w)
		var skipped skip
		if errors.As(err, &skipped) {
			w.counts["skipped: "+name+", "+skipped.why]++
			continue
		}
		if err == nil {
			err = w.finish(ctx)
		}
		if err != nil && ctx.Err() == nil {
			return w.counts, fmt.Errorf("-seed %d -round %d (%s), see %s: %w", o.seed, i, name, w.here, err)
		}
		w.counts["rounds: "+name]++
	}
	return w.counts, nil
}

// skip is why a fault cannot be made on this machine.
type skip struct{ why string }

func (s skip) Error() string { return s.why }

func names() []string { return slices.Sorted(maps.Keys(faults)) }

// write is os.WriteFile with the folders on the way.
func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// valid tells whether a file holds one JSON value.
func valid(path string) bool {
	data, err := os.ReadFile(path)
	return err == nil && json.Valid(data)
}
