package experiments

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"

	"warpdrop/internal/nearest"
)

// Experiment is a checked file with the points of each scale.
type Experiment struct {
	File
	Source []byte // the YAML text
	Path   string
	points map[string][]Spec  // by scale
	places map[string][]place // of the points
	seen   map[string]bool    // scale and text of the points
}

// place is where a point stands in its file.
type place struct {
	kind *yaml.Node            // its kind of work
	keys map[string]*yaml.Node // of points that are checked further when they have been compiled
}

// Specs are the points of a scale, in the order of the file and of its sweeps, each once.
func (e *Experiment) Specs(scale string) []Spec { return e.points[scale] }

// Point binds a point of a scale by its number in Specs; an error has its place in the file.
func (e *Experiment) Point(scale string, i int, w Worker) (Point, error) {
	points, err := Points(e.points[scale][i:i+1], w)
	if err != nil {
		return Point{}, e.errorAt(scale, i, "cubin", err)
	}
	return points[0], nil
}

// errorAt is an error about a key of a point.
func (e *Experiment) errorAt(scale string, i int, key string, err error) error {
	p := e.places[scale][i]
	at := p.keys[key]
	if at == nil {
		at = p.kind
	}
	return fmt.Errorf("%s:%d:%d: %w", e.Path, max(at.Line, 1), max(at.Column, 1), err)
}

// Sources are the numbers of the points of a scale that launch what is compiled first.
func (e *Experiment) Sources(scale string) (list []int) {
	for i, s := range e.points[scale] {
		if l, ok := s.(Launch); ok && l.compiles() {
			list = append(list, i)
		}
	}
	return list
}

// CheckSources compiles what these points of a scale launch and checks the launches as those of machine code are when
// the file is loaded: kernel, arguments, variables, sizes. All that is wrong comes back at once, at its place. Machine
// code is kept where the host keeps it, so that a run does not compile again.
func (e *Experiment) CheckSources(ctx context.Context, scale string, points []int, h *Host) error {
	bad := make([][]error, len(points))
	jobs := make(chan int)
	var all sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(points)) {
		all.Go(func() {
			for j := range jobs {
				i := points[j]
				for _, p := range e.points[scale][i].(Launch).checkCompiled(ctx, h) {
					bad[j] = append(bad[j], e.errorAt(scale, i, p.key, errors.New(p.text)))
				}
			}
		})
	}
	for j := range points {
		if ctx.Err() == nil {
			jobs <- j
		}
	}
	close(jobs)
	all.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var list []error
	told := map[string]bool{} // a mistake shows up once in every combination of its sweep
	for _, err := range slices.Concat(bad...) {
		if !told[err.Error()] {
			told[err.Error()] = true
			list = append(list, err)
		}
	}
	return errors.Join(list...)
}

// maxPoints bounds what one file may ask for at each scale.
const maxPoints = 100_000

// group expands one group for every scale.
func (d *decoder) group(n *yaml.Node, e *Experiment) {
	fields := d.mapping(n, "group of points")
	if fields == nil {
		return
	}
	sweep, scales := fields.take("sweep"), fields.take("scales")
	names := Kinds()
	for _, f := range fields {
		if !slices.Contains(names, f.key.Value) {
			d.fail(f.key, "unknown key %q%s; allowed are %s, sweep, scales",
				f.key.Value, nearest.Hint(f.key.Value, append(names, "sweep", "scales")), strings.Join(names, ", "))
			return
		}
	}
	if len(fields) != 1 {
		d.fail(n, "group has %d kinds of work; allowed is one of %s", len(fields), strings.Join(names, ", "))
		return
	}
	kind := fields[0]
	base := d.mapping(kind.value, kind.key.Value)
	swept := fieldList{}
	if sweep != nil {
		swept = d.mapping(sweep.value, "sweep")
	}
	overrides := map[string]fieldList{}
	if scales != nil {
		for _, f := range d.mapping(scales.value, "scales") {
			if !slices.Contains(ScaleNames, f.key.Value) {
				d.fail(f.key, "unknown scale %q; allowed are %s", f.key.Value, strings.Join(ScaleNames, ", "))
				continue
			}
			overrides[f.key.Value] = d.mapping(f.value, "scale "+f.key.Value)
		}
	}
	if base == nil || swept == nil {
		return
	}
	declared := map[string]bool{} // names that are no keys of the kind: values for its formulas
	if t := reflect.TypeOf(kindNamed(kind.key.Value).newSpec()).Elem(); takesValues(t) {
		lists := []fieldList{swept}
		if v := base.at("values", nil); v != nil {
			lists = append(lists, d.mapping(v, "values"))
		}
		for _, over := range overrides {
			if inner := over.at("sweep", nil); inner != nil {
				lists = append(lists, d.mapping(inner, "sweep"))
			}
		}
		for _, f := range slices.Concat(lists...) {
			declared[f.key.Value] = true
		}
	}
	for _, scale := range ScaleNames {
		over := overrides[scale]
		if skip := over.take("skip"); skip != nil {
			if v := resolve(skip.value); v.Tag != "!!bool" || v.Value != "true" {
				d.fail(v, "skip is %s; allowed is true", describe(v))
			}
			continue
		}
		b, s := base, swept
		if inner := over.take("sweep"); inner != nil {
			for _, f := range d.mapping(inner.value, "sweep") {
				s = s.set(f)
			}
		}
		for _, f := range over { // a fixed value at this scale ends the sweep of its key
			s.take(f.key.Value)
			b = b.set(f)
		}
		d.expand(e, scale, kind, b, s, declared)
	}
}

