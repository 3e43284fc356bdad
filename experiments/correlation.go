package experiments

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"go/constant"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"warpdrop/internal/infile"
	"warpdrop/sim"
)

// Correlation is a set of launches that were timed on a real GPU: a table of configurations with their times, and how
// each is compiled and launched. Formulas are over the table's columns and the constants; see expression.
type Correlation struct {
	Name     string   `json:"name" need:"true" jsonschema:"pattern=^[a-z0-9][a-z0-9-]*$"`
	Title    string   `json:"title" need:"true"`
	Source   string   `json:"source"`   // who measured
	Includes string   `json:"includes"` // what is in a measured time
	Table    string   `json:"table" need:"true"`
	Time     string   `json:"time" need:"true"` // its column
	Unit     string   `json:"unit" jsonschema:"enum=s,enum=ms,enum=us,default=ms"`
	Where    []string `json:"where"` // formulas: rows for which all hold

	GPU   string `json:"gpu" jsonschema:"default=gtx1080ti"`
	Clock int    `json:"clock" jsonschema:"minimum=0,maximum=10000,default=0"` // MHz; 0 = the preset's
	// one clock for all rows converts cycles to times: the one that fits best
	FitClock bool `json:"fit_clock" jsonschema:"default=false"`

	File      string   `json:"file" need:"true"` // with formulas in braces, as the next
	Kernel    string   `json:"kernel" need:"true"`
	Compiler  string   `json:"compiler" jsonschema:"enum=nvrtc,enum=clang"`
	Constants []string `json:"constants"` // NAME=FORMULA
	Defines   []string `json:"defines"`   // NAME, a column's or constant's, or NAME=FORMULA
	Grid      []string `json:"grid" need:"true"`
	Block     []string `json:"block" need:"true"`
	Shared    string   `json:"shared" jsonschema:"default=0"`
	Args      []string `json:"args"`      // as a launch's, with formulas in braces
	Variables []string `json:"variables"` // as a launch's, with formulas in braces
	Warm      bool     `json:"warm" jsonschema:"default=false"`
	// formula: bytes that the kernel reads from and writes to the host's memory while it runs
	HostBytes string `json:"host_bytes"`

	N     int `json:"n" jsonschema:"minimum=0,default=100"` // rows that are simulated; 0 = all
	Seed  int `json:"seed" jsonschema:"minimum=0,default=1"`
	Waves int `json:"waves" jsonschema:"minimum=0,default=0"` // 0 = all blocks
	// stated error, a share, until which waves are doubled; 0 = never
	Within float64 `json:"within" jsonschema:"minimum=0,maximum=0.99,default=0"`
	// sampled rows, the fastest, that are simulated whole as well
	Whole int `json:"whole" jsonschema:"minimum=0,default=0"`

	path    string
	table   string       // file
	head    []string     // of the table
	columns []string     // of the table, those that formulas use and that differ between rows
	rows    []Configured // of the table, those that Where lets through, the fastest first
}

// Configured is a row of the table.
type Configured struct {
	Line     int               // in the table's file
	Name     string            // values of the columns, separated by slashes
	Values   map[string]string // cells by column
	Measured float64           // seconds
	Launch   Launch
	Host     float64 // bytes over the host's link
}

// CorrelationOverride is what a caller wants otherwise than a set's file says; nil and "" leave it.
type CorrelationOverride struct {
	GPU, Table                   string
	N, Seed, Waves, Whole, Clock *int
	Within                       *float64
	FitClock                     *bool
}

func (o *CorrelationOverride) apply(c *Correlation) {
	c.GPU = cmp.Or(o.GPU, c.GPU)
	if o.Table != "" {
		c.table = o.Table // from the folder that warpdrop runs in
	} else {
		c.table = c.beside(c.Table)
	}
	for _, v := range []struct{ from, to *int }{{o.N, &c.N}, {o.Seed, &c.Seed}, {o.Waves, &c.Waves}, {o.Whole, &c.Whole},
		{o.Clock, &c.Clock}} {
		if v.from != nil {
			*v.to = *v.from
		}
	}
	if o.Within != nil {
		c.Within = *o.Within
	}
	if c.Waves == 0 {
		c.Within = 0 // all blocks: nothing to be off by
	}
	if o.FitClock != nil {
		c.FitClock = *o.FitClock
	}
}

