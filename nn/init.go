package nn

import (
	"math"

	"pushforward/simd/rng"
)

// Init fills an array with its starting values. dst is zero when it is called.
type Init func(dst []float64, fanIn, fanOut int, key rng.Key)

// Zeros starts at 0.
func Zeros(dst []float64, _, _ int, _ rng.Key) { clear(dst) }

// Ones starts at 1.
func Ones(dst []float64, _, _ int, _ rng.Key) {
	for i := range dst {
		dst[i] = 1
	}
}

// Constant starts at v.
func Constant(v float64) Init {
	return func(dst []float64, _, _ int, _ rng.Key) {
		for i := range dst {
			dst[i] = v
		}
	}
}

// Uniform draws from [-bound, bound).
func Uniform(bound float64) Init {
	return func(dst []float64, _, _ int, key rng.Key) { uniform(dst, bound, key) }
}

// Normal draws from N(0, sd²).
func Normal(sd float64) Init {
	return func(dst []float64, _, _ int, key rng.Key) { normal(dst, sd, key) }
}

// KaimingUniform is PyTorch's default for the weights of Linear and Conv layers: uniform in
// ±1/√fanIn. (PyTorch calls kaiming_uniform_ with a = √5, whose bound √(6/((1+a²)·fanIn)) is
// that.)
func KaimingUniform(dst []float64, fanIn, _ int, key rng.Key) {
	uniform(dst, 1/math.Sqrt(float64(max(fanIn, 1))), key)
}

// KaimingNormal draws from N(0, 2/fanIn), which keeps the variance through ReLU and, nearly,
// SiLU layers (He et al. 2015).
func KaimingNormal(dst []float64, fanIn, _ int, key rng.Key) {
	normal(dst, math.Sqrt(2/float64(max(fanIn, 1))), key)
}

// LecunNormal draws from N(0, 1/fanIn), which SELU networks ask for (Klambauer et al. 2017).
func LecunNormal(dst []float64, fanIn, _ int, key rng.Key) {
	normal(dst, math.Sqrt(1/float64(max(fanIn, 1))), key)
}

// XavierUniform is uniform in ±√(6/(fanIn+fanOut)) (Glorot and Bengio 2010).
func XavierUniform(dst []float64, fanIn, fanOut int, key rng.Key) {
	uniform(dst, math.Sqrt(6/float64(max(fanIn+fanOut, 1))), key)
}

// XavierNormal draws from N(0, 2/(fanIn+fanOut)).
func XavierNormal(dst []float64, fanIn, fanOut int, key rng.Key) {
	normal(dst, math.Sqrt(2/float64(max(fanIn+fanOut, 1))), key)
}

func uniform(dst []float64, bound float64, key rng.Key) {
	rng.Uniform(key, dst)
	for i, u := range dst {
		dst[i] = float64((float64(2*u) - 1) * bound)
	}
}

func normal(dst []float64, sd float64, key rng.Key) {
	rng.Normal(key, dst)
	for i, z := range dst {
		dst[i] = float64(z * sd)
	}
}
