package main

import (
	"bytes"
	"os"
	"testing"
)

// TestUpToDate: the committed constants are what the tables say.
func TestUpToDate(t *testing.T) {
	got, err := generate("../..")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../../ops.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("sim/isa/ops.go is not what its tables say: go generate ./sim/isa")
	}
}