// LoadCorrelation reads and checks a set; what is wrong comes back as FileErrors, or as an error of the table with its
// line. Files are looked for beside the set's own.
func LoadCorrelation(path string, over CorrelationOverride) (*Correlation, error) {
	data, err := infile.Read(path, maxFileBytes)
	if err != nil {
		return nil, err
	}
	d := &decoder{file: path}
	root := d.document(data, "a set of measured kernels", "table")
	if root == nil {
		return nil, d.finish()
	}
	c := &Correlation{path: path}
	fields := d.mapping(root, "set of measured kernels")
	origins := map[string]*yaml.Node{}
	if fields != nil && d.structure(root, fields, reflect.ValueOf(c).Elem(), origins) {
		over.apply(c)
		bad := checkGPU(c.GPU)
		if c.Waves != 0 && c.Waves < sim.MinWaves {
			bad = append(bad, problem{"waves", fmt.Sprintf("waves is %d; allowed is %d or more, or 0 for all blocks",
				c.Waves, sim.MinWaves)})
		}
		if c.Clock != 0 && c.Clock < 100 {
			bad = append(bad, problem{"clock", fmt.Sprintf("clock is %d MHz; allowed is 100 to 10000, or 0 for the preset's",
				c.Clock)})
		}
		for _, p := range bad {
			d.fail(cmp.Or(origins[p.key], root), "%s", p.text)
		}
	}
	if err := d.finish(); err != nil {
		return nil, err
	}
	f, err := c.formulas()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := c.read(f); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// formulas are those of a set, parsed.
type formulas struct {
	where, grid, block []*expression
	shared, host       *expression
	constants, defines []define
	args, variables    []*template
	file, kernel       *template
}

type define struct {
	name string
	expr *expression
}

func (c *Correlation) formulas() (f *formulas, err error) {
	f = &formulas{}
	expr := func(key, text string) *expression {
		e, bad := parseExpression(text)
		if bad != nil && err == nil {
			err = fmt.Errorf("%s: %w", key, bad)
		}
		return e
	}
	exprs := func(key string, list []string) (out []*expression) {
		for _, text := range list {
			out = append(out, expr(key, text))
		}
		return out
	}
	defines := func(key string, list []string) (out []define) {
		for _, text := range list {
			name, formula, ok := strings.Cut(text, "=")
			if !ok {
				formula = name
			}
			out = append(out, define{strings.TrimSpace(name), expr(key, formula)})
		}
		return out
	}
	text := func(key, s string) *template {
		t, bad := parseTemplate(s)
		if bad != nil && err == nil {
			err = fmt.Errorf("%s: %w", key, bad)
		}
		return t
	}
	texts := func(key string, list []string) (out []*template) {
		for _, s := range list {
			out = append(out, text(key, s))
		}
		return out
	}
	f.where, f.grid, f.block = exprs("where", c.Where), exprs("grid", c.Grid), exprs("block", c.Block)
	f.shared = expr("shared", c.Shared)
	if c.HostBytes != "" {
		f.host = expr("host_bytes", c.HostBytes)
	}
	f.constants, f.defines = defines("constants", c.Constants), defines("defines", c.Defines)
	f.args, f.variables = texts("args", c.Args), texts("variables", c.Variables)
	f.file, f.kernel = text("file", c.File), text("kernel", c.Kernel)
	return f, err
}

// names are those that the formulas of a launch ask for.
func (f *formulas) names() map[string]bool {
	to := map[string]bool{}
	for _, list := range [][]*expression{f.grid, f.block, {f.shared}} {
		for _, e := range list {
			e.names(to)
		}
	}
	for _, d := range slices.Concat(f.constants, f.defines) {
		d.expr.names(to)
	}
	for _, list := range [][]*template{f.args, f.variables, {f.file, f.kernel}} {
		for _, t := range list {
			t.names(to)
		}
	}
	return to
}

// maxTableBytes bounds a table of measured times.
const maxTableBytes = 64 << 20

// seconds of the units that a table's times may have.
var seconds = map[string]float64{"s": 1, "ms": 1e-3, "us": 1e-6}

// beside is a path that the set names, from the folder that warpdrop runs in.
func (c *Correlation) beside(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(filepath.Dir(c.path), file)
}

// read reads the table and makes a launch of each row.
func (c *Correlation) read(f *formulas) error {
	table := c.table
	data, err := infile.Read(table, maxTableBytes)
	if err != nil {
		return err
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.Comment = '#'
	head, err := r.Read()
	if err != nil {
		return fmt.Errorf("%s: %w", table, err)
	}
	c.head = head
	at := slices.Index(head, c.Time)
	if at < 0 {
		return fmt.Errorf("%s has no column %q; it has %s", table, c.Time, strings.Join(head, ", "))
	}
	for {
		cells, err := r.Read()
		if cells == nil {
			break
		}
		line, _ := r.FieldPos(0)
		fail := func(err error) error { return fmt.Errorf("%s:%d: %w", table, line, err) }
		if err != nil {
			return fail(err)
		}
		vars, values := map[string]constant.Value{}, map[string]string{}
		for i, name := range head {
			vars[name], values[name] = cellValue(cells[i]), cells[i]
		}
		for _, d := range f.constants {
			if vars[d.name], err = d.expr.value(vars); err != nil {
				return fail(fmt.Errorf("constants: %w", err))
			}
		}
		if holds, err := f.holds(vars); err != nil {
			return fail(err)
		} else if !holds {
			continue
		}
		one := Configured{Line: line, Values: values}
		if one.Measured, err = strconv.ParseFloat(strings.TrimSpace(cells[at]), 64); err != nil || !(one.Measured > 0) {
			return fail(fmt.Errorf("%s is %q; allowed is a time above 0", c.Time, cells[at]))
		}
		one.Measured *= seconds[c.Unit]
		if one.Launch, one.Host, err = c.launch(f, vars); err != nil {
			return fail(err)
		}
		c.rows = append(c.rows, one)
	}
	if len(c.rows) == 0 {
		return fmt.Errorf("%s has no row that is asked for", table)
	}
	slices.SortStableFunc(c.rows, func(a, b Configured) int { return cmp.Compare(a.Measured, b.Measured) })
	used := f.names()
	for _, name := range head {
		if used[name] && slices.ContainsFunc(c.rows, func(r Configured) bool {
			return r.Values[name] != c.rows[0].Values[name]
		}) {
			c.columns = append(c.columns, name)
		}
	}
	for i := range c.rows {
		cells := make([]string, len(c.columns))
		for j, name := range c.columns {
			cells[j] = c.rows[i].Values[name]
		}
		c.rows[i].Name = cmp.Or(strings.Join(cells, "/"), fmt.Sprintf("line %d", c.rows[i].Line))
	}
	return nil
}

func (f *formulas) holds(vars map[string]constant.Value) (bool, error) {
	for _, e := range f.where {
		v, err := e.value(vars)
		if err == nil && v.Kind() != constant.Bool {
			err = fmt.Errorf("%q is %s, not true or false", e.text, v)
		}
		if err != nil {
			return false, fmt.Errorf("where: %w", err)
		}
		if !constant.BoolVal(v) {
			return false, nil
		}
	}
	return true, nil
}

// launch is what a row says.
func (c *Correlation) launch(f *formulas, vars map[string]constant.Value) (l Launch, host float64, err error) {
	fail := func(key string, bad error) {
		if bad != nil && err == nil {
			err = fmt.Errorf("%s: %w", key, bad)
		}
	}
	whole := func(key string, least int64, e *expression) int {
		v, bad := e.value(vars)
		if bad == nil {
			n, ok := constant.Int64Val(constant.ToInt(v))
			if ok && n >= least && n < 1<<31 {
				return int(n)
			}
			bad = fmt.Errorf("%q is %s, not a whole number from %d", e.text, v, least)
		}
		fail(key, bad)
		return 0
	}
	fill := func(key string, t *template) string {
		s, bad := t.fill(vars)
		fail(key, bad)
		return s
	}
	l = Launch{GPU: c.GPU, Compiler: c.Compiler, Warm: c.Warm, Waves: c.Waves, Within: c.Within, Clock: c.Clock,
		Cubin: c.beside(fill("file", f.file)), Kernel: fill("kernel", f.kernel), Shared: whole("shared", 0, f.shared)}
	for _, e := range f.grid {
		l.Grid = append(l.Grid, whole("grid", 1, e))
	}
	for _, e := range f.block {
		l.Block = append(l.Block, whole("block", 1, e))
	}
	for _, d := range f.defines {
		v, bad := d.expr.value(vars)
		fail("defines", bad)
		if bad == nil {
			l.Defines = append(l.Defines, d.name+"="+valueText(v))
		}
	}
	for _, t := range f.args {
		l.Args = append(l.Args, c.found(fill("args", t)))
	}
	for _, t := range f.variables {
		l.Variables = append(l.Variables, c.found(fill("variables", t)))
	}
	if f.host != nil {
		host = float64(whole("host_bytes", 0, f.host))
	}
	if err == nil {
		for _, p := range l.checkKeys() { // a row that cannot be launched fails alone, when its turn comes
			fail(p.key, fmt.Errorf("%s", p.text))
		}
	}
	return l, host, err
}

// found has the file of a buffer beside the set's own.
func (c *Correlation) found(arg string) string {
	before, file, ok := strings.Cut(arg, "file=")
	if !ok {
		return arg
	}
	return before + "file=" + c.beside(file)
}

// Rows are those of the table that Where lets through, the fastest first.
func (c *Correlation) Rows() []Configured { return c.rows }

// Columns are those that rows are named by.
func (c *Correlation) Columns() []string { return c.columns }

// Sample draws n rows: the rows, by their times, fall into n groups of equal size, and one of each is drawn. The same
// seed draws the same ones.
func (c *Correlation) Sample() []Configured {
	if c.N == 0 || c.N >= len(c.rows) {
		return c.rows
	}
	rng := rand.New(rand.NewPCG(uint64(c.Seed), 3))
	out := make([]Configured, c.N)
	for i := range out {
		from, to := i*len(c.rows)/c.N, (i+1)*len(c.rows)/c.N
		out[i] = c.rows[from+rng.IntN(to-from)]
	}
	return out
}

// LaunchList is what scripts/measure.py launches on a real GPU.
type LaunchList struct {
	Time     string         `json:"time"` // column of its table, in Unit
	Unit     string         `json:"unit"`
	Columns  []string       `json:"columns"` // of the table, but for its times
	Launches []ListedLaunch `json:"launches"`
}

// ListedLaunch is a launch with the cells of its row.
type ListedLaunch struct {
	Line  int      `json:"line"` // of the row in the set's table
	Cells []string `json:"cells"`
	Launch
}

// Launches are those of the sample.
func (c *Correlation) Launches() *LaunchList {
	l := &LaunchList{Time: c.Time, Unit: c.Unit,
		Columns: slices.DeleteFunc(slices.Clone(c.head), func(name string) bool { return name == c.Time })}
	for _, r := range c.Sample() {
		one := ListedLaunch{Line: r.Line, Launch: r.Launch}
		for _, name := range l.Columns {
			one.Cells = append(one.Cells, r.Values[name])
		}
		l.Launches = append(l.Launches, one)
	}
	return l
}

// Specs are the launches of rows, and behind them those that are simulated whole as well.
func (c *Correlation) Specs(rows []Configured) (specs []Spec) {
	for _, r := range rows {
		specs = append(specs, r.Launch)
	}
	if c.Waves > 0 {
		for _, r := range rows[:min(c.Whole, len(rows))] {
			specs = append(specs, wholeLaunch(r.Launch))
		}
	}
	return specs
}

// wholeLaunch is a sampled launch with all its blocks.
func wholeLaunch(l Launch) Launch {
	l.Waves, l.Within = 0, 0
	return l
}
