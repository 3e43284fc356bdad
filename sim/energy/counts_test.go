package energy_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"warpdrop/internal/cudac"
	"warpdrop/sim"
	"warpdrop/sim/energy"
)

// TestCountsOfOwnKernels runs the kernels of testdata/kernels.cu on the simulated TITAN X and prints the columns of
// testdata/titanx-pascal-own.csv that are counted. Values are checked against what a few lines of Go say.
func TestCountsOfOwnKernels(t *testing.T) {
	if os.Getenv("WARPDROP_POWER_COUNTS") == "" {
		t.Skip("takes minutes and compilers; set WARPDROP_POWER_COUNTS to 1, or to a kernel's name")
	}
	gpu, err := sim.LoadGPU("titanx-pascal")
	if err != nil {
		t.Fatal(err)
	}
	cubin, by, err := cudac.Compile(t.Context(), "testdata/kernels.cu", cudac.Options{Arch: gpu.Arch})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("# compiled by %s, model %s\n", by, sim.ModelVersion)
	random := rand.New(rand.NewPCG(1, 2))
	floats := func(n int) []uint32 {
		out := make([]uint32, n)
		for i := range out {
			out[i] = math.Float32bits(random.Float32())
		}
		return out
	}
	ints := func(n int, below uint32) []uint32 {
		out := make([]uint32, n)
		for i := range out {
			out[i] = random.Uint32N(below)
		}
		return out
	}
	const queries = 6000
	nodes, keys := tree(1_000_000)
	from, to := make([]uint32, queries), make([]uint32, queries)
	for i := range from {
		at := random.IntN(len(keys) - 100)
		from[i], to[i] = uint32(keys[at]), uint32(keys[at+random.IntN(100)])
	}
	wanted := make([]uint32, 10000)
	for i := range wanted {
		wanted[i] = uint32(keys[random.IntN(len(keys))])
	}
	const levels = 2                 // below the root
	pixels := func(n int) []uint32 { // 16 bits each, two a word
		out := ints(n/2, 256)
		for i := range out {
			out[i] |= random.Uint32N(256) << 16
		}
		return out
	}
	image, other := pixels(176*144), pixels(176*144)
	pixel := func(words []uint32, i int) int { return int(words[i/2] >> (16 * (i % 2)) & 0xffff) }
	signal := floats(1 << 21)
	for _, k := range []struct {
		name, stands string
		grid, block  sim.Dim3
		args         []any // []uint32: a buffer with these words; int: a number
		again        []int // buffers that each launch finds as they were
		check        func(buffers [][]uint32) error
	}{
		{"btree_range", "btree_k1", sim.Dim3{X: queries}, sim.Dim3{X: 256},
			[]any{nodes, from, to, make([]uint32, 2*queries), make([]uint32, 2*queries), make([]uint32, queries),
				make([]uint32, queries), levels}, []int{3},
			func(b [][]uint32) error {
				for i := range from {
					first, _ := slices.BinarySearch(keys, int32(from[i]))
					last, _ := slices.BinarySearch(keys, int32(to[i]))
					if b[5][i] != uint32(first) || b[6][i] != uint32(last-first+1) {
						return fmt.Errorf("range %d: %d keys from %d, want %d from %d", i, b[6][i], b[5][i], last-first+1, first)
					}
				}
				return nil
			}},
		{"btree_find", "btree_k2", sim.Dim3{X: 10000}, sim.Dim3{X: 256},
			[]any{nodes, wanted, make([]uint32, 10000), make([]uint32, 10000), make([]uint32, 10000), levels}, []int{2},
			func(b [][]uint32) error {
				for i, key := range wanted {
					if at, _ := slices.BinarySearch(keys, int32(key)); b[4][i] != uint32(at) {
						return fmt.Errorf("key %d is at %d, want %d", key, b[4][i], at)
					}
				}
				return nil
			}},
		{"dct8x8", "dct8x8_k1", sim.Dim3{X: 64, Y: 64}, sim.Dim3{X: 8, Y: 8},
			[]any{ints(512*512/4, math.MaxUint32), make([]uint32, 512*512), 512}, nil, nil},
		{"walsh_global", "fastWalshTransform_k1", sim.Dim3{X: 4096}, sim.Dim3{X: 256}, []any{floats(1 << 22), 1 << 20}, nil,
			nil},
		{"walsh_shared", "fastWalshTransform_k2", sim.Dim3{X: 1024}, sim.Dim3{X: 512}, []any{signal}, []int{0},
			func(b [][]uint32) error {
				want := make([]float64, 2048) // of the first block, by the definition
				for i := range want {
					for j := range 2048 {
						x := float64(math.Float32frombits(signal[j]))
						if bits.OnesCount(uint(i&j))%2 == 1 {
							x = -x
						}
						want[i] += x
					}
					if got := float64(math.Float32frombits(b[0][i])); math.Abs(got-want[i]) > 1e-2 {
						return fmt.Errorf("coefficient %d is %g, want %g", i, got, want[i])
					}
				}
				return nil
			}},
		{"nearest", "kmeans_k1", sim.Dim3{X: 1024}, sim.Dim3{X: 256}, []any{floats(34 << 18), 1 << 18, make([]uint32, 1<<18)},
			nil, nil},
		{"motion", "parboil_sad_k1", sim.Dim3{X: 44, Y: 36}, sim.Dim3{X: 61},
			[]any{image, other, make([]uint32, 44*36*546), 176, 144}, nil, func(b [][]uint32) error {
				for _, c := range []struct{ x, y, p int }{{0, 0, 0}, {5, 7, 1088}, {43, 35, 544}, {20, 30, 17}} {
					want := 0
					for i := range 16 {
						x, y := 4*c.x+i%4, 4*c.y+i/4
						u, v := min(max(x+c.p%33-16, 0), 175), min(max(y+c.p/33-16, 0), 143)
						d := pixel(image, 176*y+x) - pixel(other, 176*v+u)
						want += max(d, -d)
					}
					if got := pixel(b[2], 1092*(44*c.y+c.x)+c.p); got != want {
						return fmt.Errorf("sum of block %+v is %d, want %d", c, got, want)
					}
				}
				return nil
			}},
	} {
		if only := os.Getenv("WARPDROP_POWER_COUNTS"); only != "1" && only != k.name {
			continue
		}
		dev, err := sim.NewDevice(gpu)
		if err != nil {
			t.Fatal(err)
		}
		m, err := dev.LoadModule(cubin)
		if err != nil {
			t.Fatal(err)
		}
		kernel, err := m.Kernel(k.name)
		if err != nil {
			t.Fatal(err)
		}
		if p, n, err := m.Global("centres"); err == nil && k.name == "nearest" {
			if err := dev.Write(p, words(floats(int(n/4)))); err != nil {
				t.Fatal(err)
			}
		}
		var args []sim.Arg
		buffers, at := map[int]sim.Ptr{}, 0
		for i, a := range k.args {
			switch a := a.(type) {
			case int:
				args = append(args, sim.I32(int32(a)))
			case []uint32:
				p, err := dev.Malloc(int64(4 * len(a)))
				if err != nil {
					t.Fatal(err)
				}
				if err := dev.Write(p, words(a)); err != nil {
					t.Fatal(err)
				}
				buffers[i] = p
				args = append(args, sim.PtrArg(p))
			}
			at = i
		}
		var r *sim.Result
		for range 2 { // the second finds caches as a run of many launches does
			for _, i := range k.again {
				if err := dev.Write(buffers[i], words(k.args[i].([]uint32))); err != nil {
					t.Fatal(err)
				}
			}
			if r, err = dev.Launch(t.Context(), kernel, sim.LaunchConfig{Grid: k.grid, Block: k.block}, args...); err != nil {
				t.Fatalf("%s: %v", k.name, err)
			}
		}
		if k.check != nil {
			got := make([][]uint32, at+1)
			for i, p := range buffers {
				data := make([]byte, 4*len(k.args[i].([]uint32)))
				if err := dev.Read(p, data); err != nil {
					t.Fatal(err)
				}
				got[i] = make([]uint32, len(data)/4)
				for j := range got[i] {
					got[i][j] = binary.LittleEndian.Uint32(data[4*j:])
				}
			}
			if err := k.check(got); err != nil {
				t.Errorf("%s: %v", k.name, err)
			}
		}
		run := energy.Run{Cycles: r.Cycles, Seconds: gpu.Seconds(r.Cycles), SMs: gpu.SMs, SM: &r.Counters.SM,
			Memory: &r.Counters.Memory}
		n := run.Events()
		s := r.Counters.SM
		line := fmt.Sprintf("%s,%.4g,%.4f,%.3f", k.stands, run.Seconds,
			float64(s.ActiveCycles)/float64(r.Cycles*int64(gpu.SMs)),
			float64(s.PredicatedInstructions)/float64(s.WarpInstructions))
		for _, p := range []energy.Part{energy.Issue, energy.Registers, energy.Integer, energy.Float, energy.FP64, energy.SFU,
			energy.Shared, energy.L2, energy.DRAM} {
			line += fmt.Sprintf(",%.0f", n[p])
		}
		fmt.Println(strings.TrimSpace(line))
	}
}

