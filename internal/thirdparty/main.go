// Thirdparty writes THIRD_PARTY.md: every module whose packages are linked into cmd/warpdrop on the platforms that are
// built, with its version and the licences that its own licence files hold, and the packages of this project that use
// unsafe or call C libraries at run time.
//
//	go run ./internal/thirdparty > THIRD_PARTY.md
//
// It ends with an error for a module in which no licence is found, or one that is neither in allowed nor in excepted.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/google/licensecheck"
)

// platforms are those that CI vets.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/arm64", "windows/amd64"}

// allowed are the licences a new dependency may have (CONTRIBUTING.md), by SPDX identifier.
var allowed = map[string]bool{
	"Apache-2.0": true, "BSD-2-Clause": true, "BSD-3-Clause": true, "MIT": true, "ISC": true,
}

// excepted are modules that come in through a library the project is bound to, under licences outside of that list.
var excepted = map[string]string{
	"codeberg.org/go-fonts/liberation": "through gonum.org/v1/plot: the fonts of figures; SIL Open Font License",
	"github.com/ajstarks/svgo":         "through gonum.org/v1/plot: SVG figures; Creative Commons Attribution",
	"github.com/golang/freetype":       "through gonum.org/v1/plot: text in PNG figures; FreeType Licence (or GPL)",
}

const head = `# Third-party modules

What is linked into the command warpdrop, written by "go run ./internal/thirdparty" and checked in CI.
Modules that only tests and code generators use are in go.mod. Licences are read from each module's
own files. MIT, BSD, ISC and Apache licences are what a new dependency may have; others carry a note.

| module | version | licence | note |
|---|---|---|---|
`

const embedded = `
## Embedded files

| what | version | licence | file | bytes | for |
|---|---|---|---|---|---|
`

// embeddedFiles are other people's files that are embedded in the command; their folders have their licences.
var embeddedFiles = []struct{ name, version, dir, file, use string }{
	{"Apache ECharts, with zrender and parts of d3 (BSD-3-Clause) and tslib (0BSD)", "6.1.0", "plots/echarts",
		"echarts.min.js", "figures of reports in a browser, as its makers publish it"},
}

const beyond = `
## Beyond plain Go

Nothing that is linked here uses cgo. These packages of ours use unsafe, or purego to call a C library
that is found at run time:

| package | imports |
|---|---|
`

type pack struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Module     *struct {
		Path, Version, Dir string
		Main               bool
	}
}

// linked returns the packages of cmd/warpdrop on one platform.
func linked(platform string) ([]pack, error) {
	goos, goarch, _ := strings.Cut(platform, "/")
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Standard,Imports,Module", "./cmd/warpdrop")
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list for %s: %w", platform, err)
	}
	var packs []pack
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pack
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packs, nil
		} else if err != nil {
			return nil, err
		}
		packs = append(packs, p)
	}
}

var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice)([.-].*)?$`)

// licences returns the SPDX identifiers that the licence files at the top of a module hold, sorted.
func licences(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, e := range entries {
		if e.IsDir() || !licenceFile.MatchString(e.Name()) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		for _, m := range licensecheck.Scan(data).Match {
			if !m.IsURL { // an address names a licence but is not its text
				found[m.ID] = true
			}
		}
	}
	var ids []string
	for id := range found {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	return ids, nil
}

func run(w io.Writer) error {
	type module struct{ path, version, dir string }
	modules := map[string]module{}
	unsafe := map[string][]string{}
	for _, platform := range platforms {
		packs, err := linked(platform)
		if err != nil {
			return err
		}
		for _, p := range packs {
			if p.Module == nil {
				continue
			}
			if !p.Module.Main {
				modules[p.Module.Path] = module{p.Module.Path, p.Module.Version, p.Module.Dir}
				continue
			}
			for _, means := range []string{"unsafe", "github.com/ebitengine/purego"} {
				if slices.Contains(p.Imports, means) && !slices.Contains(unsafe[p.ImportPath], means) {
					unsafe[p.ImportPath] = append(unsafe[p.ImportPath], means)
				}
			}
		}
	}
	paths := make([]string, 0, len(modules))
	for path := range modules {
		paths = append(paths, path)
	}
	sort.Strings(paths)

	fmt.Fprint(w, head)
	for _, path := range paths {
		m := modules[path]
		ids, err := licences(m.dir)
		if err != nil {
			return err
		}
		if len(ids) == 0 && excepted[path] == "" {
			return fmt.Errorf("%s %s: no licence found in %s", path, m.version, m.dir)
		}
		for _, id := range ids {
			if !allowed[id] && excepted[path] == "" {
				return fmt.Errorf("%s %s: licence %s is not among those allowed, and the module is no exception",
					path, m.version, id)
			}
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", path, m.version, strings.Join(ids, ", "), excepted[path])
	}

	fmt.Fprint(w, embedded)
	for _, e := range embeddedFiles {
		ids, err := licences(e.dir)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if !allowed[id] {
				return fmt.Errorf("%s: licence %s is not among those allowed", e.dir, id)
			}
		}
		info, err := os.Stat(filepath.Join(e.dir, e.file))
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s/%s | %d | %s |\n", e.name, e.version, strings.Join(ids, ", "), e.dir, e.file,
			info.Size(), e.use)
	}

	fmt.Fprint(w, beyond)
	paths = paths[:0]
	for path := range unsafe {
		paths = append(paths, path)
	}
	sort.Strings(paths)
	for _, path := range paths {
		fmt.Fprintf(w, "| %s | %s |\n", path, strings.Join(unsafe[path], ", "))
	}
	return nil
}

func main() {
	w := bufio.NewWriter(os.Stdout)
	if err := run(w); err != nil {
		fmt.Fprintln(os.Stderr, "thirdparty:", err)
		os.Exit(1)
	}
	w.Flush()
}
