package dropout

import (
	"fmt"
	"math"
)

// RowsK keeps k of every n rows: the same residues modulo n all over the layer, drawn anew each iteration, every k
// of n equally likely.
const RowsK Method = "rows-k"

var _ = register(Kind{Name: RowsK, Text: "k of every n rows are kept, at residues drawn anew",
	Look: "orange dashdot circle falling", Drops: DropsRows, HasOf: true, Support: func(o Options) (Support, error) {
		_, _, err := KeptOf(o.Rate, o.Of, 0)
		return rowsK{o.Rate, o.Of}, err
	}})

// MaxOf is the largest n of k rows of every n.
const MaxOf = 64

// KeptOf is how many rows of every n are kept at a dropout rate, which has to be a multiple of 1/n. of = 0 chooses n,
// from 10 on: the first that divides the number of units, so that every iteration keeps as many, else the first there
// is.
func KeptOf(rate float64, of, units int) (n, k int, err error) {
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
			return 0, 0, fmt.Errorf("dropout: rate %g is no multiple of 1/%d, so no number of every %d rows has it",
				rate, of, of)
		}
		return of, k, nil
	}
	for i := MaxOf; i >= 10; i-- {
		if fits(i) && (n == 0 || units%i == 0 || units%n != 0) {
			n = i
		}
	}
	if n > 0 && fits(n) {
		return n, k, nil
	}
	return 0, 0, fmt.Errorf("dropout: rate %g is no multiple of 1/n for any n of 10 to %d, so no k of every n rows has it",
		rate, MaxOf)
}

type rowsK struct {
	rate float64
	of   int
}

func (r rowsK) kept(s Shape) (n, k int) {
	n, k, _ = KeptOf(r.rate, r.of, s.Units)
	return n, k
}

func (r rowsK) Reached(s Shape) float64 {
	n, k := r.kept(s)
	return 1 - float64(k)/float64(n)
}

func (r rowsK) Entropy(s Shape) float64 { return logChoose(r.kept(s)) }

func (r rowsK) Draw(w *Words, s Shape) Selection {
	n, k := r.kept(s)
	residues := w.Choose(nil, n, k)
	list := make([]int, 0, (s.Units/n+1)*k)
	for from := 0; from < s.Units; from += n {
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
