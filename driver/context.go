package driver

// context is a CUcontext. All contexts share the one device; each has its own fault and frees what was made in it.
type context struct {
	handle uint64
	id     uint64
	flags  uint32
	fault  Result           // what a launch of it died of: every later call answers this
	owned  map[uint64]owned // modules, streams, events by handle
	memory map[uint64]bool  // allocations by device address
	legacy *stream          // stream 0
	limits map[int]uint64
}

// owned is what is given back with its context.
type owned interface{ release(*Driver) }

func (d *Driver) newContext(flags uint32) *context {
	x := &context{id: d.nextID(), flags: flags, owned: map[uint64]owned{}, memory: map[uint64]bool{},
		limits: map[int]uint64{}}
	x.handle = d.handle(x)
	x.legacy = &stream{context: x, blocking: true, id: 0}
	return x
}

// own keeps v for the context under a new handle.
func (c *call) own(v owned) uint64 {
	h := c.handle(v)
	if x := c.current(); x != nil {
		x.owned[h] = v
	}
	return h
}

// disown takes handle h of type T off its context.
func disown[T owned](c *call, h uint64) (T, bool) {
	v, ok := of[T](c.Driver, h)
	if ok {
		delete(c.handles, h)
		for _, x := range c.contexts() {
			delete(x.owned, h)
		}
	}
	return v, ok
}

// contexts lists all that there are.
func (d *Driver) contexts() (out []*context) {
	for _, v := range d.handles {
		if x, ok := v.(*context); ok {
			out = append(out, x)
		}
	}
	return out
}

// destroy ends a context with all that was made in it.
func (d *Driver) destroy(x *context) {
	for h, v := range x.owned {
		v.release(d)
		delete(d.handles, h)
	}
	for p := range x.memory {
		if a := d.allocs[p]; d.options.leaks() {
			d.leaked = append(d.leaked, *a)
		}
		d.free(p)
	}
	delete(d.handles, x.handle)
	for _, t := range d.threads {
		for i := 0; i < len(t.stack); i++ {
			if t.stack[i] == x {
				t.stack = append(t.stack[:i], t.stack[i+1:]...)
				i--
			}
		}
		if t.stream != nil && t.stream.context == x {
			t.stream = nil
		}
	}
}

func (c *call) current() *context {
	if n := len(c.thread.stack); n > 0 {
		return c.thread.stack[n-1]
	}
	return nil
}

// context is the one that argument i names.
func (c *call) context(i int) (*context, Result) {
	x, ok := of[*context](c.Driver, c.u64(i))
	if !ok {
		return nil, InvalidContext
	}
	return x, Success
}

// theContext is the one that argument i names, or where it is 0 the current one.
func (c *call) theContext(i int) (*context, Result) {
	if c.u64(i) != 0 {
		return c.context(i)
	}
	if x := c.current(); x != nil {
		return x, Success
	}
	return nil, InvalidContext
}

// create is cuCtxCreate with the device's argument number; the flags stand before it.
func create(device int) func(*call) Result {
	return func(c *call) Result {
		return c.device(device, func() Result {
			if c.u64(0) == 0 {
				return InvalidValue
			}
			x := c.newContext(c.u32(device - 1))
			c.thread.stack = append(c.thread.stack, x)
			return c.put64(0, x.handle)
		})
	}
}

