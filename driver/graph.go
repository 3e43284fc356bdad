package driver

import "slices"

// Kinds of nodes, by CUgraphNodeType.
const (
	nodeKernel = 0
	nodeCopy   = 1
	nodeFill   = 2
	nodeHost   = 3
	nodeGraph  = 4
	nodeEmpty  = 5
	nodeWait   = 6
	nodeRecord = 7
)

// node is a CUgraphNode.
type node struct {
	handle   uint64
	kind     int
	after    []*node
	launch   *launch
	transfer transfer
	fill     fill
	host     hostCall
	graph    *graph
	event    *event
	raw      []byte // the parameters as the program gave them, for it to read again
	origin   *node  // of a node in a clone: the one it was cloned from
	was      *node  // of a node in an executable that was updated: the one in its place before
}

type hostCall struct{ fn, data uint64 }

// graph is a CUgraph.
type graph struct {
	handle uint64
	nodes  []*node // in the order in which they were added
}

// executable is a CUgraphExec: a copy of a graph, in an order in which it can run.
type executable struct {
	order []*node
	flags uint64
}

func (d *Driver) newGraph() *graph {
	g := &graph{}
	g.handle = d.handle(g)
	return g
}

// node gives n a handle, if it has none.
func (d *Driver) nodeHandle(n *node) uint64 {
	if n.handle == 0 {
		n.handle = d.handle(n)
	}
	return n.handle
}

// nodeList returns the address of a list of handles that stays until the next list of the same is made.
func (d *Driver) nodeList(nodes []*node) uint64 {
	if len(nodes) == 0 {
		return 0
	}
	s := make([]byte, 0, 8*len(nodes))
	for _, n := range nodes {
		h := d.nodeHandle(n)
		for i := range 8 {
			s = append(s, byte(h>>(8*i)))
		}
	}
	return d.cString(string(s))
}

// nodes reads a list of n handles.
func (c *call) nodes(addr, n uint64) ([]*node, Result) {
	var out []*node
	for i := range n {
		x, ok := of[*node](c.Driver, get64(addr+8*i))
		if !ok {
			return nil, InvalidValue
		}
		out = append(out, x)
	}
	return out, Success
}

// clone copies the graph; the copies know what they were made from.
func (g *graph) clone() *graph {
	out := &graph{}
	made := map[*node]*node{}
	for _, n := range g.nodes {
		x := *n
		x.handle, x.origin = 0, n
		if n.launch != nil {
			l := *n.launch
			x.launch = &l
		}
		if n.graph != nil {
			x.graph = n.graph.clone()
		}
		made[n] = &x
		out.nodes = append(out.nodes, &x)
	}
	for _, x := range out.nodes {
		after := make([]*node, 0, len(x.after))
		for _, n := range x.after {
			if m := made[n]; m != nil {
				after = append(after, m)
			}
		}
		x.after = after
	}
	return out
}

// sorted is the nodes, each behind those that it waits for; false if they wait for each other in a circle.
func (g *graph) sorted() ([]*node, bool) {
	var out []*node
	state := map[*node]int{} // 1 under way, 2 done
	var visit func(n *node) bool
	visit = func(n *node) bool {
		switch state[n] {
		case 1:
			return false
		case 2:
			return true
		}
		state[n] = 1
		for _, m := range n.after {
			if !visit(m) {
				return false
			}
		}
		state[n] = 2
		out = append(out, n)
		return true
	}
	for _, n := range g.nodes {
		if !visit(n) {
			return nil, false
		}
	}
	return out, true
}

