package experiments

import (
	"sync"

	"warpdrop/sim"
)

// loadedGPU is a preset with its hash, which takes as long as all else that a point of a large plan needs.
type loadedGPU struct {
	*sim.GPU
	hash string
}

var gpus struct {
	sync.Mutex
	loaded map[string]loadedGPU
}

// loadGPU is sim.LoadGPU, read once in a process: a preset file that is edited while points run does not mix two GPUs
// under one name.
func loadGPU(name string) (*sim.GPU, error) {
	g, err := hashedGPU(name)
	return g.GPU, err
}

func hashedGPU(name string) (loadedGPU, error) {
	gpus.Lock()
	defer gpus.Unlock()
	if g, ok := gpus.loaded[name]; ok {
		return g, nil
	}
	g, err := sim.LoadGPU(name)
	if err != nil {
		return loadedGPU{}, err
	}
	if gpus.loaded == nil {
		gpus.loaded = map[string]loadedGPU{}
	}
	gpus.loaded[name] = loadedGPU{g, g.Hash()}
	return gpus.loaded[name], nil
}

// checkGPU refuses a preset that cannot be loaded.
func checkGPU(name string) []problem {
	if _, err := loadGPU(name); err != nil {
		return []problem{{"gpu", err.Error()}}
	}
	return nil
}
