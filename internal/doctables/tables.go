package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// count is a whole number with commas between thousands.
func count(x float64) string {
	return message.NewPrinter(language.English).Sprintf("%d", int64(math.Round(x)))
}

// times is a factor with two digits, nothing where there is none.
func times(x *float64) string {
	if x == nil {
		return ""
	}
	return fmt.Sprintf("%.2f", *x)
}

// interval is a speedup with its 95 % interval, of conventional dropout 1.
func interval(r row) string {
	if r.Speedup == nil {
		return ""
	}
	if r.Method == "dense" || r.Low == nil {
		return strings.TrimSuffix(times(r.Speedup), ".00")
	}
	return fmt.Sprintf("%s (%s to %s)", times(r.Speedup), times(r.Low), times(r.High))
}

// signed is a difference with its sign.
func signed(x *float64) string {
	if x == nil {
		return ""
	}
	return fmt.Sprintf("%+.2f", *x)
}

// rate is a row's rate, which is the same at all sites.
func (r row) rate() string { return strconv.FormatFloat(r.Rates[0], 'g', -1, 64) }

// width is what a network's hidden layers are called.
func (r row) width(between string) string {
	var s []string
	for _, h := range r.Hidden {
		s = append(s, strconv.Itoa(h))
	}
	return strings.Join(s, between)
}

// method is the method as tables name it: with the distribution that is not the default one, and the lazy update.
func (r row) method() string {
	name := r.Method
	if r.Search == "exact" {
		name += ", exact"
	}
	if r.Update == "lazy" {
		name += " lazy"
	}
	return name
}

// find is the first row that answers to is; a table asks for no row that its experiment does not have.
func find(rows []row, is func(r row) bool) row {
	if i := slices.IndexFunc(rows, is); i >= 0 {
		return rows[i]
	}
	panic("doctables: an experiment has not the row that a table wants; was it changed?")
}

// kept is the last cells of the old row that begins as cells do, from column from on.
func kept(old [][]string, cells []string, from int) []string {
	for _, o := range old {
		if len(o) > from && len(cells) > 1 && o[0] == cells[0] && o[1] == cells[1] {
			return o[from:]
		}
	}
	return nil
}

// column is one part of an iteration by its name in the tables: some parts of the program together.
type column struct {
	name  string
	parts []string
}

var mlpParts = []column{
	{"products, forward", []string{"gemm_forward"}},
	{"products, backward by data", []string{"gemm_backward_data"}},
	{"products, backward by weights", []string{"gemm_backward_weights"}},
	{"gathering kept weights", []string{"gather"}},
	{"mask", []string{"mask"}},
	{"update", []string{"update"}},
	{"copy of the batch", []string{"copy"}},
	{"activation, loss", []string{"activation", "loss"}},
}

var lstmParts = []column{
	{"products of inputs, forward", []string{"gemm_forward"}},
	{"products of inputs, backward by data", []string{"gemm_backward_data"}},
	{"products, backward by weights", []string{"gemm_backward_weights"}},
	{"recurrent products", []string{"gemm_recurrent"}},
	{"update, clipping", []string{"update", "clip"}},
	{"gathering", []string{"gather"}},
	{"mask", []string{"mask"}},
	{"cells, loss, embedding, copy", []string{"activation", "cell", "loss", "embedding", "copy"}},
}

// of is what a row's parts of one name take together, in units; "" for nothing.
func (c column) of(r row, unit float64) string {
	x := 0.0
	for _, p := range c.parts {
		x += r.Parts[p]
	}
	if x == 0 {
		return ""
	}
	return count(x / unit)
}

// parts is a table of parts, a column a row of the experiment.
func parts(columns []column, head []string, rows []row, unit float64) [][]string {
	t := [][]string{head}
	for _, c := range columns {
		line := []string{c.name}
		for _, r := range rows {
			line = append(line, c.of(r, unit))
		}
		t = append(t, line)
	}
	return t
}

