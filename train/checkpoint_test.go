package train

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"warpdrop/dropout"
	"warpdrop/internal/atomicfile"
)

// strip removes what differs from run to run.
func strip(r *Result) *Result {
	c := *r
	c.SamplesPerSecond = 0
	c.Epochs = nil
	for _, e := range r.Epochs {
		e.Seconds, e.SamplesPerSecond = 0, 0
		c.Epochs = append(c.Epochs, e)
	}
	return &c
}

// writeWords makes a text of n words, some far more frequent than others.
func writeWords(t *testing.T, n, vocabulary int) string {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 3))
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "w%d", int(float64(vocabulary)*rng.Float64()*rng.Float64()))
		if i%9 == 8 {
			b.WriteByte('\n')
		} else {
			b.WriteByte(' ')
		}
	}
	path := filepath.Join(t.TempDir(), "text.txt")
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// trainer runs a small network of either kind.
type trainer func(ctx context.Context, s Saving, epochs int, progress func(Progress)) (*Result, error)

func trainers(t *testing.T) map[string]trainer {
	d := dropout.Distribution{P: []float64{0.4, 0.3, 0.3}}
	out := map[string]trainer{}
	if products != noProducts {
		out["mlp tdp, own tiles"] = func(ctx context.Context, s Saving, epochs int, progress func(Progress)) (*Result,
			error) {
			return TrainMLP(ctx, MLPConfig{Hidden: []int{70, 48}, Batch: 50, Epochs: epochs, LR: 0.05, Momentum: 0.9,
				Method: dropout.TDP, Rates: []float64{0.3, 0.4}, Distributions: []dropout.Distribution{d, d}, Tile: 32, Seed: 4,
				BLAS: BLASPanels, Threads: 2, TrainSamples: 3000, Saving: s}, progress)
		}
	}
	for _, method := range []dropout.Method{dropout.Dense, dropout.RDP, dropout.TDP} {
		out["mlp "+string(method)] = func(ctx context.Context, s Saving, epochs int, progress func(Progress)) (*Result,
			error) {
			return TrainMLP(ctx, MLPConfig{Hidden: []int{40, 24}, Batch: 50, Epochs: epochs, LR: 0.05, Momentum: 0.9,
				Method: method, Rates: []float64{0.3, 0.4}, Distributions: []dropout.Distribution{d, d}, Tile: 8, Seed: 4,
				BLAS: BLASGonum, Threads: 2, TrainSamples: 3000, Saving: s}, progress)
		}
		text := writeWords(t, 3000, 60)
		out["lstm "+string(method)] = func(ctx context.Context, s Saving, epochs int, progress func(Progress)) (*Result,
			error) {
			c := DefaultLSTM(16)
			c.Vocabulary, c.Batch, c.Steps, c.Epochs, c.Method, c.Rates, c.Distributions, c.Tile = 50, 4, 10, epochs, method,
				[]float64{0.3, 0.4}, []dropout.Distribution{d, d}, 8
			c.BLAS, c.Threads, c.Data, c.Saving = BLASGonum, 2, text, s
			return TrainLSTM(ctx, c, progress)
		}
	}
	return out
}

// TestResume stops runs within an epoch, resumes them from the checkpoint, and compares with runs that were never
// stopped: the same numbers to the last bit.
func TestResume(t *testing.T) {
	for name, run := range trainers(t) {
		want, err := run(t.Context(), Saving{}, 3, nil)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "run.checkpoint")
		var got *Result
		stops := 0
		for {
			ctx, cancel := context.WithCancel(t.Context())
			reports := 0
			got, err = run(ctx, Saving{path, true}, 3, func(p Progress) {
				if reports++; p.Ended == nil && reports >= 1+stops%2 && stops < 4 {
					cancel()
				}
			})
			cancel()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if !got.Stopped {
				break
			}
			stops++
		}
		if stops < 3 {
			t.Errorf("%s: stopped %d times, want 3 or more", name, stops)
		}
		if got, want := strip(got), strip(want); !reflect.DeepEqual(got, want) {
			a, _ := json.Marshal(got)
			b, _ := json.Marshal(want)
			t.Errorf("%s: a resumed run ended with\n%s\nan undisturbed one with\n%s", name, a, b)
		}
		// More epochs go on from the end; without Resume the file is in the way; another network is refused.
		longer, err := run(t.Context(), Saving{path, true}, 4, nil)
		if err != nil || len(longer.Epochs) != 4 {
			t.Errorf("%s: going on to 4 epochs: %v", name, err)
		}
		if _, err := run(t.Context(), Saving{path, false}, 3, nil); err == nil ||
			!strings.Contains(err.Error(), "is there already") {
			t.Errorf("%s: without resuming: error %v", name, err)
		}
	}
}

