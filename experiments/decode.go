package experiments

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"warpdrop/dropout"
	"warpdrop/internal/infile"
	"warpdrop/internal/nearest"
)

// FileError is one thing wrong with an experiment file, at its place.
type FileError struct {
	File         string
	Line, Column int
	Text         string // what is wrong and what is allowed
}

func (e FileError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Text)
}

// FileErrors are all things wrong with an experiment file, in its order.
type FileErrors []FileError

func (e FileErrors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// decoder collects what is wrong instead of stopping at the first.
type decoder struct {
	file   string
	saved  bool // the file of a run that is over: what its points name outside of it need not be there any more
	errors FileErrors

	expanded map[string]int // points by scale, each time that one is asked for
}

func (d *decoder) fail(n *yaml.Node, format string, args ...any) {
	e := FileError{d.file, max(n.Line, 1), max(n.Column, 1), fmt.Sprintf(format, args...)}
	if !slices.Contains(d.errors, e) { // a point's mistake shows up once in every combination of its sweep
		d.errors = append(d.errors, e)
	}
}

// finish sorts the errors by place.
func (d *decoder) finish() error {
	if len(d.errors) == 0 {
		return nil
	}
	slices.SortStableFunc(d.errors, func(a, b FileError) int {
		return (a.Line-b.Line)<<16 + a.Column - b.Column
	})
	return d.errors
}

// maxFileBytes bounds an experiment file.
const maxFileBytes = 1 << 20

// Load reads and checks an experiment file; what is wrong with it comes back as FileErrors, all at once. The points of
// every scale are expanded and checked, not only those of the scale that will run.
func Load(path string) (*Experiment, error) {
	f, err := infile.Open(path, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

// yamlTexts say in our words what the YAML library says in its own.
var yamlTexts = []struct{ has, text string }{
	{"tab character", "the line is indented with a tab; allowed are spaces"},
	{"cannot start any token",
		"the line begins with a tab or another character that no value begins with; indent with spaces, and put text in " +
			"quotes"},
	{"mapping values are not allowed",
		`no key can stand here: keys of one level have one indentation, and text with ": " in it needs quotes`},
	{"did not find expected key",
		"this line's indentation fits none above it: keys and list items of one level have one indentation"},
	{"did not find expected '-'",
		"this line's indentation fits none above it: keys and list items of one level have one indentation"},
	{"unexpected end of stream", "a quote or bracket that is opened here or below is not closed"},
	{"did not find expected node content", "a value is missing here, or a bracket that is opened above is not closed"},
	{"did not find expected ',' or", "a bracket that is opened here or above is not closed, or a comma is missing"},
}

// yamlText is what a message of the YAML library means.
func yamlText(text string) string {
	for _, t := range yamlTexts {
		if strings.Contains(text, t.has) {
			return t.text
		}
	}
	return text
}

// Parse is Load on the bytes of a file.
func Parse(path string, data []byte) (*Experiment, error) { return (&decoder{file: path}).parse(data) }

// document is the one YAML document of a file, nil where there is none. A whole has name, title and more.
func (d *decoder) document(data []byte, whole, more string) *yaml.Node {
	if len(data) > maxFileBytes {
		d.fail(&yaml.Node{}, "file is longer than %d bytes", maxFileBytes)
		return nil
	}
	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); err != nil {
		at := &yaml.Node{}
		text := strings.TrimPrefix(err.Error(), "yaml: ")
		if errors.Is(err, io.EOF) {
			text = fmt.Sprintf("file is empty; %s has name, title and %s", whole, more)
		} else if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
			at.Line, _ = strconv.Atoi(m[1])
			text = yamlText(m[2])
		}
		d.fail(at, "%s", text)
		return nil
	}
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		_, noun, _ := strings.Cut(whole, " ")
		d.fail(&second, "second YAML document; allowed is one %s a file", noun)
		return nil
	}
	return resolve(doc.Content[0])
}

func (d *decoder) parse(data []byte) (*Experiment, error) {
	root := d.document(data, "an experiment", "points")
	if root == nil {
		return nil, d.finish()
	}
	e := &Experiment{Source: data, Path: d.file, points: map[string][]Spec{}, places: map[string][]place{},
		seen: map[string]bool{}}
	fields := d.mapping(root, "experiment")
	if fields == nil {
		return nil, d.finish()
	}
	groups := fields.take("points")
	d.structure(root, fields, reflect.ValueOf(&e.File).Elem(), nil)
	if groups == nil {
		d.fail(root, "key points is missing")
	} else if list := resolve(groups.value); list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
		d.fail(list, "points is %s; allowed is a list of one or more groups", describe(list))
	} else {
		for _, g := range list.Content {
			d.group(resolve(g), e)
		}
	}
	for _, scale := range ScaleNames {
		if groups != nil && len(d.errors) == 0 && len(e.points[scale]) == 0 {
			d.fail(groups.key, "scale %s has no points; at least one group must not skip it", scale)
		}
	}
	if len(d.errors) == 0 {
		d.checkBaseline(fields.at("baseline", nil), e)
		for _, name := range e.Figures {
			if err := e.checkFigure(name); err != nil {
				d.fail(fields.at("figures", root), "%v", err)
			}
		}
	}
	if err := d.finish(); err != nil {
		return nil, err
	}
	return e, nil
}

