package experiments

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/stat"

	"warpdrop/internal/atomicfile"
	"warpdrop/internal/show"
	"warpdrop/plots"
	"warpdrop/sim"
	"warpdrop/workloads"
)

// Correlated is a set of measured kernels beside their simulation.
type Correlated struct {
	Name     string `json:"name"`
	Title    string `json:"title"`
	Source   string `json:"source,omitempty"`
	Includes string `json:"includes,omitempty"` // what is in a measured time
	GPU      string `json:"gpu"`
	Model    string `json:"model_version"`
	Compiler string `json:"compiler,omitempty"`

	ClockMHz float64 `json:"clock_mhz"`           // that was simulated
	TimedMHz float64 `json:"timed_mhz"`           // that converts cycles to times
	Fitted   bool    `json:"clock_fitted"`        // TimedMHz is the clock that fits best
	Columns  string  `json:"columns"`             // that names are made of
	Table    int     `json:"table_rows"`          // that were asked for
	Sample   int     `json:"sample_rows"`         // that were drawn of these
	Seed     int     `json:"seed"`                // that drew them
	Waves    int     `json:"waves,omitempty"`     // 0: all blocks were simulated
	Within   float64 `json:"within,omitempty"`    // stated error until which waves were doubled; 0: never
	Missing  int     `json:"missing,omitempty"`   // rows of the sample that are not simulated
	HostMBps float64 `json:"host_mbps,omitempty"` // of the link, where kernels read the host's memory

	MeanError   float64          `json:"mean_absolute_error"` // as shares
	MedianError float64          `json:"median_absolute_error"`
	MeanSigned  float64          `json:"mean_error"` // negative: simulated is faster
	Pearson     float64          `json:"pearson"`    // of times
	Spearman    float64          `json:"spearman"`
	Pick        *CorrelationPick `json:"pick,omitempty"`

	Rows  []CorrelatedRow `json:"rows"`            // the fastest measured first
	Whole []WholeRow      `json:"whole,omitempty"` // rows that were simulated whole as well
}

// CorrelatedRow is one configuration.
type CorrelatedRow struct {
	Line      int     `json:"line"` // in the table
	Name      string  `json:"name"`
	Measured  float64 `json:"measured_us"`
	Simulated float64 `json:"simulated_us"`
	Error     float64 `json:"error"` // share; negative: simulated is faster
	Cycles    float64 `json:"cycles_with_launch"`
	// that reading and writing the host's memory takes at least; Simulated is no less
	HostUS      float64  `json:"host_us,omitempty"`
	SampleError float64  `json:"sample_error,omitempty"` // stated error of Cycles, a share; 0: all blocks were simulated
	Blocks      int64    `json:"simulated_blocks,omitempty"`
	Total       int64    `json:"blocks,omitempty"`
	Registers   int      `json:"registers"`
	LocalBytes  int      `json:"local_bytes"` // a thread's; above 0 where registers are spilled
	BlocksPerSM int      `json:"blocks_per_sm"`
	Stalls      []string `json:"stalls"` // the largest shares of the schedulers' cycles
}

// CorrelationPick is the configuration that the simulator would choose.
type CorrelationPick struct {
	Name      string  `json:"name"`
	Measured  float64 `json:"measured_us"`
	Best      string  `json:"best"` // of the sample, on the card
	BestUS    float64 `json:"best_us"`
	TableUS   float64 `json:"table_best_us"` // of the whole table
	Loss      float64 `json:"loss"`          // share by which the picked one is slower on the card than the sample's best
	TableLoss float64 `json:"loss_to_table"` // and than the table's
	// of the three that the simulator finds fastest the one that is on the card: whoever measures these has it
	OfThree     string  `json:"best_of_three"`
	OfThreeLoss float64 `json:"best_of_three_loss"` // share by which it is behind the sample's best
}

// WholeRow is a sampled simulation beside one of all blocks.
type WholeRow struct {
	Name    string  `json:"name"`
	Sampled float64 `json:"sampled_cycles"`
	Whole   float64 `json:"whole_cycles"`
	Error   float64 `json:"error"`        // share
	Stated  float64 `json:"stated_error"` // share
}

