// Package experiments turns a YAML file into points (one simulation or one training run each), runs those that the
// store lacks, and makes tables, figures and a report of them.
package experiments

// The json tag of a field is its key in YAML too. The jsonschema tag states its default and its range, for the decoder
// (decode.go) and for the JSON Schema (schema.go); need:"true" marks a key that a point cannot do without.

// File is one experiment.
type File struct {
	Name     string   `json:"name" need:"true" jsonschema:"maxLength=100,pattern=^[a-z0-9][a-z0-9-]*$" jsonschema_description:"Short name: lower-case letters, digits and dashes."`
	Title    string   `json:"title" need:"true" jsonschema_description:"Heading of the report."`
	Question string   `json:"question,omitempty" jsonschema_description:"The question that the report answers first."`
	Paper    string   `json:"paper,omitempty" jsonschema:"enum=fig1b,enum=fig4,enum=table1,enum=table2,enum=fig5,enum=fig6a,enum=fig6b" jsonschema_description:"Table or figure of the paper whose numbers are set beside ours."`
	Scale    string   `json:"scale,omitempty" jsonschema:"enum=smoke,enum=small,enum=paper,default=small" jsonschema_description:"Scale that is run when the command line names none."`
	Baseline Baseline `json:"baseline,omitzero" jsonschema:"default=dense" jsonschema_description:"What speedups are of: a method, or keys of a point, like {tile: 8} or {kernel: naive}; launches without one: the first."`
	Figures  []string `json:"figures,omitempty" jsonschema_description:"Figures to draw: by name, or a column of results.csv against a key, like kernel_cycles against tile; without it all that the results allow."`
	Notes    []string `json:"notes,omitempty" jsonschema_description:"Remarks for the report."`
	Points   []Group  `json:"points" need:"true" jsonschema_description:"Groups of points; each is one kind of work with its parameters."`
}

// Group is a kind of work, its parameters, and the lists to sweep them over. Each kind has a key of its own; see
// Schema.
type Group struct {
	Sweep  map[string]any `json:"sweep,omitempty" jsonschema_description:"Key: list of values. Every combination is a point."`
	Scales *Scales        `json:"scales,omitempty" jsonschema_description:"What differs at a scale: keys of the kind of work, sweep, or skip: true."`
}

// Scales holds what differs at each scale.
type Scales struct {
	Smoke map[string]any `json:"smoke,omitempty"`
	Small map[string]any `json:"small,omitempty"`
	Paper map[string]any `json:"paper,omitempty"`
}

// ScaleNames are the scales from seconds to full size.
var ScaleNames = []string{"smoke", "small", "paper"}

// Spec is what a point computes: one of the kinds below, fully spelled out.
type Spec interface {
	Kind() string
	check() []problem
	// normal is the spec with the keys that its method does not heed at their defaults, so that one sweep over methods and
	// keys of some of them runs no point twice.
	normal() Spec
}

// problem is what is wrong with one key of a spec.
type problem struct{ key, text string }