// TestBadCheckpoint damages a checkpoint in every way.
func TestBadCheckpoint(t *testing.T) {
	run := trainers(t)["lstm rdp"]
	dir := t.TempDir()
	path := filepath.Join(dir, "run.checkpoint")
	if _, err := run(t.Context(), Saving{path, true}, 1, nil); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 4
	for _, c := range []struct {
		what string
		data []byte
		want string
	}{
		{"empty", nil, "0 bytes, too few"},
		{"cut in its header", whole[:100], "is cut"},
		{"cut in its arrays", whole[:len(whole)-1000], "is cut"},
		{"longer", append(bytes.Clone(whole), 0), "is cut"},
		{"a flipped bit", flipped, "checksum"},
		{"another version", append(append([]byte(checkpointMagic), 9), whole[9:]...), "version 9"},
		{"another file", append([]byte("PK345678"), whole[8:]...), "is no checkpoint"},
	} {
		if err := os.WriteFile(path, c.data, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := run(t.Context(), Saving{path, true}, 2, nil); err == nil || !strings.Contains(err.Error(), c.want) ||
			!strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want one that says %q", c.what, err, c.want)
		}
	}
	os.WriteFile(path, whole, 0o644)
	if _, err := trainers(t)["lstm tdp"](t.Context(), Saving{path, true}, 2, nil); err == nil ||
		!strings.Contains(err.Error(), `Method "rdp", not "tdp"`) {
		t.Errorf("another method: error %v", err)
	}
	if _, err := trainers(t)["mlp rdp"](t.Context(), Saving{path, true}, 2, nil); err == nil ||
		!strings.Contains(err.Error(), "kind lstm, not mlp") {
		t.Errorf("another kind: error %v", err)
	}
}

// TestKilledWhileSaving kills a process that does nothing but save, at random moments: what is there afterwards is
// always a whole checkpoint.
func TestKilledWhileSaving(t *testing.T) {
	const variable = "WARPDROP_TEST_SAVE"
	values := make([]uint32, 1<<18)
	if path := os.Getenv(variable); path != "" {
		for epoch := 1; ; epoch++ {
			for i := range values {
				values[i] = uint32(epoch)
			}
			if err := saveCheckpoint(path, &checkpointHeader{Kind: "test", Epoch: epoch, Config: json.RawMessage("{}")},
				[]array{{"values", values}}); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "run.checkpoint")
	parts := 0
	for range 12 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledWhileSaving$")
		cmd.Env = append(os.Environ(), variable+"="+path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) { // until it saves
			if found, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(found) > 0 {
				break
			}
			if found, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*.part")); len(found) > 0 {
				break
			}
		}
		time.Sleep(time.Duration(rand.IntN(30)) * time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()
		left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*.part"))
		parts += len(left)
		if _, err := os.Stat(path); os.IsNotExist(err) {
			atomicfile.RemoveParts(path)
			continue
		}
		c, err := openCheckpoint(path)
		if err != nil {
			t.Fatal(err)
		}
		clear(values)
		if err := c.read([]array{{"values", values}}); err != nil {
			t.Fatal(err)
		}
		if values[0] != uint32(c.Epoch) || values[len(values)-1] != uint32(c.Epoch) {
			t.Fatalf("checkpoint of epoch %d holds values of epochs %d and %d", c.Epoch, values[0], values[len(values)-1])
		}
		atomicfile.RemoveParts(path)
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*.part")); len(left) > 0 {
			t.Fatalf("left behind: %v", left)
		}
	}
	t.Logf("%d writes were cut off", parts)
}

// TestFullDisk saves to a small tmpfs, which only root can mount: the error names the file, and the checkpoint before
// stays.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := mountSmall(dir); err != nil {
		t.Skipf("a small tmpfs cannot be mounted here: %v", err)
	}
	defer unmount(dir)
	path := filepath.Join(dir, "run.checkpoint")
	h := &checkpointHeader{Kind: "test", Epoch: 1, Config: json.RawMessage("{}")}
	if err := saveCheckpoint(path, h, []array{{"values", make([]uint32, 1000)}}); err != nil {
		t.Fatal(err)
	}
	h.Epoch = 2
	err := saveCheckpoint(path, h, []array{{"values", make([]uint32, 100_000)}})
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("error %v, want one that names %s and says that no space is left", err, path)
	}
	c, err := openCheckpoint(path)
	if err != nil || c.Epoch != 1 {
		t.Fatalf("the checkpoint before is gone: %v", err)
	}
	if err := c.read([]array{{"values", make([]uint32, 1000)}}); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestDivergence has learning rates that make the loss, or the perplexity alone, overflow: the result says where and
