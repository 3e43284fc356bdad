// Doctables writes the tables of the documentation that come from whole experiments at paper scale:
//
//	go run ./internal/doctables FOLDER
//
// FOLDER has the experiments' output folders, table1-paper and so on, as `warpdrop run` makes them in out/. A page's
// table stands between `<!-- doctables NAME -->` and `<!-- end -->`, a CSV file in docs/results is written whole.
// Tables of experiments that FOLDER does not have stay as they are, and it says so. Columns of accuracy, which come
// from training, are kept.
package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"warpdrop/internal/atomicfile"
)

// row is a row of results.json: only what the tables need.
type row struct {
	Workload, Network, GPU, Method, Search, Update string
	Rates                                          []float64
	Hidden                                         []int
	Batch, Patterns, Tile, DP                      int
	Pad                                            string
	Cycles                                         float64 `json:"cycles_with_launch"`
	Speedup                                        *float64
	Low                                            *float64 `json:"speedup_low"`
	High                                           *float64 `json:"speedup_high"`
	Paper                                          *float64 `json:"paper_speedup"`
	Difference                                     *float64 `json:"speedup_difference"`
	Conflicts                                      float64  `json:"conflicts_per_access"`
	Divergent                                      float64  `json:"divergent_branches"`
	EnergyMJ                                       float64  `json:"energy_mj"`
	EnergyRelative                                 *float64 `json:"energy_relative"`
	PowerW                                         float64  `json:"power_w"`
	Parts                                          map[string]float64
	energy                                         map[string]float64 // mJ by component, from the row's point
}

// experiments are the rows by experiment, of those that there are.
type experiments map[string][]row

// table is one made table: where it goes and what is in it. A table of a page has a name there, a CSV file none.
type table struct {
	file, name string
	needs      []string // experiments
	make       func(e experiments, old [][]string) [][]string
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "doctables: one argument, the folder with the experiments' output")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "doctables:", err)
		os.Exit(1)
	}
}

func write(folder string) error {
	e := experiments{}
	for _, t := range tables {
		for _, name := range t.needs {
			if _, done := e[name]; done {
				continue
			}
			rows, err := results(filepath.Join(folder, name+"-paper", "results.json"))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			} else if err != nil {
				return err
			}
			e[name] = rows
		}
	}
	for _, t := range tables {
		if missing := slices.IndexFunc(t.needs, func(n string) bool { return e[n] == nil }); missing >= 0 {
			fmt.Printf("%s %s: not made, %s has no %s-paper\n", t.file, t.name, folder, t.needs[missing])
			continue
		}
		if err := t.replace(e); err != nil {
			return fmt.Errorf("%s %s: %w", t.file, t.name, err)
		}
	}
	return nil
}

func results(file string) ([]row, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var r struct {
		Rows   []row
		Points []struct {
			Result struct {
				Sim struct {
					Cycles float64
					Energy map[string]float64 `json:"energy_mj"`
				}
			}
		}
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(r.Rows) == 0 {
		return nil, fmt.Errorf("%s: no rows", file)
	}
	for i := range r.Rows {
		for _, p := range r.Points {
			total := 0.0
			for _, mj := range p.Result.Sim.Energy {
				total += mj
			}
			if math.Abs(total-r.Rows[i].EnergyMJ) < 1e-5*total && math.Abs(p.Result.Sim.Cycles-r.Rows[i].Cycles) < 1 {
				r.Rows[i].energy = p.Result.Sim.Energy
			}
		}
	}
	return r.Rows, nil
}

// replace writes the table to its place.
func (t table) replace(e experiments) error {
	path := filepath.Join("docs", filepath.FromSlash(t.file))
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if t.name == "" {
		r := csv.NewReader(bytes.NewReader(old))
		r.Comment = '#'
		cells, err := r.ReadAll()
		if err != nil {
			return err
		}
		return atomicfile.Write(path, func(w io.Writer) error { return csv.NewWriter(w).WriteAll(t.make(e, cells)) })
	}
	mark := regexp.MustCompile(`(?s)<!-- doctables ` + regexp.QuoteMeta(t.name) + ` -->\n\n(.*?)\n<!-- end -->`)
	at := mark.FindSubmatchIndex(old)
	if at == nil {
		return errors.New("the page has no place for it")
	}
	var page bytes.Buffer
	page.Write(old[:at[2]])
	page.WriteString(markdown(t.make(e, pageCells(string(old[at[2]:at[3]])))))
	page.Write(old[at[3]:])
	return atomicfile.WriteBytes(path, page.Bytes())
}

// pageCells are the cells of a table in a page, without the line below its head.
func pageCells(text string) [][]string {
	var cells [][]string
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if i == 1 {
			continue
		}
		var c []string
		for _, cell := range strings.Split(strings.Trim(line, "|"), "|") {
			c = append(c, strings.TrimSpace(cell))
		}
		cells = append(cells, c)
	}
	return cells
}

func markdown(cells [][]string) string {
	var b strings.Builder
	for i, c := range cells {
		b.WriteString("| " + strings.Join(c, " | ") + " |\n")
		if i == 0 {
			b.WriteString(strings.Repeat("|---", len(c)) + "|\n")
		}
	}
	return b.String()
}
