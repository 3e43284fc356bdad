package experiments

import (
	"fmt"
	"go/constant"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/invopop/jsonschema"
	"gopkg.in/yaml.v3"

	"warpdrop/internal/nearest"
)

// NamedValues are named values that formulas of a point use, as text. They tell points apart and are axes of figures,
// and name no point: what they make of the other keys does.
type NamedValues map[string]string

// JSONSchema tells editors that numbers and formulas are allowed.
func (NamedValues) JSONSchema() *jsonschema.Schema { return &jsonschema.Schema{Type: "object"} }

// takesValues tells whether points of a type may have formulas.
func takesValues(t reflect.Type) bool {
	return slices.ContainsFunc(structFields(t), func(f structField) bool { return f.name == "values" })
}

// scope is what the formulas of one point may name.
type scope struct {
	vars map[string]constant.Value
	used map[string]bool
}

func (s *scope) formula(text string) (constant.Value, error) {
	e, err := parseExpression(text)
	if err != nil {
		return nil, err
	}
	e.names(s.used)
	return e.value(s.vars)
}

// braced finds formulas in text. Braces round something with a colon are those of a structure's members.
var braced = regexp.MustCompile(`\{[^{}:]*\}`)

// text fills the formulas of a text in.
func (s *scope) text(text string) (out string, err error) {
	out = braced.ReplaceAllStringFunc(text, func(formula string) string {
		v, bad := s.formula(formula[1 : len(formula)-1])
		if bad != nil {
			if err == nil {
				err = bad
			}
			return formula
		}
		return valueText(v)
	})
	return out, err
}

// replaced is a scalar in a node's place.
func replaced(n *yaml.Node, tag, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value, Line: n.Line, Column: n.Column}
}

// filled is a node with its formulas' values: whole numbers are formulas where they are text, and text has formulas in
// braces.
func (d *decoder) filled(s *scope, f structField, t reflect.Type, n *yaml.Node) *yaml.Node {
	n = resolve(n)
	switch {
	case t.Kind() == reflect.Slice:
		list := n
		if n.Kind == yaml.ScalarNode && t.Elem().Kind() == reflect.Int { // one size
			list = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{n}, Line: n.Line, Column: n.Column}
		}
		if list.Kind != yaml.SequenceNode {
			return n
		}
		out := *list
		out.Content = nil
		for _, item := range list.Content {
			out.Content = append(out.Content, d.filled(s, f, t.Elem(), item))
		}
		return &out
	case n.Kind != yaml.ScalarNode || n.Tag != "!!str":
		return n
	case t.Kind() == reflect.Int || t.Kind() == reflect.Int64:
		v, err := s.formula(n.Value)
		if err == nil && v.Kind() == constant.Bool {
			v = constant.MakeInt64(map[bool]int64{true: 1}[constant.BoolVal(v)])
		}
		if err == nil {
			if v.Kind() == constant.String || constant.ToInt(v).Kind() != constant.Int {
				err = fmt.Errorf("%q is %s, no whole number", n.Value, v)
			} else {
				return replaced(n, "!!int", constant.ToInt(v).ExactString())
			}
		}
		d.fail(n, "%s: %v", f.name, err)
	case t.Kind() == reflect.String:
		if _, declared := s.vars[n.Value]; declared && f.name == "defines" { // NAME of a value
			s.used[n.Value] = true
			return replaced(n, "!!str", n.Value+"="+valueText(s.vars[n.Value]))
		}
		text, err := s.text(n.Value)
		if err != nil {
			d.fail(n, "%s: %v", f.name, err)
		}
		return replaced(n, "!!str", text)
	}
	return n
}

// values takes the named values out of a point's fields and fills formulas in. Declared are the names that a sweep
// gives.
func (d *decoder) values(t reflect.Type, fields fieldList, declared map[string]bool) fieldList {
	known := map[string]structField{}
	for _, f := range structFields(t) {
		known[f.name] = f
		if f.also != "" {
			known[f.also] = f
		}
	}
	s := &scope{vars: map[string]constant.Value{}, used: map[string]bool{}}
	texts := &yaml.Node{Kind: yaml.MappingNode}
	at := map[string]*yaml.Node{}
	set := func(key, n *yaml.Node, v constant.Value) {
		s.vars[key.Value] = v
		at[key.Value] = key
		texts.Content = append(texts.Content, key, replaced(n, "!!str", valueText(v)))
	}
	var rest fieldList
	var given *field
	for i, f := range fields {
		_, key := known[f.key.Value]
		switch n := resolve(f.value); {
		case f.key.Value == "values":
			given = &fields[i]
		case key || !declared[f.key.Value]:
			rest = append(rest, f)
		case n.Kind != yaml.ScalarNode || n.Tag == "!!null" || !name.MatchString(f.key.Value):
			d.fail(n, "%s is %s; allowed is a number or text", f.key.Value, describe(n))
		default:
			set(f.key, n, nodeValue(n))
		}
	}
	if given != nil {
		for _, f := range d.mapping(given.value, "values") {
			n := resolve(f.value)
			if _, ok := s.vars[f.key.Value]; ok { // swept
				continue
			}
			if _, key := known[f.key.Value]; key || n.Kind != yaml.ScalarNode || !name.MatchString(f.key.Value) {
				d.fail(f.key, "values: %s is %s; allowed are names that are no key, with a number or a formula each",
					f.key.Value, describe(n))
				continue
			}
			v := nodeValue(n)
			if n.Tag == "!!str" {
				var err error
				if v, err = s.formula(n.Value); err != nil {
					d.fail(n, "values: %s: %v", f.key.Value, err)
					continue
				}
			}
			set(f.key, n, v)
		}
	}
	out := fieldList{}
	for _, f := range rest {
		if k, ok := known[f.key.Value]; ok {
			f.value = d.filled(s, k, t.FieldByIndex(k.index).Type, f.value)
		}
		out = append(out, f)
	}
	names := slices.Sorted(maps.Keys(known))
	for _, n := range slices.Sorted(maps.Keys(s.vars)) {
		if !s.used[n] {
			d.fail(at[n], "%q is no key%s, and no formula uses it (in text it stands as {%s}); keys are %s", n,
				nearest.Hint(n, names), n, strings.Join(names, ", "))
		}
	}
	if len(s.vars) > 0 {
		key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "values"}
		out = append(out, field{key, texts})
	}
	return out
}

// name is what a value may be called.
var name = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// nodeValue is a scalar's value.
func nodeValue(n *yaml.Node) constant.Value {
	switch n.Tag {
	case "!!bool":
		b, _ := strconv.ParseBool(n.Value)
		return constant.MakeBool(b)
	case "!!int", "!!float":
		return cellValue(n.Value)
	}
	return constant.MakeString(n.Value)
}
