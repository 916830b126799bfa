package model

import (
	"math"

	"pushforward/nn/bijector"
)

// Scorer finds log-densities at high rates: in float32, on one goroutine, without error bars. It is for the
// discrete flows, whose density is one pass; that of a CFM takes a solve.
type Scorer struct {
	m     *Model
	s     *bijector.Scorer[float32]
	x, c  []float32
	logp  []float32
	shift float64
}

// NewScorer returns a Scorer of m, for one goroutine. It refuses a model of another family.
func (m *Model) NewScorer() (*Scorer, error) {
	d, ok := m.gen.(*discrete)
	if !ok {
		return nil, badData("a scorer is for the families %s; the density of %s takes a solve: use LogDensity", list(DiscreteFamilies()), m.FamilyName())
	}
	if m.Logit > 0 {
		return nil, badData("a scorer takes no model with scaling %s: use LogDensity", Logit)
	}
	return &Scorer{
		m: m, s: bijector.NewScorer(d.flow, m.flow.Theta), shift: m.logScale(),
		x: make([]float32, pieceRows*m.Dim), logp: make([]float32, pieceRows),
		c: make([]float32, pieceRows*condWidth(m.Conditions)),
	}, nil
}

// LogDensity sets dst[i] to the log-density of row i, in nats per unit of the data; given is nil, or holds a
// row of conditions for each. A row that is not finite gets NaN. It differs from Model.LogDensity by the rounding
// of float32. It panics on rows of another width and on a model with Levels, whose rows have to be spread out first.
func (s *Scorer) LogDensity(dst []float64, rows, given [][]float64) {
	m := s.m
	if len(dst) != len(rows) || len(m.Conditions) > 0 && len(given) != len(rows) || m.Levels > 0 {
		panic("model: Scorer: room for each row, its conditions, and no levels are wanted")
	}
	w := condWidth(m.Conditions)
	for lo := 0; lo < len(rows); lo += pieceRows {
		n := min(pieceRows, len(rows)-lo)
		for i, r := range rows[lo : lo+n] {
			if len(r) != m.Dim {
				panic("model: Scorer: a row of another width")
			}
			m.toField(s.x[i*m.Dim:(i+1)*m.Dim], r)
			if w > 0 {
				encode(s.c[i*w:(i+1)*w], m.Conditions, given[lo+i])
			}
		}
		s.s.LogProb(s.logp[:n], s.x[:n*m.Dim], s.c[:n*w])
		for i, v := range s.logp[:n] {
			dst[lo+i] = float64(v) - s.shift
			if v != v || math.IsInf(float64(v), 0) {
				dst[lo+i] = math.NaN()
			}
		}
	}
}
