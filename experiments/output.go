package experiments

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"warpdrop/internal/atomicfile"
	"warpdrop/internal/infile"
	"warpdrop/plots"
)

// The files of an output folder.
const (
	StoreDir     = "store"
	FiguresDir   = "figures"
	JobsDir      = "slurm" // of a run on a cluster: see package slurm
	ManifestName = "manifest.json"
	SourceName   = "experiment.yaml"
	CSVName      = "results.csv"
	JSONName     = "results.json"
	ReportName   = "report.html"
)

// Manifest says what made an output folder.
type Manifest struct {
	Experiment string            `json:"experiment"`
	Scale      string            `json:"scale"`
	Warpdrop   string            `json:"warpdrop"`
	Revision   string            `json:"revision,omitempty"` // of the source, where the build knows it
	Go         string            `json:"go"`
	Platform   string            `json:"platform"`
	CPUs       int               `json:"cpus"`
	Host       string            `json:"host"`
	Written    string            `json:"written"`
	Inputs     map[string]string `json:"inputs"` // SHA-256 of the experiment file; versions of models, presets and data
	Seeds      []int             `json:"seeds"`
	Store      string            `json:"store"`    // relative to the folder, or absolute
	Commands   []string          `json:"commands"` // that make the results again
	Points     []ManifestPoint   `json:"points"`
}

// ManifestPoint is one point of the experiment.
type ManifestPoint struct {
	Hash   string  `json:"hash"`
	Label  string  `json:"label"`
	Spec   Spec    `json:"spec"`
	Stored bool    `json:"stored"`
	Timing *Timing `json:"timing,omitempty"`
}

// Manifest describes results.
func (r *Results) Manifest(version, store string) *Manifest {
	host, _ := os.Hostname()
	sum := sha256.Sum256(r.Experiment.Source)
	m := &Manifest{
		Experiment: r.Experiment.Name, Scale: r.Scale, Warpdrop: version, Go: runtime.Version(), Platform: runtime.GOOS +
			"/" + runtime.GOARCH, CPUs: runtime.NumCPU(), Host: host, Written: time.Now().UTC().Format(time.RFC3339),
		Store:  store,
		Inputs: map[string]string{"experiment sha256": hex.EncodeToString(sum[:])},
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" || s.Key == "vcs.modified" && s.Value == "true" {
				m.Revision = strings.TrimSpace(m.Revision + " " + strings.Replace(s.Value, "true", "(modified)", 1))
			}
		}
	}
	for _, p := range r.Points {
		row := newRow(p.Spec)
		for k, v := range p.Versions {
			if k == "gpu" { // its preset's text
				k = "preset " + row.GPU + " sha256"
			}
			m.Inputs[k] = v
		}
		if seed := reflect.ValueOf(p.Spec).FieldByName("Seed"); seed.IsValid() && !slices.Contains(m.Seeds, int(seed.Int())) {
			m.Seeds = append(m.Seeds, int(seed.Int()))
		}
		mp := ManifestPoint{Hash: p.Hash, Label: Label(p.Spec), Spec: p.Spec}
		if s := r.Stored[p.Hash]; s != nil {
			mp.Stored, mp.Timing = true, &s.Timing
		}
		m.Points = append(m.Points, mp)
	}
	return m
}

// outputFiles are the files of an output folder, those in its folders apart.
var outputFiles = []string{SourceName, CSVName, JSONName, ManifestName, ReportName}

// CheckOutput refuses a folder that is there and that no run has made: what is in it might be written over. A run that
// was stopped before its end leaves its store, and perhaps some of its files.
func CheckOutput(dir string) error {
	hasStore := exists(filepath.Join(dir, StoreDir))
	made := func(e fs.DirEntry) bool {
		name, left := e.Name(), false
		if of, ok := atomicfile.IsPart(name); ok {
			name, left = of, true
		}
		switch name {
		case StoreDir, FiguresDir, JobsDir, InputsDir:
			return e.IsDir() && !left
		}
		return slices.Contains(outputFiles, name) && e.Type().IsRegular() && hasStore
	}
	mark := ManifestName
	var m struct {
		Experiment *string          `json:"experiment"`
		Points     *json.RawMessage `json:"points"`
	}
	if data, err := infile.Read(filepath.Join(dir, ManifestName), maxOutputBytes); err == nil {
		if json.Unmarshal(data, &m) != nil || m.Experiment == nil || m.Points == nil {
			mark = "" // somebody else's file of that name
			hasStore = false
		}
	}
	if err := ownFolder(dir, mark, made); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}

// TryOutput makes an output folder and tries that it can be written, before the work whose results it is to hold.
func TryOutput(dir string) error {
	err := os.MkdirAll(filepath.Join(dir, FiguresDir), 0o777)
	if err == nil {
		err = atomicfile.Try(filepath.Join(dir, ManifestName))
	}
	for _, name := range ownNames() { // a pipe or a folder under the name of one
		if err == nil && exists(filepath.Join(dir, name)) {
			err = atomicfile.Try(filepath.Join(dir, name))
		}
	}
	if err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}

