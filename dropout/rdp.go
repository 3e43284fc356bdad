package dropout

var _ = register(Kind{Name: RDP, Text: "one row in dp is kept", Drops: DropsRows, HasDP: true, Support: func(o Options) (Support, error) {
	return newRegular(o, false)
}})

// regular draws dp and bias: one row or tile in dp is kept.
type regular struct {
	d       Distribution
	sampler *Sampler
	tiles   bool
}

func newRegular(o Options, tiles bool) (Support, error) {
	if err := o.Distribution.Check(); err != nil {
		return nil, err
	}
	return regular{o.Distribution, NewSampler(o.Distribution, 0, 0), tiles}, nil
}

func (r regular) Reached(Shape) float64 { return r.d.Reached() }

func (r regular) Entropy(Shape) float64 { return r.d.SubModelEntropy() }

func (r regular) Draw(w *Words, s Shape) Selection {
	dp, bias := r.sampler.pattern(w.Next(), w.Next())
	if r.tiles {
		return Selection{Units: KeepAll(s.Units), DP: dp, Bias: bias, Tiles: true}
	}
	return Selection{Units: KeepEvery(s.Units, 1, dp, bias), DP: dp, Bias: bias}
}
