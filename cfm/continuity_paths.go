package cfm

import (
	"context"
	"errors"
	"fmt"
	"math"

	"pushforward/autograd"
	"pushforward/odeint"
	"pushforward/simd"
)

// Trajectories is the continuity equation along the ways of some draws of the source. Fields are by time and row; those of a
// row whose solve did not finish are NaN.
type Trajectories struct {
	Times  []float64
	X      []autograd.Tensor[float64] // where the draws are, in the field's coordinates
	Trace  [][]float64                // ∫₀ᵗ ∇·v dt along the way
	LogDet [][]float64                // log |det ∂xₜ/∂x₀| of the flow's Jacobian; Trace if the equation holds
	Along  [][]float64                // log μ(x₀) - Trace: what the equation makes of the density
	LogRho [][]float64                // log ρₜ(xₜ), found on its own
	Status []odeint.Status
}

// VolumeError is max |log|det ∂xₜ/∂x₀| - ∫∇·v|, in nats.
func (r *Trajectories) VolumeError() float64 { return largest(r.LogDet, r.Trace) }

// DensityError is max |log ρₜ(xₜ) - log μ(x₀) + ∫∇·v|, in nats.
func (r *Trajectories) DensityError() float64 { return largest(r.LogRho, r.Along) }

// largest is the largest difference, of rows that have one.
func largest(a, b [][]float64) (most float64) {
	for k := range a {
		for i, v := range a[k] {
			if d := math.Abs(v - b[k][i]); d > most {
				most = d
			}
		}
	}
	return most
}

// ContinuityPaths follows rows x0 of the source, in the field's coordinates, to each of times, which increase from above 0 to at
// most 1. It integrates
//
//	dx/dt = v,   dM/dt = (∂v/∂x)·M,   dℓ/dt = ∇·v      from (x₀, I, 0)
//
// with all of it in the error norm, in float64 but for what the field itself computes in. M is ∂xₜ/∂x₀, so log|det M| = ℓ by
// Jacobi's formula; and log ρₜ(xₜ) = log μ(x₀) - ℓ, for which ρₜ is found on its own: by opt.LogRho, or by solving from xₜ back
// to 0. A row costs D products with the Jacobian an evaluation, and D³.
func (f *Flow[F]) ContinuityPaths(ctx context.Context, x0 autograd.Tensor[F], times []float64, opt ContinuityOptions) (*Trajectories, error) {
	if x0.Shape.Rank() != 2 || x0.Shape.Dim(1) != f.Dim {
		panic(fmt.Sprintf("cfm: ContinuityPaths: points %v, the flow has %d columns", x0.Shape, f.Dim))
	}
	at := 0.0
	for _, t := range times {
		if !(t > at && t <= 1) {
			return nil, fmt.Errorf("cfm: continuity: times %v: want them to increase from above 0 to at most 1", times)
		}
		at = t
	}
	f = f.bare()
	n := x0.Rows()
	if err := f.check(n); err != nil {
		return nil, err
	}
	if u, ok := f.Field.(undensity); ok {
		return nil, fmt.Errorf("cfm: continuity: %s", u.noDensity())
	}
	r := &Trajectories{Times: times, Status: make([]odeint.Status, n)}
	for range times {
		r.X = append(r.X, autograd.NewTensor[float64](n, f.Dim))
		r.Trace, r.LogDet, r.Along = append(r.Trace, make([]float64, n)), append(r.LogDet, make([]float64, n)), append(r.Along, make([]float64, n))
	}
	o := opt.Density.Options
	o.SaveAt, o.Dense, o.Events, o.Weights = nil, false, nil, nil
	var zero F
	if _, single := any(zero).(float32); single && o.Rtol == 0 && o.Atol == 0 {
		o.Rtol, o.Atol = 1e-5, 1e-5
	}
	if o.MaxStep == 0 {
		o.MaxStep = quadratureStep
	}
	const rows = 32
	tasks := (n + rows - 1) / rows
	p := newPool(poolSize(tasks), nil)
	defer p.close()
	errs := make([]error, tasks)
	p.run(tasks, func(_, k int) {
		lo, hi := k*rows, min((k+1)*rows, n)
		errs[k] = f.follow(ctx, r, x0.Slice(lo, hi), lo, o)
	})
	if err := unlessSolve(ctx, firstError("continuity", errs)); err != nil {
		return nil, err
	}
	for k, t := range times {
		p, err := f.logRho(ctx, r.X[k], t, opt)
		if err != nil {
			return nil, err
		}
		r.LogRho = append(r.LogRho, p)
	}
	return r, nil
}

