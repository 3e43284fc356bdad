package driver

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"runtime"
	"testing"
)

// client is a program that calls the driver as C would.
type client struct {
	t      *testing.T
	d      *Driver
	thread uint64
	said   *bytes.Buffer
	keep   [][]byte // memory whose address the driver was given
}

// newClient has initialised the driver and has the primary context current.
func newClient(t *testing.T, options ...func(*Options)) *client {
	t.Helper()
	said := &bytes.Buffer{}
	o := Options{Err: said, Symbol: func(name string) uintptr {
		for i, s := range Symbols() {
			if s.Name == name {
				return uintptr(1000 + i)
			}
		}
		return 0
	}}
	for _, f := range options {
		f(&o)
	}
	c := &client{t: t, d: New(o), thread: 1, said: said}
	c.ok("cuInit", 0)
	ctx := c.out()
	c.ok("cuDevicePrimaryCtxRetain", ctx.addr(), 0)
	c.ok("cuCtxSetCurrent", ctx.u64())
	return c
}

// mem is memory of the program.
type mem []byte

func (c *client) mem(n int) mem {
	b := make([]byte, n)
	c.keep = append(c.keep, b)
	return b
}

// out is room for a result.
func (c *client) out() mem { return c.mem(16) }

func (m mem) addr() uint64 { return addressOf(m) }
func (m mem) u64() uint64  { return binary.LittleEndian.Uint64(m) }
func (m mem) u32() uint32  { return binary.LittleEndian.Uint32(m) }

// words is memory with these 64-bit words in it.
func (c *client) words(v ...uint64) mem {
	m := c.mem(8 * max(len(v), 1))
	for i, x := range v {
		binary.LittleEndian.PutUint64(m[8*i:], x)
	}
	return m
}

func (c *client) text(s string) uint64 {
	m := c.mem(len(s) + 1)
	copy(m, s)
	return m.addr()
}

func (c *client) floats(v ...float32) mem {
	m := c.mem(4 * len(v))
	for i, x := range v {
		binary.LittleEndian.PutUint32(m[4*i:], math.Float32bits(x))
	}
	return m
}

func (m mem) float(i int) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(m[4*i:])) }

func (c *client) call(name string, args ...uint64) Result {
	defer runtime.KeepAlive(c.keep)
	return c.d.Call(name, c.thread, args...)
}

func (c *client) ok(name string, args ...uint64) {
	c.t.Helper()
	c.want(Success, name, args...)
}

func (c *client) want(want Result, name string, args ...uint64) {
	c.t.Helper()
	if got := c.call(name, args...); got != want {
		c.t.Fatalf("%s%x: %s, want %s\n%s", name, args, got, want, c.said)
	}
}

// get is a call that answers through its first argument.
func (c *client) get(name string, args ...uint64) uint64 {
	c.t.Helper()
	o := c.out()
	c.ok(name, append([]uint64{o.addr()}, args...)...)
	return o.u64()
}

func (c *client) alloc(n uint64) uint64 { c.t.Helper(); return c.get("cuMemAlloc_v2", n) }

// module loads the kernels of package sim's tests.
func (c *client) module() uint64 {
	c.t.Helper()
	image, err := os.ReadFile("../sim/testdata/checks.cubin")
	if err != nil {
		c.t.Fatal(err)
	}
	return c.load(image)
}

// load loads a module from memory that stays.
func (c *client) load(image []byte) uint64 {
	c.t.Helper()
	c.keep = append(c.keep, image)
	return c.get("cuModuleLoadData", addressOf(image))
}

func (c *client) function(module uint64, name string) uint64 {
	c.t.Helper()
	return c.get("cuModuleGetFunction", module, c.text(name))
}

// pointers is a list of pointers to parameters, each of them a word.
func (c *client) pointers(params ...uint64) uint64 {
	var list []uint64
	for _, p := range params {
		list = append(list, c.words(p).addr())
	}
	return c.words(list...).addr()
}

// saxpy's parameters: y += a x, n elements.
func (c *client) saxpy(y, x uint64, a float32, n int) uint64 {
	return c.pointers(y, x, uint64(math.Float32bits(a)), uint64(n))
}
