package dropout

import (
	"fmt"
	"math"
)

// RowsK keeps k of every n rows: the same residues modulo n all over the layer, drawn anew each iteration, any k of n alike.
const RowsK Method = "rows-k"

var _ = register(Kind{Name: RowsK, Text: "k of every n rows are kept, at residues drawn anew", Drops: DropsRows, HasOf: true,
	Support: func(o Options) (Support, error) {
		n, k, err := KeptOf(o.Rate, o.Of)
		return rowsK{n, k}, err
	}})

// MaxOf is the largest n of k rows of every n.
const MaxOf = 64

// KeptOf is how many rows of every n are kept at a dropout rate, which has to be a multiple of 1/n. of = 0 chooses n, from 10 on.
func KeptOf(rate float64, of int) (n, k int, err error) {
	if err := checkRate(rate); err != nil {
		return 0, 0, err
	}
	fits := func(n int) bool {
		k = int(math.Round((1 - rate) * float64(n)))
		return k > 0 && math.Abs((1-rate)*float64(n)-float64(k)) < 1e-9
	}
	if of != 0 {
		if of < 1 || of > MaxOf {
			return 0, 0, fmt.Errorf("dropout: k of every %d rows, allowed are 1 to %d", of, MaxOf)
		}
		if !fits(of) {
			return 0, 0, fmt.Errorf("dropout: rate %g is no multiple of 1/%d, so no number of every %d rows has it", rate, of, of)
		}
		return of, k, nil
	}
	for n := range MaxOf + 1 {
		if n >= 10 && fits(n) {
			return n, k, nil
		}
	}
	return 0, 0, fmt.Errorf("dropout: rate %g is no multiple of 1/n for any n of 10 to %d, so no k of every n rows has it", rate, MaxOf)
}

type rowsK struct{ n, k int }

func (r rowsK) Reached(Shape) float64 { return 1 - float64(r.k)/float64(r.n) }

func (r rowsK) Entropy(Shape) float64 { return logChoose(r.n, r.k) }

func (r rowsK) Draw(w *Words, s Shape) Selection {
	residues := w.Choose(nil, r.n, r.k)
	list := make([]int, 0, (s.Units/r.n+1)*r.k)
	for from := 0; from < s.Units; from += r.n {
		for _, i := range residues {
			if from+i < s.Units {
				list = append(list, from+i)
			}
		}
	}
	return Selection{Units: KeepList(s.Units, list)}
}

// logChoose is the logarithm of the number of ways to choose k of n.
func logChoose(n, k int) float64 {
	gamma := func(n int) float64 {
		x, _ := math.Lgamma(float64(n) + 1)
		return x
	}
	return gamma(n) - gamma(k) - gamma(n-k)
}
