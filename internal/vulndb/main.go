// Command vulndb makes a copy of Go's vulnerability database for govulncheck where vuln.go.dev cannot be reached: from
// the module golang.org/x/vulndb, which every proxy for Go modules has.
//
//	go run ./internal/vulndb DIR && govulncheck -db file://DIR ./...
package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: vulndb DIR")
		os.Exit(2)
	}
	n, err := run(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "vulndb:", err)
		os.Exit(1)
	}
	fmt.Printf("%d vulnerabilities in %s\n", n, os.Args[1])
}

func run(to string) (int, error) {
	cmd := exec.Command("go", "mod", "download", "-json", "golang.org/x/vulndb@latest")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("go mod download: %w", err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return 0, err
	}
	return convert(filepath.Join(module.Dir, "data", "osv"), to)
}

// entry is what the indexes hold of a file of the OSV format.
type entry struct {
	ID        string     `json:"id"`
	Modified  time.Time  `json:"modified"`
	Withdrawn *time.Time `json:"withdrawn"`
	Aliases   []string   `json:"aliases"`
	Affected  []struct {
		Package struct {
			Name string `json:"name"`
		} `json:"package"`
		Ranges []struct {
			Events []struct {
				Fixed string `json:"fixed"`
			} `json:"events"`
		} `json:"ranges"`
	} `json:"affected"`
}

// vulnerability is one in index/modules.json and index/vulns.json, of go.dev/security/vuln/database.
type vulnerability struct {
	ID       string    `json:"id"`
	Modified time.Time `json:"modified"`
	Fixed    string    `json:"fixed,omitempty"`   // of a module: since which version; "" not yet
	Aliases  []string  `json:"aliases,omitempty"` // of vulns.json
}

type module struct {
	Path  string          `json:"path"`
	Vulns []vulnerability `json:"vulns"`
}

// convert makes a database of a folder of OSV files, and returns how many of these count.
func convert(from, to string) (int, error) {
	files, err := filepath.Glob(filepath.Join(from, "GO-*.json"))
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("%s holds no GO-*.json (%v)", from, err)
	}
	var newest time.Time
	var all []vulnerability
	modules := map[string]map[string]vulnerability{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		var e entry
		if err := json.Unmarshal(text, &e); err != nil {
			return 0, fmt.Errorf("%s: %w", file, err)
		}
		if e.Withdrawn != nil {
			continue
		}
		if err := write(filepath.Join(to, "ID", e.ID+".json"), json.RawMessage(text)); err != nil {
			return 0, err
		}
		if e.Modified.After(newest) {
			newest = e.Modified
		}
		all = append(all, vulnerability{ID: e.ID, Modified: e.Modified, Aliases: e.Aliases})
		for _, a := range e.Affected {
			v := vulnerability{ID: e.ID, Modified: e.Modified}
			for _, r := range a.Ranges {
				v.Fixed = ""
				if n := len(r.Events); n > 0 { // the last range that begins again and is not closed is not fixed
					v.Fixed = r.Events[n-1].Fixed
				}
			}
			of := modules[a.Package.Name]
			if of == nil {
				of = map[string]vulnerability{}
				modules[a.Package.Name] = of
			}
			of[e.ID] = v
		}
	}
	var list []module
	for _, path := range slices.Sorted(maps.Keys(modules)) {
		list = append(list, module{path, slices.SortedFunc(maps.Values(modules[path]),
			func(a, b vulnerability) int { return cmp.Compare(a.ID, b.ID) })})
	}
	for name, x := range map[string]any{"db": map[string]time.Time{"modified": newest}, "modules": list, "vulns": all} {
		if err := write(filepath.Join(to, "index", name+".json"), x); err != nil {
			return 0, err
		}
	}
	return len(all), nil
}

func write(path string, x any) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	data, err := json.Marshal(x)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o666)
}