// threeMethods are dense, rdp and tdp of each network of Table I but the smallest.
func threeMethods(rows []row) (three []row) {
	for _, w := range []string{"1024-1024", "2048-2048", "4096-4096"} {
		for _, m := range []string{"dense", "rdp", "tdp"} {
			three = append(three, find(rows, func(r row) bool { return r.width("-") == w && r.method() == m }))
		}
	}
	return three
}

// energyCells are a row's energy: mJ, over dense's, its time over dense's, W.
func energyCells(r row) []string {
	return []string{fmt.Sprintf("%.1f", r.EnergyMJ), times(r.EnergyRelative), fmt.Sprintf("%.2f", 1 / *r.Speedup),
		fmt.Sprintf("%.0f", r.PowerW)}
}

// energyGroups are mJ that grow with time, with instructions, and with sectors of L2 and DRAM.
func energyGroups(r row) (cells []string) {
	for _, group := range [][]string{{"constant", "static", "idle_sms"},
		{"issue", "registers", "integer", "fp32", "fp64", "sfu", "shared"}, {"l2", "dram"}} {
		mj := 0.0
		for _, c := range group {
			mj += r.energy[c]
		}
		cells = append(cells, fmt.Sprintf("%.1f", mj))
	}
	return cells
}

var energyHead = []string{"hidden, rate", "method", "mJ", "relative", "time", "W", "by time", "instructions", "memory"}

func energyRow(r row) []string {
	name := r.width("-")
	if r.Method != "dense" {
		name += ", " + r.rate()
	}
	return slices.Concat([]string{name, r.method()}, energyCells(r), energyGroups(r))
}

// simulated are the rows with cycles.
func simulated(rows []row) []row {
	return slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r.Cycles == 0 })
}

// lines makes a row of a table of each row of an experiment.
func lines(head []string, rows []row, line func(r row) []string) [][]string {
	t := [][]string{head}
	for _, r := range rows {
		if l := line(r); l != nil {
			t = append(t, l)
		}
	}
	return t
}

// against is a table with a column for conventional dropout and lines for the methods beside it.
func against(first string, by func(r row) string, rows []row, head []string,
	cells func(dense, r row) []string) [][]string {
	return lines(slices.Concat([]string{first, "dense, cycles"}, head), rows, func(r row) []string {
		if r.Method == "dense" {
			return nil
		}
		dense := find(rows, func(d row) bool { return d.Method == "dense" && by(d) == by(r) })
		return slices.Concat([]string{by(r), count(dense.Cycles)}, cells(dense, r))
	})
}

// grid is a table of one method's cells a line and a column each of what by returns.
func grid(first string, rows []row, methods []string, by func(r row) string, cell func(r row) string) [][]string {
	head := []string{first}
	for _, r := range rows {
		if !slices.Contains(head[1:], by(r)) {
			head = append(head, by(r))
		}
	}
	t := [][]string{head}
	for _, m := range methods {
		line := []string{m}
		for _, c := range head[1:] {
			line = append(line, cell(find(rows, func(r row) bool { return r.Method == m && by(r) == c })))
		}
		t = append(t, line)
	}
	return t
}

