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
		dst[j] = float32(m.standard(v, j))
	}
}

// standard standardises a number of column j.
func (m *Model) standard(v float64, j int) float64 {
	v = m.image(v)
	if m.Scale != nil {
		v = (v - m.Loc[j]) / m.Scale[j]
	}
	return v
}

// toData is the inverse of toField.
func (m *Model) toData(dst []float64, x []float32) {
	for j, v := range x {
		dst[j] = float64(v)
		if m.Scale != nil {
			dst[j] = m.Loc[j] + float64(m.Scale[j]*float64(v))
		}
		if m.Logit > 0 { // the flow's law goes on a little beyond the support, see cfm.Logit
			dst[j] = (1/(1+simd.Exp(-dst[j])) - m.Logit) / (1 - float64(2*m.Logit))
			dst[j] = min(max(dst[j], 0), 1)
		}
	}
}

// logitAlpha keeps the images of 0 and 1 at ∓2.94 (Dinh et al. 2017).
const logitAlpha = 0.05

// image is a number of the data before Loc and Scale: with Logit log(z/(1-z)) of z = α + (1-2α)·v, NaN outside of [0, 1].
func (s *Spec) image(v float64) float64 {
	if s.Logit == 0 {
		return v
	}
	if !(v >= 0 && v <= 1) {
		return math.NaN()
	}
	z := s.Logit + float64((1-float64(2*s.Logit))*v)
	return simd.Log(z) - simd.Log(1-z)
}

// logitDet is the log-determinant of Logit at a row in the model's scale: Σ log(1-2α) - log z - log(1-z).
func (m *Model) logitDet(x []float64) (sum float64) {
	if m.Logit == 0 {
		return 0
	}
	for j, v := range x {
		l := math.Abs(m.Loc[j] + float64(m.Scale[j]*v))
		sum += simd.Log(1-float64(2*m.Logit)) + l + float64(2*simd.Log(1+simd.Exp(-l)))
	}
	return sum
}

// checkSupport refuses rows that a model with Logit has no image of.
func (s *Spec) checkSupport(rows [][]float64) error {
	if s.Logit == 0 || s.Levels > 0 {
		return nil
	}
	for i, r := range rows {
		for j, v := range r {
			if !(v >= 0 && v <= 1) {
				return badData("row %d, column %s: %v is outside of [0, 1], the support of scaling %s", i+1, s.Columns[j], v, Logit)
			}
		}
	}
	return nil
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
		row[j] = float32(m.standard(m.level(float64(k), key, j), j))
	}
}

// level spreads the whole number k of column j.
func (m *Model) level(k float64, key rng.Key, j int) float64 {
	return (k + key.Float64(uint64(j))) / float64(m.Levels)
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
	extra, rows, levels := 0.0, f.rows, f.opt.Levels
	if levels > 0 {
		extra = 1.0 / 12
	}
	if s.Logit > 0 {
		rows = make([][]float64, len(f.rows))
		for i, r := range f.rows {
			rows[i] = make([]float64, s.Dim)
			for j, v := range r {
				if levels > 0 {
					v = (v + 0.5) / float64(levels)
				}
				rows[i][j] = s.image(v)
			}
		}
		extra, levels = 0, 0
	}
	s.Loc, s.Scale = make([]float64, s.Dim), make([]float64, s.Dim)
	constant, total := []int{}, 0.0
	for j := range s.Dim {
		loc, dev := moments(rows, f.train, j, 0)
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
	case len(constant) > 0 && levels == 0:
		for _, j := range constant {
			f.Notes = append(f.Notes, fmt.Sprintf("column %s is constant in the training rows; it is kept with scale 1", s.Columns[j]))
		}
	}
	for j := range s.Dim {
		if f.opt.Scaling == Global {
			s.Scale[j] = math.Sqrt(total)
		}
		if levels > 0 {
			s.Loc[j] = (s.Loc[j] + 0.5) / float64(levels)
			s.Scale[j] /= float64(levels)
		}
	}
	return nil
}
