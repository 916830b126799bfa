package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sort"

	"pushforward/nn"
)

// Format is the number of the format written, and the newest that is read.
const Format = "1"

// maxFile bounds what Open reads into memory.
const maxFile = 4 << 30

// Write writes the model as a safetensors file. Equal models write equal bytes.
func (m *Model) Write(w io.Writer) error {
	golden, err := json.Marshal(m.golden)
	if err == nil {
		var calib []byte
		calib, err = json.Marshal(m.calib)
		if err == nil {
			meta := map[string]string{
				"format": Format, "model": m.Spec.text(), "golden": string(golden), "calibration": string(calib),
			}
			if m.detector != nil {
				meta["anomaly"], err = m.detector.text()
			}
			if err == nil {
				return m.params.Save(w, m.flow.Theta, meta)
			}
		}
	}
	return fmt.Errorf("model: write: %w", err)
}

// Save writes the model to a file, which is replaced whole or not at all.
func (m *Model) Save(path string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".tmp-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	err = m.Write(f)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}

// Open reads a model from a file. See Read.
func Open(path string) (*Model, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &failure{ErrFile, path + ": not a file"}
	}
	if info.Size() > maxFile {
		return nil, &failure{ErrFile, fmt.Sprintf("%s: %d bytes; at most %d are read", path, info.Size(), int64(maxFile))}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m, err := Read(bytes.NewReader(b))
	if err != nil {
		var f *failure
		if errors.As(err, &f) {
			return nil, &failure{f.kind, path + ": " + f.text}
		}
		return nil, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return m, nil
}

// Read reads a model and checks it: the sum over its bytes, names, shapes and values of all weights, and
// the answers of the network. Its errors wrap ErrFile and name what is wrong.
func Read(r io.Reader) (*Model, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxFile))
	if err != nil {
		return nil, err
	}
	f, err := nn.ReadSafetensors(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, badFile("%v", err)
	}
	format, ours := f.Meta["format"]
	text, spec := f.Meta["model"]
	switch {
	case !ours || !spec:
		return nil, badFile("a safetensors file, but not a model of pushforward: it has no metadata \"format\" and \"model\"")
	case format != Format:
		return nil, badFile("format %q; this version reads format %s", format, Format)
	case f.Sum == "":
		return nil, badFile("its metadata has no sum; it was written by another program")
	}
	s, err := parseSpec(text, int64(len(b)/4))
	if err != nil {
		return nil, err
	}
	m := newModel(s)
	if m.params.Count()*4 > len(b) {
		return nil, badFile("metadata \"model\": a network of %d weights in a file of %d bytes", m.params.Count(), len(b))
	}
	m.flow.Theta = make([]float32, m.params.Len())
	if _, err := m.params.Load(bytes.NewReader(b), m.flow.Theta); err != nil {
		return nil, badFile("%v", err)
	}
	for name, x := range m.params.All(m.flow.Theta) {
		for i, v := range x.Data {
			if v != v || math.IsInf(float64(v), 0) {
				return nil, badFile("tensor %s: element %d is %v", name, i, v)
			}
		}
	}
	if err := json.Unmarshal([]byte(f.Meta["golden"]), &m.golden); err != nil {
		return nil, badFile("metadata \"golden\": %v", err)
	}
	if err := json.Unmarshal([]byte(f.Meta["calibration"]), &m.calib); err != nil {
		return nil, badFile("metadata \"calibration\": %v", err)
	}
	if !sort.Float64sAreSorted(m.calib) {
		return nil, badFile("metadata \"calibration\": not in order")
	}
	if text, ok := f.Meta["anomaly"]; ok {
		if m.detector, err = parseDetector(text, m.Dim); err != nil {
			return nil, err
		}
	}
	if err := m.checkAnswers(); err != nil {
		return nil, err
	}
	return m, nil
}

// collect returns what write writes, as a safetensors file in memory.
func collect(write func(io.Writer) error) (*nn.File, error) {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return nil, err
	}
	return nn.ReadSafetensors(bytes.NewReader(b.Bytes()), int64(b.Len()))
}

// statePrefix marks metadata of this package in a trainer's state.
const statePrefix = "fit."

// seal writes a trainer's state with metadata of our own.
func seal(w io.Writer, f *nn.File, meta map[string]string) error {
	if f.Meta == nil {
		f.Meta = map[string]string{}
	}
	for k, v := range meta {
		f.Meta[statePrefix+k] = v
	}
	return nn.WriteSafetensors(w, f)
}

// unseal is the inverse of seal.
func unseal(r io.Reader) (trainer io.Reader, meta map[string]string, err error) {
	f, err := nn.ReadSafetensors(r, -1)
	if err != nil {
		return nil, nil, badFile("state: %v", err)
	}
	if f.Sum == "" {
		return nil, nil, badFile("state: it has no sum; it was written by another program")
	}
	meta = map[string]string{}
	for k, v := range f.Meta {
		if name, ok := cutPrefix(k); ok {
			meta[name] = v
			delete(f.Meta, k)
		}
	}
	var b bytes.Buffer
	if err := nn.WriteSafetensors(&b, f); err != nil {
		return nil, nil, badFile("state: %v", err)
	}
	return &b, meta, nil
}

func cutPrefix(k string) (string, bool) {
	if len(k) > len(statePrefix) && k[:len(statePrefix)] == statePrefix {
		return k[len(statePrefix):], true
	}
	return "", false
}
