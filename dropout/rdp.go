package dropout

var _ = register(Kind{Name: RDP, Text: "one row in dp is kept", Look: "blue solid box plain", Drops: DropsRows, HasDP: true, Support: func(o Options) (Support, error) {
	return newRegular(o, RDP)
}})

// regular draws dp and bias: one row or tile in dp is kept.
type regular struct {
	d       Distribution
	sampler *Sampler
	method  Method
}

func newRegular(o Options, m Method) (Support, error) {
	if err := o.Distribution.Check(); err != nil {
		return nil, err
	}
	return regular{o.Distribution, NewSampler(o.Distribution, 0, 0), m}, nil
}

func (r regular) Reached(Shape) float64 { return r.d.Reached() }

func (r regular) Entropy(Shape) float64 { return r.d.SubModelEntropy() }

func (r regular) Draw(w *Words, s Shape) Selection {
	dp, bias := r.sampler.pattern(w.Next(), w.Next())
	return Pattern{Method: r.method, DP: dp, Bias: bias}.Selection(s)
}
