package cfm

import (
	"fmt"
	"math"

	"pushforward/simd"
)

// BitsPerDim is -log p per column in bits, for rows of dim whole numbers below levels that were spread out to
// y = (k+u)/levels, logp being the log-density of y in nats: -logp/(dim·log 2) + log₂ levels. It bounds the bits
// of the whole numbers themselves from above (Theis et al. 2016).
func BitsPerDim(logp float64, dim, levels int) float64 {
	return simd.Log(float64(levels))/math.Ln2 - logp/(float64(dim)*math.Ln2)
}

// Logit sets dst to log(z/(1-z)) of z = α + (1-2α)·x, for x in [0, 1], and returns log|det ∂dst/∂x|: a density p of
// dst is p·e^logDet of x. α > 0 keeps the ends finite; RealNVP takes 0.05 for pixels. A number outside [0, 1] has
// no image: the error names its column.
func Logit(dst, x []float64, alpha float64) (logDet float64, err error) {
	if !(alpha >= 0 && alpha < 0.5) || len(dst) != len(x) {
		panic(fmt.Sprintf("cfm: Logit: α %v, %d numbers to %d", alpha, len(x), len(dst)))
	}
	wide := 1 - float64(2*alpha)
	for j, v := range x {
		z := alpha + float64(wide*v)
		if !(v >= 0 && v <= 1) || z <= 0 || z >= 1 {
			return 0, fmt.Errorf("cfm: logit: column %d: %v is outside of the support [0, 1]", j, v)
		}
		a, b := simd.Log(z), simd.Log(1-z)
		dst[j] = a - b
		logDet += simd.Log(wide) - a - b
	}
	return logDet, nil
}

// Unlogit undoes Logit.
func Unlogit(dst, y []float64, alpha float64) {
	for j, v := range y {
		z := 1 / (1 + simd.Exp(-v))
		dst[j] = (z - alpha) / (1 - float64(2*alpha))
	}
}

// ImportanceWeights turns log-densities of draws from a flow, logq, and of what they are to stand for, logp, which
// may lack a constant, into weights of sum 1. logZ is the logarithm of that constant, log mean p/q: with logp
// the likelihood times the prior, the evidence. ESS is the effective number of draws, 1/Σw². A draw whose logp or
// logq is NaN has weight 0.
func ImportanceWeights(logp, logq []float64) (w []float64, logZ, ess float64) {
	if len(logp) != len(logq) {
		panic(fmt.Sprintf("cfm: ImportanceWeights: %d and %d log-densities", len(logp), len(logq)))
	}
	w = make([]float64, len(logp))
	top := math.Inf(-1)
	for i := range w {
		w[i] = logp[i] - logq[i]
		if math.IsNaN(w[i]) {
			w[i] = math.Inf(-1)
		}
		top = max(top, w[i])
	}
	if math.IsInf(top, 0) || len(w) == 0 {
		return w, math.Inf(-1), 0
	}
	var sum, sq float64
	for i, v := range w {
		w[i] = simd.Exp(v - top)
		sum += w[i]
		sq += float64(w[i] * w[i])
	}
	for i := range w {
		w[i] /= sum
	}
	return w, top + simd.Log(sum/float64(len(w))), float64(sum*sum) / sq
}
