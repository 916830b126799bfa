package cfm

import (
	"fmt"
	"math"

	"pushforward/simd"
	"pushforward/simd/rng"
)

// Source is the law μ at t = 0, in the coordinates of the field: Flow.Loc and Flow.Scale do
// not apply to it. It is used from several goroutines at once.
type Source interface {
	// Sample fills dst with whole rows. Row i depends on key and i only.
	Sample(dst []float64, key rng.Key)
	// LogProb returns the log-density of one row, NaN if the law has none in closed form.
	LogProb(x []float64) float64
}

// Normal is the source N(0, Sigma²·I). The zero Normal has Sigma 1: it is what a Flow
// without a Source uses.
type Normal struct{ Sigma float64 }

func (s Normal) sigma() float64 {
	if s.Sigma == 0 {
		return 1
	}
	return s.Sigma
}

// Sample fills dst with independent normal numbers.
func (s Normal) Sample(dst []float64, key rng.Key) {
	rng.Normal(key, dst)
	if sd := s.sigma(); sd != 1 {
		for i := range dst {
			dst[i] *= sd
		}
	}
}

// LogProb returns -½‖x/σ‖² - D·log(σ√(2π)).
func (s Normal) LogProb(x []float64) float64 {
	sd := s.sigma()
	var q float64
	for _, v := range x {
		z := v / sd
		q += float64(z * z)
	}
	const halfLog2Pi = 0.91893853320467274178
	return float64(-0.5*q) - float64(float64(len(x))*(halfLog2Pi+simd.Log(sd)))
}

// Law is a law that can be drawn from, and may know its density. The toy laws of cfm/dataset
// are Laws.
type Law interface {
	// Sample fills dst with whole rows. Row i depends on key and i only.
	Sample(dst []float64, key rng.Key)
	// LogProb returns the log-density of one row; ok is false if there is no closed form.
	LogProb(x []float64) (logp float64, ok bool)
}

// FromLaw makes a Source of a Law.
func FromLaw(l Law) Source { return lawSource{l} }

type lawSource struct{ Law }

func (s lawSource) LogProb(x []float64) float64 {
	if p, ok := s.Law.LogProb(x); ok {
		return p
	}
	return math.NaN()
}

// standard reports whether s is N(0, I).
func standard(s Source) bool {
	n, ok := s.(Normal)
	return s == nil || ok && n.sigma() == 1
}

// sourceDim returns an error if s says its dimension and that is not dim.
func sourceDim(s Source, dim int) error {
	var v any = s
	if l, ok := s.(lawSource); ok {
		v = l.Law
	}
	if d, ok := v.(interface{ Dim() int }); ok && d.Dim() != dim {
		return fmt.Errorf("cfm: the source has %d columns, the flow %d", d.Dim(), dim)
	}
	return nil
}

// drawSource fills x, rows of dim numbers, with draws from s: row i depends on key and i
// only. tmp is used if it is long enough and needed.
func drawSource[F simd.Float](x []F, s Source, key rng.Key, tmp []float64) []float64 {
	if standard(s) {
		rng.Normal(key, x)
		return tmp
	}
	if d, ok := any(x).([]float64); ok {
		s.Sample(d, key)
		return tmp
	}
	tmp = resize(tmp, len(x))
	s.Sample(tmp, key)
	for i, v := range tmp {
		x[i] = F(v)
	}
	return tmp
}

// resize returns s with length n, its memory kept if it suffices.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
