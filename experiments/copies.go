package experiments

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"warpdrop/internal/atomicfile"
	"warpdrop/internal/infile"
	"warpdrop/sim"
)

// InputsDir holds copies of the kernels, presets and buffer files that the points of an output folder were made from,
// by the paths that the experiment names them with.
const InputsDir = "inputs"

// maxCopiedBytes bounds a file that is copied.
const maxCopiedBytes = 16 << 20

// sha256Text is what a version that is a file's digest looks like.
var sha256Text = regexp.MustCompile(`^[0-9a-f]{64}$`)

// inputFiles are the files that points name, and whether a file still holds what a point was named after.
func (r *Results) inputFiles() map[string]func(data []byte) bool {
	out := map[string]func([]byte) bool{}
	for _, p := range r.Points {
		for name, version := range p.Versions {
			if _, key := keysOf(p.Spec)[name]; !key && sha256Text.MatchString(version) && name != "gpu" {
				out[name] = func(data []byte) bool {
					sum := sha256.Sum256(data)
					return hex.EncodeToString(sum[:]) == version
				}
			}
		}
		gpu := reflect.ValueOf(p.Spec).FieldByName("GPU")
		if gpu.IsValid() && filepath.Ext(gpu.String()) == ".yaml" {
			file, hash := gpu.String(), p.Versions["gpu"]
			out[file] = func([]byte) bool {
				g, err := sim.LoadGPU(file)
				return err == nil && g.Hash() == hash
			}
		}
	}
	return out
}

// copyInputs copies them into an output folder. It returns how many there are, and those that could not be copied:
// outside of the folder that the run was started in, changed since, or large.
func (r *Results) copyInputs(dir string) (copied int, left []string, err error) {
	files := r.inputFiles()
	for _, file := range slices.Sorted(maps.Keys(files)) {
		data, bad := infile.Read(file, maxCopiedBytes)
		if bad != nil || !filepath.IsLocal(file) || !files[file](data) {
			left = append(left, file)
			continue
		}
		to := filepath.Join(dir, InputsDir, file)
		if have, err := infile.Read(to, maxCopiedBytes); err == nil && string(have) == string(data) {
			copied++
			continue
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return copied, left, err
		}
		if err := atomicfile.WriteBytes(to, data); err != nil {
			return copied, left, err
		}
		copied++
	}
	return copied, left, nil
}

// quoted is a word as a shell takes it.
func quoted(word string) string {
	if regexp.MustCompile(`^[A-Za-z0-9_./:=+-]+$`).MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// commands are those that make an output folder's results again.
func (r *Results) commands(dir string, copied int, left []string) []string {
	scale := " --scale " + r.Scale
	out := []string{fmt.Sprintf("warpdrop run %s%s --out %s", quoted(r.Experiment.Path), scale, quoted(dir))}
	if copied > 0 {
		out = append(out, "# or with the kernels, presets and buffers that are copied beside this report:",
			fmt.Sprintf("cd %s && warpdrop run ../%s%s --out ..", quoted(filepath.Join(dir, InputsDir)), SourceName, scale))
		for _, file := range left {
			out = append(out,
				"# "+file+" is not copied: it is large, has changed, or is outside of the folder that the run was started in")
		}
	} else {
		out = append(out, "# or, in the folder of this report:", fmt.Sprintf("warpdrop run %s%s --out .", SourceName, scale))
	}
	return out
}
