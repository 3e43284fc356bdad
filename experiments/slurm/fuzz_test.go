package slurm

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// FuzzQueue: what squeue prints is read, each task with its numbers, or refused.
func FuzzQueue(f *testing.F) {
	for _, text := range []string{
		`{"meta":{},"jobs":[{"name":"w","array_job_id":{"set":true,"number":7},` +
			`"array_task_id":{"set":true,"number":3},"job_state":["RUNNING"]}]}`,
		`{"jobs":[{"name":"w","array_job_id":7,"array_task_id":null,` +
			`"array_task_string":"0-9:2,12%4","job_state":"PENDING","state_reason":"Resources"}],"errors":[]}`,
		`{"errors":["slurmctld is down"],"jobs":[]}`,
		`{"jobs":[{"name":"w","array_task_string":"0-4000000,0-4000000"}]}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		queue, err := readQueue(strings.NewReader(text), "w")
		if err != nil {
			return
		}
		for _, q := range queue {
			if n, err := strconv.Atoi(q.index); err != nil || n < 0 && !strings.Contains(text, "-") {
				t.Errorf("task %q of %s", q.index, text)
			}
		}
	})
}

// FuzzAnswers: what scontrol and sacct print has a state of one word, or none, and a size of arrays.
func FuzzAnswers(f *testing.F) {
	f.Add("JobId=7 ArrayJobId=5 JobState=OUT_OF_MEMORY Reason=None\n")
	f.Add("CANCELLED by 1000\nCOMPLETED\n")
	f.Add("Configuration data as of 2026\nMaxArraySize            = 1001\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, how := range []string{jobState(text), accountedState(text)} {
			if strings.ContainsAny(how, " \n") {
				t.Errorf("state %q of %q", how, text)
			}
		}
		if n := arraySize(text); n < 1 {
			t.Errorf("arrays of %d, of %q", n, text)
		}
	})
}

// FuzzProfile: a profile is refused, or has options that make a command line, and a time that is one.
func FuzzProfile(f *testing.F) {
	f.Add([]byte("partition: cpu\ntime: 1-04:30:00\ncpus: 8\nmem: 4G\npoll: 30s\nsbatch-args: [--qos=low]\n"))
	f.Add([]byte("time: 99999\ntries: -1\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := parseProfile("p.yaml", data)
		if err != nil || o.Check() != nil {
			return
		}
		if o.CPUs < 1 || o.Tries < 1 || o.Poll <= 0 {
			t.Errorf("%+v", o)
		}
	})
}

// FuzzBooks: an order and a record of a point are read, or refused, or count as none.
func FuzzBooks(f *testing.F) {
	dir := f.TempDir()
	for _, sub := range []string{"orders", "points"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o777); err != nil {
			f.Fatal(err)
		}
	}
	b := &Books{Dir: dir}
	f.Add([]byte(`{"tasks":[{"points":["ab"],"seconds":3}]}`),
		[]byte(`{"point":"ab","state":"running","tries":1,"job":"7_0"}`))
	f.Add([]byte(`{"tasks":null}`), []byte(`{"point":"ab","state":"x","log":"/dev/zero"}`))
	f.Fuzz(func(t *testing.T, order, record []byte) {
		for path, data := range map[string][]byte{"orders/000001.json": order, "orders/000001.job": []byte("7\n"),
			"points/ab.json": record} {
			if err := os.WriteFile(filepath.Join(dir, path), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if orders, err := b.orders(); err == nil {
			for _, index := range []string{"0", "-1", "99", "x"} {
				_ = orders["7"].task(index)
			}
		} else if !strings.Contains(err.Error(), dir) {
			t.Errorf("%v names no file", err)
		}
		if r := b.record("ab"); r != nil && r.Point != "ab" {
			t.Errorf("record of %q", r.Point)
		}
	})
}