// Correlate sets the stored launches of rows beside their measured times.
func (c *Correlation) Correlate(rows []Configured, points []Point, stored map[string]*Stored) (*Correlated, error) {
	gpu, err := loadGPU(c.GPU)
	if err != nil {
		return nil, err
	}
	out := &Correlated{Name: c.Name, Title: c.Title, Source: c.Source, Includes: c.Includes, GPU: c.GPU,
		Model: sim.ModelVersion, ClockMHz: cmp.Or(float64(c.Clock), gpu.CoreMHz), Fitted: c.FitClock,
		Columns: strings.Join(c.columns, "/"), Table: len(c.rows), Sample: len(rows), Seed: c.Seed, Waves: c.Waves,
		Within: c.Within, Rows: []CorrelatedRow{}}
	var cycles, us []float64
	for i, r := range rows {
		s := stored[points[i].Hash]
		if s == nil {
			out.Missing++
			continue
		}
		row := newCorrelatedRow(r, s.Result.Sim)
		if l := s.Result.Sim.Launch; l != nil {
			out.Compiler = l.Compiler
		}
		if r.Host > 0 {
			row.HostUS = gpu.Copy.CopyTime(int64(r.Host)) * 1e6
			out.HostMBps = gpu.Copy.GBps * 1e3
		}
		out.Rows = append(out.Rows, row)
		cycles, us = append(cycles, row.Cycles), append(us, row.Measured)
	}
	if len(out.Rows) == 0 {
		return out, nil
	}
	if out.TimedMHz = out.ClockMHz; c.FitClock {
		out.TimedMHz = workloads.BestClock(cycles, us)
	}
	for i := range out.Rows {
		r := &out.Rows[i]
		r.Simulated = max(r.Cycles/out.TimedMHz, r.HostUS)
		r.Error = r.Simulated/r.Measured - 1
	}
	out.statistics()
	out.pick(c.rows[0].Measured * 1e6)
	for i, p := range points[len(rows):] {
		s, part := stored[p.Hash], stored[points[i].Hash]
		if s == nil || part == nil {
			continue
		}
		w := WholeRow{Name: rows[i].Name, Sampled: part.Result.Sim.Cycles, Whole: s.Result.Sim.Cycles}
		w.Error = w.Sampled/w.Whole - 1
		if l := part.Result.Sim.Launch; l.Sample != nil {
			w.Stated = l.Sample.Error
		}
		out.Whole = append(out.Whole, w)
	}
	return out, nil
}

func newCorrelatedRow(r Configured, s *SimResult) CorrelatedRow {
	row := CorrelatedRow{Line: r.Line, Name: r.Name, Measured: r.Measured * 1e6, Cycles: s.Cycles, Stalls: topStalls(s, 3)}
	if l := s.Launch; l != nil {
		row.Registers, row.LocalBytes, row.BlocksPerSM = l.Registers, l.LocalBytes, l.BlocksPerSM
		if l.Sample != nil {
			row.SampleError, row.Blocks, row.Total = l.Sample.Error, l.Sample.Blocks, l.Sample.Total
		}
	}
	return row
}

// topStalls are the n largest parts of the schedulers' cycles, issuing among them.
func topStalls(s *SimResult, n int) []string {
	type part struct {
		name   string
		cycles float64
	}
	parts, all := []part{{"issued", s.Counters["issue_cycles"]}}, s.Counters["issue_cycles"]
	for name, cycles := range s.Counters {
		if reason, ok := strings.CutPrefix(name, stallPrefix); ok {
			parts, all = append(parts, part{reason, cycles}), all+cycles
		}
	}
	slices.SortFunc(parts, func(a, b part) int {
		return cmp.Or(cmp.Compare(b.cycles, a.cycles), cmp.Compare(a.name, b.name))
	})
	out := []string{}
	for _, p := range parts[:min(n, len(parts))] {
		out = append(out, fmt.Sprintf("%s %.0f %%", p.name, 100*p.cycles/max(all, 1)))
	}
	return out
}

// statistics are those of the rows.
func (c *Correlated) statistics() {
	n := len(c.Rows)
	simulated, measured, sizes := make([]float64, n), make([]float64, n), make([]float64, n)
	for i, r := range c.Rows {
		simulated[i], measured[i], sizes[i] = r.Simulated, r.Measured, math.Abs(r.Error)
		c.MeanError += sizes[i] / float64(n)
		c.MeanSigned += r.Error / float64(n)
	}
	slices.Sort(sizes)
	c.MedianError = (sizes[(n-1)/2] + sizes[n/2]) / 2
	if n > 1 {
		c.Pearson = finiteOr0(stat.Correlation(simulated, measured, nil))
		c.Spearman = finiteOr0(stat.Correlation(ranks(simulated), ranks(measured), nil))
	}
}

