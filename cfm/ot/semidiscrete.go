package ot

import (
	"fmt"
	"math"
	"slices"

	"pushforward/simd"
)

// SemiDiscrete is optimal transport of the squared distance from a law that can only be drawn from to N points of
// mass 1/N each: x goes to the point
//
//	T(x) = argminⱼ ‖x - yⱼ‖² - gⱼ
//
// for the potentials g under which every point gets its mass, which maximise the dual
//
//	E minⱼ (‖x - yⱼ‖² - gⱼ) + (1/N)·Σⱼ gⱼ.
//
// A law with a density has such a map; a map back does not exist, since no map spreads a point.
type SemiDiscrete struct {
	Y   []float64 // N × Dim, borrowed
	Dim int
	G   []float64
	// Err is ½·Σⱼ |massⱼ - 1/N| over the last quarter of the draws: the mass that lands on a wrong point. The noise of
	// so many draws alone makes it about 0.4·√(4N/draws).
	Err float64
}

// FitSemiDiscrete fits the potentials on draws points of the law, of which draw fills dst with whole rows, the k-th call
// others than the ones before. The potentials start from an assignment between as many draws and points (up to 1024) and then
// follow the gradient of the dual, averaged over the second half of the steps (Genevay et al. 2016). draws is 256·N if 0.
func FitSemiDiscrete(y []float64, dim, draws int, draw func(dst []float64, k int)) (*SemiDiscrete, error) {
	n := rows(y, dim)
	if n == 0 {
		return nil, fmt.Errorf("%w: semi-discrete: no points", ErrCost)
	}
	if n > 1 && slices.Equal(y[dim:], y[:len(y)-dim]) {
		return nil, fmt.Errorf("%w: semi-discrete: all %d points are the same: no map tells them apart", ErrCost, n)
	}
	if draws == 0 {
		draws = 256 * n
	}
	s := &SemiDiscrete{Y: y, Dim: dim, G: make([]float64, n)}
	scale, err := s.start(draw)
	if err != nil {
		return nil, fmt.Errorf("ot: semi-discrete: %w", err)
	}
	batch := max(64, min(n, 1024))
	steps := max(8, draws/batch)
	x, to := make([]float64, batch*dim), make([]int, batch)
	mean, last := make([]float64, n), make([]float64, n)
	mass := make([]float64, n)
	work := newNearest(n)
	averaged, measured := 0, 0
	for k := range steps {
		draw(x, k+1)
		s.nearest(to, x, work)
		clear(mass)
		for _, j := range to {
			mass[j] += 1 / float64(batch)
		}
		rate := 2 * scale * float64(n) / math.Sqrt(float64(k+1))
		for j := range s.G {
			s.G[j] += float64(rate * (1/float64(n) - mass[j]))
		}
		if k >= steps/2 && k < steps-steps/4 {
			averaged++
			for j, g := range s.G {
				mean[j] += (g - mean[j]) / float64(averaged)
			}
		}
		if k == steps-steps/4-1 {
			copy(s.G, mean)
			// The last quarter only measures.
			for k++; k < steps; k++ {
				draw(x, k+1)
				s.nearest(to, x, work)
				for _, j := range to {
					last[j]++
				}
				measured += batch
			}
			break
		}
	}
	for _, c := range last {
		s.Err += float64(math.Abs(c/float64(measured)-1/float64(n)) / 2)
	}
	if s.Err-s.Err != 0 {
		return nil, fmt.Errorf("%w: semi-discrete: the potentials are not finite", ErrCost)
	}
	return s, nil
}

// start sets the potentials by an assignment and returns the size of a difference of costs.
func (s *SemiDiscrete) start(draw func(dst []float64, k int)) (scale float64, err error) {
	n := len(s.G)
	m := min(n, 1024)
	x := make([]float64, m*s.Dim)
	draw(x, 0)
	cost := make([]float64, m*m)
	SquaredDistances(cost, x, s.Y[:m*s.Dim], s.Dim)
	if err := checkCosts(cost, m); err != nil {
		return 0, err
	}
	var a Solver
	if _, err := a.Assign(make([]int, m), cost, m, m); err != nil {
		return 0, err
	}
	u, v := a.Duals()
	copy(s.G, v)
	if m < n { // other points: as far up as the draws let them
		far := make([]float64, n*m)
		SquaredDistances(far, s.Y, x, s.Dim)
		for j := m; j < n; j++ {
			least := math.Inf(1)
			for i, d := range far[j*m : (j+1)*m] {
				least = math.Min(least, d-u[i])
			}
			s.G[j] = least
		}
	}
	spread := 0.0
	for i := range m {
		_, least, second := simd.Best[float64]().LeastTwo(cost[i*m:(i+1)*m], v)
		if m > 1 {
			spread += (second - least) / float64(m)
		}
	}
	return math.Max(spread, 1e-300), nil
}

// Map sets dst to the points that the rows of x go to.
func (s *SemiDiscrete) Map(dst []int, x []float64) {
	if len(dst) != rows(x, s.Dim) {
		panic(fmt.Sprintf("ot: SemiDiscrete: Map: %d places for %d rows", len(dst), rows(x, s.Dim)))
	}
	s.nearest(dst, x, newNearest(len(s.G)))
}

// nearestRows is how many rows have their costs in memory at once.
const nearestRows = 16

func newNearest(n int) []float64 { return make([]float64, nearestRows*n) }

func (s *SemiDiscrete) nearest(dst []int, x, work []float64) {
	n, k := len(s.G), simd.Best[float64]()
	for lo := 0; lo < len(dst); lo += nearestRows {
		hi := min(lo+nearestRows, len(dst))
		cost := work[:(hi-lo)*n]
		SquaredDistances(cost, x[lo*s.Dim:hi*s.Dim], s.Y, s.Dim)
		for i := range hi - lo {
			dst[lo+i], _, _ = k.LeastTwo(cost[i*n:(i+1)*n], s.G)
		}
	}
}