// ownNames are the files that a run writes into its output folder.
func ownNames() []string {
	own := slices.Clone(outputFiles)
	for _, f := range FigureNames() {
		for _, format := range plots.Formats {
			own = append(own, filepath.Join(FiguresDir, f+"."+format))
		}
	}
	return own
}

// SweepOutput removes what writers of an output folder that were killed have left behind, older than an hour: files of
// the names that they make, and nothing else.
func SweepOutput(dir string) {
	own := ownNames()
	for _, folder := range []string{"", FiguresDir} {
		sweep(filepath.Join(dir, folder), func(e fs.DirEntry) bool {
			of, part := atomicfile.IsPart(e.Name())
			return part && e.Type().IsRegular() && slices.Contains(own, filepath.Join(folder, of))
		})
	}
}

// maxOutputBytes bounds a file of an output folder that is read back.
const maxOutputBytes = 1 << 30

// WriteOutput writes results.csv, results.json, manifest.json, the experiment file, the figures and report.html to dir.
// version is the program's; store is where the points are, as the manifest will say.
func (r *Results) WriteOutput(dir, version, store string) error {
	if err := os.MkdirAll(filepath.Join(dir, FiguresDir), 0o777); err != nil {
		return err
	}
	copied, left, err := r.copyInputs(dir)
	if err != nil {
		return err
	}
	m := r.Manifest(version, store)
	m.Commands = r.commands(dir, copied, left)
	for _, f := range []struct {
		name string
		data []byte
	}{{SourceName, r.Experiment.Source}, {CSVName, CSV(r.Rows)}, {JSONName, r.JSON()}} {
		if err := atomicfile.WriteBytes(filepath.Join(dir, f.name), f.data); err != nil {
			return err
		}
	}
	if err := writeJSON(filepath.Join(dir, ManifestName), m); err != nil {
		return err
	}
	return r.WriteReport(dir, m)
}

// WriteManifest writes manifest.json and the experiment file only, for a run that others carry out.
func (r *Results) WriteManifest(dir, version, store string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if err := atomicfile.WriteBytes(filepath.Join(dir, SourceName), r.Experiment.Source); err != nil {
		return err
	}
	return writeJSON(filepath.Join(dir, ManifestName), r.Manifest(version, store))
}

