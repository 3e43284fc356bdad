package sim

import (
	"crypto/sha256"
	"maps"
	"sync"

	"warpdrop/sim/isa"
	"warpdrop/sim/sm/lower"
)

// code is a decoded cubin with the kernels of it that were lowered. Devices share it: nothing in it changes, unless the
// cubin has global variables, whose addresses stand in the code; such a cubin is decoded anew for each device.
type code struct {
	cubin *isa.Cubin

	mu        sync.Mutex
	programs  map[programKey]*lower.Program
	recursive map[string]bool // kernels of which a function can call itself
}

// programKey is what a lowered kernel depends on beside the cubin.
type programKey struct {
	name            string
	line, constLine int // bytes
	first           int32
}

// maxCodes bounds the cubins that a process keeps decoded.
const maxCodes = 16

var codes = struct {
	sync.Mutex
	list map[[sha256.Size]byte]*code
}{list: map[[sha256.Size]byte]*code{}}

// readCode decodes a cubin, or finds it among those that were decoded before.
func readCode(cubin []byte) (*code, error) {
	sum := sha256.Sum256(cubin)
	codes.Lock()
	defer codes.Unlock()
	if c, ok := codes.list[sum]; ok {
		return c, nil
	}
	read, err := isa.ReadCubin(cubin)
	if err != nil {
		return nil, err
	}
	c := &code{cubin: read, programs: map[programKey]*lower.Program{}, recursive: map[string]bool{}}
	if read.GlobalBytes == 0 && len(codes.list) < maxCodes {
		codes.list[sum] = c
	}
	return c, nil
}

// lower lowers kernel k, once.
func (c *code) lower(k *isa.Kernel, cfg lower.LowerConfig) (*lower.Program, error) {
	key := programKey{cfg.Name, cfg.LineBytes, cfg.ConstLineBytes, cfg.FirstLine}
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, ok := c.programs[key]; ok {
		return p, nil
	}
	p, err := lower.Lower(&c.cubin.Code, k.Entry, cfg)
	if err != nil {
		return nil, err
	}
	c.programs[key] = p
	c.recursive[cfg.Name] = c.cubin.Recursive(k)
	return p, nil
}

// forget drops what was lowered for a place in the instruction cache that no module will have again.
func (c *code) forget(first int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.programs, func(k programKey, _ *lower.Program) bool { return k.first == first })
}

// isRecursive tells whether a function of a kernel that has been lowered can call itself.
func (c *code) isRecursive(k *isa.Kernel) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.recursive[k.Name]
}
