package experiments

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"
	"gopkg.in/yaml.v3"

	"warpdrop/dropout"
	"warpdrop/internal/nearest"
)

// Baseline chooses the row that speedups are of: by method on the same network, or by keys of its point.
type Baseline struct {
	Method string
	Keys   map[string]string // keyText of each; nil: the method chooses
}

// baselineMethods are the methods that may be a baseline.
func baselineMethods() []string {
	names := []string{"none", "dense", "masked", "dropconnect"}
	for _, m := range dropout.Methods() {
		names = append(names, string(m))
	}
	return names
}

// JSONSchema tells editors of both forms.
func (Baseline) JSONSchema() *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string"}
	for _, name := range baselineMethods() {
		s.Enum = append(s.Enum, name)
	}
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{s, {Type: "object"}}}
}

// String is the baseline as it is written: dense, or tile 8, kernel naive.
func (b Baseline) String() string {
	if b.Keys == nil {
		return b.Method
	}
	var words []string
	for _, k := range slices.Sorted(maps.Keys(b.Keys)) {
		words = append(words, k+" "+b.Keys[k])
	}
	return strings.Join(words, ", ")
}

// baseline decodes one.
func (d *decoder) baseline(n *yaml.Node, v reflect.Value) {
	var b Baseline
	switch n.Kind {
	case yaml.ScalarNode:
		if b.Method = n.Value; !slices.Contains(baselineMethods(), b.Method) {
			d.fail(n, "baseline is %s%s; allowed is a method (%s), or keys of a point: {tile: 8}",
				describe(n), nearest.Hint(n.Value, baselineMethods()), strings.Join(baselineMethods(), ", "))
		}
	case yaml.MappingNode:
		b.Keys = map[string]string{}
		for _, f := range d.mapping(n, "baseline") {
			var x any
			if err := f.value.Decode(&x); err != nil {
				d.fail(f.value, "baseline: %s is %s; allowed is a value of that key", f.key.Value, describe(f.value))
				continue
			}
			b.Keys[f.key.Value] = keyText(x)
		}
		if len(b.Keys) == 0 {
			d.fail(n, "baseline is empty; allowed is a method, or keys of a point: {tile: 8}")
		}
	default:
		d.fail(n, "baseline is %s; allowed is a method, or keys of a point: {tile: 8}", describe(n))
	}
	v.Set(reflect.ValueOf(b))
}

// keyText is the value of a key as text: strings as they are, everything else as JSON.
func keyText(x any) string {
	if s, ok := x.(string); ok {
		return s
	}
	data, err := json.Marshal(x)
	if err != nil {
		return fmt.Sprint(x)
	}
	return string(data)
}

// keysOf are the keys of a point with their values as text; those in values stand beside them.
func keysOf(s Spec) map[string]string {
	data, err := json.Marshal(s)
	var fields map[string]any
	if err == nil {
		err = json.Unmarshal(data, &fields)
	}
	if err != nil {
		panic("experiments: keys of a point: " + err.Error()) // specs hold plain numbers and strings
	}
	out := map[string]string{}
	for name, x := range fields {
		out[name] = keyText(x)
	}
	if v, ok := s.(interface{ values() NamedValues }); ok {
		maps.Copy(out, v.values())
	}
	for _, f := range structFields(reflect.TypeOf(s)) {
		if f.also != "" {
			out[f.also] = out[f.name]
		}
	}
	return out
}

// has tells whether a point has all keys of a baseline.
func (b Baseline) has(keys map[string]string) bool {
	for k, v := range b.Keys {
		if keys[k] != v {
			return false
		}
	}
	return true
}

// checkBaseline refuses a baseline that no point is.
func (d *decoder) checkBaseline(n *yaml.Node, e *Experiment) {
	if e.Baseline.Keys == nil || n == nil {
		return
	}
	names := map[string]bool{}
	for _, specs := range e.points {
		for _, s := range specs {
			keys := keysOf(s)
			if e.Baseline.has(keys) {
				return
			}
			for k := range keys {
				names[k] = true
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(e.Baseline.Keys)) {
		if !names[k] {
			all := slices.Sorted(maps.Keys(names))
			d.fail(n, "baseline: unknown key %q%s; the points have %s", k, nearest.Hint(k, all), strings.Join(all, ", "))
			return
		}
	}
	d.fail(n, "baseline: no point has %s", e.Baseline)
}

// chosen is the row that the baseline's keys choose for a row: of those with these keys, on the same network, batch and
// GPU unless the keys say otherwise, the one that has most of the row's other keys.
func (r *Results) chosen(row *Row) (best *Row) {
	most := -1
	for _, b := range r.Rows {
		if !b.Cycles.known() || b.Workload != row.Workload || !r.Experiment.Baseline.has(b.keys) {
			continue
		}
		if _, any := r.Experiment.Baseline.Keys["gpu"]; !any && b.GPU != row.GPU {
			continue
		}
		if row.Workload != "launch" && (b.Network != row.Network || b.Batch != row.Batch) {
			continue
		}
		same := 0
		for k, v := range b.keys {
			if row.keys[k] == v {
				same++
			}
		}
		if same > most {
			best, most = b, same
		}
	}
	return best
}
