package slurm

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What Slurm 22.05 prints (all jobs, also those of other names and those that have ended), and the same jobs as 23.11
// and later print them: numbers that say whether they are set, states as lists.
const (
	oldQueue = `{"meta": {"Slurm": {"release": "22.05.8"}}, "errors": [],
"jobs": [
 {"array_job_id": 7, "array_task_id": 0, "array_task_string": "", "job_id": 8, "job_state": "RUNNING", "name": "NAME", "state_reason": "None"},
 {"array_job_id": 7, "array_task_id": null, "array_task_string": "2,4-6,10-14:2%4", "job_id": 7, "job_state": "PENDING", "name": "NAME", "state_reason": "JobArrayTaskLimit"},
 {"array_job_id": 7, "array_task_id": 3, "array_task_string": "", "job_id": 11, "job_state": "COMPLETING", "name": "NAME", "state_reason": "None"},
 {"array_job_id": 7, "array_task_id": 1, "array_task_string": "", "job_id": 9, "job_state": "COMPLETED", "name": "NAME", "state_reason": "None"},
 {"array_job_id": 6, "array_task_id": 1, "array_task_string": "", "job_id": 6, "job_state": "RUNNING", "name": "other", "state_reason": "None"}
]}`
	newQueue = `{"jobs": [
 {"array_job_id": {"set": true, "infinite": false, "number": 7}, "array_task_id": {"set": true, "infinite": false, "number": 0}, "array_task_string": "", "job_state": ["RUNNING"], "name": "NAME", "state_reason": "None"},
 {"array_job_id": {"set": true, "infinite": false, "number": 7}, "array_task_id": {"set": false, "infinite": false, "number": 0}, "array_task_string": "2,4-6,10-14:2%4", "job_state": ["PENDING"], "name": "NAME", "state_reason": "JobArrayTaskLimit"},
 {"array_job_id": {"set": true, "infinite": false, "number": 7}, "array_task_id": {"set": true, "infinite": false, "number": 3}, "job_state": ["COMPLETED", "COMPLETING"], "name": "NAME", "state_reason": "None"},
 {"array_job_id": {"set": true, "infinite": false, "number": 7}, "array_task_id": {"set": true, "infinite": false, "number": 1}, "job_state": ["OUT_OF_MEMORY"], "name": "NAME", "state_reason": "None"}
], "last_update": {"set": true, "infinite": false, "number": 1}, "meta": {}, "errors": [], "warnings": []}`
)

func TestQueueAsJSON(t *testing.T) {
	for name, text := range map[string]string{"22.05": oldQueue, "23.11": newQueue} {
		got, err := readQueue(strings.NewReader(strings.ReplaceAll(text, "NAME", "warpdrop-1")), "warpdrop-1")
		done := "COMPLETED+COMPLETING"
		if name == "22.05" {
			done = "COMPLETING"
		}
		want := []queued{{"7", "0", "RUNNING", "None"}}
		for _, i := range []int{2, 4, 5, 6, 10, 12, 14} {
			want = append(want, queued{"7", fmt.Sprint(i), "PENDING", "JobArrayTaskLimit"})
		}
		want = append(want, queued{"7", "3", done, "None"})
		if !slices.Equal(got, want) || err != nil {
			t.Errorf("%s: %v (%v), want %v", name, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                     "no JSON",
		"JOBID PARTITION\n":    "no JSON",
		`{"meta": {}}`:         "no jobs",
		`{"jobs": {"job": 1}}`: "jobs are no list",
		`{"errors": [{"error": "no such plugin"}], "jobs": []}`:                                                                   "no such plugin",
		`{"jobs": [{"array_job_id": 7, "array_task_string": "0-3,9,...", "name": "warpdrop-1", "job_state": "PENDING"}]}`:         `array_task_string "0-3,9,..."`,
		`{"jobs": [{"array_job_id": 7, "array_task_string": "3-1", "name": "warpdrop-1", "job_state": "PENDING"}]}`:               `array_task_string "3-1"`,
		`{"jobs": [{"array_job_id": "seven", "array_task_string": "0-3", "name": "warpdrop-1", "job_state": "PENDING"}]}`:         "cannot unmarshal",
		`{"jobs": [{"array_job_id": 7, "array_task_id": 1, "name": "warpdrop-1", "job_state": "PENDING", "state_reason": "None"}`: "EOF",
	} {
		if got, err := readQueue(strings.NewReader(text), "warpdrop-1"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, %v; want an error with %q", text, got, err, want)
		}
	}
}

// JSON is read where squeue prints it; where it does not, the plain format is, and JSON is not asked for again.
func TestQueueFormats(t *testing.T) {
	dir := fakeSlurm(t)
	b := &Books{Dir: t.TempDir()}
	os.WriteFile(filepath.Join(dir, "queue"), []byte("7|0|RUNNING|None\n"), 0o644)
	for range 2 {
		if q, err := b.queue(t.Context()); err != nil || !slices.Equal(q, []queued{{"7", "0", "RUNNING", "None"}}) {
			t.Errorf("plain: %v, %v", q, err)
		}
	}
	name := "[--name=" + b.JobName() + "]"
	plain := "squeue [--noheader] [--array] " + name + " [--format=%F|%K|%T|%r]"
	if got := calls(t, dir, "squeue"); !slices.Equal(got, []string{"squeue [--json] " + name, plain, plain}) {
		t.Errorf("squeue was called as %q", got)
	}
	script := "#!/bin/sh\necho \"squeue $*\" >> '" + dir + "/calls'\n[ \"$SLURM_BITSTR_LEN\" = 0 ] && cat '" +
		dir + "/json'\n"
	os.WriteFile(filepath.Join(dir, "squeue"), []byte(script), 0o755)
	os.WriteFile(filepath.Join(dir, "json"), []byte(strings.ReplaceAll(oldQueue, "NAME", b.JobName())), 0o644)
	b.plain = false
	for range 2 {
		if q, err := b.queue(t.Context()); err != nil || len(q) != 9 {
			t.Errorf("JSON: %v, %v", q, err)
		}
	}
	if got := calls(t, dir, "squeue"); len(got) != 2 {
		t.Errorf("squeue was called as %q", got)
	}
}

// How a job ended is asked of the controller, then of accounting, once each.
func TestEnds(t *testing.T) {
	dir := fakeSlurm(t)
	var e ends
	for range 2 {
		for job, want := range map[string]string{"8_1": "OUT_OF_MEMORY", "9_0": "CANCELLED", "9_1": ""} {
			if got := e.of(t.Context(), job); got != want {
				t.Errorf("%s ended as %q, want %q", job, got, want)
			}
		}
	}
	if got := calls(t, dir, "sacct"); len(got) != 2 ||
		!slices.Contains(got, "sacct [--noheader] [--parsable2] [--allocations] [--jobs=9_0] [--format=State]") {
		t.Errorf("sacct was called as %q", got)
	}
}
