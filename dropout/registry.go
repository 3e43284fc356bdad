package dropout

import (
	"fmt"
	"slices"
	"strings"
)

// Drops says what a method drops.
type Drops string

const (
	DropsNothing Drops = ""      // everything is computed
	DropsMask    Drops = "mask"  // single elements, by a Bernoulli mask
	DropsRows    Drops = "rows"  // units: an iteration computes the kept ones only
	DropsTiles   Drops = "tiles" // tiles of weights: an iteration computes the kept ones only
)

// Kind is a pattern: a way to drop that leaves products of kept rows or tiles only. Each is one file of this package,
// which registers it; command line, YAML, trainer, simulator and figures take it from there.
type Kind struct {
	Name  Method
	Text  string // what is kept, for help and legends
	Look  string // in figures, see plots.SetLook; "" = one of those that go round
	Drops Drops  // DropsRows or DropsTiles
	HasOf bool   // keeps k of every Of rows
	Grain int    // rows or tiles that are kept or dropped together, which bounds how near a rate can be met; 0 = 1

	// Keep is what a pattern with a dp keeps, 1 <= bias <= dp; dp is drawn from a distribution (Search). nil: it has no
	// dp.
	Keep func(s Shape, dp, bias int) Selection
	// Support is what can be drawn. nil: dp and bias, for Keep.
	Support func(o Options) (Support, error)
}

// HasDP says whether the pattern draws a dp from a distribution.
func (k *Kind) HasDP() bool { return k.Keep != nil }

// support is what can be drawn with these options.
func (k *Kind) support(o Options) (Support, error) {
	if k.Support == nil {
		return newRegular(k, o.Distribution)
	}
	return k.Support(o)
}

// Options are what a pattern is made from.
type Options struct {
	Rate         float64      // share to drop, in [0, 1)
	Distribution Distribution // of dp, for kinds that have it
	Of           int          // for kinds that have it; 0 = chosen from the rate
}

// Shape is where a pattern acts: on Units, or on the tiles of the weights behind them, one row of tiles for so many
// units.
type Shape struct {
	Units              int
	TileRows, TileCols int // see TileGrid; patterns of rows need none
}

// ShapeOf is the shape of so many units with rows x cols weights behind them, in tiles of tile x tile; tile = 0 has no
// tiles.
func ShapeOf(units, rows, cols, tile int) Shape {
	s := Shape{Units: units}
	if tile > 0 {
		s.TileRows, s.TileCols = TileGrid(rows, cols, tile, tile)
	}
	return s
}

// Support is what can be drawn at one place, with the probabilities that the options ask for.
type Support interface {
	// Reached is the share that is dropped, the same for every unit or synapse.
	Reached(s Shape) float64
	// Entropy is that of a draw in nats: the logarithm of the number of sub-models, where all are equally likely; of
	// tiles-random a bound from above.
	Entropy(s Shape) float64
	// Draw chooses what is kept, from random words.
	Draw(w *Words, s Shape) Selection
}

var kinds = map[Method]*Kind{}

// register adds a kind; it is called by the file of each.
func register(k Kind) struct{} {
	kinds[k.Name] = &k
	return struct{}{}
}

// Kinds lists the patterns there are, those with dp first, then by name.
func Kinds() (out []*Kind) {
	for _, k := range kinds {
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b *Kind) int {
		if a.HasDP() != b.HasDP() {
			if a.HasDP() {
				return -1
			}
			return 1
		}
		return strings.Compare(string(a.Name), string(b.Name))
	})
	return out
}

// Kind is the pattern of a method, nil where it has none.
func (m Method) Kind() *Kind { return kinds[m] }

// Drops says what the method drops.
func (m Method) Drops() Drops {
	switch k := m.Kind(); {
	case k != nil:
		return k.Drops
	case m == Dense || m == Masked || m == DropConnect:
		return DropsMask
	}
	return DropsNothing
}

// Approximate says whether the method drops by patterns.
func (m Method) Approximate() bool { return m.Kind() != nil }

// HasDP says whether the method draws a dp from a distribution.
func (m Method) HasDP() bool { return m.Kind() != nil && m.Kind().HasDP() }

// Methods lists those that are not patterns, as given, and all patterns behind them.
func Methods(plain ...Method) []Method {
	for _, k := range Kinds() {
		plain = append(plain, k.Name)
	}
	return plain
}

// Methods are those that a network of this kind is trained and simulated with.
func (n Network) Methods() []Method {
	if n == MLP {
		return Methods(None, Dense, Masked, DropConnect)
	}
	return Methods(None, Dense, Masked)
}

// Strings are the names of methods.
func Strings(methods []Method) (out []string) {
	for _, m := range methods {
		out = append(out, string(m))
	}
	return out
}

// Names lists methods for a text: "a, b or c".
func Names(methods []Method) string {
	out := Strings(methods)
	if len(out) < 2 {
		return strings.Join(out, "")
	}
	return strings.Join(out[:len(out)-1], ", ") + " or " + out[len(out)-1]
}

// MethodsWith lists the patterns that a property holds for.
func MethodsWith(has func(*Kind) bool) (out []Method) {
	for _, k := range Kinds() {
		if has(k) {
			out = append(out, k.Name)
		}
	}
	return out
}

// Stream draws the selections of one place of a network.
type Stream struct {
	support Support
	shape   Shape
	seed    uint64
	layer   int
	words   Words // of the draw under way, here so that a draw allocates nothing
}

// NewStream makes the stream of one layer, 0 <= layer < 2^32, of a method that has patterns.
func NewStream(m Method, o Options, s Shape, seed uint64, layer int) (*Stream, error) {
	k := m.Kind()
	if k == nil {
		return nil, fmt.Errorf("dropout: method %q has no patterns, allowed are %s", m, Names(Methods()))
	}
	if k.Drops == DropsTiles && s.TileRows*s.TileCols < 1 {
		return nil, fmt.Errorf("dropout: %s with %d x %d tiles, want one or more", m, s.TileRows, s.TileCols)
	}
	support, err := k.support(o)
	if err != nil {
		return nil, err
	}
	return &Stream{support: support, shape: s, seed: seed, layer: layer}, nil
}

// Reached is the share that the stream drops.
func (s *Stream) Reached() float64 { return s.support.Reached(s.shape) }

// Entropy is that of a draw in nats.
func (s *Stream) Entropy() float64 { return s.support.Entropy(s.shape) }

// Masks is the stream of masks of a pattern: of units or, where tiles are dropped, of tiles.
func (s *Stream) Masks() MaskStream {
	return func(iteration uint64, kept []bool) {
		clear(kept)
		s.At(iteration, 0).each(len(kept), func(i int) { kept[i] = true })
	}
}

// Share is the share of units or tiles that an iteration keeps.
func (s *Stream) Share(iteration uint64) float64 {
	d, tiles := s.At(iteration, 0), s.shape.TileRows*s.shape.TileCols
	switch {
	case !d.Tiles:
		return float64(d.Units.Size()) / float64(d.Units.N)
	case d.List != nil:
		return float64(len(d.List)) / float64(tiles)
	}
	return float64(CountKept(tiles, d.DP, d.Bias)) / float64(tiles)
}

// At draws the selection of an iteration, for one of its groups.
func (s *Stream) At(iteration uint64, group int) Selection {
	s.words = NewWords(s.seed, s.layer, iteration, group)
	return s.support.Draw(&s.words, s.shape)
}