// run does the graph's work in stream s. Nodes that wait for nothing of each other take their time side by side, as far
// as the chip and the copy engines allow.
func (d *Driver) run(s *stream, order []*node) Result {
	begin := s.ready
	for _, o := range d.joins(s) {
		begin = max(begin, o.ready)
	}
	ended := map[*node]float64{}
	last := begin
	for _, n := range order {
		lane := &stream{context: s.context, id: s.id, ready: begin}
		for _, m := range n.after {
			lane.ready = max(lane.ready, ended[m])
		}
		r := Success
		switch n.kind {
		case nodeKernel:
			r = d.launch(lane, n.launch)
		case nodeCopy:
			r = d.transfer(lane, n.transfer)
		case nodeFill:
			r = d.fill(lane, n.fill)
		case nodeHost:
			d.callHost(n.host.fn, n.host.data)
		case nodeGraph:
			sub, ok := n.graph.sorted()
			if !ok {
				return InvalidValue
			}
			r = d.run(lane, sub)
		case nodeRecord:
			n.event.at, n.event.recorded, n.event.capture = lane.ready, true, nil
		case nodeWait:
			if n.event.recorded {
				lane.ready = max(lane.ready, n.event.at)
			}
		}
		if r != Success {
			return r
		}
		ended[n] = lane.ready
		last = max(last, lane.ready)
	}
	s.ready = last
	return Success
}

func (c *call) graph(i int) (*graph, Result) {
	g, ok := of[*graph](c.Driver, c.u64(i))
	if !ok {
		return nil, InvalidValue
	}
	return g, Success
}

func (c *call) node(i int) (*node, Result) {
	n, ok := of[*node](c.Driver, c.u64(i))
	if !ok {
		return nil, InvalidValue
	}
	return n, Success
}

func (c *call) executable(i int) (*executable, Result) {
	e, ok := of[*executable](c.Driver, c.u64(i))
	if !ok {
		return nil, InvalidValue
	}
	return e, Success
}

// in finds the copy of n in an executable.
func (e *executable) in(n *node) *node {
	for _, x := range e.order {
		if x.from(n) {
			return x
		}
	}
	return nil
}

// from reports whether x was made from n.
func (x *node) from(n *node) bool {
	for ; x != nil; x = x.origin {
		if x == n || x.was != nil && x.was.from(n) {
			return true
		}
	}
	return false
}

// params are the kinds of nodes that have parameters: how many bytes the structure has and what it does to a node.
type params struct {
	size func(c *call) uint64
	set  func(c *call, n *node, addr uint64) Result
}

func fixed(n uint64) func(*call) uint64 { return func(*call) uint64 { return n } }

// kernelParams is CUDA_KERNEL_NODE_PARAMS: function, grid, block, shared bytes, pointers to parameters, extra; version
// 2 has a CUkernel and a context behind them.
var kernelParams = params{fixed(56), func(c *call, n *node, addr uint64) Result {
	p := structure(addr, 56)
	h := p.u64(0)
	if h == 0 && len(c.name) > 3 && c.name[len(c.name)-3:] == "_v2" {
		h = structure(addr, 72).u64(56)
	}
	f, ok := of[*function](c.Driver, h)
	if !ok {
		return InvalidValue
	}
	l, r := c.newLaunch(f, [3]uint32{p.u32(8), p.u32(12), p.u32(16)}, [3]uint32{p.u32(20), p.u32(24), p.u32(28)},
		p.u32(32), p.u64(40), p.u64(48))
	if r != Success {
		return r
	}
	n.launch = l
	return Success
}}

var copyParams = params{fixed(200), func(_ *call, n *node, addr uint64) Result {
	t, r := copy3D(addr)
	if r == Success {
		n.transfer = t
	}
	return r
}}

// fillParams is CUDA_MEMSET_NODE_PARAMS: address, pitch, value, bytes of an element, width in elements, height.
var fillParams = params{fixed(40), func(_ *call, n *node, addr uint64) Result {
	p := structure(addr, 40)
	f := fill{to: p.u64(0), pitch: p.u64(8), value: p.u32(16), size: uint64(p.u32(20)), n: p.u64(24), height: p.u64(32)}
	if f.size != 1 && f.size != 2 && f.size != 4 || f.to%f.size != 0 {
		return InvalidValue
	}
	n.fill = f
	return Success
}}

var hostParams = params{fixed(16), func(_ *call, n *node, addr uint64) Result {
	p := structure(addr, 16)
	n.host = hostCall{p.u64(0), p.u64(8)}
	return Success
}}