// finiteOr0 is 0 where no correlation is defined: all values of one side are equal.
func finiteOr0(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return x
}

// ranks are the places of values in their order; equal ones share the mean of theirs.
func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
	out := make([]float64, len(x))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && x[order[j]] == x[order[i]] {
			j++
		}
		for _, k := range order[i:j] {
			out[k] = float64(i+j-1) / 2
		}
		i = j
	}
	return out
}

// pick finds the configuration that is fastest in simulation; table is the best time of the whole table.
func (c *Correlated) pick(table float64) {
	order := slices.Clone(c.Rows)
	slices.SortStableFunc(order, func(a, b CorrelatedRow) int { return cmp.Compare(a.Simulated, b.Simulated) })
	onCard := func(a, b CorrelatedRow) int { return cmp.Compare(a.Measured, b.Measured) }
	chosen, three, best := order[0], slices.MinFunc(order[:min(3, len(order))], onCard), slices.MinFunc(c.Rows, onCard)
	c.Pick = &CorrelationPick{Name: chosen.Name, Measured: chosen.Measured, Best: best.Name, BestUS: best.Measured,
		TableUS: table, Loss: chosen.Measured/best.Measured - 1, TableLoss: chosen.Measured/table - 1,
		OfThree: three.Name, OfThreeLoss: three.Measured/best.Measured - 1}
}

// Worst are the n rows with the largest errors, the largest first.
func (c *Correlated) Worst(n int) []CorrelatedRow {
	rows := slices.Clone(c.Rows)
	slices.SortStableFunc(rows, func(a, b CorrelatedRow) int { return cmp.Compare(math.Abs(b.Error), math.Abs(a.Error)) })
	return rows[:min(n, len(rows))]
}

// Lines say in words what came out.
func (c *Correlated) Lines() (out []string) {
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	clock := "fixed"
	if c.Fitted {
		clock = "fitted to these rows"
	}
	add("%s: %d of %d configurations (sample of %d, seed %d), %s, model %s, %s", c.Title, len(c.Rows), c.Table, c.Sample,
		c.Seed, c.GPU, c.Model, cmp.Or(c.Compiler, "cubins"))
	if c.Waves > 0 {
		most, sampled := 0.0, 0
		for _, r := range c.Rows {
			if r.Total > 0 {
				sampled++
			}
			most = max(most, r.SampleError)
		}
		more := ""
		if c.Within > 0 {
			more = fmt.Sprintf(" or more, until the stated error is within %g %%,", 100*c.Within)
		}
		add("sampled simulation: the first %d waves%s of blocks of %d configurations, the rest of each extended; largest "+
			"stated error %.1f %%", c.Waves, more, sampled, 100*most)
		for _, w := range c.Whole {
			add("  simulated whole as well: %s, sampled %+.1f %% of it, stated +-%.1f %%", w.Name, 100*w.Error, 100*w.Stated)
		}
	}
	if c.HostMBps > 0 {
		add("kernels read the host's memory: no simulated time is less than its bytes take at %.0f MB/s", c.HostMBps)
	}
	if c.Missing > 0 {
		add("%d configurations of the sample are missing", c.Missing)
	}
	if len(c.Rows) == 0 {
		return out
	}
	add("clock %.0f MHz, %s (simulated at %.0f)", c.TimedMHz, clock, c.ClockMHz)
	add("mean absolute error %.1f %%, median %.1f %%, mean error %+.1f %%; Pearson %.4f, Spearman %.4f",
		100*c.MeanError, 100*c.MedianError, 100*c.MeanSigned, c.Pearson, c.Spearman)
	if p := c.Pick; p != nil {
		add("the simulator picks %s: %.1f us on the card, %.1f %% behind the sample's best (%s, %.1f us) and %.1f %% "+
			"behind the table's (%.1f us)", p.Name, p.Measured,
			100*p.Loss, p.Best, p.BestUS, 100*p.TableLoss, p.TableUS)
		add("of the three that it finds fastest the best on the card is %s, %.1f %% behind the sample's best", p.OfThree,
			100*p.OfThreeLoss)
	}
	return out
}

