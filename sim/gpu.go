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
	"sort"
	"strings"

	"gopkg.in/yaml.v3"

	"warpdrop/sim/memory"
	"warpdrop/sim/sm"
)

// ModelVersion names the timing model; it changes with every change that can move a cycle count, and is part of the
// name of every stored result.
const ModelVersion = "2026.11-7"

//go:embed gpus/*.yaml
var presets embed.FS

// GPU is a GPU preset: all figures of a chip. It is not changed after it is loaded.
type GPU struct {
	Name             string            `yaml:"name"`
	Chip             string            `yaml:"chip"`
	Arch             int               `yaml:"arch"`               // compute capability times ten, 50..62
	SMs              int               `yaml:"sms"`                // streaming multiprocessors
	CoreMHz          float64           `yaml:"core_mhz"`           // core clock
	LaunchOverheadUS float64           `yaml:"launch_overhead_us"` // from launch to the first block, microseconds
	SM               sm.Config         `yaml:"sm"`
	Memory           memory.Config     `yaml:"memory"`
	Copy             memory.CopyConfig `yaml:"copy"`

	hash string
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

// LoadGPU returns a preset by name, or from a file when name ends in .yaml or .yml.
func LoadGPU(name string) (*GPU, error) {
	data, where, err := presetText(name)
	if err != nil {
		return nil, err
	}
	g := &GPU{}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(g); err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	if err := g.validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	sum := sha256.Sum256(data)
	g.hash = hex.EncodeToString(sum[:])
	return g, nil
}

// PresetText returns the YAML text of a built-in preset or preset file.
func PresetText(name string) ([]byte, error) {
	data, _, err := presetText(name)
	return data, err
}

func presetText(name string) (data []byte, where string, err error) {
	if strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml") {
		data, err = os.ReadFile(name)
		return data, name, err
	}
	data, err = presets.ReadFile("gpus/" + name + ".yaml")
	if errors.Is(err, os.ErrNotExist) {
		return nil, "", fmt.Errorf("gpu %q is not one of %s, nor a .yaml file", name, strings.Join(GPUs(), ", "))
	}
	return data, "preset " + name, err
}

// Hash returns the SHA-256 of the preset's text: results carry it.
func (g *GPU) Hash() string { return g.hash }

// PeakGFLOPS returns the single-precision peak in GFLOP/s: two operations a lane a cycle.
func (g *GPU) PeakGFLOPS() float64 {
	return 2 * 32 * float64(g.SMs*g.SM.Schedulers) / float64(g.SM.Units.FP32.Interval) * g.CoreMHz / 1e3
}

// Seconds converts core cycles to seconds.
func (g *GPU) Seconds(cycles int64) float64 { return float64(cycles) / (g.CoreMHz * 1e6) }

func (g *GPU) validate() error {
	switch {
	case g.Name == "":
		return errors.New("name: is missing")
	case g.Arch < 50 || g.Arch > 62:
		return fmt.Errorf("arch: %d is not in 50..62 (Maxwell and Pascal share the instruction set)", g.Arch)
	case g.SMs < 1 || g.SMs > 256:
		return fmt.Errorf("sms: %d is not in 1..256", g.SMs)
	case g.CoreMHz < 1 || g.CoreMHz > 10000:
		return fmt.Errorf("core_mhz: %g is not in 1..10000", g.CoreMHz)
	case g.LaunchOverheadUS < 0 || g.LaunchOverheadUS > 1e6:
		return fmt.Errorf("launch_overhead_us: %g is not in 0..1e6", g.LaunchOverheadUS)
	}
	if err := g.SM.Validate(); err != nil {
		return err
	}
	if err := g.Memory.Validate(); err != nil {
		return err
	}
	return g.Copy.Validate()
}