func words(x []uint32) []byte {
	out := make([]byte, 0, 4*len(x))
	for _, w := range x {
		out = binary.LittleEndian.AppendUint32(out, w)
	}
	return out
}

// tree is a B+ tree of so many keys, 128 in each node as after insertion one by one, in the layout of kernels.cu: the
// root, a level below it, and the leaves, whose children are the keys' places.
func tree(n int) (image []uint32, keys []int32) {
	const each, words = 128, 1 + 257 + 257 + 2
	for i := range n {
		keys = append(keys, int32(3*i+1))
	}
	leaves := (n + each - 1) / each
	inner := (leaves + each - 1) / each
	image = make([]uint32, (1+inner+leaves)*words)
	node := func(i int) (child, key []uint32) {
		w := image[i*words : (i+1)*words]
		for j := range 257 {
			w[258+j] = math.MaxInt32
		}
		return w[1:258], w[258:515]
	}
	child, key := node(0)
	for i := range inner {
		child[i], key[i] = uint32(1+i), uint32(keys[i*each*each])
	}
	for i := range inner {
		child, key := node(1 + i)
		for j := i * each; j < min((i+1)*each, leaves); j++ {
			child[j-i*each], key[j-i*each] = uint32(1+inner+j), uint32(keys[j*each])
		}
	}
	for i := range leaves {
		child, key := node(1 + inner + i)
		for j := i * each; j < min((i+1)*each, n); j++ {
			child[j-i*each], key[j-i*each] = uint32(j), uint32(keys[j])
		}
	}
	return image, keys
}
