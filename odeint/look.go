package odeint

import (
	"math"

	"pushforward/simd"
)

// look is one row's continuous extension over one step, in float64:
//
//	y(t+θh) = y + h·θ·(q₀ + θ·(q₁ + …)),  qⱼ = Σᵢ pᵢⱼkᵢ
type look[F simd.Float] struct {
	t, h, to float64
	y0, q    []float64 // dim, deg × dim
	y1       []F       // the state at θ = 1
	y        []float64 // the last state looked up
	out      []F
	dim      int
}

func (k *look[F]) reserve(dim, deg int) {
	k.dim = dim
	k.y0, k.q, k.y, k.out = grow(k.y0, dim), grow(k.q, deg*dim), grow(k.y, dim), grow(k.out, dim)
}

// prepare takes up the step of the row in slot p.
func (k *look[F]) prepare(s *Solver[F], p int, l *lane) {
	k.t, k.h, k.to, k.y1 = l.t, l.step, l.to, s.at(s.next, p)
	for i, v := range s.at(s.y, p) {
		k.y0[i] = float64(v)
	}
	clear(k.q)
	for i, row := range s.plan.p {
		f := s.at(s.k[i], p)
		for j, c := range row {
			if c == 0 {
				continue
			}
			q := k.q[j*k.dim : (j+1)*k.dim]
			for d, v := range f {
				q[d] = math.FMA(c, float64(v), q[d])
			}
		}
	}
}

// at sets k.y to the state at θ, in [0, 1], and returns it.
func (k *look[F]) at(theta float64) []float64 {
	if theta == 1 {
		for i, v := range k.y1 {
			k.y[i] = float64(v)
		}
		return k.y
	}
	horner(k.y, theta, k.h, k.y0, k.q)
	return k.y
}

// state is at as F. It is valid until the next call.
func (k *look[F]) state(theta float64) []F {
	for i, v := range k.at(theta) {
		k.out[i] = F(v)
	}
	return k.out
}

// time is t + θh.
func (k *look[F]) time(theta float64) float64 {
	if theta == 1 {
		return k.to
	}
	return math.FMA(theta, k.h, k.t)
}

// horner sets y to y0 + h·θ·(q₀ + θ·(q₁ + …)).
func horner[F simd.Float](y []float64, theta, h float64, y0, q []F) {
	dim := len(y)
	x := h * theta
	for d := range y {
		var sum float64
		for j := len(q) - dim + d; j >= 0; j -= dim {
			sum = math.FMA(sum, theta, float64(q[j]))
		}
		y[d] = math.FMA(x, sum, float64(y0[d]))
	}
}
