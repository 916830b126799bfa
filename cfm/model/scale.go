package model

import (
	"fmt"
	"math"

	"pushforward/simd"
	"pushforward/simd/rng"
)

// The network lives on standardised rows, (y - Loc)/Scale, computed here in float64 before anything is
// narrowed to float32: a column of time stamps would else lose its digits.

// toField standardises a row of data.
func (m *Model) toField(dst []float32, row []float64) {
	for j, v := range row {
		if m.Scale != nil {
			v = (v - m.Loc[j]) / m.Scale[j]
		}
		dst[j] = float32(v)
	}
}

// toData is the inverse of toField.
func (m *Model) toData(dst []float64, x []float32) {
	for j, v := range x {
		dst[j] = float64(v)
		if m.Scale != nil {
			dst[j] = m.Loc[j] + float64(m.Scale[j]*float64(v))
		}
	}
}

// logScale is what standardising takes from a log-density: Σ log Scale.
func (m *Model) logScale() (sum float64) {
	for _, s := range m.Scale {
		sum += simd.Log(s)
	}
	return sum
}

// spread maps a row of whole numbers k to (k+u)/Levels, standardised.
func (m *Model) spread(row []float32, key rng.Key) {
	for j, k := range row {
		y := (float64(k) + key.Float64(uint64(j))) / float64(m.Levels)
		if m.Scale != nil {
			y = (y - m.Loc[j]) / m.Scale[j]
		}
		row[j] = float32(y)
	}
}

// moments returns mean and standard deviation of one column over some rows, with extra added to the
// variance. Two passes: the second sums squares of small numbers.
func moments(rows [][]float64, index []int, column int, extra float64) (mean, dev float64) {
	for _, i := range index {
		mean += rows[i][column] / float64(len(index))
	}
	var sum float64
	for _, i := range index {
		d := rows[i][column] - mean
		sum += float64(d * d)
	}
	return mean, math.Sqrt(sum/float64(len(index)) + extra)
}

// scale sets the spec's Loc and Scale from the training rows. A constant column keeps scale 1, with a
// note; all of them constant is an error.
func (f *Fitter) scale(s *Spec) error {
	if f.opt.Scaling == None {
		return nil
	}
	// Spread out over their levels, whole numbers have (k + ½)/levels as mean and gain the variance of a
	// uniform number.
	extra := 0.0
	if f.opt.Levels > 0 {
		extra = 1.0 / 12
	}
	s.Loc, s.Scale = make([]float64, s.Dim), make([]float64, s.Dim)
	constant, total := []int{}, 0.0
	for j := range s.Dim {
		loc, dev := moments(f.rows, f.train, j, 0)
		// A column of equal numbers has a deviation of rounding errors.
		if dev <= 1e-12*math.Abs(loc) || dev == 0 {
			constant = append(constant, j)
			dev = 0
		}
		v := float64(dev*dev) + extra
		total += v / float64(s.Dim)
		s.Loc[j], s.Scale[j] = loc, math.Sqrt(v)
		if s.Scale[j] == 0 {
			s.Scale[j] = 1
		}
		if math.IsInf(loc, 0) || math.IsInf(s.Scale[j], 0) {
			return badData("column %s: its numbers are too large to be scaled", s.Columns[j])
		}
	}
	switch {
	case len(constant) == s.Dim:
		return badData("all %d columns are constant: there is nothing to learn", s.Dim)
	case len(constant) > 0 && f.opt.Levels == 0:
		for _, j := range constant {
			f.Notes = append(f.Notes, fmt.Sprintf("column %s is constant in the training rows; it is kept with scale 1", s.Columns[j]))
		}
	}
	for j := range s.Dim {
		if f.opt.Scaling == Global {
			s.Scale[j] = math.Sqrt(total)
		}
		if f.opt.Levels > 0 {
			s.Loc[j] = (s.Loc[j] + 0.5) / float64(f.opt.Levels)
			s.Scale[j] /= float64(f.opt.Levels)
		}
	}
	return nil
}
