package verb

import (
	"math"

	"pushforward/cfm/model"
	"pushforward/simd/rng"
)

// gaussian is the mean log-density of scored rows under the simplest rival: one Gaussian with a full
// covariance for each combination of classes, fitted to the training rows. Its covariance is shrunk
// towards its diagonal by whichever of a few shares suits the scored rows best, so the rival is flattered.
// Whole numbers are spread over their levels as the model's are. It returns NaN if it cannot be fitted.
func (s *session) gaussian(m *model.Model, scored []int) float64 {
	group := func(i int) string {
		key := ""
		for j, c := range s.data.conds {
			if len(c.Classes) > 0 {
				key += c.Format(s.data.given[i][j]) + "\x00"
			}
		}
		return key
	}
	members := map[string][]int{}
	for _, i := range s.fit.Train() {
		members[group(i)] = append(members[group(i)], i)
	}
	best := math.Inf(-1)
	for _, shrink := range []float64{0.02, 0.05, 0.1, 0.2, 0.4} {
		fitted := map[string]*normal{}
		sum, n := 0.0, 0
		for _, i := range scored {
			key := group(i)
			if fitted[key] == nil {
				index := members[key]
				if len(index) < 2 {
					index = s.fit.Train() // a class too rare for a law of its own
				}
				g := fitNormal(pick(s.data.rows, index), shrink, m.Levels)
				if g == nil {
					return math.NaN()
				}
				fitted[key] = g
			}
			sum += fitted[key].logProb(s.spreadOut(m, i))
			n++
		}
		best = math.Max(best, sum/float64(n))
	}
	return best
}

// spreadOut returns row i as densities see it: (k+u)/levels for whole numbers.
func (s *session) spreadOut(m *model.Model, i int) []float64 {
	row := append([]float64(nil), s.data.rows[i]...)
	if m.Levels > 0 {
		key := rng.New(s.c.Seed).Named("gaussian").Fold(uint64(i))
		for j := range row {
			row[j] = (row[j] + key.Float64(uint64(j))) / float64(m.Levels)
		}
	}
	return row
}

// normal is a multivariate normal law by its mean and the Cholesky factor of its covariance.
type normal struct {
	mean []float64
	l    [][]float64
}

// fitNormal fits a normal law, with the covariance shrunk to its diagonal. It returns nil if that is not
// positive definite.
func fitNormal(rows [][]float64, shrink float64, levels int) *normal {
	d, n := len(rows[0]), float64(len(rows))
	mean := make([]float64, d)
	for _, r := range rows {
		for j, v := range r {
			mean[j] += v / n
		}
	}
	cov := make([][]float64, d)
	for j := range cov {
		cov[j] = make([]float64, d)
	}
	for _, r := range rows {
		for j := range d {
			for k := 0; k <= j; k++ {
				cov[j][k] += (r[j] - mean[j]) * (r[k] - mean[k]) / n
			}
		}
	}
	for j := range d {
		for k := range j {
			cov[j][k] *= 1 - shrink
		}
		if levels > 0 {
			cov[j][j] += 1.0 / 12
			mean[j] += 0.5
		}
		if cov[j][j] == 0 {
			cov[j][j] = 1e-12 // a constant column: a spike for the rival too
		}
	}
	if levels > 0 {
		q := float64(levels)
		for j := range d {
			mean[j] /= q
			for k := 0; k <= j; k++ {
				cov[j][k] /= q * q
			}
		}
	}
	// Cholesky, in place.
	for j := range d {
		for k := 0; k <= j; k++ {
			sum := cov[j][k]
			for i := range k {
				sum -= cov[j][i] * cov[k][i]
			}
			if j == k {
				if !(sum > 0) {
					return nil
				}
				cov[j][j] = math.Sqrt(sum)
			} else {
				cov[j][k] = sum / cov[k][k]
			}
		}
	}
	return &normal{mean, cov}
}

// logProb is -½|z|² - Σ log lᵢᵢ - d/2·log 2π with L·z = x - mean.
func (g *normal) logProb(x []float64) float64 {
	z := make([]float64, len(x))
	logp := -float64(len(x)) / 2 * math.Log(2*math.Pi)
	for j := range x {
		sum := x[j] - g.mean[j]
		for k := range j {
			sum -= g.l[j][k] * z[k]
		}
		z[j] = sum / g.l[j][j]
		logp -= z[j]*z[j]/2 + math.Log(g.l[j][j])
	}
	return logp
}