// follow fills in rows first, first+1, …
func (f *Flow[F]) follow(ctx context.Context, r *Trajectories, x0 autograd.Tensor[F], first int, o odeint.Options) error {
	n, dim := x0.Rows(), f.Dim
	sys := newTangents(f, first)
	w := sys.Dim()
	y := make([]float64, n*w)
	base := make([]float64, n)
	for i := range n {
		row := y[i*w:][:w]
		for j, v := range x0.Row(i) {
			row[j] = float64(v)
			row[dim+j*dim+j] = 1
		}
		base[i] = f.logProb(row[:dim])
	}
	solver := odeint.NewSolver[float64](o)
	at := 0.0
	var failed error
	m := make([]float64, dim*dim)
	for k, t := range r.Times {
		sol, err := solver.Solve(ctx, sys, y, at, t)
		if sol == nil {
			return err
		}
		keepFirst(&failed, shiftError(err, first))
		copy(y, sol.Final())
		at = t
		for i := range n {
			row := y[i*w:][:w]
			if r.Status[first+i].OK() {
				r.Status[first+i] = sol.Status[i]
			}
			copy(r.X[k].Row(first+i), row[:dim])
			copy(m, row[dim:])
			trace, det := row[w-1], logDet(m, dim)
			if !r.Status[first+i].OK() {
				trace, det = math.NaN(), math.NaN()
			}
			r.Trace[k][first+i], r.LogDet[k][first+i], r.Along[k][first+i] = trace, det, base[i]-trace
		}
	}
	return failed
}

// tangents is d/dt (x, M, ℓ) = (v, (∂v/∂x)·M, ∇·v), M by rows.
type tangents[F simd.Float] struct {
	d    divergence[F] // not embedded: M is no quadrature, so no stage can do without it
	y, v []float64     // points and velocities as d has them
}

func newTangents[F simd.Float](f *Flow[F], first int) *tangents[F] {
	t := &tangents[F]{d: newDivergence(f, 0)}
	t.d.first, t.d.keepJac = first, true
	return t
}

func (t *tangents[F]) Dim() int { return t.d.flow.Dim*(1+t.d.flow.Dim) + 1 }

func (t *tangents[F]) Eval(dst []float64, b odeint.Batch[float64]) {
	n, dim, w, narrow := len(b.Row), t.d.flow.Dim, t.Dim(), t.d.Dim()
	t.y, t.v = resize(t.y, n*narrow), resize(t.v, n*narrow)
	for i := range n {
		copy(t.y[i*narrow:][:dim], b.Y[i*w:])
	}
	t.d.Eval(t.v, odeint.Batch[float64]{Row: b.Row, T: b.T, Y: t.y})
	for i := range n {
		v := t.v[i*narrow:][:narrow]
		copy(dst[i*w:], v[:dim])
		dst[i*w+w-1] = v[dim]
		a, m, to := t.d.jac[i*dim*dim:], b.Y[i*w+dim:], dst[i*w+dim:]
		for j := range dim {
			for c := range dim {
				sum := 0.0
				for l := range dim {
					sum = math.FMA(a[j*dim+l], m[l*dim+c], sum)
				}
				to[j*dim+c] = sum
			}
		}
	}
}

// logDet returns log |det m| of an n×n matrix, which it overwrites: elimination with the largest pivot of each column.
func logDet(m []float64, n int) (sum float64) {
	for k := range n {
		p := k
		for i := k + 1; i < n; i++ {
			if math.Abs(m[i*n+k]) > math.Abs(m[p*n+k]) {
				p = i
			}
		}
		pivot := m[p*n+k]
		if pivot == 0 {
			return math.Inf(-1)
		}
		sum += simd.Log(math.Abs(pivot))
		if p != k {
			for j := range n {
				m[k*n+j], m[p*n+j] = m[p*n+j], m[k*n+j]
			}
		}
		for i := k + 1; i < n; i++ {
			c := m[i*n+k] / pivot
			for j := k + 1; j < n; j++ {
				m[i*n+j] = math.FMA(-c, m[k*n+j], m[i*n+j])
			}
		}
	}
	return sum
}

// unlessSolve drops the error of rows whose solve did not finish: their numbers are NaN.
func unlessSolve(ctx context.Context, err error) error {
	var e *odeint.SolveError
	if ctx.Err() == nil && errors.As(err, &e) {
		return nil
	}
	return err
}

// keepFirst sets first to err unless it holds an error already.
func keepFirst(first *error, err error) {
	if *first == nil {
		*first = err
	}
}
