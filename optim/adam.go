package optim

import (
	"iter"
	"math"

	"pushforward/simd"
)

// Adam is Adam (Kingma and Ba 2015) with either kind of weight decay, or both:
//
//	g = grad + L2·θ
//	m += (1 - β₁)·(g - m)
//	v = β₂·v + (1 - β₂)·g²
//	θ -= lr·Decay·θ + lr·(m / c₁) / (√(v / c₂) + Eps),  cᵢ = 1 - βᵢᵗ
//
// Adam{Decay: d} is PyTorch's AdamW, Adam{L2: d} its Adam with weight_decay. With AMSGrad
// the root is taken of the largest v so far. Zero fields mean Beta1 0.9, Beta2 0.999,
// Eps 1e-8, no decay; a negative Beta1, Beta2 or Eps means zero.
type Adam[F simd.Float] struct {
	Beta1, Beta2, Eps, Decay float64
	L2                       float64
	AMSGrad                  bool

	step       int
	m, v, vmax []F
	tmp        [block]F
}

// Init makes the two moments for n parameters (with AMSGrad a third vector).
func (a *Adam[F]) Init(n int) {
	if a.m == nil {
		a.m, a.v = make([]F, n), make([]F, n)
		if a.AMSGrad {
			a.vmax = make([]F, n)
		}
	}
	sized("Adam", n, len(a.m))
}

// Step does one step of Adam.
func (a *Adam[F]) Step(theta, grad []F, lr float64) {
	a.Init(len(theta))
	check("Adam", len(theta), len(grad), len(a.m))
	a.step++
	b1, b2 := or(a.Beta1, 0.9), or(a.Beta2, 0.999)
	c1, r2 := 1-powi(b1, a.step), math.Sqrt(1-powi(b2, a.step))
	// Both corrections become factors of the rate and of ε:
	// (m/c₁)/(√(v/c₂)+ε) = (√c₂/c₁)·m/(√v + √c₂·ε).
	c := simd.AdamCoeffs{
		Beta1: b1, Beta2: b2,
		Step: lr * r2 / c1, Eps: or(a.Eps, 1e-8) * r2, Decay: lr * a.Decay,
	}
	k := simd.Best[F]()
	if a.L2 == 0 && !a.AMSGrad {
		k.Adam(theta, a.m, a.v, grad, c)
		return
	}
	for lo := 0; lo < len(theta); lo += block {
		hi := min(lo+block, len(theta))
		w, m, v, g := theta[lo:hi], a.m[lo:hi], a.v[lo:hi], grad[lo:hi]
		if a.L2 != 0 {
			t := a.tmp[:hi-lo]
			copy(t, g)
			k.Axpy(t, F(a.L2), w)
			g = t
		}
		if a.AMSGrad {
			amsgrad(w, m, v, a.vmax[lo:hi], g, c)
		} else {
			k.Adam(w, m, v, g, c)
		}
	}
}

// amsgrad is Kernels.Adam with the largest v so far under the root.
func amsgrad[F simd.Float](w, m, v, vmax, g []F, c simd.AdamCoeffs) {
	a1, a2, b2 := F(1-c.Beta1), F(1-c.Beta2), F(c.Beta2)
	step, eps, decay := F(c.Step), F(c.Eps), F(c.Decay)
	for i, gi := range g {
		m[i] += F(a1 * (gi - m[i]))
		v[i] = F(b2*v[i]) + F(F(a2*gi)*gi)
		vmax[i] = max(vmax[i], v[i])
		w[i] -= F(decay*w[i]) + F(step*m[i])/(sqrt(vmax[i])+eps)
	}
}

// sqrt is correctly rounded in either type.
func sqrt[F simd.Float](x F) F { return F(math.Sqrt(float64(x))) }

// State yields "m", "v" and, with AMSGrad, "vmax".
func (a *Adam[F]) State() iter.Seq2[string, []F] {
	return yield([]string{"m", "v", "vmax"}, [][]F{a.m, a.v, a.vmax})
}

// StepCount returns the number of steps taken.
func (a *Adam[F]) StepCount() int { return a.step }

// SetStep makes StepCount return n, on which the bias correction of the next step depends.
func (a *Adam[F]) SetStep(n int) { a.step = n }
