package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"warpdrop/internal/atomicfile"
	"warpdrop/internal/infile"
	"warpdrop/profile"
	"warpdrop/sim"
)

// maxReportBytes bounds a report that is read: a page of 100,000 instructions has less.
const maxReportBytes = 64 << 20

// readReport reads a page that --report wrote as JSON; none for an empty name.
func readReport(file string) (*profile.Page, error) {
	if file == "" {
		return nil, nil
	}
	data, err := infile.Read(file, maxReportBytes)
	if err != nil {
		return nil, usageError{fmt.Errorf("--against: %w", err)}
	}
	p := new(profile.Page)
	if err := json.Unmarshal(data, p); err != nil || p.Numbers == nil {
		return nil, usagef("--against %s: is no report that `warpdrop sim --report FILE.json` wrote (%v)", file, err)
	}
	return p, nil
}

// writeReport writes the page of a launch in the form that the file's name asks for.
func writeReport(file string, before *profile.Page, r *sim.Result, gpu *sim.GPU) error {
	p := profile.New(r, gpu)
	if before != nil {
		p.Compare(before)
	}
	var data []byte
	var err error
	switch filepath.Ext(file) {
	case ".json":
		data, err = json.MarshalIndent(p, "", " ")
		data = append(data, '\n')
	case ".txt":
		data = []byte(p.Text())
	default:
		data, err = p.HTML()
	}
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(file, data)
}
