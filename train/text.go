package train

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"warpdrop/internal/infile"
)

// Text is a corpus as numbers of words, in three parts.
type Text struct {
	Words              []string // of the vocabulary, the most frequent first
	Train, Valid, Test []int32
	Digest             string // see TextDigest
}

// The words that every text has: the end of a line, and what stands for words outside of the vocabulary.
const (
	endOfLine = "<eos>"
	unknown   = "<unk>"
)

// textVariable is the environment variable that names the folder or file of the text.
const textVariable = "WARPDROP_TEXT"

// LoadText reads a corpus of words separated by white space. path is a folder with ptb.train.txt, ptb.valid.txt and
// ptb.test.txt, or the same without "ptb.", each as it is or gzipped (.gz); or a single text file, whose lines are cut
// 90 : 5 : 5. An empty path stands for $WARPDROP_TEXT. The vocabulary is the most frequent words of the training text,
// as many as asked for with <unk> and <eos> among them; all others become <unk>. A text with fewer words is refused.
func LoadText(path string, vocabulary int) (*Text, error) {
	raw, err := rawText(path)
	if err != nil {
		return nil, err
	}
	var parts [3][]string
	for i, data := range raw {
		if parts[i] = words(data); len(parts[i]) == 0 {
			return nil, fmt.Errorf("train: text: %s: no words of %s text", path, [3]string{"training", "validation", "test"}[i])
		}
	}
	t := &Text{Digest: digest(raw)}
	number, err := t.choose(parts[0], vocabulary)
	if err != nil {
		return nil, fmt.Errorf("train: text: %s: %w", path, err)
	}
	for i, to := range []*[]int32{&t.Train, &t.Valid, &t.Test} {
		for _, w := range parts[i] {
			n, ok := number[w]
			if !ok {
				n = number[unknown]
			}
			*to = append(*to, n)
		}
	}
	return t, nil
}

// TextDigest is the SHA-256 of what LoadText would read, in hexadecimal.
func TextDigest(path string) (string, error) {
	raw, err := rawText(path)
	if err != nil {
		return "", err
	}
	return digest(raw), nil
}

func digest(raw [3][]byte) string {
	h := sha256.New()
	for _, data := range raw {
		fmt.Fprintf(h, "%d ", len(data))
		h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// rawText reads training, validation and test text.
func rawText(path string) (raw [3][]byte, err error) {
	if path == "" {
		if path = os.Getenv(textVariable); path == "" {
			return raw,
				fmt.Errorf("train: text: none given; name a folder with ptb.train.txt, ptb.valid.txt and ptb.test.txt, or a "+
					"text file, with --data or $%s", textVariable)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return raw, fmt.Errorf("train: text: %w", err)
	}
	if info.IsDir() {
		for i, name := range []string{"train.txt", "valid.txt", "test.txt"} {
			if raw[i], err = readText(path, "ptb."+name, name); err != nil {
				return raw, err
			}
		}
		return raw, nil
	}
	data, err := readText(filepath.Dir(path), filepath.Base(path))
	if err != nil {
		return raw, err
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	if len(lines) < 20 {
		return raw,
			fmt.Errorf("train: text: %s has %d lines, too few to cut into training, validation and test text (90 : 5 : 5)",
				path, len(lines))
	}
	a, b := len(lines)*90/100, len(lines)*95/100
	for i, l := range [][][]byte{lines[:a], lines[a:b], lines[b:]} {
		raw[i] = bytes.Join(l, nil)
	}
	return raw, nil
}

// maxTextBytes bounds a text file, packed and unpacked: 256 MiB are fifty times Penn Treebank, and its words take
// several times that in memory.
const maxTextBytes = 256 << 20

// readText reads the first of these files that is there, by itself or gzipped.
func readText(dir string, names ...string) ([]byte, error) {
	var all []string
	for _, name := range names {
		for _, n := range []string{name, name + ".gz"} {
			all = append(all, n)
			path := filepath.Join(dir, n)
			data, err := infile.Read(path, maxTextBytes)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("train: text: %w", err)
			}
			if strings.HasSuffix(path, ".gz") {
				if data, err = infile.Gunzip(bytes.NewReader(data), path, maxTextBytes); err != nil {
					return nil, fmt.Errorf("train: text: the file is cut, no gzip file or too long: %w", err)
				}
			}
			return data, nil
		}
	}
	return nil, fmt.Errorf("train: text: %s has none of %s", dir, strings.Join(all, ", "))
}

// words splits a text; each line ends with <eos>.
func words(data []byte) (out []string) {
	for line := range strings.Lines(string(data)) {
		out = append(out, strings.Fields(line)...)
		out = append(out, endOfLine)
	}
	return out
}

// choose fills the vocabulary and numbers it.
func (t *Text) choose(train []string, size int) (map[string]int32, error) {
	count := map[string]int{}
	for _, w := range train {
		count[w]++
	}
	for w := range count {
		t.Words = append(t.Words, w)
	}
	slices.SortFunc(t.Words, func(a, b string) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		return strings.Compare(a, b)
	})
	if count[unknown] == 0 {
		t.Words = append(t.Words, unknown)
	}
	if size < 3 || size > len(t.Words) {
		return nil, fmt.Errorf("vocabulary of %d words, allowed are 3 to %d: the training text has no more",
			size, len(t.Words))
	}
	// <unk> and <eos> stay, however rare.
	for _, w := range []string{unknown, endOfLine} {
		if i := slices.Index(t.Words, w); i >= size {
			copy(t.Words[size-2+1:i+1], t.Words[size-2:i])
			t.Words[size-2] = w
		}
	}
	t.Words = t.Words[:size]
	number := map[string]int32{}
	for i, w := range t.Words {
		number[w] = int32(i)
	}
	return number, nil
}
