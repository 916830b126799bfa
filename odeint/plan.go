package odeint

import (
	"slices"

	"pushforward/simd"
)

// sum is a linear combination of stages, zero coefficients left out.
type sum[F simd.Float] struct {
	stage []int
	coef  []F
}

func newSum[F simd.Float](c []float64) sum[F] {
	var s sum[F]
	for j, v := range c {
		if v != 0 {
			s.stage = append(s.stage, j)
			s.coef = append(s.coef, F(v))
		}
	}
	return s
}

// plan is a Tableau as the solver runs it. Stages 0 … s-1 make an attempt; stage end is f(t+h, y⁺), which
// is s-1 or, without first-same-as-last, s; the rest are for dense output.
type plan[F simd.Float] struct {
	s, end, all int
	c           []float64
	a           []sum[F] // a[i] leads to stage i, those after the attempt included
	b, e, e2    sum[F]
	p           [][]float64 // all × deg
	path        []bool      // by stage of the attempt: it serves other stages alone
	pen         int         // the stage stiffness is judged by: one at t+h other than end; -1: none
}

func newPlan[F simd.Float](t *Tableau) plan[F] {
	p := plan[F]{s: len(t.B), c: t.C, b: newSum[F](t.B), e: newSum[F](t.E), e2: newSum[F](t.E2), p: t.P, pen: -1}
	rows := t.A
	p.end = p.s - 1
	if !t.fsal() {
		p.end = p.s
		p.c = append(p.c[:p.s:p.s], 1)
		rows = append(rows[:p.s:p.s], t.B)
	}
	p.c = append(p.c[:p.end+1:p.end+1], t.XC...)
	for _, row := range append(rows[:p.end+1:p.end+1], t.XA...) {
		p.a = append(p.a, newSum[F](row))
	}
	if p.p == nil {
		p.p = hermite(t.B, nil, p.end)
	}
	p.all = len(p.a)
	p.path = make([]bool, p.s)
	for i := range p.path {
		p.path[i] = i > 0 && at(t.B, i) == 0 && at(t.E, i) == 0 && at(t.E2, i) == 0 && !slices.ContainsFunc(p.p[i], func(v float64) bool { return v != 0 })
	}
	for i := 1; i < p.s && t.Stab > 0; i++ {
		if t.C[i] == 1 && i != p.end {
			p.pen = i
		}
	}
	return p
}

// deg is the degree of the continuous extension.
func (p *plan[F]) deg() int { return len(p.p[0]) }
