package experiments

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"warpdrop/internal/nearest"
	"warpdrop/plots"
)

// against stands between a figure's column and the key that it is drawn against.
const against = " against "

// numericColumns are the columns of results.csv that hold numbers, by name.
var numericColumns = func() map[string]func(*Row) float64 {
	out := map[string]func(*Row) float64{}
	t := reflect.TypeFor[Row]()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "" || t.Field(i).Tag.Get("csv") == "-" {
			continue
		}
		switch t.Field(i).Type {
		case reflect.TypeFor[number]():
			out[name] = func(r *Row) float64 { return reflect.ValueOf(r).Elem().Field(i).Float() }
		case reflect.TypeFor[int]():
			out[name] = func(r *Row) float64 { return known(int(reflect.ValueOf(r).Elem().Field(i).Int())) }
		}
	}
	return out
}()

// xText is a row's value of a value, key or column; "" where it has none.
func (r *Row) xText(name string) string {
	if v, ok := r.keys[name]; ok {
		return v
	}
	if f := numericColumns[name]; f != nil {
		return number(f(r)).text()
	}
	return ""
}

// xNumber is xText as a number; sizes of grids and blocks are multiplied.
func (r *Row) xNumber(name string) float64 {
	text := r.xText(name)
	if inner, ok := strings.CutPrefix(text, "["); ok {
		product := 1.0
		for _, part := range strings.Split(strings.TrimSuffix(inner, "]"), ",") {
			x, err := strconv.ParseFloat(part, 64)
			if err != nil {
				return math.NaN()
			}
			product *= x
		}
		return product
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return math.NaN()
	}
	return x
}

// checkFigure refuses a figure that is not known.
func (e *Experiment) checkFigure(name string) error {
	if slices.Contains(FigureNames(), name) {
		return nil
	}
	y, x, ok := strings.Cut(name, against)
	if !ok {
		return fmt.Errorf("figure %q%s; allowed are %s, or a column against a key, like kernel_cycles against tile", name,
			nearest.Hint(name, FigureNames()), strings.Join(FigureNames(), ", "))
	}
	columns, keys := sortedKeys(numericColumns), map[string]bool{}
	if numericColumns[y] == nil {
		return fmt.Errorf("figure %q: no column of numbers %q%s; there are %s", name, y, nearest.Hint(y, columns),
			strings.Join(columns, ", "))
	}
	for _, specs := range e.points {
		for _, s := range specs {
			for k := range keysOf(s) {
				keys[k] = true
			}
		}
	}
	if names := sortedKeys(keys); !keys[x] && numericColumns[x] == nil {
		return fmt.Errorf("figure %q: no key or column %q%s; the points have %s", name, x, nearest.Hint(x, names),
			strings.Join(names, ", "))
	}
	return nil
}

// figureNamed is a figure of the table, or one of a column against a key.
func figureNamed(name string) (Figure, bool) {
	if i := slices.IndexFunc(Figures, func(f Figure) bool { return f.Name == name }); i >= 0 {
		return Figures[i], true
	}
	y, x, ok := strings.Cut(name, against)
	column := numericColumns[y]
	if !ok || column == nil {
		return Figure{}, false
	}
	return Figure{Name: strings.ReplaceAll(name, " ", "-"), Caption: words(y) + against + words(x) + ".",
		draw: func(r *Results) (*plots.Figure, error) { return r.drawAgainst(y, x, column) }}, true
}

// words is a column's or key's name as it is read.
func words(name string) string { return strings.ReplaceAll(name, "_", " ") }

// drawAgainst draws a column against a key: a line where it has numbers, else bars.
func (r *Results) drawAgainst(yName, x string, y func(*Row) float64) (*plots.Figure, error) {
	var rows []*Row
	numeric := true
	low, high := math.Inf(1), math.Inf(-1)
	for _, row := range r.Rows {
		if math.IsNaN(y(row)) || row.xText(x) == "" {
			continue
		}
		rows = append(rows, row)
		at := row.xNumber(x)
		numeric = numeric && !math.IsNaN(at)
		low, high = min(low, at), max(high, at)
	}
	a := plots.Axis{Title: words(yName) + against + words(x), X: words(x), Y: words(yName), AtX: true, ZeroY: true}
	if yName == "speedup" {
		a.Y = "speedup over " + r.over()
	}
	if len(rows) == 0 {
		return nothing("rows with " + yName + " and " + x)
	}
	if numeric {
		a.LogX = low > 0 && high >= 8*low
		return plots.Lines(a, curve(rows, func(row *Row) float64 { return row.xNumber(x) }, y, nil, nil))
	}
	some := varying(rows, func(row *Row) string { return row.Method + row.xText(x) })
	var categories, names []string
	of := func(row *Row) string { return strings.TrimSpace(row.Method + " " + traitText(row, some)) }
	for _, row := range rows {
		if !slices.Contains(categories, row.xText(x)) {
			categories = append(categories, row.xText(x))
		}
		if !slices.Contains(names, of(row)) {
			names = append(names, of(row))
		}
	}
	var groups []plots.Group
	for _, n := range names {
		g := plots.Group{Name: n, Y: nans(len(categories))}
		for _, row := range rows {
			if i := slices.Index(categories, row.xText(x)); of(row) == n && math.IsNaN(g.Y[i]) {
				g.Y[i] = y(row)
			}
		}
		groups = append(groups, g)
	}
	return plots.Bars(a, categories, groups)
}

// swept are the figures that launches are drawn with where the file names none: their cycles against each value that
// varies.
func (r *Results) swept() (names []string) {
	for _, v := range valueNames(r.Rows) {
		seen := map[string]bool{}
		for _, row := range r.Rows {
			if row.Values[v] != "" {
				seen[row.Values[v]] = true
			}
		}
		if len(seen) > 1 {
			names = append(names, "kernel_cycles"+against+v)
		}
	}
	return names
}

// sortedKeys are the keys of a map, sorted.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// IsFigure tells whether there is a figure of that name, or one of a column against a key.
func IsFigure(name string) bool {
	_, ok := figureNamed(name)
	return ok
}