var tables = []table{
	{"results/table1.csv", "", []string{"table1"}, func(e experiments, old [][]string) [][]string {
		return lines(old[0], simulated(e["table1"]), func(r row) []string {
			l := []string{r.width(", "), r.method(), count(r.Cycles), interval(r), times(r.Paper), signed(r.Difference)}
			if r.Method == "dense" {
				l[4], l[5] = "1", ""
			}
			if r.Search == "exact" {
				l[4], l[5] = "", ""
			}
			return append(l, kept(old, l, 6)...)
		})
	}},
	{"results/reproduction.md", "table1", []string{"table1"}, func(e experiments, old [][]string) [][]string {
		rows := simulated(e["table1"])
		t := [][]string{{"hidden layers", "dense, cycles", "", "cycles", "speedup (95 % interval)", "paper", "accuracy"}}
		for _, r := range rows {
			if r.Method == "dense" || r.Search == "exact" {
				continue
			}
			l := []string{"", "", r.Method, count(r.Cycles), interval(r), times(r.Paper)}
			if r.Method == "rdp" {
				l[0] = r.width(", ")
				dense := find(rows, func(d row) bool { return d.Method == "dense" && d.Network == r.Network })
				l[1] = count(dense.Cycles)
			}
			t = append(t, append(l, old[len(t)][6]))
		}
		return t
	}},
	{"results/reproduction.md", "fig4", []string{"fig4"}, func(e experiments, _ [][]string) [][]string {
		return lines([]string{"rate", "method", "ours, cycles", "ours, speedup (95 % interval)", "paper"}, e["fig4"],
			func(r row) []string {
				if r.Method == "dense" {
					return nil
				}
				l := []string{r.rate(), r.Method, count(r.Cycles), interval(r), times(r.Paper)}
				if r.Method == "tdp" {
					l[0] = ""
				}
				if r.Paper == nil {
					l[4] = "drawn only"
				}
				return l
			})
	}},
	{"results/reproduction.md", "fig1b", []string{"fig1b"}, func(e experiments, _ [][]string) [][]string {
		t := [][]string{{""}, {"cycles"}, {"divergent branches"}}
		for _, r := range e["fig1b"] {
			name := r.Method
			if r.Method != "dense" {
				name = r.rate()
				if len(t[0]) == 2 {
					name = "masked, rate " + name
				}
			}
			t[0], t[1], t[2] = append(t[0], name), append(t[1], count(r.Cycles)), append(t[2], count(r.Divergent))
		}
		return t
	}},
	{"results/reproduction.md", "parts", []string{"table1"}, func(e experiments, _ [][]string) [][]string {
		return parts(mlpParts, []string{"thousand cycles", "1024: dense", "rdp", "tdp", "2048: dense", "rdp", "tdp",
			"4096: dense", "rdp", "tdp"}, threeMethods(e["table1"]), 1000)
	}},
	{"results/parts-rate-0.7.csv", "", []string{"table1"}, func(e experiments, old [][]string) [][]string {
		return parts(mlpParts, old[0], threeMethods(e["table1"]), 1)
	}},
	{"results/reproduction.md", "update", []string{"update"}, func(e experiments, _ [][]string) [][]string {
		return updates(e["update"], func(r row) string { return times(r.Speedup) })
	}},
	{"results/updates.csv", "", []string{"update"}, func(e experiments, _ [][]string) [][]string {
		return updates(e["update"], interval)
	}},
	{"results/energy.csv", "", []string{"energy"}, func(e experiments, _ [][]string) [][]string {
		seen := map[string]bool{}
		return lines(energyHead, e["energy"], func(r row) []string {
			l := energyRow(r)
			if key := l[0] + l[1]; !seen[key] { // dense is the same at all rates
				seen[key] = true
				return l
			}
			return nil
		})
	}},
	{"design/energy.md", "energy", []string{"energy"}, func(e experiments, _ [][]string) [][]string {
		return lines(energyHead, e["energy"], func(r row) []string {
			if r.width("-") != "2048-2048" || r.rate() != "0.7" {
				return nil
			}
			return energyRow(r)
		})
	}},
	{"design/energy.md", "energy-table1", []string{"table1"}, func(e experiments, _ [][]string) [][]string {
		rows := slices.DeleteFunc(threeMethods(e["table1"]), func(r row) bool { return r.width("-") == "2048-2048" })
		return lines(append([]string{"hidden"}, energyHead[1:]...), rows, func(r row) []string {
			return append([]string{r.width("-")}, energyRow(r)[1:]...)
		})
	}},
	{"design/energy.md", "energy-fig4", []string{"fig4"}, func(e experiments, _ [][]string) [][]string {
		return lines([]string{"rate", "rdp mJ", "relative", "time", "W", "tdp mJ", "relative", "time", "W"}, e["fig4"],
			func(r row) []string {
				if r.Method != "rdp" {
					return nil
				}
				tdp := find(e["fig4"], func(t row) bool { return t.Method == "tdp" && t.rate() == r.rate() })
				return slices.Concat([]string{r.rate()}, energyCells(r), energyCells(tdp))
			})
	}},
	{"results/beyond.md", "conflicts", []string{"bank-conflicts"}, func(e experiments, _ [][]string) [][]string {
		return conflicts(e["bank-conflicts"], []string{"tile", "conflicts an access", "dense, plain rows", "padded",
			"tdp dp = 8, plain rows", "padded"}, "dense false", "dense true", "tdp8 false", "tdp8 true")
	}},
	{"results/tile-conflicts.csv", "", []string{"bank-conflicts"}, func(e experiments, old [][]string) [][]string {
		return conflicts(e["bank-conflicts"], old[0], "", "dense false", "dense true", "tdp2 true", "tdp8 false",
			"tdp8 true")
	}},
	{"results/beyond.md", "dp", []string{"dp-sweep"}, func(e experiments, _ [][]string) [][]string {
		rows := slices.DeleteFunc(slices.Clone(e["dp-sweep"]), func(r row) bool { return r.Method == "dense" })
		return grid("dp", rows, []string{"rdp", "tdp"}, func(r row) string { return strconv.Itoa(r.DP) },
			func(r row) string { return times(r.Speedup) })
	}},
	{"results/beyond.md", "size", []string{"size-sweep"}, func(e experiments, _ [][]string) [][]string {
		return sizes(e["size-sweep"], func(r row) string { return times(r.Speedup) })
	}},
	{"results/size-sweep.csv", "", []string{"size-sweep"}, func(e experiments, _ [][]string) [][]string {
		return sizes(e["size-sweep"], interval)
	}},
	{"results/beyond.md", "gpus", []string{"gpus"}, func(e experiments, _ [][]string) [][]string {
		return lines([]string{"GPU", "dense, cycles", "rdp", "tdp"}, e["gpus"], func(r row) []string {
			if r.Method != "dense" {
				return nil
			}
			l := []string{r.GPU, count(r.Cycles)}
			for _, m := range []string{"rdp", "tdp"} {
				with := find(e["gpus"], func(x row) bool { return x.GPU == r.GPU && x.Method == m })
				l = append(l, times(with.Speedup))
			}
			return l
		})
	}},
	{"results/beyond.md", "optimum", []string{"optimum"}, func(e experiments, _ [][]string) [][]string {
		t := [][]string{{"tile"}}
		for _, r := range simulated(e["optimum"]) {
			if r.Method == "dense" {
				continue
			}
			if n := "N = " + strconv.Itoa(r.Patterns); !slices.Contains(t[0], n) {
				t[0] = append(t[0], n)
			}
			tile := strconv.Itoa(r.Tile)
			i := slices.IndexFunc(t, func(l []string) bool { return l[0] == tile })
			if i < 0 {
				t, i = append(t, []string{tile}), len(t)
			}
			t[i] = append(t[i], interval(r))
		}
		return t
	}},
	{"results/table2.csv", "", []string{"table2"}, func(e experiments, old [][]string) [][]string {
		return lines(old[0], simulated(e["table2"]), func(r row) []string {
			l := []string{r.rate(), r.Method, count(r.Cycles), interval(r), times(r.Paper), signed(r.Difference)}
			if r.Method == "dense" {
				l[4], l[5] = "1", ""
			}
			return append(l, kept(old, l, 6)...)
		})
	}},
	{"results/reproduction-lstm.md", "table2", []string{"table2"}, func(e experiments, old [][]string) [][]string {
		t := [][]string{old[0]}
		for _, r := range simulated(e["table2"]) {
			l := []string{"", r.Method, count(r.Cycles), interval(r), times(r.Paper)}
			if r.Method == "dense" {
				l[0], l[4] = r.rate(), "1"
			}
			t = append(t, append(l, old[len(t)][5:]...))
		}
		return t
	}},
	{"results/reproduction-lstm.md", "parts", []string{"table2"}, func(e experiments, old [][]string) [][]string {
		var rows []row
		for _, want := range []string{"dense 0.3", "rdp 0.3", "rdp 0.7", "tdp 0.3", "tdp 0.7"} {
			rows = append(rows, find(simulated(e["table2"]), func(r row) bool { return r.Method+" "+r.rate() == want }))
		}
		return parts(lstmParts, old[0], rows, 1000)
	}},
	{"results/reproduction-lstm.md", "fig6a", []string{"fig6a"}, func(e experiments, old [][]string) [][]string {
		head := []string{"rdp, cycles", "ours, speedup (95 % interval)", "paper"}
		t := against("rate", row.rate, simulated(e["fig6a"]), head, func(_, r row) []string {
			return []string{count(r.Cycles), interval(r)}
		})
		for i := 1; i < len(t); i++ {
			t[i] = append(t[i], old[i][4]) // read off the paper's figure
		}
		return t
	}},
	{"results/reproduction-lstm.md", "fig6b", []string{"fig6b"}, func(e experiments, _ [][]string) [][]string {
		return against("batch", func(r row) string { return strconv.Itoa(r.Batch) }, simulated(e["fig6b"]),
			[]string{"rdp, cycles", "speedup (95 % interval)", "recurrent, M cycles"}, func(dense, r row) []string {
				return []string{count(r.Cycles), interval(r), fmt.Sprintf("%.1f", dense.Parts["gemm_recurrent"]/1e6)}
			})
	}},
}