// apply sets a node's parameters from the structure at addr.
func (p params) apply(c *call, n *node, addr uint64) Result {
	if addr == 0 {
		return InvalidValue
	}
	if r := p.set(c, n, addr); r != Success {
		return r
	}
	n.raw = structure(addr, p.size(c)).b
	return Success
}

// addNode adds a node whose parameters stand at argument 4, if it has some.
func addNode(kind int, p *params) func(*call) Result {
	return func(c *call) Result {
		n := &node{kind: kind}
		if p != nil {
			if r := p.apply(c, n, c.u64(4)); r != Success {
				return r
			}
		}
		return c.addNode(n)
	}
}

// addNode adds n to the graph of argument 1, behind the nodes of arguments 2 and 3, and gives argument 0 its handle.
func (c *call) addNode(n *node) Result {
	g, r := c.graph(1)
	if r != Success {
		return r
	}
	if n.after, r = c.nodes(c.u64(2), c.u64(3)); r != Success {
		return r
	}
	g.nodes = append(g.nodes, n)
	return c.put64(0, c.nodeHandle(n))
}

// accessors are the three functions that read and write the parameters of a kind of node.
func accessors(list map[string]func(*call) Result, name, version string, kind int, p params) {
	of := func(c *call) (*node, Result) {
		n, r := c.node(0)
		if r == Success && n.kind != kind {
			r = InvalidValue
		}
		return n, r
	}
	list["cuGraph"+name+"NodeGetParams"+version] = func(c *call) Result {
		n, r := of(c)
		if r != Success {
			return r
		}
		if n.raw == nil || c.u64(1) == 0 {
			return InvalidValue
		}
		copy(hostBytes(c.u64(1), uint64(len(n.raw))), n.raw)
		return Success
	}
	list["cuGraph"+name+"NodeSetParams"+version] = func(c *call) Result {
		n, r := of(c)
		if r != Success {
			return r
		}
		return p.apply(c, n, c.u64(1))
	}
	list["cuGraphExec"+name+"NodeSetParams"+version] = func(c *call) Result {
		e, r := c.executable(0)
		if r != Success {
			return r
		}
		n, r := c.node(1)
		if r != Success {
			return r
		}
		x := e.in(n)
		if x == nil || x.kind != kind {
			return InvalidValue
		}
		return p.apply(c, x, c.u64(2))
	}
}

// instantiate makes an executable of the graph of argument 1.
func instantiate(flags int) func(*call) Result {
	return func(c *call) Result {
		g, r := c.graph(1)
		if r != Success {
			return r
		}
		order, ok := g.clone().sorted()
		if !ok {
			return InvalidValue
		}
		e := &executable{order: order}
		if flags > 0 {
			e.flags = c.u64(flags)
		}
		return c.put64(0, c.handle(e))
	}
}

// update takes the parameters of a graph of the same shape into an executable.
func update(c *call) Result {
	e, r := c.executable(0)
	if r != Success {
		return r
	}
	g, r := c.graph(1)
	if r != Success {
		return r
	}
	order, ok := g.clone().sorted()
	same := ok && len(order) == len(e.order)
	for i := 0; same && i < len(order); i++ {
		same = order[i].kind == e.order[i].kind && len(order[i].after) == len(e.order[i].after)
	}
	if !same {
		return GraphUpdateFailed
	}
	for i, n := range order { // programs go on naming the nodes that the executable was made from
		n.was = e.order[i]
	}
	e.order = order
	return Success
}

// putNodes writes handles to argument 1 and their number to argument 2; without a list only the number.
func (c *call) putNodes(nodes []*node) Result {
	if c.u64(2) == 0 {
		return InvalidValue
	}
	n := uint64(len(nodes))
	if c.u64(1) != 0 {
		n = min(n, get64(c.u64(2)))
		for i, x := range nodes[:n] {
			put64(c.u64(1)+uint64(8*i), c.nodeHandle(x))
		}
	}
	return c.put64(2, n)
}

