package slurm

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"warpdrop/experiments"
)

// A job's points may be seen after the job is gone from the queue, as with NFS until a node's cache of attributes runs
// out. Seen by the second look, they count as stored. Later than that they are computed again: on another node, without
// a lock between the two, to the same results.
func TestLateFileSystem(t *testing.T) {
	// looks 1 and 2 are before the jobs are submitted, 5 before they are again
	for look, wantRuns := range map[int]int{3: 1, 4: 1, 6: 2} {
		t.Run(fmt.Sprint("seen at look ", look), func(t *testing.T) {
			s := newSweep(t, Options{Poll: time.Millisecond, TaskMinutes: 1000})
			for i := range s.Plan.Points {
				s.Plan.Points[i].Seconds = 1
			}
			points := map[string]experiments.Point{}
			for _, p := range s.points {
				points[p.Hash] = p
			}
			here := filepath.Dir(s.Books.Dir)
			first := t.TempDir() // the folder as the first node sees it; its files come here with that look at the queue
			os.WriteFile(filepath.Join(s.dir, "squeue"), fmt.Appendf(nil, "#!/bin/sh\ncase $1 in --json) exit 1;; esac\n"+
				"cd '%s'; echo >> looks; [ $(wc -l < looks) != %d ] || cp -R '%s'/. '%s'/\n", s.dir, look, first, here), 0o755)
			var stores []*experiments.Store
			s.Say = func(text string) { // a job array is submitted: it ends before the next look
				if !strings.Contains(text, "6 points") {
					return
				}
				out := first
				if len(stores) > 0 {
					out = t.TempDir()
				}
				store, err := experiments.OpenStore(filepath.Join(out, experiments.StoreDir))
				if err != nil {
					t.Fatal(err)
				}
				books, err := OpenBooks(out)
				if err != nil {
					t.Fatal(err)
				}
				stores = append(stores, store)
				order, err := ReadOrder(filepath.Join(s.Books.Dir, "orders", fmt.Sprintf("%06d.json", len(stores))))
				if err != nil {
					t.Fatal(err)
				}
				order.file = filepath.Join(books.Dir, "orders", "000001")
				for i := range order.Tasks {
					env := Environment{Array: "7", Index: fmt.Sprint(i), Job: "70", Node: fmt.Sprint("node", len(stores))}
					if err := Work(t.Context(), books, order, env, points, &worker{}, store, t.Output()); err != nil {
						t.Error(err)
					}
				}
			}
			if stored, err := s.execute(t.Context()); err != nil || len(stored) != 6 {
				t.Errorf("%d points, %v", len(stored), err)
			}
			if len(stores) != wantRuns {
				t.Errorf("ran %d times, want %d", len(stores), wantRuns)
			}
			for _, other := range stores {
				for hash := range points {
					a, err1 := s.store.Get(hash)
					b, err2 := other.Get(hash)
					if err1 != nil || err2 != nil || !reflect.DeepEqual(a.Result, b.Result) {
						t.Errorf("point %.12s: %v and %v (%v, %v)", hash, a, b, err1, err2)
					}
				}
			}
		})
	}
}

// A point that ran out of memory asks for more, unless the user says how much; one that was cut as often as it may be
// is left alone until failed points are to be tried.
func TestMoreMemory(t *testing.T) {
	s := newSweep(t, Options{Detach: true, Tries: 3, TaskMinutes: 1000})
	if _, err := s.execute(t.Context()); err == nil {
		t.Fatal("not detached")
	}
	hash := s.points[0].Hash
	memory := func(call string) string {
		_, rest, _ := strings.Cut(call, "[--mem=")
		m, _, _ := strings.Cut(rest, "]")
		return m
	}
	os.WriteFile(filepath.Join(s.dir, "scontrol"), []byte("#!/bin/sh\necho JobState=OUT_OF_MEMORY\n"), 0o755)
	for _, want := range []string{"1024M", "2048M"} {
		calls(t, s.dir, "")
		s.Books.keep(s.Books.begin(hash, Environment{Array: "7", Index: "0"}, 3, s.store))
		s.execute(t.Context())
		asked := ""
		for _, c := range calls(t, s.dir, "sbatch") {
			_, file, _ := strings.Cut(strings.TrimSuffix(c, "]"), s.Books.Dir+"/orders/")
			if o, err := ReadOrder(filepath.Join(s.Books.Dir, "orders", file)); err != nil {
				t.Fatal(err)
			} else if o.Tasks[0].Points[0] == hash {
				asked = memory(c)
			}
		}
		if asked != want {
			t.Errorf("asked for %q of memory, want %s", asked, want)
		}
	}
	// The third job waits for its end, and is the last.
	s.Books.keep(s.Books.begin(hash, Environment{Array: "7", Index: "0"}, 3, s.store))
	s.Detach, s.Poll, s.Tries = false, time.Millisecond, 1
	if _, err := s.execute(t.Context()); err == nil || !strings.Contains(err.Error(), "ended as OUT_OF_MEMORY") {
		t.Errorf("error %v", err)
	}
	if r := s.Books.record(hash); r == nil || r.State != Failed || r.OutOfMemory != 3 {
		t.Errorf("record %+v, want failed", r)
	}
}