// ReadManifest reads the names and labels of the points of an output folder, and where their store is. Specs are left
// out.
func ReadManifest(dir string) (points []ManifestPoint, store *Store, err error) {
	data, err := infile.Read(filepath.Join(dir, ManifestName), maxOutputBytes)
	if err != nil {
		return nil, nil, err
	}
	var m struct {
		Store  string `json:"store"`
		Points []struct {
			Hash  string `json:"hash"`
			Label string `json:"label"`
		} `json:"points"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", filepath.Join(dir, ManifestName), err)
	}
	if !filepath.IsAbs(m.Store) {
		m.Store = filepath.Join(dir, m.Store)
	}
	if store, err = ReadStore(m.Store); err != nil {
		return nil, nil, err
	}
	have, err := store.Hashes()
	if err != nil {
		return nil, nil, err
	}
	seen := map[string]bool{} // some rows share a point
	for _, p := range m.Points {
		if !seen[p.Hash] {
			seen[p.Hash] = true
			points = append(points, ManifestPoint{Hash: p.Hash, Label: p.Label, Stored: have[p.Hash]})
		}
	}
	return points, store, nil
}

// WriteReport draws the wanted figures, as PNG and SVG, and writes report.html.
func (r *Results) WriteReport(dir string, m *Manifest) error {
	drawn, err := r.DrawFigures(filepath.Join(dir, FiguresDir), r.Wanted(), []string{"png", "svg"})
	if err != nil {
		return err
	}
	report, err := r.report(m, drawn).HTML()
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(filepath.Join(dir, ReportName), report)
}

func writeJSON(path string, x any) error {
	data, err := json.MarshalIndent(x, "", " ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, append(data, '\n'))
}

// Wanted are the figures that the experiment asks for; if it names none, those whose x axis shows more than one value.
func (r *Results) Wanted() (names []string) {
	if len(r.Experiment.Figures) > 0 {
		return r.Experiment.Figures
	}
	for _, f := range Figures {
		if f.over == nil || varied(r.Rows, f.over) {
			names = append(names, f.Name)
		}
	}
	return append(r.swept(), names...)
}

// DrawFigures draws figures into dir. One that has nothing to show says so in the answer; an earlier drawing of it is
// removed.
func (r *Results) DrawFigures(dir string, names, formats []string) ([]plots.ReportFigure, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	var out []plots.ReportFigure
	var figures []Figure
	for _, name := range names {
		if f, ok := figureNamed(name); ok && strings.Contains(name, against) { // in the order that is asked for
			figures = append(figures, f)
		}
	}
	for _, f := range Figures {
		if slices.Contains(names, f.Name) {
			figures = append(figures, f)
		}
	}
	for _, f := range figures {
		shown := plots.ReportFigure{Name: f.Name, Caption: f.Caption}
		p, err := f.Draw(r)
		if err == nil && p.Chart != nil {
			p.Chart.Notes = p.Notes
			shown.Chart = p.Chart
		}
		if err == nil && p.Spread {
			shown.Caption += " Bars: " + f.spread() + "."
		}
		if err == nil && p.Published() {
			shown.Caption += " Hollow and dotted: the paper's values."
		}
		var nothing plots.ErrNothing
		if errors.As(err, &nothing) {
			for _, format := range plots.Formats {
				os.Remove(filepath.Join(dir, f.Name+"."+format))
			}
			shown.Missing = nothing.Missing
			out = append(out, shown)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("figure %s: %w", f.Name, err)
		}
		for _, format := range formats {
			data, err := plots.Render(p, format)
			if err != nil {
				return nil, fmt.Errorf("figure %s: %w", f.Name, err)
			}
			if err := atomicfile.WriteBytes(filepath.Join(dir, f.Name+"."+format), data); err != nil {
				return nil, err
			}
			if format == "svg" {
				shown.SVG = data
			}
		}
		out = append(out, shown)
	}
	return out, nil
}

// meta is the report's line on what it is made of.
func (r *Results) meta() string {
	var gpus []string
	seconds := 0.0
	for _, row := range r.Rows {
		if row.GPU != "" && !slices.Contains(gpus, row.GPU) {
			gpus = append(gpus, row.GPU)
		}
	}
	for _, s := range r.Stored {
		seconds += s.Timing.Seconds
	}
	text := fmt.Sprintf("Experiment %s at scale %s; %d of %d points", r.Experiment.Name, r.Scale,
		len(r.Points)-len(r.Missing), len(r.Points))
	if len(gpus) > 0 {
		text += "; simulated: " + strings.Join(gpus, ", ")
	}
	if seconds > 0 {
		text += fmt.Sprintf("; computed in %s of wall-clock time, points added up",
			time.Duration(seconds*float64(time.Second)).Round(time.Second))
	}
	return text + "."
}

// report gathers what report.html says. Figures that the file did not ask for by name and that have nothing to show are
// left out.
func (r *Results) report(m *Manifest, figures []plots.ReportFigure) plots.Report {
	out := plots.Report{
		Title: r.Experiment.Title, Question: r.Experiment.Question, Answer: r.Answer(), Cards: r.cards(),
		Warnings: r.Warnings(), Tables: r.tables(), Meta: r.meta(), Notes: r.notes(), Source: string(r.Experiment.Source),
		Commands: m.Commands,
		Facts:    [][2]string{{"warpdrop", m.Warpdrop}, {"revision", m.Revision}, {"Go", m.Go + " " + m.Platform}},
	}
	var keys []string
	for k := range m.Inputs {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		out.Facts = append(out.Facts, [2]string{k, m.Inputs[k]})
	}
	for _, f := range figures {
		if f.SVG != nil || len(r.Experiment.Figures) > 0 {
			out.Figures = append(out.Figures, f)
		}
	}
	return out
}

// ReadOutput loads the experiment, the scale and the stored points that an output folder was made from; nothing is run.
// Points are named as the manifest names them, whatever version the program has now, and nothing that they were made
// from is looked for: the folder can be moved to another machine.
func ReadOutput(dir string) (*Results, *Manifest, error) {
	data, err := infile.Read(filepath.Join(dir, ManifestName), maxOutputBytes)
	if err != nil {
		return nil, nil, err
	}
	var m struct {
		Manifest
		Points []struct {
			Hash string          `json:"hash"`
			Spec json.RawMessage `json:"spec"`
		} `json:"points"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", filepath.Join(dir, ManifestName), err)
	}
	source, err := infile.Read(filepath.Join(dir, SourceName), maxOutputBytes)
	if err != nil {
		return nil, nil, err
	}
	e, err := (&decoder{file: filepath.Join(dir, SourceName), saved: true}).parse(source)
	if err != nil {
		return nil, nil, err
	}
	specs := e.Specs(m.Scale)
	if len(specs) != len(m.Points) {
		return nil, nil, fmt.Errorf("%s: %d points, the experiment file has %d at scale %s; run it again",
			filepath.Join(dir, ManifestName), len(m.Points), len(specs), m.Scale)
	}
	where := m.Store
	if !filepath.IsAbs(where) {
		where = filepath.Join(dir, where)
	}
	store, err := ReadStore(where)
	if err != nil {
		return nil, nil, err
	}
	points := make([]Point, len(specs))
	stored := map[string]*Stored{}
	for i, s := range specs {
		points[i] = Point{Spec: s, Hash: m.Points[i].Hash}
		p, err := store.Get(m.Points[i].Hash)
		if err != nil {
			continue // missing or damaged: the results say that it is missing
		}
		stored[p.Hash] = p
		points[i].Versions = p.Versions
	}
	return NewResults(e, m.Scale, points, stored), &m.Manifest, nil
}