// edges does f for each pair of nodes in the lists of arguments 1 and 2.
func edges(f func(from, to *node)) func(*call) Result {
	return func(c *call) Result {
		from, r := c.nodes(c.u64(1), c.u64(3))
		if r != Success {
			return r
		}
		to, r := c.nodes(c.u64(2), c.u64(3))
		if r != Success {
			return r
		}
		for i := range from {
			f(from[i], to[i])
		}
		return Success
	}
}

func init() {
	drop := func(c *call) Result {
		delete(c.handles, c.u64(0))
		return Success
	}
	list := map[string]func(*call) Result{
		"cuGraphCreate": func(c *call) Result {
			if c.u64(0) == 0 || c.u32(1) != 0 {
				return InvalidValue
			}
			return c.put64(0, c.newGraph().handle)
		},
		"cuGraphDestroy": func(c *call) Result {
			g, r := c.graph(0)
			if r != Success {
				return r
			}
			for _, n := range g.nodes {
				delete(c.handles, n.handle)
			}
			return drop(c)
		},
		"cuGraphClone": func(c *call) Result {
			g, r := c.graph(1)
			if r != Success {
				return r
			}
			x := g.clone()
			x.handle = c.handle(x)
			return c.put64(0, x.handle)
		},
		"cuGraphAddKernelNode":    addNode(nodeKernel, &kernelParams),
		"cuGraphAddKernelNode_v2": addNode(nodeKernel, &kernelParams),
		"cuGraphAddMemcpyNode":    addNode(nodeCopy, &copyParams),
		"cuGraphAddMemsetNode":    addNode(nodeFill, &fillParams),
		"cuGraphAddHostNode":      addNode(nodeHost, &hostParams),
		"cuGraphAddEmptyNode":     addNode(nodeEmpty, nil),
		"cuGraphAddChildGraphNode": func(c *call) Result {
			g, r := c.graph(4)
			if r != Success {
				return r
			}
			x := g.clone()
			x.handle = c.handle(x)
			return c.addNode(&node{kind: nodeGraph, graph: x})
		},
		"cuGraphChildGraphNodeGetGraph": func(c *call) Result {
			n, r := c.node(0)
			if r != Success || n.graph == nil {
				return InvalidValue
			}
			return c.put64(1, n.graph.handle)
		},
		"cuGraphAddEventRecordNode": addEventNode(nodeRecord),
		"cuGraphAddEventWaitNode":   addEventNode(nodeWait),
		"cuGraphAddDependencies":    edges(func(from, to *node) { to.after = append(to.after, from) }),
		"cuGraphRemoveDependencies": edges(func(from, to *node) {
			to.after = slices.DeleteFunc(slices.Clone(to.after), func(n *node) bool { return n == from })
		}),
		"cuGraphDestroyNode": func(c *call) Result {
			n, r := c.node(0)
			if r != Success {
				return r
			}
			for _, v := range c.handles {
				if g, ok := v.(*graph); ok && slices.Contains(g.nodes, n) {
					g.nodes = slices.DeleteFunc(g.nodes, func(x *node) bool { return x == n })
					for _, x := range g.nodes {
						x.after = slices.DeleteFunc(slices.Clone(x.after), func(y *node) bool { return y == n })
					}
				}
			}
			return drop(c)
		},
		"cuGraphNodeGetType": func(c *call) Result {
			n, r := c.node(0)
			if r != Success {
				return r
			}
			return c.put32(1, uint32(n.kind))
		},
		"cuGraphGetNodes": func(c *call) Result {
			g, r := c.graph(0)
			if r != Success {
				return r
			}
			return c.putNodes(g.nodes)
		},
		"cuGraphGetRootNodes": func(c *call) Result {
			g, r := c.graph(0)
			if r != Success {
				return r
			}
			return c.putNodes(slices.DeleteFunc(slices.Clone(g.nodes), func(n *node) bool { return len(n.after) > 0 }))
		},
		"cuGraphGetEdges": func(c *call) Result {
			g, r := c.graph(0)
			if r != Success {
				return r
			}
			i, limit := uint64(0), uint64(1<<62)
			if c.u64(3) == 0 {
				return InvalidValue
			}
			if c.u64(1) != 0 {
				limit = get64(c.u64(3))
			}
			for _, n := range g.nodes {
				for _, from := range n.after {
					if c.u64(1) != 0 && i < limit {
						put64(c.u64(1)+8*i, c.nodeHandle(from))
						put64(c.u64(2)+8*i, c.nodeHandle(n))
					}
					i++
				}
			}
			return c.put64(3, min(i, limit))
		},
		"cuGraphNodeGetDependencies": func(c *call) Result {
			n, r := c.node(0)
			if r != Success {
				return r
			}
			return c.putNodes(n.after)
		},
		"cuGraphNodeGetDependentNodes": func(c *call) Result {
			n, r := c.node(0)
			if r != Success {
				return r
			}
			var out []*node
			for _, v := range c.handles {
				if g, ok := v.(*graph); ok && slices.Contains(g.nodes, n) {
					for _, x := range g.nodes {
						if slices.Contains(x.after, n) {
							out = append(out, x)
						}
					}
				}
			}
			return c.putNodes(out)
		},
		"cuGraphNodeFindInClone": func(c *call) Result {
			n, r := c.node(1)
			if r != Success {
				return r
			}
			g, r := c.graph(2)
			if r != Success {
				return r
			}
			for _, x := range g.nodes {
				if x.origin == n {
					return c.put64(0, c.nodeHandle(x))
				}
			}
			return InvalidValue
		},
		"cuGraphInstantiate":          instantiate(0),
		"cuGraphInstantiate_v2":       instantiate(0),
		"cuGraphInstantiateWithFlags": instantiate(2),
		"cuGraphInstantiateWithParams": func(c *call) Result {
			r := instantiate(0)(c)
			if c.u64(2) != 0 { // flags, stream, node of an error, what it was
				put64(c.u64(2)+16, 0)
				put32(c.u64(2)+24, 0)
			}
			return r
		},
		"cuGraphExecUpdate": func(c *call) Result {
			r := update(c)
			put64(c.u64(2), 0)
			put32(c.u64(3), updateStatus(r))
			return r
		},
		"cuGraphExecUpdate_v2": func(c *call) Result {
			r := update(c)
			if c.u64(2) != 0 {
				put32(c.u64(2), updateStatus(r))
				put64(c.u64(2)+8, 0)
				put64(c.u64(2)+16, 0)
			}
			return r
		},
		"cuGraphExecGetFlags": func(c *call) Result {
			e, r := c.executable(0)
			if r != Success {
				return r
			}
			return c.put64(1, e.flags)
		},
		"cuGraphExecDestroy": func(c *call) Result {
			if _, r := c.executable(0); r != Success {
				return r
			}
			return drop(c)
		},
	}
	accessors(list, "Kernel", "", nodeKernel, kernelParams)
	accessors(list, "Kernel", "_v2", nodeKernel, kernelParams)
	accessors(list, "Memcpy", "", nodeCopy, copyParams)
	accessors(list, "Memset", "", nodeFill, fillParams)
	accessors(list, "Host", "", nodeHost, hostParams)
	register(needsInit, list)
	register(needsContext, map[string]func(*call) Result{
		"cuGraphUpload": succeed,
		"cuGraphLaunch": func(c *call) Result {
			e, r := c.executable(0)
			if r != Success {
				return r
			}
			s, r := c.stream(1)
			if r != Success {
				return r
			}
			if g := s.capturing(); g != nil {
				sub := &graph{nodes: e.order}
				sub.handle = c.handle(sub)
				g.add(s, &node{kind: nodeGraph, graph: sub})
				return Success
			}
			return c.run(s, e.order)
		},
	})
}

// updateStatus is a CUgraphExecUpdateResult.
func updateStatus(r Result) uint32 {
	switch r {
	case Success:
		return 0
	case GraphUpdateFailed:
		return 2 // the topology changed
	}
	return 1
}

func addEventNode(kind int) func(*call) Result {
	return func(c *call) Result {
		e, ok := of[*event](c.Driver, c.u64(4))
		if !ok {
			return InvalidHandle
		}
		return c.addNode(&node{kind: kind, event: e})
	}
}
