package show

import (
	"strings"
	"testing"

	"warpdrop/internal/sources"
)

// TestTablesAreShown: who writes a table for spreadsheets passes its cells through Cell; the others write no text but
// their own.
func TestTablesAreShown(t *testing.T) {
	own := map[string]string{
		"cmd/warpdrop/train.go":      "numbers alone",
		"internal/doctables/main.go": "the documentation's own, in which +0.05 is a difference",
	}
	found := 0
	sources.Each(t, "../..", func(name string, text []byte) {
		if !strings.Contains(string(text), "csv.NewWriter(") {
			return
		}
		found++
		if own[name] == "" && !strings.Contains(string(text), "show.Cell(") {
			t.Errorf("%s writes a table whose cells are not shown with show.Cell", name)
		}
	})
	if found < 4 {
		t.Errorf("%d found", found)
	}
}
