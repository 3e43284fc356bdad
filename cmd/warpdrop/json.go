package main

import (
	"encoding/json"
	"io"
)

// printJSON is what --json prints: one value, indented.
func printJSON(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
