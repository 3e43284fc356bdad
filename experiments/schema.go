package experiments

import (
	"encoding/json"

	"github.com/invopop/jsonschema"
)

// Schema is the JSON Schema of experiment files, for completion in editors; experiments/schema.json is its copy.
func Schema() []byte {
	// Nothing is required: what a group leaves out, its sweep or its scales may give. Load checks that after merging.
	r := jsonschema.Reflector{Anonymous: true, ExpandedStruct: true, RequiredFromJSONSchemaTags: true}
	s := r.Reflect(&File{})
	s.Title = "Warpdrop experiment"
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic("experiments: schema: " + err.Error()) // made of our own types
	}
	return append(data, '\n')
}
