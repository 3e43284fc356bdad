package slurm

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"time"
)

// load is a point that is to be submitted.
type load struct {
	hash    string
	seconds float64 // thought to take, on the processors of a job
	guess   bool    // nothing like it was measured yet
	memory  int64   // bytes
	tries   int     // begun before without getting further
	oom     int     // of these, ended for want of memory
}

// maxTaskPoints bounds the points of a task, however short they are thought to be.
const maxTaskPoints = 500

// shortest is the least time that a job asks for; what it takes beyond is rounded up to this times a power of two, so
// that few arrays do.
const shortest = 10 * time.Minute

// asks is what a task should ask for: time with a margin for estimates that are off, more where they rest on nothing
// and where it was cut short before; more memory where it ran out. limit bounds the time where it is not 0.
func asks(points []load, limit time.Duration) ask {
	var a ask
	var seconds float64
	for _, p := range points {
		margin := 2.0
		if p.guess {
			margin = 4
		}
		seconds += p.seconds * margin * float64(int(1)<<min(p.tries, 6))
		const halfGB = 512 << 20
		a.memMB = max(a.memMB, 512*ceilPower(uint64(p.memory+p.memory/4+256<<20+halfGB-1)/halfGB)<<min(p.oom, 6))
	}
	over := time.Duration(min(seconds, 365*86400) * float64(time.Second))
	a.time = shortest * time.Duration(ceilPower(uint64((over+shortest-1)/shortest)))
	if limit > 0 {
		a.time = min(a.time, limit)
	}
	return a
}

// ceilPower is the least power of two that is n or more; 1 for 0.
func ceilPower(n uint64) int {
	if n <= 1 {
		return 1
	}
	return 1 << bits.Len64(n-1)
}

// batch is an array to be submitted.
type batch struct {
	ask   ask
	tasks []Task
}

// batches shares points out: short ones together until a task is worth its start, long ones and those that were cut
// before by themselves; tasks that ask for the same in an array, of at most most tasks. The longest come first.
func (o *Options) batches(points []load, most int) (out []batch) {
	limit, _ := parseTime(o.Time) // checked before; 0 = none
	sorted := slices.Clone(points)
	slices.SortStableFunc(sorted, func(a, b load) int { return cmp.Compare(b.seconds, a.seconds) })
	full := o.TaskMinutes * 60
	if limit > 0 { // short points do not fill a job up to its end
		full = min(full, limit.Seconds()/2)
	}
	groups := map[ask]*batch{}
	var order []*batch
	add := func(points []load) {
		a := asks(points, limit)
		g := groups[a]
		if g == nil || len(g.tasks) == most {
			g = &batch{ask: a}
			groups[a] = g
			order = append(order, g)
		}
		var t Task
		for _, p := range points {
			t.Points = append(t.Points, p.hash)
			t.Seconds += p.seconds
		}
		g.tasks = append(g.tasks, t)
	}
	var open []load
	sum := 0.0
	flush := func() {
		if len(open) > 0 {
			add(open)
		}
		open, sum = nil, 0
	}
	for _, p := range sorted {
		if p.tries > 0 || p.seconds >= full {
			add([]load{p})
			continue
		}
		open = append(open, p)
		if sum += p.seconds; sum >= full || len(open) == maxTaskPoints {
			flush()
		}
	}
	flush()
	for _, g := range order {
		out = append(out, *g)
	}
	return out
}

// shares divides a bound on jobs at once among arrays. Where it is less than their number, each array waits for the one
// that many places before it.
func shares(maxJobs, arrays int) (each, behind int) {
	if maxJobs == 0 || arrays == 0 {
		return 0, 0
	}
	each = max(1, int(math.Floor(float64(maxJobs)/float64(arrays))))
	if maxJobs < arrays {
		behind = maxJobs
	}
	return each, behind
}
