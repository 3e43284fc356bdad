package dropout

import "fmt"

// Kept is a set of indices below N that an iteration keeps. It is regular, Count runs of Width neighbours, every
// Step-th from run First on (the last run may be cut off at N), or the runs of an ascending list.
type Kept struct {
	First, Step, Count, Width, N int
	List                         []int // nil: regular; else the numbers of Count runs, First and Step being 0 and 1
}

// KeepAll keeps all n, as one run.
func KeepAll(n int) Kept { return Kept{0, 1, 1, n, n, nil} }

// KeepEvery keeps one in dp of the runs of this width, the bias-th (from 1) first.
func KeepEvery(n, width, dp, bias int) Kept {
	return Kept{bias - 1, dp, CountKept((n+width-1)/width, dp, bias), width, n, nil}
}

// KeepRange keeps count neighbours from start on, start + count <= n.
func KeepRange(n, start, count int) Kept { return Kept{start, 1, count, 1, n, nil} }

// KeepList keeps the indices of an ascending list.
func KeepList(n int, list []int) Kept {
	if list == nil {
		list = []int{}
	}
	return Kept{0, 1, len(list), 1, n, list}
}

// KeepRuns keeps the runs of this width that an ascending list has the numbers of.
func KeepRuns(n, width int, list []int) Kept {
	k := KeepList(n, list)
	k.Width = width
	return k
}

// All says whether nothing is dropped.
func (k Kept) All() bool { return k.Size() == k.N }

// Size is the number of indices kept.
func (k Kept) Size() int {
	if k.Count == 0 {
		return 0
	}
	return k.Count*k.Width - max(0, (k.Run(k.Count-1)+1)*k.Width-k.N)
}

// Contiguous tells whether the indices kept are neighbours.
func (k Kept) Contiguous() bool { return k.List == nil && (k.Step == 1 || k.Count <= 1) }

// Start is the first index kept.
func (k Kept) Start() int { return k.Run(0) * k.Width }

// Run is the number of the i-th kept run.
func (k Kept) Run(i int) int {
	if k.List == nil {
		return k.First + i*k.Step
	}
	if i >= len(k.List) {
		return 0
	}
	return k.List[i]
}

// At is the i-th index kept: the place that compact element i comes from.
func (k Kept) At(i int) int { return k.Run(i/k.Width)*k.Width + i%k.Width }

// Gather copies the kept elements of src, multiplied by scale, to the Size elements of dst.
func (k Kept) Gather(dst, src []float32, scale float32) {
	switch {
	case k.List != nil && k.Width == 1:
		for i, c := range k.List {
			dst[i] = src[c] * scale
		}
	case k.Width == 1:
		c := k.First
		for i := range dst {
			dst[i] = src[c] * scale
			c += k.Step
		}
	default:
		for run, i := 0, 0; i < len(dst); run, i = run+1, i+k.Width {
			c := k.Run(run) * k.Width
			to := dst[i:min(i+k.Width, len(dst))]
			from := src[c : c+len(to)]
			if scale == 1 {
				copy(to, from)
				continue
			}
			for j, x := range from {
				to[j] = x * scale
			}
		}
	}
}

// Scatter is the inverse of Gather: src, multiplied by scale, goes to the kept elements of dst; the others stay as they
// are.
func (k Kept) Scatter(dst, src []float32, scale float32) {
	switch {
	case k.List != nil && k.Width == 1:
		for i, c := range k.List {
			dst[c] = src[i] * scale
		}
	case k.Width == 1:
		c := k.First
		for _, x := range src {
			dst[c] = x * scale
			c += k.Step
		}
	default:
		for run, i := 0, 0; i < len(src); run, i = run+1, i+k.Width {
			c := k.Run(run) * k.Width
			from := src[i:min(i+k.Width, len(src))]
			to := dst[c : c+len(from)]
			if scale == 1 {
				copy(to, from)
				continue
			}
			for j, x := range from {
				to[j] = x * scale
			}
		}
	}
}

// Selection is what an iteration keeps at one place of a network: units, or tiles of the weights behind them.
type Selection struct {
	Units    Kept  // of the units; all where tiles are dropped
	DP, Bias int   // of a regular pattern, of rows or of tiles: see Pattern; 0 where it has none
	Tiles    bool  // tiles are dropped: one in DP is kept, numbered row by row, or those of List
	List     []int // ascending numbers of the kept tiles, where these are not one in DP
}

// each calls do with the number of every unit kept or, where tiles are dropped, of every one of so many tiles.
func (s Selection) each(tiles int, do func(i int)) {
	switch {
	case !s.Tiles:
		for i := range s.Units.Size() {
			do(s.Units.At(i))
		}
	case s.List != nil:
		for _, t := range s.List {
			do(t)
		}
	default:
		for t := s.Bias - 1; t < tiles; t += s.DP {
			do(t)
		}
	}
}

// AppendKept appends the numbers of the kept units or, where tiles are dropped, of the kept ones of so many tiles,
// ascending.
func (s Selection) AppendKept(to []int, tiles int) []int {
	s.each(tiles, func(t int) { to = append(to, t) })
	return to
}

// AppendID appends what tells the selection apart from others of its stream.
func (s Selection) AppendID(to []byte) []byte {
	if s.DP > 0 {
		return fmt.Append(to, s.DP, ",", s.Bias, ";")
	}
	hash := uint64(14695981039346656037) // FNV-1a, 64 bits
	for i := range s.Units.Size() {
		hash = (hash ^ uint64(s.Units.At(i))) * 1099511628211
	}
	for _, t := range s.List {
		hash = (hash ^ uint64(t)) * 1099511628211
	}
	return fmt.Appendf(to, "%x;", hash)
}
