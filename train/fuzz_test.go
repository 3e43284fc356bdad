package train

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// FuzzCheckpoint: a checkpoint is whole or refused with its path.
func FuzzCheckpoint(f *testing.F) {
	path := filepath.Join(f.TempDir(), "c")
	if err := saveCheckpoint(path, &checkpointHeader{}, []array{{"w", []uint32{1, 2, 3}}}); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(bytes.Replace(whole, []byte(`"len":3`), []byte(`"len":-3`), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		c, err := openCheckpoint(path)
		if err == nil {
			arrays := make([]array, len(c.Arrays))
			for i, a := range c.Arrays {
				arrays[i] = array{a.Name, make([]uint32, a.Len)}
			}
			err = c.read(arrays)
		}
		var bad *CheckpointError
		if err != nil && (!errors.As(err, &bad) || bad.Path != path) {
			t.Errorf("%v does not name the checkpoint", err)
		}
	})
}

// FuzzText: a text is refused, or each of its words has a number of the vocabulary.
func FuzzText(f *testing.F) {
	f.Add([]byte("a b c\nb c\nd e f\n"), 4)
	f.Add([]byte("\xff\xfe\x00 \n<unk> <eos>\n"), 3)
	f.Add(bytes.Repeat([]byte("the of and\n"), 100), 5)
	path := filepath.Join(f.TempDir(), "t.txt")
	f.Fuzz(func(t *testing.T, data []byte, vocabulary int) {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		text, err := LoadText(path, vocabulary)
		if err != nil {
			return
		}
		for _, part := range [][]int32{text.Train, text.Valid, text.Test} {
			for _, w := range part {
				if w < 0 || int(w) >= vocabulary {
					t.Fatalf("word %d in a vocabulary of %d", w, vocabulary)
				}
			}
		}
	})
}

// FuzzIDX: images are refused or have as many bytes as their header says.
func FuzzIDX(f *testing.F) {
	whole := binary.BigEndian.AppendUint32(nil, 0x803)
	for _, n := range []uint32{2, 2, 3} {
		whole = binary.BigEndian.AppendUint32(whole, n)
	}
	whole = append(whole, make([]byte, 12)...)
	f.Add(whole)
	f.Add(whole[:20])
	f.Fuzz(func(t *testing.T, data []byte) {
		values, err := idx(data, 2, 3)
		if err == nil && (len(values) != len(data)-16 || len(values)%6 != 0) {
			t.Errorf("%d values of %d bytes", len(values), len(data))
		}
	})
}
