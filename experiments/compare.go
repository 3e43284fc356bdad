package experiments

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"warpdrop/plots"
)

// Change is one row of two runs side by side; a side that lacks the row has nulls.
type Change struct {
	Row     string            `json:"row"`
	Values  map[string]Values `json:"values"`  // by name, see compared
	Part    string            `json:"part"`    // whose cycles changed most, "" where none did …
	PartBy  number            `json:"part_by"` // … and by how many
	present [2]bool
}

// Values are one value of both runs.
type Values struct {
	Before number `json:"before"`
	Now    number `json:"now"`
}

// withLaunch is the name of cycles with launch overhead and copies in tables.
const withLaunch = "with launch"

// compared are the values that Compare sets side by side.
var compared = []struct {
	name     string
	decimals int
	of       func(*Row) number
}{
	{withLaunch, 0, func(r *Row) number { return r.Cycles }},
	{"kernel cycles", 0, func(r *Row) number { return r.KernelCycles }},
	{"speedup", 3, func(r *Row) number { return r.Speedup }},
	{"accuracy %", 2, func(r *Row) number { return r.Accuracy }},
	{"perplexity", 1, func(r *Row) number { return r.Perplexity }},
	{"bank conflicts", 0, func(r *Row) number { return r.BankConflicts }},
	{"divergent branches", 0, func(r *Row) number { return r.DivergentBranches }},
	{"reached rate", 4, func(r *Row) number { return r.Reached }},
}

// differs tells whether two numbers print differently; two missing ones do not.
func (v Values) differs() bool { return v.Before.text() != v.Now.text() }

// relative is the change in per cent.
func (v Values) relative() number { return 100 * (v.Now/v.Before - 1) }

// Changed tells whether any value differs.
func (c Change) Changed() bool {
	for _, v := range c.Values {
		if v.differs() {
			return true
		}
	}
	return c.present[0] != c.present[1]
}

// Compare sets the rows of two results side by side: those of b in their order, then those that only a has.
func Compare(a, b *Results) (out []Change) {
	before := map[string]*Row{}
	for _, r := range a.Rows {
		before[r.key(true)] = r
	}
	some := varying(slices.Concat(a.Rows, b.Rows), func(*Row) string { return "" })
	add := func(then, now *Row) {
		named := now
		if now == nil {
			named = then
		}
		c := Change{Row: strings.TrimSpace(named.Method + " " + traitText(named, some)), Values: map[string]Values{},
			PartBy: none, present: [2]bool{then != nil, now != nil}}
		for _, v := range compared {
			both := Values{none, none}
			if then != nil {
				both.Before = v.of(then)
			}
			if now != nil {
				both.Now = v.of(now)
			}
			c.Values[v.name] = both
		}
		if then != nil && now != nil {
			for _, part := range partNames([]*Row{then, now}) {
				if by := now.Parts[part] - then.Parts[part]; by != 0 && !(math.Abs(float64(by)) <= math.Abs(float64(c.PartBy))) {
					c.Part, c.PartBy = part, by
				}
			}
		}
		out = append(out, c)
	}
	for _, r := range b.Rows {
		add(before[r.key(true)], r)
		delete(before, r.key(true))
	}
	for _, r := range a.Rows {
		if before[r.key(true)] != nil {
			add(r, nil)
		}
	}
	return out
}

// ChangeTable is the table that compare prints: the values that any of the changes has.
func ChangeTable(changes []Change) (head []string, rows [][]string) {
	head = []string{"row"}
	rows = make([][]string, len(changes))
	for i, c := range changes {
		rows[i] = []string{c.Row}
	}
	column := func(name string, text func(Change) string) {
		cells := make([]string, len(changes))
		said := false
		for i, c := range changes {
			cells[i] = text(c)
			said = said || cells[i] != "-"
		}
		if !said {
			return
		}
		head = append(head, name)
		for i := range rows {
			rows[i] = append(rows[i], cells[i])
		}
	}
	for _, v := range compared {
		column(v.name+" before", func(c Change) string { return c.Values[v.name].Before.round(v.decimals) })
		column("now", func(c Change) string { return c.Values[v.name].Now.round(v.decimals) })
		if v.name == withLaunch {
			column("change %", func(c Change) string { return c.Values[v.name].relative().round(2) })
			column("most in", func(c Change) string {
				if c.Part == "" {
					return "-"
				}
				return fmt.Sprintf("%s %+.0f", c.Part, float64(c.PartBy))
			})
		}
	}
	return head, rows
}

// DrawChanges draws the change of cycles of each row, the largest first.
func DrawChanges(changes []Change, before, now string) (*plots.Figure, error) {
	sorted := slices.Clone(changes)
	change := func(c Change) float64 { return float64(c.Values[withLaunch].relative()) }
	slices.SortStableFunc(sorted, func(a, b Change) int { return cmp.Compare(math.Abs(change(b)), math.Abs(change(a))) })
	var names []string
	var y []float64
	for _, c := range sorted[:min(len(sorted), maxBars)] {
		names = append(names, c.Row)
		y = append(y, change(c))
	}
	f, err := plots.Changes(plots.Axis{Title: "Change of cycles with launch from " + before + " to " + now,
		X: "change of cycles with launch (%)"}, names, y, func(x float64) string { return fmt.Sprintf("%+.2f %%", x) })
	if err == nil && len(changes) > maxBars {
		f.Notes = append(f.Notes, fmt.Sprintf("the %d largest of %d rows", maxBars, len(changes)))
	}
	return f, err
}
