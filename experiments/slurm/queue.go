package slurm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// queued is a task that Slurm has in its queue or runs.
type queued struct {
	job, index    string
	state, reason string // as Slurm's: PENDING, RUNNING … and why it waits
}

// queue is all that Slurm has of the folder's jobs: as JSON where squeue prints any that can be read, else in its plain
// format, which is the same in all versions.
func (b *Books) queue(ctx context.Context) ([]queued, error) {
	if !b.plain {
		if queue, err := b.jsonQueue(ctx); err == nil {
			return queue, nil
		}
	}
	queue, err := b.plainQueue(ctx)
	b.plain = b.plain || err == nil // an error here has another cause than the format
	return queue, err
}

func (b *Books) plainQueue(ctx context.Context) (out []queued, err error) {
	text, err := command(ctx, "squeue", "--noheader", "--array", "--name="+b.JobName(), "--format=%F|%K|%T|%r")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimSpace(line), "|", 4)
		if len(f) != 4 {
			return nil, fmt.Errorf("squeue: line %q; want JOB|INDEX|STATE|REASON", line)
		}
		out = append(out, queued{f[0], f[1], f[2], f[3]})
	}
	return out, nil
}

// jsonQueue reads squeue's JSON as it comes: versions before 23.02 print every job of the cluster, also those that have
// ended.
func (b *Books) jsonQueue(ctx context.Context) ([]queued, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := exec.CommandContext(ctx, "squeue", "--json", "--name="+b.JobName())
	c.Env = append(os.Environ(), "SLURM_BITSTR_LEN=0") // lists of indices are not cut off
	r, w := io.Pipe()
	c.Stdout = w
	ended := make(chan error, 1)
	go func() {
		err := finish(c)
		w.CloseWithError(err) // nil is the end of the text
		ended <- err
	}()
	queue, err := readQueue(r, b.JobName())
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	r.CloseWithError(errors.New("not read to the end"))
	cancel()
	return queue, errors.Join(err, <-ended)
}

// readQueue takes the tasks of the jobs of a name from squeue's JSON.
func readQueue(r io.Reader, name string) (out []queued, err error) {
	dec := json.NewDecoder(r)
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.Join(errors.New("squeue: no JSON"), err)
	}
	found := false
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		switch key {
		case "errors":
			var errs []json.RawMessage
			if err := dec.Decode(&errs); err != nil {
				return nil, err
			}
			if len(errs) > 0 {
				return nil, fmt.Errorf("squeue: %s", errs[0])
			}
		case "jobs":
			found = true
			if t, err := dec.Token(); err != nil || t != json.Delim('[') {
				return nil, errors.Join(errors.New("squeue: jobs are no list"), err)
			}
			for dec.More() {
				var j queueJob
				if err := dec.Decode(&j); err != nil {
					return nil, err
				}
				if j.Name != name || j.ended() {
					continue
				}
				indices, err := j.indices()
				if err != nil {
					return nil, err
				}
				for _, i := range indices {
					out = append(out, queued{strconv.Itoa(j.Array.value), strconv.Itoa(i), strings.Join(j.State, "+"), j.Reason})
				}
			}
			if _, err := dec.Token(); err != nil {
				return nil, err
			}
		default:
			var rest json.RawMessage
			if err := dec.Decode(&rest); err != nil {
				return nil, err
			}
		}
	}
	if !found {
		return nil, errors.New("squeue: no jobs in its JSON")
	}
	return out, nil
}

// queueJob is one of the jobs in squeue's JSON: one task, or all of an array that wait for the same reason.
type queueJob struct {
	Name   string     `json:"name"`
	Array  jsonNumber `json:"array_job_id"`
	Index  jsonNumber `json:"array_task_id"`
	List   string     `json:"array_task_string"` // of those that wait: 3,7-9%4
	State  jsonWords  `json:"job_state"`
	Reason string     `json:"state_reason"`
}

// endStates are those that a job does not leave, unless it is queued again.
var endStates = []string{"COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL",
	"DEADLINE", "OUT_OF_MEMORY"}

// ended tells whether a job is over; one that still cleans up is not.
func (j *queueJob) ended() bool {
	return !slices.Contains(j.State, "COMPLETING") &&
		slices.ContainsFunc(j.State, func(s string) bool { return slices.Contains(endStates, s) })
}

// maxIndices is the most tasks of an array that Slurm can be told to allow (MaxArraySize).
const maxIndices = 4_000_001

// indices are the tasks' in the array.
func (j *queueJob) indices() (out []int, err error) {
	if j.Index.set {
		return []int{j.Index.value}, nil
	}
	list, _, _ := strings.Cut(j.List, "%")
	for _, part := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' }) {
		span, step, stepped := strings.Cut(part, ":")
		first, last, ranged := strings.Cut(span, "-")
		if !ranged {
			last = first
		}
		if !stepped {
			step = "1"
		}
		from, err1 := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		by, err3 := strconv.Atoi(step)
		if errors.Join(err1, err2, err3) != nil || from < 0 || to < from || by < 1 ||
			len(out)+(to-from)/by >= maxIndices {
			return nil, fmt.Errorf("squeue: array_task_string %q; want indices such as 3,7-9", j.List)
		}
		for i := from; i <= to; i += by {
			out = append(out, i)
		}
	}
	return out, nil
}

// jsonNumber is a number that may be unset: 3, null, or from Slurm 23.02 on {"set": true, "infinite": false, "number":
// 3}.
type jsonNumber struct {
	set   bool
	value int
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *jsonNumber) UnmarshalJSON(data []byte) error {
	var o struct {
		Set    bool `json:"set"`
		Number int  `json:"number"`
	}
	*n = jsonNumber{}
	if string(data) == "null" {
		return nil
	}
	if data[0] == '{' {
		err := json.Unmarshal(data, &o)
		*n = jsonNumber{o.Set, o.Number}
		return err
	}
	n.set = true
	return json.Unmarshal(data, &n.value)
}

// jsonWords are one word or, from Slurm 23.11 on, a list of them.
type jsonWords []string

// UnmarshalJSON implements json.Unmarshaler.
func (w *jsonWords) UnmarshalJSON(data []byte) error {
	if data[0] == '[' {
		return json.Unmarshal(data, (*[]string)(w))
	}
	var word string
	err := json.Unmarshal(data, &word)
	*w = jsonWords{word}
	return err
}
