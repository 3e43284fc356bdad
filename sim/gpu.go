// Package sim is the simulated GPU: device memory, modules, launches, block dispatch, the clock and its counters. A Go
// program uses it as it would use the CUDA driver API; see the package example.
package sim

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"

	"warpdrop/internal/infile"
	"warpdrop/internal/nearest"
	"warpdrop/sim/energy"
	"warpdrop/sim/memory"
	"warpdrop/sim/sm/lower"
	"warpdrop/sim/sm/timing"
)

// ModelVersion names the timing model; it changes with every change that can move a cycle count, and is part of the
// name of every stored result.
const ModelVersion = "2026.11-12"

//go:embed gpus/*.yaml
var presets embed.FS

// GPU is a GPU preset: all figures of a chip. Its name is what results carry beside its Hash. LoadGPU reads one; With
// makes a changed one. A Device keeps a copy of its own: changing a GPU afterwards changes no device.
type GPU struct {
	Name             string            `yaml:"name"`
	Product          string            `yaml:"product"`            // marketing name, as programs see it
	Chip             string            `yaml:"chip"`               // the die: GP102, GM204 ...
	Arch             int               `yaml:"arch"`               // compute capability times ten: 61
	SMs              int               `yaml:"sms"`                // streaming multiprocessors
	CoreMHz          float64           `yaml:"core_mhz"`           // core clock
	MemoryMiB        int64             `yaml:"memory_mib"`         // device memory, 2^20 bytes
	LaunchOverheadUS float64           `yaml:"launch_overhead_us"` // from launch to the first block, microseconds
	SM               timing.Config     `yaml:"sm"`                 // one streaming multiprocessor
	Memory           memory.Config     `yaml:"memory"`             // caches, crossbar and DRAM
	Copy             memory.CopyConfig `yaml:"copy"`               // the link to the host
	// coefficients of the energy estimate; none: not calibrated
	Energy energy.Config `yaml:"energy,omitempty"`
}

// GPUs returns the names of the built-in presets.
func GPUs() []string {
	files, err := presets.ReadDir("gpus")
	if err != nil {
		panic(err) // embedded: cannot fail
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".yaml"))
	}
	sort.Strings(names)
	return names
}

// LoadGPU returns a preset by name, or from a file when name ends in .yaml or .yml. A file may begin with `base: NAME`,
// a preset or a file beside it, and then holds only what differs.
func LoadGPU(name string) (*GPU, error) {
	g := &GPU{}
	if err := g.load(name, 0); err != nil {
		return nil, err
	}
	return g, nil
}

// maxBases bounds how many presets may stand on each other's shoulders, so that a circle ends.
const maxBases = 8

// load fills g from the preset or file of this name.
func (g *GPU) load(name string, depth int) error {
	data, where, err := presetText(name)
	if err != nil {
		return err
	}
	bad := func(err error) error { return fmt.Errorf("%s: %w", where, err) }
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return bad(err)
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return bad(errors.New("is not a list of keys with values"))
	}
	var file struct {
		Base string `yaml:"base"`
		*GPU `yaml:",inline"`
	}
	var base struct {
		Base string `yaml:"base"`
	}
	if err := doc.Decode(&base); err != nil {
		return bad(err)
	}
	switch {
	case base.Base == "":
		if key := missing(doc.Content[0], reflect.TypeFor[GPU](), ""); key != "" {
			return bad(fmt.Errorf("%s is missing (a file that begins with `base: NAME` takes what it does not say from that "+
				"preset)", key))
		}
	case depth == maxBases:
		return bad(fmt.Errorf("base: more than %d presets build on each other", maxBases))
	default:
		if isPresetFile(base.Base) && !filepath.IsAbs(base.Base) {
			base.Base = filepath.Join(filepath.Dir(name), base.Base)
		}
		if err := g.load(base.Base, depth+1); err != nil {
			return bad(fmt.Errorf("base: %w", err))
		}
	}
	file.GPU = g
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil {
		return bad(err)
	}
	if err := g.Validate(); err != nil {
		return bad(err)
	}
	return nil
}

