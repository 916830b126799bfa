package metric

import (
	"math"

	"pushforward/simd/rng"
)

// Classifier learns to tell rows with label 1 from rows with label 0.
type Classifier interface {
	// Fit learns from n×dim numbers and n labels, all chance coming from key.
	Fit(x []float64, label []int, dim int, key rng.Key)
	// Scores sets dst to one number a row, positive where label 1 is likelier.
	Scores(dst, x []float64)
}

// C2ST is the classifier two-sample test as the benchmark of simulation-based inference runs it (Lueckmann
// et al. 2021): rows of the sample y are told from rows of the reference x, both scaled by x's mean and
// spread, in five-fold cross-validation; the result is the mean accuracy on the folds held out. 0.5 is
// perfect, 1 is worst.
//
// It is no better than its classifier: one that stops early calls a bad sample good. Give [MLP] for the
// published figures and [Trees] beside it.
func C2ST(x, y []float64, dim int, c Classifier, key rng.Key) float64 {
	const folds = 5
	n, m := rows(x, dim), rows(y, dim)
	mean, cov := Mean(x, dim), Covariance(x, dim)
	all := make([]float64, 0, (n+m)*dim)
	all = append(append(all, x...), y...)
	for i := range all {
		j := i % dim
		s := math.Sqrt(cov[j*dim+j])
		if !(s > 0) {
			s = 1
		}
		all[i] = (all[i] - mean[j]) / s
	}
	order := make([]int, n+m)
	rng.Perm(key.Named("folds"), order)
	sum := 0.0
	for f := range folds {
		lo, hi := f*len(order)/folds, (f+1)*len(order)/folds
		var train, test []float64
		var label, want []int
		for k, i := range order {
			l := 0
			if i >= n {
				l = 1
			}
			if k >= lo && k < hi {
				test, want = append(test, all[i*dim:(i+1)*dim]...), append(want, l)
			} else {
				train, label = append(train, all[i*dim:(i+1)*dim]...), append(label, l)
			}
		}
		c.Fit(train, label, dim, key.Named("fit").Fold(uint64(f)))
		scores := make([]float64, len(want))
		c.Scores(scores, test)
		right := 0
		for i, s := range scores {
			if (s > 0) == (want[i] == 1) {
				right++
			}
		}
		sum += float64(right) / float64(len(want))
	}
	return sum / folds
}
