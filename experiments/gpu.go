package experiments

import (
	"sync"

	"warpdrop/sim"
)

var gpus struct {
	sync.Mutex
	loaded map[string]*sim.GPU
}

// loadGPU is sim.LoadGPU, read once in a process: a preset file that is edited while points run does not mix two GPUs under one name.
func loadGPU(name string) (*sim.GPU, error) {
	gpus.Lock()
	defer gpus.Unlock()
	if g := gpus.loaded[name]; g != nil {
		return g, nil
	}
	g, err := sim.LoadGPU(name)
	if err != nil {
		return nil, err
	}
	if gpus.loaded == nil {
		gpus.loaded = map[string]*sim.GPU{}
	}
	gpus.loaded[name] = g
	return g, nil
}

// checkGPU refuses a preset that cannot be loaded.
func checkGPU(name string) []problem {
	if _, err := loadGPU(name); err != nil {
		return []problem{{"gpu", err.Error()}}
	}
	return nil
}
