package dropout

import "fmt"

// Scale names what kept activations (or synapses) are multiplied by while training, so that the network can be used
// without dropout and without scaling afterwards.
type Scale string

const (
	ScaleRate Scale = "rate" // 1/(1 - reached rate), the same in every iteration; the default
	ScaleDP   Scale = "dp"   // the iteration's own dp: each iteration's sum keeps its size, but one with a large dp blows up the few kept
)

// ParseScale reads a scale by name; the empty name is ScaleRate.
func ParseScale(name string) (Scale, error) {
	switch s := Scale(name); s {
	case "":
		return ScaleRate, nil
	case ScaleRate, ScaleDP:
		return s, nil
	}
	return "", fmt.Errorf("dropout: scale %q, allowed are %q and %q", name, ScaleRate, ScaleDP)
}

// Factor is what to multiply kept values by in an iteration that drew dp from a distribution with this reached rate.
func (s Scale) Factor(reached float64, dp int) float64 {
	if s == ScaleDP {
		return float64(dp)
	}
	return 1 / (1 - reached)
}