// Head are the titles of Cells.
func (c *Correlated) Head() []string {
	return []string{cmp.Or(c.Columns, "configuration"), "measured us", "simulated us", "error", "registers",
		"blocks an SM", "schedulers", "simulated blocks"}
}

// Cells are rows for people.
func (c *Correlated) Cells(rows []CorrelatedRow) (cells [][]string) {
	for _, r := range rows {
		simulated := fmt.Sprintf("%.1f", r.Simulated)
		if r.Simulated == r.HostUS {
			simulated += " (host's link)"
		}
		registers := strconv.Itoa(r.Registers)
		if r.LocalBytes > 0 {
			registers += fmt.Sprintf(" + %d B local", r.LocalBytes)
		}
		blocks := "all"
		if r.Total > 0 {
			blocks = fmt.Sprintf("sampled %d of %d, +-%.1f %%", r.Blocks, r.Total, 100*r.SampleError)
		}
		cells = append(cells, []string{r.Name, fmt.Sprintf("%.1f", r.Measured), simulated,
			fmt.Sprintf("%+.1f %%", 100*r.Error), registers, strconv.Itoa(r.BlocksPerSM), strings.Join(r.Stalls, ", "), blocks})
	}
	return cells
}

// Files that Write makes.
const (
	CorrelationCSV  = "correlation.csv"
	CorrelationJSON = "correlation.json"
	CorrelationSVG  = "correlation.svg"
)

// CheckCorrelationOutput refuses a folder that is there and that holds what no correlation has made.
func CheckCorrelationOutput(dir string) error {
	err := ownFolder(dir, CorrelationJSON, func(e fs.DirEntry) bool { return e.Name() == StoreDir && e.IsDir() })
	if err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}

// Write writes table, JSON and figure to a folder.
func (c *Correlated) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if err := writeJSON(filepath.Join(dir, CorrelationJSON), c); err != nil {
		return err
	}
	if err := atomicfile.WriteBytes(filepath.Join(dir, CorrelationCSV), c.CSV()); err != nil {
		return err
	}
	f, err := c.Figure()
	var nothing plots.ErrNothing
	if errors.As(err, &nothing) {
		return nil
	}
	if err != nil {
		return err
	}
	drawn, err := plots.Render(f, "svg")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(filepath.Join(dir, CorrelationSVG), drawn)
}

// CSV is the rows as a table for other programs.
func (c *Correlated) CSV() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write([]string{"line", "configuration", "measured_us", "simulated_us", "error", "cycles_with_launch", "host_us",
		"sample_error", "simulated_blocks", "blocks", "registers", "local_bytes", "blocks_per_sm", "stalls", "model_version"})
	text := func(x float64) string { return number(x).text() }
	for _, r := range c.Rows {
		w.Write([]string{strconv.Itoa(r.Line), show.Cell(r.Name), text(r.Measured), text(r.Simulated), text(r.Error),
			text(r.Cycles), text(r.HostUS), text(r.SampleError), strconv.FormatInt(r.Blocks, 10),
			strconv.FormatInt(r.Total, 10), strconv.Itoa(r.Registers), strconv.Itoa(r.LocalBytes),
			strconv.Itoa(r.BlocksPerSM), strings.Join(r.Stalls, "; "), c.Model})
	}
	w.Flush()
	return b.Bytes()
}

// Figure draws simulated against measured times; in SVG each point has its name.
func (c *Correlated) Figure() (*plots.Figure, error) {
	var pairs []plots.Pair
	for _, r := range c.Rows {
		series := "all blocks simulated"
		if r.Total > 0 {
			series = "sampled"
		}
		pairs = append(pairs, plots.Pair{Series: series, Name: fmt.Sprintf("%s: %+.1f %%, %s", r.Name, 100*r.Error,
			strings.Join(r.Stalls, ", ")),
			Simulated: r.Simulated / 1e6, Measured: r.Measured / 1e6})
	}
	return plots.Correlation(fmt.Sprintf("%s on %s at %.0f MHz", c.Title, c.GPU, c.TimedMHz), pairs)
}