func init() {
	destroy := func(c *call) Result {
		x, r := c.context(0)
		if r != Success {
			return r
		}
		if x == c.primary {
			return InvalidContext
		}
		c.Driver.destroy(x)
		return Success
	}
	push := func(c *call) Result {
		x, r := c.context(0)
		if r == Success {
			c.thread.stack = append(c.thread.stack, x)
		}
		return r
	}
	pop := func(c *call) Result {
		x := c.current()
		if x == nil {
			return InvalidContext
		}
		c.thread.stack = c.thread.stack[:len(c.thread.stack)-1]
		put64(c.u64(0), x.handle)
		return Success
	}
	release := func(c *call) Result {
		return c.device(0, func() Result {
			if c.retained == 0 {
				return InvalidContext
			}
			if c.retained--; c.retained == 0 {
				c.Driver.destroy(c.primary)
				c.primary = nil
			}
			return Success
		})
	}
	reset := func(c *call) Result {
		return c.device(0, func() Result {
			if c.primary == nil {
				return Success
			}
			// Handles of the context stay: programs that retained it go on with it.
			h := c.primary.handle
			c.Driver.destroy(c.primary)
			x := c.newContext(c.primary.flags)
			delete(c.handles, x.handle)
			x.handle = h
			c.handles[h] = x
			c.primary = x
			return Success
		})
	}
	flags := func(c *call) Result { return c.device(0, func() Result { return Success }) }
	register(needsInit, map[string]func(*call) Result{
		"cuDevicePrimaryCtxRetain": func(c *call) Result {
			return c.device(1, func() Result {
				if c.u64(0) == 0 {
					return InvalidValue
				}
				if c.primary == nil {
					c.primary = c.newContext(0)
				}
				c.retained++
				return c.put64(0, c.primary.handle)
			})
		},
		"cuDevicePrimaryCtxRelease":     release,
		"cuDevicePrimaryCtxRelease_v2":  release,
		"cuDevicePrimaryCtxReset":       reset,
		"cuDevicePrimaryCtxReset_v2":    reset,
		"cuDevicePrimaryCtxSetFlags":    flags,
		"cuDevicePrimaryCtxSetFlags_v2": flags,
		"cuDevicePrimaryCtxGetState": func(c *call) Result {
			return c.device(0, func() Result {
				put32(c.u64(1), 0)
				active := uint32(0)
				if c.primary != nil {
					active = 1
				}
				return c.put32(2, active)
			})
		},
		"cuCtxCreate":     create(2),
		"cuCtxCreate_v2":  create(2),
		"cuCtxCreate_v3":  create(4),
		"cuCtxCreate_v4":  create(3),
		"cuCtxDestroy":    destroy,
		"cuCtxDestroy_v2": destroy,
		"cuCtxDetach":     destroy,
		"cuCtxAttach": func(c *call) Result {
			x := c.current()
			if x == nil {
				return InvalidContext
			}
			return c.put64(0, x.handle)
		},
		"cuCtxPushCurrent":    push,
		"cuCtxPushCurrent_v2": push,
		"cuCtxPopCurrent":     pop,
		"cuCtxPopCurrent_v2":  pop,
		"cuCtxSetCurrent": func(c *call) Result {
			t := c.thread
			if c.u64(0) == 0 {
				if len(t.stack) > 0 {
					t.stack = t.stack[:len(t.stack)-1]
				}
				return Success
			}
			x, r := c.context(0)
			if r != Success {
				return r
			}
			if len(t.stack) == 0 {
				t.stack = append(t.stack, x)
			}
			t.stack[len(t.stack)-1] = x
			return Success
		},
		"cuCtxGetCurrent": func(c *call) Result {
			if x := c.current(); x != nil {
				return c.put64(0, x.handle)
			}
			return c.put64(0, 0)
		},
		"cuCtxGetDevice": func(c *call) Result {
			if c.current() == nil {
				return InvalidContext
			}
			return c.put32(0, 0)
		},
		"cuCtxGetDevice_v2": func(c *call) Result {
			if _, r := c.theContext(1); r != Success {
				return r
			}
			return c.put32(0, 0)
		},
		"cuCtxGetFlags": func(c *call) Result {
			x := c.current()
			if x == nil {
				return InvalidContext
			}
			return c.put32(0, x.flags)
		},
		"cuCtxSetFlags": func(c *call) Result {
			x := c.current()
			if x == nil {
				return InvalidContext
			}
			x.flags = c.u32(0)
			return Success
		},
		"cuCtxGetId": func(c *call) Result {
			x, r := c.theContext(0)
			if r != Success {
				return r
			}
			return c.put64(1, x.id)
		},
		"cuCtxGetApiVersion": func(c *call) Result {
			if _, r := c.theContext(0); r != Success {
				return r
			}
			return c.put32(1, 3020)
		},
	})
	register(needsContext, map[string]func(*call) Result{
		"cuCtxSynchronize":    func(c *call) Result { c.clock.wait(c.allStreams()...); return Success },
		"cuCtxSynchronize_v2": func(c *call) Result { c.clock.wait(c.allStreams()...); return Success },
		"cuCtxGetLimit": func(c *call) Result {
			limit := c.int(1)
			v, ok := c.current().limits[limit]
			if !ok {
				// Stack of a thread, printf's buffer, the heap of malloc: the defaults of CUDA.
				if v, ok = map[int]uint64{0: 1024, 1: 1 << 20, 2: 8 << 20}[limit]; !ok {
					return NotSupported
				}
			}
			return c.put64(0, v)
		},
		"cuCtxSetLimit": func(c *call) Result {
			if limit := c.int(0); limit < 0 || limit > 2 {
				return NotSupported
			}
			c.current().limits[c.int(0)] = c.u64(1)
			return Success
		},
		"cuCtxGetCacheConfig":         func(c *call) Result { return c.put32(0, 0) },
		"cuCtxSetCacheConfig":         succeed, // of the L1 cache: this chip has no choice
		"cuCtxGetSharedMemConfig":     func(c *call) Result { return c.put32(0, 1) },
		"cuCtxSetSharedMemConfig":     succeed, // banks of four bytes always
		"cuCtxResetPersistingL2Cache": func(*call) Result { return NotSupported },
		"cuCtxGetStreamPriorityRange": func(c *call) Result {
			put32(c.u64(0), 0)
			put32(c.u64(1), 0xffffffff) // -1
			return Success
		},
		"cuCtxEnablePeerAccess":  func(*call) Result { return PeerUnsupported },
		"cuCtxDisablePeerAccess": func(*call) Result { return PeerNotEnabled },
	})
}
