package dropout

import "fmt"

// Scale names what kept activations (or synapses) are multiplied by while training, so that the network can be used
// without dropout and without scaling afterwards.
type Scale string

const (
	ScaleRate Scale = "rate" // 1/(1 - reached rate), the same in every iteration; the default
	// the iteration's own dp: each iteration's sum keeps its size, but one with a large dp blows up the few kept
	ScaleDP Scale = "dp"
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
