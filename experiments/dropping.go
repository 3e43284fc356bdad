package experiments

import (
	"fmt"
	"math"

	"warpdrop/dropout"
)

// Dropping says what is dropped.
type Dropping struct {
	Method   string    `json:"method" need:"true" jsonschema:"enum=none,enum=dense,enum=masked,enum=dropconnect,enum=@patterns" jsonschema_description:"Method of dropout: none; dense = conventional dropout by a mask; masked = skipping by if-else; dropconnect; or a pattern: @patterns."`
	Rates    []float64 `json:"rates" need:"true" jsonschema:"minimum=0,exclusiveMaximum=1" jsonschema_description:"Dropout rate of each hidden layer."`
	Patterns int       `json:"patterns" jsonschema:"minimum=0,maximum=65536,default=0" jsonschema_description:"Number N of patterns dp = 1 .. N to draw from; 0 = chosen from the rate."`
	Search   string    `json:"search" jsonschema:"enum=sgd,enum=exact,enum=balanced,default=sgd" jsonschema_description:"How the distribution is found: sgd = Algorithm 1; exact = maximum entropy; balanced = least spread of the kept share."`
	Tile     int       `json:"tile" jsonschema:"minimum=1,maximum=128,default=32" jsonschema_description:"Patterns of tiles: edge of the square tile."`
	DP       int       `json:"dp" jsonschema:"minimum=0,maximum=65536,default=0" jsonschema_description:"Fix the pattern to one dp in place of a distribution; 0 = distribution."`
	Of       int       `json:"of,omitempty" jsonschema:"minimum=0,maximum=64" jsonschema_description:"rows-k: k of every so many rows are kept; 0 = chosen from the rate and the width."`
}

func (d Dropping) method() dropout.Method { return dropout.Method(d.Method) }

// approximate tells whether the method has patterns.
func (d Dropping) approximate() bool {
	return d.method().Approximate()
}

// stream draws the patterns of a layer, with the i-th rate.
func (d Dropping) stream(i int, at dropped, seed uint64, layer int) (*dropout.Stream, error) {
	o := dropout.Options{Rate: d.Rates[i], Of: d.Of}
	if d.method().HasDP() {
		ds, _, err := distributions(d)
		if err != nil {
			return nil, err
		}
		o.Distribution = ds[i]
	}
	return dropout.NewStream(d.method(), o, dropout.ShapeOf(at.units, at.inputs, at.outputs, d.Tile), seed, layer)
}

func (d Dropping) normal() Dropping {
	if !d.method().HasDP() {
		d.Patterns, d.Search = 0, dropout.SGD
	}
	if d.method().Drops() != dropout.DropsTiles {
		d.Tile = 32
	}
	if k := d.method().Kind(); k == nil || !k.HasOf {
		d.Of = 0
	}
	return d
}

// maxShared is the shared memory of one block in bytes (CUDA programming guide, compute capability 6.1).
const maxShared = 48 << 10

// dropped is what a rate drops from: units by rows, weights of inputs x outputs by tiles.
type dropped struct{ units, inputs, outputs int }

// check tests what the fields of d mean together; layers are in the order of Rates.
func (d Dropping) check(layers []dropped) (out []problem) {
	bad := func(key, format string, args ...any) { out = append(out, problem{key, fmt.Sprintf(format, args...)}) }
	if len(d.Rates) != len(layers) {
		bad("rates", "%d rates for %d layers; allowed is one rate a layer", len(d.Rates), len(layers))
		return out
	}
	// The tile GEMM keeps one tile of each operand in shared memory, as float32.
	if bytes := 2 * d.Tile * d.Tile * 4; bytes > maxShared {
		bad("tile",
			"tile of %d x %d takes %d bytes of shared memory for its two operands; allowed is up to %d bytes a block (tile "+
				"up to %d)", d.Tile, d.Tile, bytes, maxShared, int(math.Sqrt(maxShared/8)))
	}
	if d.DP > 0 && !d.method().HasDP() {
		bad("dp", "dp belongs to a pattern, method %s has none; allowed with %s",
			d.Method, dropout.Names(dropout.MethodsWith((*dropout.Kind).HasDP)))
	}
	if d.approximate() && !d.method().HasDP() {
		for i, layer := range layers {
			if _, err := d.stream(i, layer, 0, i); err != nil {
				bad("rates", "%v", err)
			}
		}
	}
	if !d.method().HasDP() {
		return out
	}
	for i, rate := range d.Rates {
		layer := layers[i]
		limit := dropout.MaxDP(dropout.Method(d.Method), layer.units, layer.inputs, layer.outputs, d.Tile)
		switch {
		case d.DP > limit:
			bad("dp", "dp = %d is over the maximum of layer %d of %d units; allowed is 1 to %d", d.DP, i+1, layer.units, limit)
		case d.DP == 0 && d.Patterns > limit:
			bad("patterns", "%d patterns are over the maximum dp of layer %d of %d units; allowed is up to %d",
				d.Patterns, i+1, layer.units, limit)
		case d.DP == 0 && d.Patterns > 0 && d.Patterns < dropout.MinPatterns(rate):
			bad("patterns", "%d patterns reach a rate of at most %.4g, not %g; allowed is %d or more",
				d.Patterns, float64(d.Patterns-1)/float64(d.Patterns), rate, dropout.MinPatterns(rate))
		}
	}
	return out
}

// checkScale refuses a scale that the method does not have.
func (d Dropping) checkScale(scale string) []problem {
	if scale == string(dropout.ScaleDP) && !d.method().HasDP() {
		return []problem{{"scale", fmt.Sprintf("method %s has no dp to scale by; allowed is rate", d.Method)}}
	}
	return nil
}

// checkGroups refuses more groups than there are samples or steps, and methods that have none.
func (d Dropping) checkGroups(groups, most int) []problem {
	switch {
	case groups > most:
		return []problem{{"groups", fmt.Sprintf("%d groups; allowed is up to %d", groups, most)}}
	case groups > 1 && d.method().Drops() != dropout.DropsRows:
		return []problem{{"groups", fmt.Sprintf("method %s drops no rows and has one pattern or mask for all", d.Method)}}
	}
	return nil
}

// checkSimulatedGroups is checkGroups of a simulated iteration, whose one draw has to stand for all.
func (d Dropping) checkSimulatedGroups(groups, most int) []problem {
	out := d.checkGroups(groups, most)
	if groups <= 1 || out != nil || !d.method().HasDP() || d.DP > 0 {
		return out
	}
	ds, _, err := distributions(d)
	for i := range ds {
		for _, p := range ds[i].P {
			if err == nil && p > 0 && p < 1 {
				return []problem{
					{"groups",
						fmt.Sprintf("%s draws several dp at rate %g; groups are simulated with one dp only: a fixed dp, or search "+
							"balanced at rates (dp-1)/dp", d.Method, d.Rates[i])}}
			}
		}
	}
	return nil // an error is the search's own
}

// normalScale leaves out the scale that holds where none is given: points that were stored before there was the key
// keep their names.
func normalScale(scale string) string {
	if scale == string(dropout.ScaleRate) {
		return ""
	}
	return scale
}