// missing returns the first key of struct type t that a mapping lacks, as a path; "" if it has all. What the type marks
// omitempty may be left out.
func missing(n *yaml.Node, t reflect.Type, path string) string {
	for i := range t.NumField() {
		key, option, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if key == "" || option == "omitempty" {
			continue
		}
		at := -1
		for j := 0; j+1 < len(n.Content); j += 2 {
			if n.Content[j].Value == key {
				at = j + 1
			}
		}
		if at < 0 {
			return path + key
		}
		if sub := t.Field(i).Type; sub.Kind() == reflect.Struct && n.Content[at].Kind == yaml.MappingNode {
			if key := missing(n.Content[at], sub, path+key+"."); key != "" {
				return key
			}
		}
	}
	return ""
}

// With returns a copy of g that change has been made to, checked as a preset file is. Its Hash is another one.
func (g *GPU) With(change func(*GPU)) (*GPU, error) {
	c := *g
	change(&c)
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("preset %s, changed: %w", g.Name, err)
	}
	return &c, nil
}

// PresetText returns the YAML text of a built-in preset or preset file.
func PresetText(name string) ([]byte, error) {
	data, _, err := presetText(name)
	return data, err
}

// maxPresetBytes bounds a preset file.
const maxPresetBytes = 1 << 20

func isPresetFile(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

func presetText(name string) (data []byte, where string, err error) {
	if isPresetFile(name) {
		data, err = infile.Read(name, maxPresetBytes)
		return data, name, err
	}
	data, err = presets.ReadFile("gpus/" + name + ".yaml")
	if errors.Is(err, os.ErrNotExist) {
		return nil, "", fmt.Errorf("gpu %q%s is not one of %s, nor a .yaml file", name, nearest.Hint(name, GPUs()),
			strings.Join(GPUs(), ", "))
	}
	return data, "preset " + name, err
}

// Hash returns the SHA-256 of all figures as they stand now: results carry it. Comments and the order of a file's keys
// do not change it; any figure does.
func (g *GPU) Hash() string {
	text, err := yaml.Marshal(g)
	if err != nil {
		panic(err) // numbers and words: cannot fail
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// PeakGFLOPS returns the single-precision peak in GFLOP/s: two operations a lane a cycle.
func (g *GPU) PeakGFLOPS() float64 {
	return 2 * 32 * float64(g.SMs*g.SM.Schedulers) / float64(g.SM.Units.FP32.Interval) * g.CoreMHz / 1e3
}

// Seconds converts core cycles to seconds.
func (g *GPU) Seconds(cycles int64) float64 { return float64(cycles) / (g.CoreMHz * 1e6) }

// MemoryBytes is the size of device memory.
func (g *GPU) MemoryBytes() int64 { return g.MemoryMiB << 20 }

// Validate reports the first figure that is out of its range, by its key in a preset file.
func (g *GPU) Validate() error {
	within := func(v, lo, hi float64) bool { return v >= lo && v <= hi } // false for what is not a number
	switch {
	case g.Name == "":
		return errors.New("name: is empty")
	case g.Product == "":
		return errors.New("product: is empty; it is the name that programs see, like NVIDIA GeForce GTX 1080 Ti")
	case lower.Executes(g.Arch) == nil:
		return fmt.Errorf("arch: %d is none whose code is executed; these are: %s", g.Arch, lower.Executed())
	case g.SMs < 1 || g.SMs > 256:
		return fmt.Errorf("sms: %d is not in 1..256", g.SMs)
	case !within(g.CoreMHz, 1, 10000):
		return fmt.Errorf("core_mhz: %g is not in 1..10000", g.CoreMHz)
	case g.MemoryMiB < 1 || g.MemoryMiB > maxMemoryMiB:
		return fmt.Errorf("memory_mib: %d is not in 1..%d", g.MemoryMiB, maxMemoryMiB)
	case !within(g.LaunchOverheadUS, 0, 1e6):
		return fmt.Errorf("launch_overhead_us: %g is not in 0..1e6", g.LaunchOverheadUS)
	}
	if err := g.SM.Validate(); err != nil {
		return err
	}
	if err := g.Memory.Validate(); err != nil {
		return err
	}
	if err := g.Copy.Validate(); err != nil {
		return err
	}
	return g.Energy.Validate()
}

// maxMemoryMiB keeps device memory far below the end of the address space that allocations are laid out in.
const maxMemoryMiB = 256 << 10
