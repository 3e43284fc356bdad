package isa

import "sort"

// Recursive tells whether a function of the kernel can call itself, directly, through others or through a pointer: the
// compiler's bound of the stack, which counts each function once, then does not hold. Calls of CUDA's run-time system,
// where the file lists them, lead nowhere.
func (c *Cubin) Recursive(k *Kernel) bool {
	if k.unbounded {
		return true
	}
	g := callGraph{cubin: c, kernel: k, state: map[int]int{}}
	g.cycle(g.function(k.Entry))
	return g.found
}

// callGraph is a walk along the calls of a kernel.
type callGraph struct {
	cubin  *Cubin
	kernel *Kernel
	state  map[int]int // of functions, by their index in Cubin.Functions
	found  bool
}

const (
	underWay = 1
	done     = 2
)

// function returns the index of the function that holds address pc, -1 if it is behind none.
func (g *callGraph) function(pc uint32) int {
	list := g.cubin.Functions
	return sort.Search(len(list), func(i int) bool { return list[i].Address > pc }) - 1
}

// cycle walks along what function f calls.
func (g *callGraph) cycle(f int) {
	if f < 0 {
		return
	}
	g.state[f] = underWay
	c := g.cubin
	first := c.Functions[f].Address
	end := uint32(len(c.Image))
	if s, ok := c.Section(first); ok {
		end = s.Address + s.Size
	}
	if f+1 < len(c.Functions) {
		end = min(end, c.Functions[f+1].Address)
	}
	for i := c.Family.Index(first); i < c.Family.Index(end); i++ {
		pc := c.Family.PC(i)
		switch c.Family.Call(c.Word(pc)) {
		case CallDirect:
			in, err := c.Inst(pc)
			if err != nil {
				continue
			}
			for k := range in.Operands[:in.NumOps] {
				o := &in.Operands[k]
				if to := uint32(o.Value); (o.Kind == KindLabel || o.Kind == KindImm) && o.Value >= 0 &&
					!isExtern(&c.Code, to) {
					g.call(g.function(to))
				}
			}
		case CallPointer, CallItself:
			if !g.system(pc, end) {
				for _, to := range g.anything() {
					g.call(to)
				}
			}
		}
	}
	g.state[f] = done
}

func (g *callGraph) call(to int) {
	switch g.state[to] {
	case 0:
		g.cycle(to)
	case underWay:
		g.found = true
	}
}

func isExtern(c *Code, pc uint32) bool {
	_, ok := c.Extern(pc)
	return ok
}

// system tells whether the indirect branch behind the instruction at pc calls CUDA's run-time system.
func (g *callGraph) system(pc, end uint32) bool {
	f := g.cubin.Family
	for at := pc; at < min(end, pc+2*f.GroupBytes); at += f.WordBytes {
		if g.cubin.Calls[at] {
			return true
		}
	}
	return false
}

// anything lists what a pointer can call: the other functions in the kernel's section, and those whose address is
// taken.
func (g *callGraph) anything() (list []int) {
	k := g.kernel
	for i := g.function(k.Entry) + 1; i < len(g.cubin.Functions) && g.cubin.Functions[i].Address < k.Entry+k.Size; i++ {
		list = append(list, i)
	}
	for _, t := range g.cubin.Taken {
		list = append(list, g.function(t))
	}
	return list
}
