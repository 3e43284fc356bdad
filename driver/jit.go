package driver

import (
	"bytes"
	gocontext "context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"warpdrop/internal/cudac"
	"warpdrop/internal/scratch"
	"warpdrop/internal/sealed"
	"warpdrop/internal/toolchain"
)

// jit compiles PTX with ptxas, once: cubins are kept in a folder under the hash of what they were made from.
type jit struct {
	tool    string
	version string // ptxas' own words, part of the hash
	log     string // of the last run that failed
	runs    int
	seconds float64
}

// jitLimit bounds a run of ptxas.
const jitLimit = 10 * time.Minute

// find looks for ptxas.
func (j *jit) find() error {
	if j.tool != "" {
		return nil
	}
	tool, err := toolchain.Find("ptxas")
	if err != nil {
		return err
	}
	out, err := exec.Command(tool, "--version").Output()
	if err != nil {
		return fmt.Errorf("%s --version: %w", tool, err)
	}
	j.tool, j.version = tool, string(out)
	return nil
}

// compile turns PTX into a cubin for this GPU.
func (d *Driver) compile(ptx []byte) ([]byte, Result) {
	ptx = bytes.TrimRight(ptx, "\x00")
	if err := d.jit.find(); err != nil {
		d.say("PTX needs a compiler: %v", err)
		return nil, JITCompilerNotFound
	}
	arch := fmt.Sprintf("sm_%d", d.gpu.Arch)
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s", d.jit.version, arch, ptx))
	kept := ""
	if d.options.Cache != "" {
		kept = filepath.Join(d.options.Cache, hex.EncodeToString(sum[:])+".kept")
		if data, whole := sealed.Read(kept, maxFile); whole {
			return data, Success
		}
	}
	began := time.Now()
	cubin, err := d.ptxas(ptx)
	d.jit.runs++
	d.jit.seconds += time.Since(began).Seconds()
	if err != nil {
		d.jit.log = err.Error()
		d.say("PTX of %d bytes: %v", len(ptx), err)
		return nil, InvalidPTX
	}
	if kept != "" {
		// A cache that cannot be written costs time, nothing else.
		if err := os.MkdirAll(d.options.Cache, 0o755); err == nil {
			_ = sealed.Write(kept, cubin)
		}
	}
	return cubin, Success
}

// ptxas compiles PTX that is in memory.
func (d *Driver) ptxas(ptx []byte) ([]byte, error) {
	dir, err := scratch.Dir()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	in := filepath.Join(dir, "k.ptx")
	if err := os.WriteFile(in, ptx, 0o600); err != nil {
		return nil, err
	}
	ctx, cancel := gocontext.WithTimeout(gocontext.Background(), jitLimit)
	defer cancel()
	return cudac.Assemble(ctx, in, d.gpu.Arch)
}

// Numbers of CUjit_option that programs want something back through.
const (
	jitInfoLog      = 3
	jitInfoLogSize  = 4
	jitErrorLog     = 5
	jitErrorLogSize = 6
)

// jitLogs answers the options of a load: count, their numbers and values are these arguments. The logs are empty but
// for the compiler's words after an error.
func (c *call) jitLogs(count, options, values int, r Result) {
	n := uint64(c.u32(count))
	if n == 0 || c.u64(options) == 0 || c.u64(values) == 0 {
		return
	}
	c.logs(n, c.u64(options), c.u64(values), r)
}

func (c *call) logs(n, options, values uint64, r Result) {
	at := map[uint32]uint64{}
	for i := range n {
		at[get32(options+4*i)] = values + 8*i
	}
	answer := func(log, size uint32, text string) {
		buffer, ok1 := at[log]
		room, ok2 := at[size]
		if !ok1 || !ok2 {
			return
		}
		length := uint64(get32(room))
		if get64(buffer) != 0 && length > 0 {
			putString(get64(buffer), length, text)
			put32(room, uint32(min(uint64(len(text)), length-1)))
		}
	}
	answer(jitInfoLog, jitInfoLogSize, "")
	text := ""
	if r != Success {
		text = c.jit.log
	}
	answer(jitErrorLog, jitErrorLogSize, text)
}

// link is a CUlinkState.
type link struct {
	inputs          [][]byte
	options, values uint64
	count           uint64
	image           []byte
}

// Kinds of input to a link, by CUjitInputType, that the driver takes.
const (
	inputCubin  = 0
	inputPTX    = 1
	inputFatbin = 2
)

func (c *call) link(i int) (*link, Result) {
	l, ok := of[*link](c.Driver, c.u64(i))
	if !ok {
		return nil, InvalidHandle
	}
	return l, Success
}

// add puts an input into a link. More than one would have to be linked, which only NVIDIA's linker does.
func (c *call) add(l *link, kind int, data []byte) Result {
	if kind < inputCubin || kind > inputFatbin {
		c.say("link: inputs of kind %d (libraries, objects, LTO) are not supported; compile to one PTX or cubin", kind)
		return NotSupported
	}
	l.inputs = append(l.inputs, bytes.Clone(data))
	return Success
}

func init() {
	register(needsContext, map[string]func(*call) Result{
		"cuLinkCreate_v2": func(c *call) Result {
			return c.put64(3, c.handle(&link{count: uint64(c.u32(0)), options: c.u64(1), values: c.u64(2)}))
		},
		"cuLinkAddData_v2": func(c *call) Result {
			l, r := c.link(0)
			if r != Success {
				return r
			}
			if c.u64(2) == 0 {
				return InvalidValue
			}
			return c.add(l, c.int(1), hostBytes(c.u64(2), c.u64(3)))
		},
		"cuLinkAddFile_v2": func(c *call) Result {
			l, r := c.link(0)
			if r != Success {
				return r
			}
			data, r := c.readFile(hostString(c.u64(2)))
			if r != Success {
				return r
			}
			return c.add(l, c.int(1), data)
		},
		"cuLinkComplete": func(c *call) Result {
			l, r := c.link(0)
			if r != Success {
				return r
			}
			if len(l.inputs) != 1 {
				c.say("link: %d inputs; one is supported", len(l.inputs))
				return NotSupported
			}
			image, r := c.imageOf(l.inputs[0])
			if l.count > 0 {
				c.logs(l.count, l.options, l.values, r)
			}
			if r != Success {
				return r
			}
			l.image = image
			put64(c.u64(2), uint64(len(image)))
			return c.put64(1, addressOf(image))
		},
		"cuLinkDestroy": func(c *call) Result {
			delete(c.handles, c.u64(0))
			return Success
		},
	})
}