// field is one key of a mapping with its value.
type field struct{ key, value *yaml.Node }

// fieldList keeps the order of the file.
type fieldList []field

func (l *fieldList) take(key string) *field {
	for i, f := range *l {
		if f.key.Value == key {
			*l = slices.Delete(slices.Clone(*l), i, i+1)
			return &f
		}
	}
	return nil
}

// at is the value's node of a key, or otherwise if it has none.
func (l fieldList) at(key string, otherwise *yaml.Node) *yaml.Node {
	for _, f := range l {
		if f.key.Value == key {
			return f.value
		}
	}
	return otherwise
}

// set replaces or appends.
func (l fieldList) set(f field) fieldList {
	l = slices.Clone(l)
	for i := range l {
		if l[i].key.Value == f.key.Value {
			l[i] = f
			return l
		}
	}
	return append(l, f)
}

func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// mapping lists the keys of a node and refuses repeated ones; nil if it is no mapping.
func (d *decoder) mapping(n *yaml.Node, what string) fieldList {
	n = resolve(n)
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return fieldList{}
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n, "%s is %s; allowed is a mapping of keys to values", what, describe(n))
		return nil
	}
	out := fieldList{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode {
			d.fail(k, "a key of %s is %s; allowed is a word", what, describe(k))
			continue
		}
		if slices.ContainsFunc(out, func(f field) bool { return f.key.Value == k.Value }) {
			d.fail(k, "key %q is there twice", k.Value)
			continue
		}
		out = append(out, field{k, n.Content[i+1]})
	}
	return out
}

// structure decodes the fields of a mapping at n into a struct. origins, where not nil, receives the node of each key.
func (d *decoder) structure(n *yaml.Node, fields fieldList, v reflect.Value, origins map[string]*yaml.Node) bool {
	before := len(d.errors)
	known := structFields(v.Type())
	names := make([]string, 0, len(known))
	for _, k := range known {
		names = append(names, cmp.Or(k.also, k.name))
	}
	for _, f := range fields {
		i := slices.IndexFunc(known, func(k structField) bool {
			return k.name == f.key.Value || k.also != "" && k.also == f.key.Value
		})
		if i < 0 {
			d.fail(f.key, "unknown key %q%s; allowed are %s", f.key.Value, nearest.Hint(f.key.Value, names),
				strings.Join(names, ", "))
			continue
		}
		if f.key.Value == known[i].also && slices.ContainsFunc(fields,
			func(o field) bool { return o.key.Value == known[i].name }) {
			d.fail(f.key, "%s and %s are two names of one key", known[i].also, known[i].name)
			continue
		}
		if origins != nil {
			origins[known[i].name] = f.value
		}
		d.value(f.value, v.FieldByIndex(known[i].index), known[i])
	}
	for _, k := range known {
		if slices.ContainsFunc(fields, func(f field) bool { return f.key.Value == k.name || f.key.Value == k.also }) ||
			k.name == "points" {
			continue
		}
		if k.need {
			d.fail(n, "key %s is missing", cmp.Or(k.also, k.name))
		} else if text, ok := k.rules["default"]; ok {
			d.value(&yaml.Node{Kind: yaml.ScalarNode, Value: text, Tag: defaultTag(v.FieldByIndex(k.index).Kind())},
				v.FieldByIndex(k.index), k)
		}
	}
	return len(d.errors) == before
}

func defaultTag(k reflect.Kind) string {
	switch k {
	case reflect.Int, reflect.Int64:
		return "!!int"
	case reflect.Float64:
		return "!!float"
	case reflect.Bool:
		return "!!bool"
	}
	return "!!str"
}