// expand makes the points of every combination of the swept values, the first key slowest.
func (d *decoder) expand(e *Experiment, scale string, kind field, base, sweep fieldList, declared map[string]bool) {
	lists := make([][]*yaml.Node, len(sweep))
	total := 1
	for i, f := range sweep {
		list := resolve(f.value)
		if list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
			d.fail(list, "sweep of %s is %s; allowed is a list of one or more values", f.key.Value, describe(list))
			return
		}
		lists[i] = list.Content
		if total *= len(list.Content); total > maxPoints {
			d.fail(list, "sweep has more than %d points", maxPoints)
			return
		}
	}
	if d.expanded == nil {
		d.expanded = map[string]int{}
	}
	if d.expanded[scale] += total; d.expanded[scale] > maxPoints {
		d.fail(kind.key, "the file has more than %d points at scale %s", maxPoints, scale)
		return
	}
	for i := range total {
		fields := base
		rest := i
		for j := len(sweep) - 1; j >= 0; j-- {
			fields = fields.set(field{sweep[j].key, lists[j][rest%len(lists[j])]})
			rest /= len(lists[j])
		}
		spec := kindNamed(kind.key.Value).newSpec()
		origins := map[string]*yaml.Node{}
		if t := reflect.TypeOf(spec).Elem(); takesValues(t) {
			before := len(d.errors)
			if fields = d.values(t, fields, declared); len(d.errors) > before {
				continue
			}
		}
		if !d.structure(kind.key, fields, reflect.ValueOf(spec).Elem(), origins) {
			continue
		}
		point := reflect.ValueOf(spec).Elem().Interface().(Spec)
		var bad []problem
		if !d.saved {
			bad = point.check()
		}
		for _, p := range bad {
			at := origins[p.key]
			if at == nil {
				at = kind.key
			}
			d.fail(at, "%s", p.text)
		}
		if len(bad) > 0 {
			continue
		}
		point = point.normal()
		if id := scale + " " + specText(point); !e.seen[id] {
			e.seen[id] = true
			e.points[scale] = append(e.points[scale], point)
			at := place{kind: kind.key}
			if l, ok := point.(Launch); ok && l.compiles() {
				at.keys = origins
			}
			e.places[scale] = append(e.places[scale], at)
		}
	}
}

// Plan says what a run would do.
type Plan struct {
	Points  []Planned
	Seconds float64 // estimate for the points that are not stored, of one processor
	Guessed int     // points whose estimate has no measurement behind it
}

// Planned is one point of a plan.
type Planned struct {
	Point   Point
	Stored  bool
	Seconds float64 // of one processor: measured if stored, else estimated
	Guess   bool    // no earlier point of its kind was measured
}

// guessWeight is the processor seconds of measured points that a guess weighs as much as: a few short points, which
// take mostly what does not grow with their work, do not make long ones look hours long.
const guessWeight = 10

// processorSeconds is the wall-clock time of a point times the threads that it had.
func (t Timing) processorSeconds() float64 { return t.Seconds * float64(max(t.Threads, 1)) }

// NewPlan looks up the points in the store (nil: none is there) and estimates the rest from the speed of points stored
// there and in others, where they were measured on a machine of the same name if any was.
func NewPlan(points []Point, w Worker, store *Store, others ...*Store) *Plan {
	work, seconds := map[string]float64{}, map[string]float64{}
	took := map[string]float64{} // points in store
	host, _ := os.Hostname()
	here := map[string]bool{} // kinds that were measured on this machine
	for _, from := range append([]*Store{store}, others...) {
		if from == nil {
			continue
		}
		for s := range from.all() {
			if from == store {
				took[s.Hash] = s.Timing.processorSeconds()
			}
			local := s.Timing.Host == host
			if local && !here[s.Kind] {
				here[s.Kind] = true
				work[s.Kind], seconds[s.Kind] = 0, 0
			}
			if local == here[s.Kind] {
				work[s.Kind] += s.Timing.Work
				seconds[s.Kind] += s.Timing.processorSeconds()
			}
		}
	}
	plan := &Plan{}
	for _, p := range points {
		seconds, stored := took[p.Hash]
		plan.Points = append(plan.Points, Planned{Point: p, Stored: stored, Seconds: seconds})
	}
	seen := map[string]bool{}
	for i := range plan.Points {
		l := &plan.Points[i]
		if l.Stored || seen[l.Point.Hash] { // one that runs as an earlier one does takes no time
			continue
		}
		seen[l.Point.Hash] = true
		kind := l.Point.Spec.Kind()
		speed := kindNamed(kind).speed()
		if seconds[kind] > 0 && work[kind] > 0 {
			speed = (work[kind] + guessWeight*speed) / (seconds[kind] + guessWeight)
		} else {
			l.Guess = true
			plan.Guessed++
		}
		l.Seconds = w.Estimate(l.Point.Spec).Work / speed
		plan.Seconds += l.Seconds
	}
	return plan
}
