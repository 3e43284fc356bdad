package experiments

import (
	"warpdrop/dropout"
	"warpdrop/plots"
)

func init() { // patterns look in figures as their registry says
	for _, k := range dropout.Kinds() {
		if k.Look == "" {
			continue
		}
		if err := plots.SetLook(string(k.Name), k.Look); err != nil {
			panic(err) // the registry's own words: every start finds a mistake
		}
	}
}
