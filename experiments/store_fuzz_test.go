package experiments

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzStored: what lies in a store under a point's name is that point, or set aside with its path. The checksum is made
// right, so that what is behind it is reached.
func FuzzStored(f *testing.F) {
	dir := f.TempDir()
	store, err := OpenStore(dir)
	if err != nil {
		f.Fatal(err)
	}
	hash := strings.Repeat("ab", 32)
	f.Add([]byte(`{"hash":"`+hash+`","kind":"search","spec":{"rate":0.5},"result":{"search":{"reached":0.5}}}`), true)
	f.Add([]byte(`{"hash":"`+hash+`","kind":"none"}`), true)
	f.Add([]byte(`{"hash":"`+hash+`","kind":"launch","spec":{"grid":[1,2,3,4]},"result":{"sim":{"cycles":-1}}}`), true)
	f.Add([]byte(`[]`), false)
	f.Fuzz(func(t *testing.T, point []byte, summed bool) {
		data := point
		if summed && json.Valid(point) {
			data = fmt.Appendf(nil, `{"sha256":"%x","point":%s}`, sha256.Sum256(point), point)
		}
		if err := os.WriteFile(filepath.Join(dir, hash+".json"), data, 0o644); err != nil {
			t.Fatal(err)
		}
		p, err := store.Get(hash)
		var bad *CorruptError
		switch {
		case err == nil && (p.Hash != hash || p.Spec == nil || p.Result == Result{}):
			t.Errorf("taken as a point: %s", data)
		case err != nil && !errors.As(err, &bad):
			t.Errorf("%v of %q: not told as damaged", err, data)
		}
		if err == nil { // a table can be made of it
			_ = CSV(NewResults(&Experiment{}, "small", []Point{NewPoint(p.Spec, nil)},
				map[string]*Stored{NewPoint(p.Spec, nil).Hash: p}).Rows)
		}
	})
}

// FuzzManifest: the manifest of a folder from elsewhere is read or refused.
func FuzzManifest(f *testing.F) {
	dir := f.TempDir()
	if _, err := OpenStore(filepath.Join(dir, StoreDir)); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"store":"store","points":[{"hash":"ab","label":"x"}]}`))
	f.Add([]byte(`{"store":"../../..","points":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, ManifestName), data, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, store, err := ReadManifest(dir); err == nil && store == nil {
			t.Error("no store and no error")
		}
	})
}