// value decodes one value and tests it against the rules of its field.
func (d *decoder) value(n *yaml.Node, v reflect.Value, f structField) {
	n = resolve(n)
	if v.Type() == reflect.TypeFor[Baseline]() {
		d.baseline(n, v)
		return
	}
	switch v.Kind() {
	case reflect.Map:
		texts := NamedValues{}
		for _, f := range d.mapping(n, f.name) {
			texts[f.key.Value] = f.value.Value
		}
		v.Set(reflect.ValueOf(texts))
		return
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			d.fail(n, "%s is %s; allowed is a list of %s", f.name, describe(n), f.allowed(v.Type().Elem().Kind()))
			return
		}
		if len(n.Content) == 0 || len(n.Content) > 4096 {
			d.fail(n, "%s has %d entries; allowed is 1 to 4096", f.name, len(n.Content))
			return
		}
		list := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
		for i, item := range n.Content {
			d.value(item, list.Index(i), f)
		}
		v.Set(list)
		return
	case reflect.String, reflect.Int, reflect.Int64, reflect.Float64, reflect.Bool:
	default:
		panic("experiments: no decoder for " + v.Type().String())
	}
	kind := v.Kind()
	bad := func() {
		d.fail(n, "%s is %s%s; allowed is %s", f.name, describe(n), nearest.Hint(n.Value, f.enum), f.allowed(kind))
	}
	if n.Kind != yaml.ScalarNode {
		bad()
		return
	}
	switch kind {
	case reflect.String:
		if n.Tag != "!!str" || n.Value == "" {
			bad()
			return
		}
		if enum := f.enum; len(enum) > 0 && !slices.Contains(enum, n.Value) {
			bad()
			return
		}
		if p, ok := f.rules["pattern"]; ok && !regexp.MustCompile(p).MatchString(n.Value) {
			bad()
			return
		}
		if most, ok := f.bound("maxLength"); ok && len(n.Value) > int(most) {
			d.fail(n, "%s has %d characters; allowed are up to %d", f.name, len(n.Value), int(most))
			return
		}
		v.SetString(n.Value)
	case reflect.Bool:
		b, err := strconv.ParseBool(n.Value)
		if n.Tag != "!!bool" || err != nil {
			bad()
			return
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int64:
		var x int64
		if n.Tag != "!!int" || n.Decode(&x) != nil || !f.inRange(float64(x)) {
			bad()
			return
		}
		v.SetInt(x)
	case reflect.Float64:
		var x float64
		if n.Tag != "!!int" && n.Tag != "!!float" || n.Decode(&x) != nil || x != x || !f.inRange(x) {
			bad()
			return
		}
		v.SetFloat(x)
	}
}

// describe names a node as its writer sees it.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "a mapping"
	case yaml.ScalarNode:
		switch {
		case n.Tag == "!!null":
			return "empty"
		case n.Tag == "!!str":
			return strconv.Quote(n.Value)
		}
		return n.Value
	}
	return "of an unknown kind"
}

// structField is a field of a struct as YAML sees it.
type structField struct {
	name  string
	also  string // another name of the key, the one that is said
	index []int
	need  bool
	rules map[string]string // of the jsonschema tag: minimum, maximum, default …
	enum  []string
}

// structFields lists the fields of a struct type, those of embedded structs in their place.
func structFields(t reflect.Type) (out []structField) {
	for i := range t.NumField() {
		sf := t.Field(i)
		if sf.Anonymous {
			for _, inner := range structFields(sf.Type) {
				inner.index = append([]int{i}, inner.index...)
				out = append(out, inner)
			}
			continue
		}
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		f := structField{name: name, also: sf.Tag.Get("also"), index: []int{i}, need: sf.Tag.Get("need") == "true",
			rules: map[string]string{}}
		for _, rule := range strings.Split(sf.Tag.Get("jsonschema"), ",") {
			key, value, _ := strings.Cut(rule, "=")
			if key == "enum" {
				f.enum = append(f.enum, expandEnum(value)...)
			} else if key != "" {
				f.rules[key] = value
			}
		}
		out = append(out, f)
	}
	return out
}

// expandText is a description in which @patterns stands for what each pattern keeps.
func expandText(text string) string {
	var all []string
	for _, k := range dropout.Kinds() {
		all = append(all, fmt.Sprintf("%s = %s", k.Name, k.Text))
	}
	return strings.ReplaceAll(text, "@patterns", strings.Join(all, "; "))
}

// expandEnum is an enum's value or, for @patterns, the names of all patterns.
func expandEnum(value string) (out []string) {
	if value != "@patterns" {
		return []string{value}
	}
	for _, m := range dropout.Methods() {
		out = append(out, string(m))
	}
	return out
}

func (f structField) bound(name string) (float64, bool) {
	x, err := strconv.ParseFloat(f.rules[name], 64)
	return x, err == nil
}

// inRange tests the four bounds of JSON Schema.
func (f structField) inRange(x float64) bool {
	if b, ok := f.bound("minimum"); ok && x < b {
		return false
	}
	if b, ok := f.bound("exclusiveMinimum"); ok && x <= b {
		return false
	}
	if b, ok := f.bound("maximum"); ok && x > b {
		return false
	}
	if b, ok := f.bound("exclusiveMaximum"); ok && x >= b {
		return false
	}
	return true
}

// allowed says in words what a field may hold.
func (f structField) allowed(k reflect.Kind) string {
	if len(f.enum) > 0 {
		return strings.Join(f.enum, ", ")
	}
	var words string
	switch k {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		if p, ok := f.rules["pattern"]; ok {
			return "text that matches " + p
		}
		return "text"
	case reflect.Int, reflect.Int64:
		words = "a whole number"
	default:
		words = "a number"
	}
	if b, ok := f.rules["minimum"]; ok {
		words += " from " + b
	}
	if b, ok := f.rules["exclusiveMinimum"]; ok {
		words += " above " + b
	}
	if b, ok := f.rules["maximum"]; ok {
		words += " up to " + b
	}
	if b, ok := f.rules["exclusiveMaximum"]; ok {
		words += " below " + b
	}
	return words
}
