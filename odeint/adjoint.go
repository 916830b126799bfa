package odeint

import (
	"context"
	"fmt"

	"pushforward/simd"
)

// Adjoint finds the gradient of a loss at t1 by solving backwards in time for the state and its cotangent together,
//
//	dy/dt = f,  da/dt = -aᵀ·∂f/∂y,  dq/dt = -aᵀ·∂f/∂θ,   from y(t1) = y1, a(t1) = g, q(t1) = 0,
//
// so that ∂loss/∂y₀ = a(t0) and ∂loss/∂θ = q(t0) (Pontryagin; Chen et al. 2018). It needs no memory of the forward solve.
// t0 and t1 are those of the forward solve, y1 and g are rows × Dim. All rows take the same steps, since they share q; q is left
// out of the error norm (Kidger et al. 2020).
//
// Mind what this is: the gradient of the exact flow with an error of its own, not of the solution that was computed. The state is not
// remembered but reconstructed by integrating backwards, and where the flow contracts, backwards it expands: errors
// grow like e^{λ(t1-t0)} for a contraction rate λ, so on strongly contracting, chaotic or dissipative systems the result is
// wrong in every digit, without a warning. Compare y0 with what you started from: Adjoint returns its reconstruction in
// back. Solver.Gradient has none of these troubles; use it unless memory forbids.
//
// The errors are those of Solve. opt's SaveAt, Dense, Replay, Events and per-component fields must be unset.
func Adjoint[F simd.Float](ctx context.Context, sys Pullback[F], y1, g []F, t0, t1 float64, opt Options) (grad *Gradient[F], back []F, err error) {
	dim := sys.Dim()
	if len(g) != len(y1) || dim > 0 && len(y1)%dim != 0 {
		panic(fmt.Sprintf("odeint: Adjoint: %d states and %d cotangents of dimension %d", len(y1), len(g), dim))
	}
	if opt.SaveAt != nil || opt.Dense || opt.Replay || opt.Events != nil || opt.Rtols != nil || opt.Atols != nil || opt.Weights != nil {
		return nil, nil, fmt.Errorf("%w: Adjoint takes no SaveAt, Dense, Replay, Events, Rtols, Atols, Weights", ErrOptions)
	}
	n, rows := len(y1), len(y1)/max(1, dim)
	a := &adjoint[F]{sys: sys, n: n, row: make([]int, rows), t: make([]float64, rows), neg: make([]F, n)}
	for i := range a.row {
		a.row[i] = i
	}
	state := make([]F, 2*n+sys.Params())
	copy(state, y1)
	copy(state[n:], g)
	opt.Weights = make([]float64, len(state))
	for i := range 2 * n {
		opt.Weights[i] = 1
	}
	if n == 0 {
		return &Gradient[F]{Theta: state}, nil, nil
	}
	sol, err := Solve(ctx, a, state, t1, t0, opt)
	if sol == nil {
		return nil, nil, err
	}
	end := sol.Final()
	grad = &Gradient[F]{Y0: end[n : 2*n], Theta: end[2*n:], T0: make([]float64, rows), T1: make([]float64, rows), Evals: sol.Stats.Evals}
	f := make([]F, n)
	sys.Eval(f, a.batch(t1, y1))
	for r := range rows {
		grad.T1[r] = dot64(g[r*dim:(r+1)*dim], f[r*dim:(r+1)*dim])
	}
	sys.Eval(f, a.batch(t0, end[:n]))
	for r := range rows {
		grad.T0[r] = -dot64(grad.Y0[r*dim:(r+1)*dim], f[r*dim:(r+1)*dim])
	}
	return grad, end[:n], err
}

// adjoint is the joint system of all rows: y, a, q.
type adjoint[F simd.Float] struct {
	sys Pullback[F]
	n   int
	row []int
	t   []float64
	neg []F
}

func (a *adjoint[F]) Dim() int { return 2*a.n + a.sys.Params() }

func (a *adjoint[F]) batch(t float64, y []F) Batch[F] {
	for i := range a.t {
		a.t[i] = t
	}
	return Batch[F]{Row: a.row, T: a.t, Y: y}
}

func (a *adjoint[F]) Eval(dst []F, b Batch[F]) {
	batch := a.batch(b.T[0], b.Y[:a.n])
	a.sys.Eval(dst[:a.n], batch)
	for i, v := range b.Y[a.n : 2*a.n] {
		a.neg[i] = -v
	}
	clear(dst[a.n:])
	a.sys.Pullback(dst[a.n:2*a.n], dst[2*a.n:], nil, batch, a.neg)
}
