package slurm

import (
	"bytes"
	"context"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"warpdrop/internal/infile"
)

// Status is where the points of an output folder are.
type Status struct {
	Points  int `json:"points"`
	Stored  int `json:"stored"`
	Running int `json:"running"`
	Waiting int `json:"waiting"` // in Slurm's queue, or behind another point of their job
	Failed  int `json:"failed"`
	Cut     int `json:"cut"`  // stopped from outside, and in no job: `warpdrop run` submits them again
	Rest    int `json:"rest"` // in no job, and not begun

	RunningJobs int `json:"running_jobs"`
	// why jobs wait, in Slurm's words, or what they do else, and how many
	Reasons   map[string]int `json:"reasons,omitempty"`
	Seconds   float64        `json:"seconds_left,omitempty"` // estimate; 0 = not known, as when nothing runs
	Cancelled bool           `json:"cancelled,omitempty"`
	Ended     []Ended        `json:"ended,omitempty"` // points that failed or were cut short
}

// Ended is a point that ended without being stored.
type Ended struct {
	Record
	Label string   `json:"label"`
	Tail  []string `json:"tail"` // the last lines of its log
}

// Known is a point that a status is about.
type Known struct {
	Hash, Label string
	Stored      bool
}

// Status looks at the queue and at the records. Without books nothing was submitted.
func (b *Books) Status(ctx context.Context, points []Known) (*Status, error) {
	s := &Status{Points: len(points), Reasons: map[string]int{}}
	var queue []queued
	var orders map[string]*Order
	if b != nil {
		var err error
		if queue, err = b.queue(ctx); err != nil {
			return nil, err
		}
		if orders, err = b.orders(); err != nil {
			return nil, err
		}
		_, err = os.Stat(b.cancelled())
		s.Cancelled = err == nil
	}
	in := map[string]string{} // points in the queue, with the running job that holds them, or ""
	seconds := map[string]float64{}
	for _, q := range queue {
		t := orders[q.job].task(q.index)
		job := ""
		switch {
		case q.state == "RUNNING":
			job = q.job + "_" + q.index
			s.RunningJobs++
		case q.state == "PENDING":
			s.Reasons[q.reason]++
		default:
			s.Reasons[q.state]++
		}
		if t == nil {
			continue
		}
		for _, hash := range t.Points {
			in[hash] = job
			seconds[hash] = t.Seconds / float64(len(t.Points))
		}
	}
	left := 0.0
	var how ends
	for _, p := range points {
		if p.Stored {
			s.Stored++
			continue
		}
		var r *Record
		if b != nil {
			r = b.record(p.Hash)
		}
		job, queued := in[p.Hash]
		if queued {
			left += seconds[p.Hash]
		}
		switch {
		case r != nil && r.State == Failed:
			s.Failed++
			s.Ended = append(s.Ended, ended(r, p.Label))
		case queued && r != nil && r.State == Running && r.Job == job:
			s.Running++
			left -= seconds[p.Hash] * r.Share
		case queued:
			s.Waiting++
		case r != nil:
			how.settle(ctx, r)
			r.Reason = r.why()
			s.Cut++
			s.Ended = append(s.Ended, ended(r, p.Label))
		default:
			s.Rest++
		}
	}
	if s.RunningJobs > 0 {
		s.Seconds = left / float64(s.RunningJobs)
	}
	// failed first
	slices.SortStableFunc(s.Ended, func(a, b Ended) int { return strings.Compare(string(b.State), string(a.State)) })
	return s, nil
}

// ended adds what a log's end says.
func ended(r *Record, label string) Ended { return Ended{*r, label, tail(r.Log, 3)} }

// tail is the last lines of a file, none where it cannot be read.
func tail(path string, lines int) []string {
	const most = 4 << 10
	f, err := infile.Open(path, math.MaxInt64)
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > most {
		f.Seek(-most, io.SeekEnd)
	}
	data, _ := io.ReadAll(io.LimitReader(f, most))
	all := strings.Split(string(bytes.TrimSpace(data)), "\n")
	return all[max(0, len(all)-lines):]
}

// Left is Seconds as a duration.
func (s *Status) Left() time.Duration { return time.Duration(s.Seconds * float64(time.Second)) }
