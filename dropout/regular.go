package dropout

// regular is the support of patterns with a dp: dp is drawn from a distribution, bias is uniform in 1 .. dp.
type regular struct {
	d       Distribution
	sampler *Sampler
	keep    func(s Shape, dp, bias int) Selection
}

func newRegular(k *Kind, d Distribution) (Support, error) {
	if err := d.Check(); err != nil {
		return nil, err
	}
	return regular{d, NewSampler(d, 0, 0), k.Keep}, nil
}

func (r regular) Reached(Shape) float64 { return r.d.Reached() }

func (r regular) Entropy(Shape) float64 { return r.d.SubModelEntropy() }

func (r regular) Draw(w *Words, s Shape) Selection {
	dp, bias := r.sampler.pattern(w.Next(), w.Next())
	return r.keep(s, dp, bias)
}