// what may help, the checkpoint keeps it, and a resumed run ends with the same.
func TestDivergence(t *testing.T) {
	lstm := func(lr float64) func(Saving) (*Result, error) {
		c := DefaultLSTM(16)
		c.Vocabulary, c.Batch, c.Steps, c.LR, c.Clip, c.BLAS, c.Data = 50, 4, 10, lr, 0, BLASGonum, writeWords(t, 3000, 60)
		return func(s Saving) (*Result, error) {
			c.Saving = s
			return TrainLSTM(t.Context(), c, nil)
		}
	}
	for name, run := range map[string]func(Saving) (*Result, error){
		"perceptron": func(s Saving) (*Result, error) {
			return TrainMLP(t.Context(), MLPConfig{Hidden: []int{40, 40}, Batch: 50, Epochs: 3, LR: 1e6, Momentum: 0.9,
				Method: dropout.None, Seed: 4, BLAS: BLASGonum, TrainSamples: 2000, Saving: s}, nil)
		},
		"LSTM, loss":       lstm(1e30),
		"LSTM, perplexity": lstm(1e4),
	} {
		saving := Saving{Checkpoint: filepath.Join(t.TempDir(), "checkpoint")}
		res, err := run(saving)
		if err != nil || !strings.HasPrefix(res.Diverged, "epoch 1") || !strings.Contains(res.Diverged, "learning rate") {
			t.Fatalf("%s: %v, %+v", name, err, res)
		}
		if strings.Contains(name, "perplexity") != strings.Contains(res.Diverged, "perplexity is +Inf") {
			t.Errorf("%s: diverged in %s", name, res.Diverged)
		}
		saving.Resume = true
		again, err := run(saving)
		if err != nil || again.Diverged != res.Diverged {
			t.Errorf("%s, resumed: %v, %+v", name, err, again)
		}
	}
}

// TestOtherText: a checkpoint goes on with the text that it began with, and a run that was asked for a certain text has
// no other.
func TestOtherText(t *testing.T) {
	c := DefaultLSTM(16)
	c.Vocabulary, c.Batch, c.Steps, c.Epochs, c.BLAS, c.Data = 50, 4, 10, 1, BLASGonum, writeWords(t, 3000, 60)
	c.Saving = Saving{Checkpoint: filepath.Join(t.TempDir(), "checkpoint")}
	if _, err := TrainLSTM(t.Context(), c, nil); err != nil {
		t.Fatal(err)
	}
	before, err := TextDigest(c.Data)
	if err != nil {
		t.Fatal(err)
	}
	c.Data = writeWords(t, 3001, 60)
	c.Epochs, c.Resume = 2, true
	if _, err := TrainLSTM(t.Context(), c, nil); err == nil ||
		!strings.Contains(err.Error(), "is of a run on other data") {
		t.Errorf("a checkpoint of another text: %v", err)
	}
	c.Saving, c.TextDigest = Saving{}, before
	if _, err := TrainLSTM(t.Context(), c, nil); err == nil ||
		!strings.Contains(err.Error(), "is not the text that was asked for") {
		t.Errorf("another text than asked for: %v", err)
	}
}

// TestResumeTellsEpochs: a run that was killed between its last checkpoint and the note of its metrics, or whose note
// was lost, tells all epochs again.
func TestResumeTellsEpochs(t *testing.T) {
	for name, run := range trainers(t) {
		s := Saving{Checkpoint: filepath.Join(t.TempDir(), "c"), Resume: true}
		first, err := run(t.Context(), s, 2, func(Progress) {})
		if err != nil {
			t.Fatal(err)
		}
		var told []EpochMetrics
		again, err := run(t.Context(), s, 2, func(p Progress) {
			if p.Ended != nil {
				told = p.Ended
			}
		})
		if err != nil || !reflect.DeepEqual(told, first.Epochs) || !reflect.DeepEqual(strip(again), strip(first)) {
			t.Errorf("%s: told %+v (%v), want %+v", name, told, err, first.Epochs)
		}
	}
}
