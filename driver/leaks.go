package driver

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// leaks tells whether the check for memory that is not given back is on.
func (o *Options) leaks() bool { return slices.Contains(o.Checks, "leaks") }

// sayLeaks says what the program and its kernels hold at the end, or held when their context was destroyed.
func (d *Driver) sayLeaks() {
	if !d.options.leaks() {
		return
	}
	list := d.leaked
	for _, a := range d.allocs {
		if !a.variables {
			list = append(list, *a)
		}
	}
	slices.SortFunc(list, func(a, b allocation) int { return cmp.Compare(a.id, b.id) })
	if len(list) > 0 {
		const most = 8
		var total uint64
		var b strings.Builder
		for i, a := range list {
			if total += a.size; i < most {
				at, what := a.base, "taken"
				if a.kind == registered {
					at, what = a.host, "registered"
				}
				fmt.Fprintf(&b, "\n  %d bytes at %#x, %s by %s", a.size, at, what, a.by)
			}
		}
		if n := len(list) - most; n > 0 {
			fmt.Fprintf(&b, "\n  and %d more", n)
		}
		d.say("leaks: %d bytes in %d allocations of the program were not given back:%s", total, len(list), &b)
	}
	if err := d.dev.CheckLeaks(); err != nil {
		d.say("%v", err)
	}
}
