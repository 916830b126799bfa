package bijector

import (
	"math"

	"pushforward/autograd"
	"pushforward/nn"
	"pushforward/simd"
)

// ActNorm shifts and scales each column (Kingma and Dhariwal 2018):
//
//	yᵢ = (xᵢ - mᵢ)·e^(-sᵢ),  log |det| = -Σ sᵢ
//
// m and s start at zero, which is the identity. Fit sets them to the mean and the log of the
// standard deviation of a batch; after that they are learned like all others.
type ActNorm[F simd.Float] struct {
	Mean, LogScale autograd.Param
	dim            int
}

// NewActNorm declares "mean" and "logscale" in s.
func NewActNorm[F simd.Float](s nn.Scope[F], dim int) *ActNorm[F] {
	return &ActNorm[F]{s.Param("mean", nn.Zeros, dim), s.Param("logscale", nn.Zeros, dim), dim}
}

// Forward returns (x - m)·e⁻ˢ.
func (a *ActNorm[F]) Forward(x, _ autograd.Var[F]) (y, logdet autograd.Var[F]) {
	rows("ActNorm", x, a.dim)
	t := x.Tape()
	s := t.Param(a.LogScale).Neg()
	return x.Sub(t.Param(a.Mean)).Mul(s.Exp()), constant(s.Sum(), x)
}

// Inverse returns y·eˢ + m.
func (a *ActNorm[F]) Inverse(y, _ autograd.Var[F]) (x, logdet autograd.Var[F]) {
	rows("ActNorm", y, a.dim)
	t := y.Tape()
	s := t.Param(a.LogScale)
	return y.Mul(s.Exp()).Add(t.Param(a.Mean)), constant(s.Sum(), y)
}

// Fit makes the columns of the rows x have mean 0 and variance 1 behind the layer. A column
// without spread keeps scale 1. Without rows nothing changes.
func (a *ActNorm[F]) Fit(theta []F, x autograd.Tensor[F]) {
	n := len(x.Data) / max(a.dim, 1)
	if n == 0 {
		return
	}
	mean := theta[a.Mean.Off : a.Mean.Off+a.dim]
	scale := theta[a.LogScale.Off : a.LogScale.Off+a.dim]
	for j := range a.dim {
		sum := 0.0
		for i := j; i < len(x.Data); i += a.dim {
			sum += float64(x.Data[i])
		}
		m, sq := sum/float64(n), 0.0
		for i := j; i < len(x.Data); i += a.dim {
			d := float64(x.Data[i]) - m
			sq = math.FMA(d, d, sq)
		}
		mean[j], scale[j] = F(m), 0
		if sd := math.Sqrt(sq / float64(n)); sd > float64(1e-6*math.Abs(m)) && sd > 1e-30 {
			scale[j] = F(simd.Log(sd))
		}
	}
}
