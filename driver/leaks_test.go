package driver

import (
	"fmt"
	"strings"
	"testing"
)

func address(n uint64) string { return fmt.Sprintf("%#x", n) }

// TestLeaks: what the program has not given back when it ends, or when its context was destroyed, is named with the
// call that took it; without the check nothing is said.
func TestLeaks(t *testing.T) {
	for _, on := range []bool{true, false} {
		c := newClient(t, func(o *Options) {
			if o.Quiet = true; on {
				o.Checks = []string{"leaks"}
			}
		})
		kept, freed := c.alloc(1000), c.alloc(64)
		c.ok("cuMemFree_v2", freed)
		managed := c.out()
		c.ok("cuMemAllocManaged", managed.addr(), 4096, 1)
		own := c.mem(512)
		c.ok("cuMemHostRegister_v2", own.addr(), 512, 0)
		second := c.out()
		c.ok("cuCtxCreate_v2", second.addr(), 0, 0)
		c.alloc(77)
		c.ok("cuCtxDestroy_v2", second.u64())
		if err := c.d.Close(); err != nil {
			t.Fatal(err)
		}
		said := c.said.String()
		if !on {
			if strings.Contains(said, "leaks") {
				t.Errorf("the check is off, and it says: %s", said)
			}
			continue
		}
		for _, want := range []string{"leaks: 5685 bytes in 4 allocations of the program were not given back:",
			"\n  1000 bytes at " + address(kept) + ", taken by cuMemAlloc_v2",
			"\n  4096 bytes at " + address(managed.u64()) + ", taken by cuMemAllocManaged",
			"\n  512 bytes at " + address(own.addr()) + ", registered by cuMemHostRegister_v2",
			"\n  77 bytes at 0x"} {
			if !strings.Contains(said, want) {
				t.Errorf("it does not say %q:\n%s", want, said)
			}
		}
		if strings.Contains(said, address(freed)) {
			t.Errorf("what was freed is called leaked:\n%s", said)
		}
	}
}

// TestLeaksOfKernels: what kernels took with malloc is named, too; and a program that gives all back is told nothing.
func TestLeaksOfKernels(t *testing.T) {
	for _, give := range []bool{true, false} {
		c := newClient(t, func(o *Options) { o.Quiet, o.Checks = true, []string{"leaks"} })
		m := c.get("cuModuleLoad", c.text("../sim/testdata/system.cubin"))
		y := c.alloc(32 * 16)
		c.ok("cuLaunchKernel", c.function(m, "takes"), 1, 1, 1, 32, 1, 1, 0, 0, c.pointers(y, 48), 0)
		if give {
			c.ok("cuLaunchKernel", c.function(m, "gives"), 1, 1, 1, 32, 1, 1, 0, 0, c.pointers(y, 32), 0)
		}
		c.ok("cuMemFree_v2", y)
		if err := c.d.Close(); err != nil {
			t.Fatal(err)
		}
		if said := c.said.String(); give && said != "" || !give && !strings.Contains(said,
			"leaks: 1536 bytes of malloc's heap, in units of 16, were not given back:\n  48 bytes at 0x") {
			t.Errorf("given back: %t; it says: %s", give, said)
		}
	}
}

// TestUnwritten: a kernel that reads memory of cuMemAlloc that nobody has written is told of; what was copied or set is
// not, nor what the driver adds to an allocation, nor memory that the program can write by itself.
func TestUnwritten(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(c *client) (x uint64)
		want string // "" = nothing is found
	}{
		{"nothing", func(c *client) uint64 { return c.alloc(128) },
			"4 bytes at 0x1000000000 of device memory are read, and nobody has written byte 0 of the allocation of " +
				"512 bytes"},
		{"memset", func(c *client) uint64 {
			p := c.alloc(128)
			c.ok("cuMemsetD32_v2", p, 0, 32)
			return p
		}, ""},
		{"copied", func(c *client) uint64 {
			p := c.alloc(128)
			c.ok("cuMemcpyHtoD_v2", p, c.mem(128).addr(), 128)
			return p
		}, ""},
		{"copied in part", func(c *client) uint64 {
			p := c.alloc(128)
			c.ok("cuMemcpyHtoD_v2", p, c.mem(128).addr(), 120)
			return p
		}, "nobody has written byte 120 of"},
		{"copied from what is not written", func(c *client) uint64 {
			p, from := c.alloc(128), c.alloc(128)
			c.ok("cuMemcpyDtoD_v2", p, from, 128)
			return p
		}, "nobody has written byte 0 of"},
		{"padding", func(c *client) uint64 {
			p := c.alloc(100)
			c.ok("cuMemsetD32_v2", p, 0, 25)
			return p
		}, ""},
		{"managed", func(c *client) uint64 {
			p := c.out()
			c.ok("cuMemAllocManaged", p.addr(), 128, 1)
			return p.u64()
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := newClient(t, func(o *Options) { o.Quiet, o.Checks = true, []string{"unwritten"} })
			x := c.make(client)
			y := client.alloc(128)
			client.ok("cuMemsetD32_v2", y, 0, 32)
			f := client.function(client.module(), "saxpy")
			client.ok("cuLaunchKernel", f, 1, 1, 1, 32, 1, 1, 0, 0, client.saxpy(y, x, 1, 32), 0)
			if said := client.said.String(); c.want == "" && said != "" || !strings.Contains(said, c.want) {
				t.Errorf("it says %q, want %q", said, c.want)
			}
		})
	}
}
