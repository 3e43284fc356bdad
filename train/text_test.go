package train

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLoadText(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string][]byte{
		"ptb.train.txt":    []byte(" a b a c\n a b d <unk>\n"),
		"ptb.valid.txt.gz": gzipped(t, " a d e\n"),
		"test.txt":         []byte("b"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// Frequencies: a 3, <eos> 2, b 2, <unk> 1, c 1, d 1.
	text, err := LoadText(dir, 6)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "<eos>", "b", "<unk>", "c", "d"}; !slices.Equal(text.Words, want) {
		t.Errorf("vocabulary %q, want %q", text.Words, want)
	}
	if want := []int32{0, 2, 0, 4, 1, 0, 2, 5, 3, 1}; !slices.Equal(text.Train, want) {
		t.Errorf("training text %v, want %v", text.Train, want)
	}
	if want := []int32{0, 5, 3, 1}; !slices.Equal(text.Valid, want) {
		t.Errorf("validation text %v, want %v", text.Valid, want)
	}
	if want := []int32{2, 1}; !slices.Equal(text.Test, want) {
		t.Errorf("test text %v, want %v", text.Test, want)
	}
	// Cut: what is left out becomes <unk>, which stays however rare.
	text, err = LoadText(dir, 3)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(text.Words, []string{"a", "<unk>", "<eos>"}) &&
		!slices.Equal(text.Words, []string{"a", "<eos>", "<unk>"}) {
		t.Errorf("vocabulary of 3: %q", text.Words)
	}
	if len(text.Train) != 10 || text.Words[text.Train[1]] != unknown {
		t.Errorf("training text %v of %q", text.Train, text.Words)
	}
	for _, c := range []struct {
		path       string
		vocabulary int
		want       string
	}{
		{dir, 7, "vocabulary of 7 words, allowed are 3 to 6"},
		{dir, 1, "allowed are 3 to 6"},
		{filepath.Join(dir, "none"), 5, "no such file"},
		{t.TempDir(), 5, "has none of ptb.train.txt, ptb.train.txt.gz, train.txt, train.txt.gz"},
		{"", 5, "$WARPDROP_TEXT"},
		{filepath.Join(dir, "test.txt"), 3, "too few to cut"},
	} {
		if _, err := LoadText(c.path, c.vocabulary); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q with %d words: error %v, want one that says %q", c.path, c.vocabulary, err, c.want)
		}
	}
	cut := gzipped(t, strings.Repeat("some words ", 500))
	os.WriteFile(filepath.Join(dir, "ptb.valid.txt.gz"), cut[:len(cut)-9], 0o644)
	if _, err := LoadText(dir, 6); err == nil || !strings.Contains(err.Error(), "the file is cut") {
		t.Errorf("cut gzip file: error %v", err)
	}
}

// TestPTB reads the Penn Treebank where it is: its sizes are known.
func TestPTB(t *testing.T) {
	path := os.Getenv("WARPDROP_PTB")
	if path == "" {
		t.Skip("WARPDROP_PTB does not name a folder with ptb.train.txt, ptb.valid.txt and ptb.test.txt, which cannot be " +
			"shipped")
	}
	text, err := LoadText(path, 10000)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := [3]int{len(text.Train), len(text.Valid), len(text.Test)}, [3]int{929589, 73760, 82430}; got != want {
		t.Errorf("%v words of training, validation and test text, want %v", got, want)
	}
	if _, err := LoadText(path, 10001); err == nil {
		t.Error("a vocabulary of 10,001 words was accepted, the text has 10,000")
	}
	if text, err := LoadText(path, 8800); err != nil || len(text.Words) != 8800 {
		t.Errorf("vocabulary of 8800: %v", err)
	}
}
