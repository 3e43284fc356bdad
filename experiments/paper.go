package experiments

import (
	"bytes"
	_ "embed"
	"slices"

	"gopkg.in/yaml.v3"
)

//go:embed paper.yaml
var paperText []byte

// Published is one row of the paper's tables and figures; see paper.yaml.
type Published struct {
	In            string    `yaml:"in"`
	Method        string    `yaml:"method"`
	Hidden        []int     `yaml:"hidden"`
	Rates         []float64 `yaml:"rates"`
	Batch         int       `yaml:"batch"`
	Speedup       float64   `yaml:"speedup"`
	Accuracy      float64   `yaml:"accuracy"`       // per cent
	AccuracyDelta float64   `yaml:"accuracy_delta"` // percentage points
	Printed       string    `yaml:"printed"`
	Approximate   bool      `yaml:"approximate"`
}

// paperRows is the whole of paper.yaml.
var paperRows = func() (rows []Published) {
	dec := yaml.NewDecoder(bytes.NewReader(paperText))
	dec.KnownFields(true)
	if err := dec.Decode(&rows); err != nil {
		panic("experiments: paper.yaml: " + err.Error()) // embedded, and read by every test
	}
	return rows
}()

// PaperRows are the published values of one table or figure.
func PaperRows(in string) (rows []Published) {
	for _, p := range paperRows {
		if p.In == in {
			rows = append(rows, p)
		}
	}
	return rows
}

// published finds the published row about a result; experiments at a smaller scale than the paper's find none.
func published(in string, method string, hidden []int, rates []float64, batch int) *Published {
	for i, p := range paperRows {
		if p.In == in && p.Method == method && slices.Equal(p.Hidden, hidden) && slices.Equal(p.Rates, rates) &&
			(p.Batch == 0 || p.Batch == batch) {
			return &paperRows[i]
		}
	}
	return nil
}
