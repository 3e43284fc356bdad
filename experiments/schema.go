package experiments

import (
	"encoding/json"
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