// updates is the table of the dense and the lazy update.
func updates(rows []row, speedup func(r row) string) [][]string {
	t := [][]string{{"hidden layers", "", "rdp", "rdp, lazy", "tdp", "tdp, lazy"}}
	update := column{"", []string{"update", "gather"}}
	for _, d := range rows {
		if d.Method != "dense" {
			continue
		}
		fast, work := []string{d.width(", "), "speedup"}, []string{d.width(", "), "update and gathering, cycles"}
		for _, want := range []string{"rdp", "rdp lazy", "tdp", "tdp lazy"} {
			r := find(rows, func(r row) bool { return r.Network == d.Network && r.method() == want })
			fast, work = append(fast, speedup(r)), append(work, update.of(r, 1))
		}
		t = append(t, fast, work)
	}
	return t
}

// sizes is the table of the size of a network.
func sizes(rows []row, speedup func(r row) string) [][]string {
	by := func(r row) string { return strconv.Itoa(r.Hidden[0]) }
	t := grid("hidden layers", rows, []string{"dense", "rdp", "tdp"}, by, func(r row) string {
		if r.Method == "dense" {
			return count(r.Cycles)
		}
		return speedup(r)
	})
	t[1][0] = "dense, cycles"
	return t
}

// conflicts is the table of tiles: conflicts an access without padding, with it too where the first of wanted is empty,
// and cycles of each wanted method with its dp and whether its rows are padded.
func conflicts(rows []row, head []string, wanted ...string) [][]string {
	t := [][]string{head}
	for _, d := range rows {
		if d.Method != "dense" || d.Pad == "true" {
			continue
		}
		line := []string{strconv.Itoa(d.Tile), fmt.Sprintf("%.2f", d.Conflicts)}
		for _, w := range wanted {
			r := find(rows, func(r row) bool {
				name := r.Method
				if r.DP > 1 {
					name += strconv.Itoa(r.DP)
				}
				return r.Tile == d.Tile && (w == "" && name == "dense" && r.Pad == "true" || name+" "+r.Pad == w)
			})
			if w == "" {
				line = append(line, strconv.FormatFloat(math.Round(100*r.Conflicts)/100, 'g', -1, 64))
			} else {
				line = append(line, count(r.Cycles))
			}
		}
		t = append(t, line)
	}
	return t
}
