package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// adSet is one set of anomaly detection, split as baselines.json says: the normal rows numbered in the order of the
// file, even ones train, odd ones and all anomalies test; columns standardised by the training rows.
type adSet struct {
	name                 string
	train, test, strange [][]float64
}

// adBaselines are the figures of baselines.json for one set, by method.
type adBaselines struct {
	SemiSupervised map[string]struct {
		AUROC float64 `json:"auroc"`
	} `json:"semi_supervised"`
	NLL map[string]float64 `json:"test_normal_nll"`
}

// auroc lists the baselines' AUROC by method.
func (b adBaselines) auroc() map[string]float64 {
	all := map[string]float64{}
	for name, v := range b.SemiSupervised {
		all[name] = v.AUROC
	}
	return all
}

// readBaselines reads baselines.json in dir or above it. Without one there are none.
func readBaselines(dir string) (map[string]adBaselines, error) {
	for _, path := range []string{filepath.Join(dir, "baselines.json"), filepath.Join(dir, "..", "baselines.json")} {
		b, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var f struct {
			Sets map[string]adBaselines `json:"sets"`
		}
		if err := json.Unmarshal(b, &f); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return f.Sets, nil
	}
	return nil, nil
}

// adFiles lists the sets of a folder, by name: dir itself, or dir/adbench.
func adFiles(dir string) ([]string, error) {
	for _, d := range []string{dir, filepath.Join(dir, "adbench")} {
		files, err := filepath.Glob(filepath.Join(d, "*.csv.gz"))
		if err != nil {
			return nil, err
		}
		var sets []string
		for _, f := range files {
			if last, err := lastColumn(f); err == nil && last == "label" {
				sets = append(sets, f)
			}
		}
		if len(sets) > 0 {
			sort.Slice(sets, func(i, j int) bool { return strings.ToLower(sets[i]) < strings.ToLower(sets[j]) })
			return sets, nil
		}
	}
	return nil, fmt.Errorf("-data %s: it has no NAME.csv.gz whose last column is label", dir)
}

func lastColumn(path string) (name string, err error) {
	err = readGzip(path, func(s *bufio.Scanner) error {
		s.Scan()
		cells := strings.Split(strings.TrimSpace(s.Text()), ",")
		name = cells[len(cells)-1]
		return nil
	})
	return name, err
}

func readGzip(path string, read func(*bufio.Scanner) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	s := bufio.NewScanner(z)
	s.Buffer(nil, 1<<24)
	if err := read(s); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// readADSet reads and splits a set.
func readADSet(path string) (*adSet, error) {
	s := &adSet{name: strings.TrimSuffix(filepath.Base(path), ".csv.gz")}
	normal, width := 0, 0
	err := readGzip(path, func(in *bufio.Scanner) error {
		for line := 0; in.Scan(); line++ {
			cells := strings.Split(strings.TrimSpace(in.Text()), ",")
			if line == 0 {
				width = len(cells)
				continue
			}
			if len(cells) != width || width < 2 {
				return fmt.Errorf("row %d has %d columns, the header has %d", line, len(cells), width)
			}
			row := make([]float64, width)
			for j, c := range cells {
				v, err := strconv.ParseFloat(c, 64)
				if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
					return fmt.Errorf("row %d, column %d: %q is not a finite number", line, j+1, c)
				}
				row[j] = v
			}
			switch label := row[width-1]; {
			case label == 1:
				s.strange = append(s.strange, row[:width-1])
				continue
			case label != 0:
				return fmt.Errorf("row %d: label %v is neither 0 nor 1", line, label)
			}
			if normal%2 == 0 {
				s.train = append(s.train, row[:width-1])
			} else {
				s.test = append(s.test, row[:width-1])
			}
			normal++
		}
		if len(s.train) < 2 || len(s.test) == 0 || len(s.strange) == 0 {
			return fmt.Errorf("%d training rows, %d normal and %d strange test rows", len(s.train), len(s.test), len(s.strange))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.standardise()
	return s, nil
}

// standardise scales all rows by mean and population standard deviation of the training rows' columns; a deviation under
// 1e-9 counts as 1.
func (s *adSet) standardise() {
	n := float64(len(s.train))
	for j := range s.train[0] {
		mean, sq := 0.0, 0.0
		for _, r := range s.train {
			mean += r[j] / n
		}
		for _, r := range s.train {
			d := r[j] - mean
			sq += float64(d*d) / n
		}
		dev := math.Sqrt(sq)
		if dev < 1e-9 {
			dev = 1
		}
		for _, rows := range [][][]float64{s.train, s.test, s.strange} {
			for _, r := range rows {
				r[j] = (r[j] - mean) / dev
			}
		}
	}
}

// rank is the chance that a strange row has a greater score than a normal one, a tie counting half: the area under the
// curve of true by false alarms. NaN is greater than all.
func rank(normal, strange []float64) float64 {
	type scored struct {
		score   float64
		strange bool
	}
	var all []scored
	for _, v := range normal {
		all = append(all, scored{v, false})
	}
	for _, v := range strange {
		all = append(all, scored{v, true})
	}
	for i := range all {
		if math.IsNaN(all[i].score) {
			all[i].score = math.Inf(1)
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].score < all[j].score })
	sum := 0.0
	for lo, hi := 0, 0; lo < len(all); lo = hi {
		for hi = lo; hi < len(all) && all[hi].score == all[lo].score; hi++ {
		}
		for _, s := range all[lo:hi] {
			if s.strange {
				sum += float64(lo+hi+1) / 2
			}
		}
	}
	n, m := float64(len(normal)), float64(len(strange))
	return (sum - float64(m*(m+1))/2) / (n * m)
}

// line prints v as a line of JSON, if that was asked for.
func (r *Run) line(v any) error {
	if r.lines == nil {
		return nil
	}
	return r.lines(v)
}

// quiet records a figure for the printed grid alone; a line says it in JSON.
func (r *Run) quiet(f Figure) {
	f.complete()
	r.figures = append(r.figures, f)
}
