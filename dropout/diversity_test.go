package dropout

import (
	"math"
	"testing"
)

func TestDiversityOfBernoulli(t *testing.T) {
	b, _ := NewBernoulli(0.3, 1, 0)
	got := MeasureDiversity(b.Stream(), 256, 5000, 500, 1)
	if got.Distinct != 5000 || math.Abs(got.Kept-0.7) > 0.002 {
		t.Errorf("%+v: want 5000 different masks that keep 0.7", got)
	}
	if want := math.Sqrt(0.3 * 0.7 / 256); math.Abs(got.KeptSpread/want-1) > 0.05 {
		t.Errorf("spread of the kept share %g, a binomial one is %g", got.KeptSpread, want)
	}
	if want := 1 / math.Sqrt(5000); math.Abs(got.Correlation/want-1) > 0.1 {
		t.Errorf("correlation %g, of independent units %g", got.Correlation, want)
	}
}

// Measured correlations of row patterns against the closed form.
func TestDiversityOfRows(t *testing.T) {
	d, _ := search(t, 0.6, 6, Exact)
	const units = 48
	stream, err := NewStream(RDP, Options{Distribution: d}, Shape{Units: units}, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := MeasureDiversity(stream.Masks(), units, 40_000, 3000, 1)
	if got.Distinct != SubModels(6) {
		t.Errorf("%d different masks, there are %d patterns", got.Distinct, SubModels(6))
	}
	squares, pairs := 0.0, 0.0
	for distance := 1; distance < units; distance++ {
		c := RowCorrelation(d, distance)
		squares += float64(units-distance) * c * c
		pairs += float64(units - distance)
	}
	if want := math.Sqrt(squares / pairs); math.Abs(got.Correlation/want-1) > 0.03 {
		t.Errorf("correlation %.4f, closed form %.4f", got.Correlation, want)
	}
}

func TestRowCorrelation(t *testing.T) {
	// dp = 2 always: neighbours are never kept together, every other neuron always.
	if a, b := RowCorrelation(Fixed(2), 1), RowCorrelation(Fixed(2), 2); a != -1 || b != 1 {
		t.Errorf("correlations %g and %g, want -1 and 1", a, b)
	}
	if c := RowCorrelation(Fixed(1), 1); c != 0 {
		t.Errorf("correlation %g without dropout", c)
	}
}

func TestLostLines(t *testing.T) {
	for _, c := range []struct {
		dp, rows, cols     int
		method             Method
		lostRows, lostCols float64
	}{
		{1, 8, 8, TDP, 0, 0},
		{4, 8, 8, TDP, 0, 0.75}, // whole columns
		{4, 8, 8, TDPSkewed, 0, 0},
		{3, 8, 8, TDP, 0, 0},
		{6, 6, 8, TDP, 0, 0.5}, // gcd(6, 8) = 2
		{6, 6, 8, TDPSkewed, 0, 0},
		{16, 8, 8, TDP, 0.5, 7.0 / 8},   // 4 tiles, one in every other row, all in one column
		{16, 8, 8, TDPSkewed, 0.5, 0.5}, // the same number, each in a column of its own
	} {
		shape := Shape{TileRows: c.rows, TileCols: c.cols}
		r, k := LostLines(c.method.Kind(), Fixed(c.dp), shape)
		if math.Abs(r-c.lostRows) > 1e-12 || math.Abs(k-c.lostCols) > 1e-12 {
			t.Errorf("%s dp %d of %dx%d: lost rows %g, columns %g; want %g, %g",
				c.method, c.dp, c.rows, c.cols, r, k, c.lostRows, c.lostCols)
		}
		stream, err := NewStream(c.method, Options{Distribution: Fixed(c.dp)}, shape, 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		r, k = stream.LostLines(500) // the share is the same for every bias of these
		if math.Abs(r-c.lostRows) > 1e-9 || math.Abs(k-c.lostCols) > 1e-9 {
			t.Errorf("%s dp %d of %dx%d, drawn: lost rows %g, columns %g; want %g, %g",
				c.method, c.dp, c.rows, c.cols, r, k, c.lostRows, c.lostCols)
		}
	}
}

func TestEntropies(t *testing.T) {
	if got, want := BernoulliEntropy(10, 0.5), 10*math.Ln2; math.Abs(got-want) > 1e-12 {
		t.Errorf("entropy %g, want %g", got, want)
	}
	// One dp: the bias alone is random. Two dps of equal chance: log 2, and half the time another log 2 of bias.
	if got := Fixed(5).SubModelEntropy(); math.Abs(got-math.Log(5)) > 1e-12 {
		t.Errorf("entropy %g, want log 5", got)
	}
	if got := (Distribution{P: []float64{0.5, 0.5}}).SubModelEntropy(); math.Abs(got-1.5*math.Ln2) > 1e-12 {
		t.Errorf("entropy %g, want 1.5 log 2", got)
	}
}
