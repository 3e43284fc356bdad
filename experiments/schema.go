package experiments

import (
	"encoding/json"
	"maps"
	"reflect"

	"github.com/invopop/jsonschema"
)

// Schema is the JSON Schema of experiment files, for completion in editors; experiments/schema.json is its copy.
func Schema() []byte {
	// Nothing is required: what a group leaves out, its sweep or its scales may give. Load checks that after merging.
	r := jsonschema.Reflector{Anonymous: true, ExpandedStruct: true, RequiredFromJSONSchemaTags: true}
	s := r.Reflect(&File{})
	s.Title = "Warpdrop experiment"
	group := s.Definitions["Group"]
	own := group.Properties
	group.Properties = jsonschema.NewProperties()
	for _, k := range kinds {
		spec := k.newSpec()
		title := reflect.TypeOf(spec).Elem().Name()
		of := r.Reflect(spec)
		of.Version = ""
		maps.Copy(s.Definitions, of.Definitions)
		of.Definitions = nil
		for p := of.Properties.Oldest(); p != nil; p = p.Next() {
			var enum []any
			for _, v := range p.Value.Enum {
				for _, name := range expandEnum(v.(string)) {
					enum = append(enum, name)
				}
			}
			p.Value.Enum = enum
			p.Value.Description = expandText(p.Value.Description)
		}
		for _, f := range structFields(reflect.TypeOf(spec).Elem()) {
			if x, ok := of.Properties.Get(f.name); ok && f.also != "" {
				of.Properties.Set(f.also, x)
			}
		}
		if takesValues(reflect.TypeOf(spec).Elem()) {
			allowFormulas(of)
		}
		s.Definitions[title] = of
		group.Properties.Set(k.name(), &jsonschema.Schema{Ref: "#/$defs/" + title, Description: k.about()})
	}
	for p := own.Oldest(); p != nil; p = p.Next() {
		group.Properties.Set(p.Key, p.Value)
	}
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic("experiments: schema: " + err.Error()) // made of our own types
	}
	return append(data, '\n')
}

// allowFormulas lets whole numbers, and lists of them, be formulas too.
func allowFormulas(s *jsonschema.Schema) {
	text := &jsonschema.Schema{Type: "string"}
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		given := *p.Value
		whole := func(x *jsonschema.Schema) *jsonschema.Schema {
			return &jsonschema.Schema{OneOf: []*jsonschema.Schema{x, text}}
		}
		description := given.Description
		given.Description = ""
		switch {
		case given.Type == "integer":
			p.Value = whole(&given)
		case given.Type == "array" && given.Items != nil && given.Items.Type == "integer":
			one := *given.Items
			given.Items = whole(&one)
			p.Value = &jsonschema.Schema{OneOf: []*jsonschema.Schema{&given, &one, text}}
		default:
			continue
		}
		p.Value.Description = description
	}
}
