// Docfigures draws the pictures of the documentation that are made from the CSV files beside its pages:
//
//	go run ./internal/docfigures FOLDER
package main

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"warpdrop/plots"
)

// figures are the pictures by name; each reads its file in docs/results.
var figures = map[string]func() (*plots.Figure, error){
	"table1": table1, "accuracy-epochs": epochs, "parts": parts, "energy": energy,
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "docfigures: one argument, the folder to write to")
		os.Exit(2)
	}
	for name, draw := range figures {
		f, err := draw()
		if err == nil {
			err = plots.Save(f, filepath.Join(os.Args[1], "results-"+name+".png"))
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "docfigures: %s: %v\n", name, err)
			os.Exit(1)
		}
	}
}

// read is a CSV file of docs/results; lines that begin with # are remarks.
func read(name string) ([][]string, error) {
	f, err := os.Open(filepath.Join("docs", "results", name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	return r.ReadAll()
}

// number is the first number of a cell, which may have commas between thousands; NaN where there is none.
func number(cell string) float64 {
	first, _, _ := strings.Cut(strings.TrimSpace(cell), " ")
	x, err := strconv.ParseFloat(strings.ReplaceAll(first, ",", ""), 64)
	if err != nil {
		return math.NaN()
	}
	return x
}

// table1 is the paper's Table I, beside ours.
func table1() (*plots.Figure, error) {
	rows, err := read("table1.csv")
	if err != nil {
		return nil, err
	}
	var networks []string
	groups := []plots.Group{{Name: "rdp"}, {Name: "rdp", Paper: true}, {Name: "tdp"}, {Name: "tdp", Paper: true}}
	for _, r := range rows[1:] {
		if !slices.Contains(networks, r[0]) {
			networks = append(networks, r[0])
		}
		for i, g := range groups {
			if r[1] != g.Name {
				continue
			}
			if g.Paper {
				groups[i].Y = append(g.Y, number(r[4]))
			} else {
				groups[i].Y = append(g.Y, number(r[3]))
			}
		}
	}
	return plots.Bars(plots.Axis{Title: "Table I: speedup over conventional dropout at rate 0.7", X: "hidden layers",
		Y: "speedup (×)"}, networks, groups)
}

// epochs are the means over the seeds of 2048-2048 at rate 0.7.
func epochs() (*plots.Figure, error) {
	rows, err := read("mlp.csv")
	if err != nil {
		return nil, err
	}
	type point struct{ sum, n float64 }
	at := map[string]map[float64]point{}
	var names []string
	for _, r := range rows[1:] {
		if r[0] != "2048-2048" || r[1] != "0.7-0.7" || r[5] != "32" || r[4] != "0" && r[2] == "tdp" {
			continue
		}
		name := r[2]
		if r[3] == "exact" && (r[2] == "rdp" || r[2] == "tdp") {
			name += ", exact"
		}
		if at[name] == nil {
			at[name] = map[float64]point{}
			names = append(names, name)
		}
		p := at[name][number(r[7])]
		at[name][number(r[7])] = point{p.sum + number(r[9]), p.n + 1}
	}
	var series []plots.Series
	for _, name := range names {
		s := plots.Series{Name: name, Key: strings.TrimSuffix(name, ", exact")}
		if s.Key != name {
			s.Variant = 1
		}
		for e := 1.0; e <= 25; e++ {
			if p, ok := at[name][e]; ok {
				s.X, s.Y = append(s.X, e), append(s.Y, p.sum/p.n)
			}
		}
		series = append(series, s)
	}
	return plots.Lines(plots.Axis{Title: "784-2048-2048-10 at rate 0.7, mean over the seeds", X: "epoch",
		Y: "test accuracy (%)"}, series)
}

// parts are the cycles of the iterations of Table I by part.
func parts() (*plots.Figure, error) {
	rows, err := read("parts-rate-0.7.csv")
	if err != nil {
		return nil, err
	}
	var labels []string
	for i, h := range rows[0][1:] {
		network, method, ok := strings.Cut(h, ": ")
		if !ok {
			method, network = h, strings.Split(rows[0][1+i/3*3], ": ")[0]
		}
		labels = append(labels, network+", "+method)
	}
	var groups []plots.Group
	for _, r := range rows[1:] {
		g := plots.Group{Name: r[0]}
		for _, cell := range r[1:] {
			x := number(cell)
			if math.IsNaN(x) {
				x = 0
			}
			g.Y = append(g.Y, x)
		}
		groups = append(groups, g)
	}
	return plots.Stacked(plots.Axis{Title: "Where the cycles of an iteration go, rate 0.7", X: "cycles with launch"},
		labels, groups, plots.Short)
}

// energy is what an iteration takes, by what it grows with.
func energy() (*plots.Figure, error) {
	rows, err := read("energy.csv")
	if err != nil {
		return nil, err
	}
	groups := []plots.Group{{Name: "by time"}, {Name: "instructions"}, {Name: "memory"}}
	var labels []string
	for _, r := range rows[1:] {
		if !strings.HasPrefix(r[0], "2048") {
			continue
		}
		labels = append(labels, r[0]+" "+r[1])
		for i := range groups {
			groups[i].Y = append(groups[i].Y, number(r[6+i]))
		}
	}
	return plots.Stacked(plots.Axis{Title: "Estimated energy of an iteration", X: "energy (mJ, estimate)"}, labels,
		groups, func(x float64) string { return fmt.Sprintf("%.0f", x) })
}
