package odeint

import (
	"context"
	"errors"
	"fmt"
	"math"

	"pushforward/simd"
)

// Pullback is a System that can be differentiated: it offers the vector–Jacobian product of its right-hand side.
type Pullback[F simd.Float] interface {
	System[F]
	// Params is the number of parameters θ that f depends on.
	Params() int
	// Pullback adds the pullback of the cotangent g (like Eval's dst) at b:
	//
	//	dy     += gᵀ·∂f/∂y, row by row, len(b.Row) × Dim
	//	dtheta += gᵀ·∂f/∂θ, summed over rows in their order; nil if it is not wanted
	//	dt     += gᵀ·∂f/∂t, one number a row; nil if it is not wanted
	Pullback(dy, dtheta []F, dt []float64, b Batch[F], g []F)
}

// Gradient is what Solver.Gradient found. It belongs to the solver: its next call overwrites it.
type Gradient[F simd.Float] struct {
	Y0    []F // of the loss by the initial state, rows × Dim
	Theta []F // by the parameters
	// By t0 and t1, per row, the save times staying where they are. All steps between two stops keep their share of what
	// lies between these.
	T0, T1 []float64
	Evals  int // calls of Eval and of Pullback together
}

// ErrGradient is what Solver.Gradient's errors wrap.
var ErrGradient = errors.New("odeint: gradient")

// Gradient pulls g, the cotangent of the last solve's Solution.Y, back to the initial state, the parameters and the times.
// The solve must have been made with Options.Replay or Options.Dense, over the same system with the same θ.
//
// It runs each row's kept steps again, last first, from the states they began with, and pulls the cotangent back
// through their stages. The result is the exact gradient of the discrete solution, to rounding; step sizes
// count as constants, as in torchdiffeq and diffrax. Memory is the states plus the stages of one step. It costs as
// many evaluations as the kept steps did, and as many pullbacks. See Adjoint for the other way, and for why it is
// the other way.
//
// Rows must have reached t1 without a reset; for others, for a solve that kept nothing, and when ctx
// ends first, there is an error. A g of the wrong length panics.
func (s *Solver[F]) Gradient(ctx context.Context, sys Pullback[F], g []F) (*Gradient[F], error) {
	sol := &s.sol
	if !sol.steps {
		return nil, fmt.Errorf("%w: the solve was not made with Options.Replay or Options.Dense", ErrGradient)
	}
	if len(g) != len(sol.Y) || sys.Dim() != s.dim {
		panic(fmt.Sprintf("odeint: Gradient: %d cotangents and dimension %d for a solution of %d numbers and dimension %d",
			len(g), sys.Dim(), len(sol.Y), s.dim))
	}
	for r, st := range sol.Status {
		if st != Done {
			return nil, fmt.Errorf("%w: row %d did not reach t1: %v", ErrGradient, r, st)
		}
	}
	for i := range sol.pieces {
		if pc := &sol.pieces[i]; pc.flags&cutShort != 0 {
			return nil, fmt.Errorf("%w: row %d was reset at t=%.6g", ErrGradient, pc.row, pc.t)
		}
	}
	b := &s.back
	b.reserve(s, sys.Params())
	b.g = g
	s.sys = sys
	done := ctx.Done()
	for b.gather(s) {
		if s.ended(done) {
			return nil, fmt.Errorf("%w: %w", ErrGradient, ctx.Err())
		}
		b.step(s, sys)
	}
	b.start(s)
	s.sys = nil
	return &b.grad, nil
}

// backward is the work space of Gradient.
type backward[F simd.Float] struct {
	grad Gradient[F]
	g    []F // the cotangent of all that was saved

	left []int // by row: pieces yet to go
	save []int // by row: saved times yet to go

	// By slot, as the solver's own.
	bar, hbar, dy []F   // cotangent of the state; h times one
	arg, gk       [][]F // arguments and cotangents of stages
	dt, dh        []float64
	dtSum         []float64
	inner         bool // a time was saved inside a step of this round
}

func (b *backward[F]) reserve(s *Solver[F], params int) {
	rows := s.sol.rows
	n := padded(rows * s.dim)
	b.grad.Y0, b.grad.Theta = grow(b.grad.Y0, rows*s.dim), grow(b.grad.Theta, params)
	b.grad.T0, b.grad.T1 = grow(b.grad.T0, rows), grow(b.grad.T1, rows)
	clear(b.grad.Y0)
	clear(b.grad.Theta)
	clear(b.grad.T0)
	clear(b.grad.T1)
	b.grad.Evals = 0
	b.left, b.save = grow(b.left, rows), grow(b.save, rows)
	for r := range rows {
		b.left[r], b.save[r] = s.sol.first[r+1]-s.sol.first[r], len(s.sol.T)
	}
	for _, x := range []*[]F{&b.bar, &b.hbar, &b.dy} {
		*x = grow(*x, n)
	}
	if b.arg == nil {
		b.arg, b.gk = make([][]F, s.plan.all), make([][]F, s.plan.all)
	}
	for i := range b.arg {
		b.arg[i], b.gk[i] = grow(b.arg[i], n), grow(b.gk[i], n)
	}
	b.dt, b.dh, b.dtSum = grow(b.dt, rows), grow(b.dh, rows), grow(b.dtSum, rows)
}

// piece is the step a row is at.
func (b *backward[F]) piece(s *Solver[F], r int) *piece {
	return &s.sol.pieces[s.sol.order[s.sol.first[r]+b.left[r]-1]]
}

// gather sets the solver's slots to the rows with steps left, at the start of these, and says whether there are any.
// b.bar becomes the cotangent of the state at the steps' ends.
func (b *backward[F]) gather(s *Solver[F]) bool {
	s.row = s.row[:0]
	b.inner = false
	for r := range s.sol.rows {
		if b.left[r] == 0 {
			continue
		}
		p := len(s.row)
		s.row = append(s.row, r)
		pc := b.piece(s, r)
		copy(s.at(s.y, p), s.sol.data[pc.off:])
		h := F(pc.h)
		for i := range s.at(s.h, p) {
			s.h[p*s.dim+i] = h
		}
		bar := s.at(b.bar, p)
		copy(bar, s.at(b.grad.Y0, r))
		for b.save[r] > 0 && s.sol.T[b.save[r]-1] == pc.to {
			b.save[r]--
			for i, v := range b.saved(s, r) {
				bar[i] += v
			}
		}
		if b.save[r] > 0 && s.dir*(s.sol.T[b.save[r]-1]-pc.t) > 0 {
			b.inner = true
		}
	}
	return len(s.row) > 0
}

// saved is the cotangent of row r's state at its next saved time, counted from the end.
func (b *backward[F]) saved(s *Solver[F], r int) []F {
	return s.at(b.g, b.save[r]*s.sol.rows+r)
}

// step runs one step of every row in play forwards and pulls b.bar back through it.
func (b *backward[F]) step(s *Solver[F], sys Pullback[F]) {
	pl := &s.plan
	n, m := len(s.row), len(s.row)*s.dim
	stages := pl.s
	if pl.end < pl.s {
		stages-- // the last stage has no weight
	}
	if b.inner {
		stages = pl.all
	}
	copy(b.arg[0][:m], s.y[:m])
	for i := range stages {
		if i > 0 {
			s.sum(b.arg[i], s.y, &pl.a[i], m)
		}
		sys.Eval(s.k[i][:m], b.batch(s, i, n, m))
		b.grad.Evals++
	}

	// y⁺ = y + h·Σ bᵢkᵢ. The cotangent of y itself stays in b.bar.
	bar, hbar := b.bar[:m], b.hbar[:m]
	s.kern.Mul(hbar, s.h[:m], bar)
	for i := range stages {
		clear(b.gk[i][:m])
	}
	for j, i := range pl.b.stage {
		s.kern.Scale(b.gk[i][:m], pl.b.coef[j], hbar)
	}
	for p := range s.row {
		b.dtSum[p], b.dh[p] = 0, 0
		for j, i := range pl.b.stage {
			b.dh[p] = math.FMA(float64(pl.b.coef[j]), dot64(s.at(bar, p), s.at(s.k[i], p)), b.dh[p])
		}
	}
	if b.inner {
		b.innerSaves(s)
	}

	for i := stages - 1; i >= 0; i-- {
		dy := b.dy[:m]
		clear(dy)
		clear(b.dt[:n])
		sys.Pullback(dy, b.grad.Theta, b.dt[:n], b.batch(s, i, n, m), b.gk[i][:m])
		b.grad.Evals++
		s.kern.Add(bar, bar, dy)
		for p := range s.row {
			b.dtSum[p] += b.dt[p]
			b.dh[p] = math.FMA(pl.c[i], b.dt[p], b.dh[p])
		}
		if i == 0 {
			break
		}
		s.kern.Mul(hbar, s.h[:m], dy)
		for j, i0 := range pl.a[i].stage {
			s.kern.Axpy(b.gk[i0][:m], pl.a[i].coef[j], hbar)
			for p := range s.row {
				b.dh[p] = math.FMA(float64(pl.a[i].coef[j]), dot64(s.at(dy, p), s.at(s.k[i0], p)), b.dh[p])
			}
		}
	}

	for p, r := range s.row {
		copy(s.at(b.grad.Y0, r), s.at(bar, p))
		b.times(s, p, r)
		b.left[r]--
	}
}

// batch is stage i's evaluation.
func (b *backward[F]) batch(s *Solver[F], i, n, m int) Batch[F] {
	for p, r := range s.row {
		pc := b.piece(s, r)
		s.t[p] = s.timeOf(s.plan.c[i], pc.t, pc.h, pc.to, pc.flags&fromStop != 0, pc.flags&ontoStop != 0)
	}
	return Batch[F]{Row: s.row, T: s.t[:n], Y: b.arg[i][:m]}
}

// innerSaves adds what comes from times saved inside the steps: y(t+θh) = y + h·Σ kᵢpᵢ(θ).
func (b *backward[F]) innerSaves(s *Solver[F]) {
	for p, r := range s.row {
		pc := b.piece(s, r)
		for b.save[r] > 0 && s.dir*(s.sol.T[b.save[r]-1]-pc.t) > 0 {
			b.save[r]--
			theta := (s.sol.T[b.save[r]] - pc.t) / pc.h
			g, bar := b.saved(s, r), s.at(b.bar, p)
			for d, v := range g {
				bar[d] += v
			}
			for i, row := range s.plan.p {
				var w, dw float64 // pᵢ(θ) and its derivative
				for j := len(row) - 1; j >= 0; j-- {
					dw = math.FMA(dw, theta, float64(float64(j+1)*row[j]))
					w = math.FMA(w, theta, row[j])
				}
				w = float64(w * theta)
				gk := s.at(b.gk[i], p)
				hw := F(pc.h * w)
				for d, v := range g {
					gk[d] = simd.FMA(hw, v, gk[d])
				}
				gkf := dot64(g, s.at(s.k[i], p))
				b.dh[p] = math.FMA(w-float64(theta*dw), gkf, b.dh[p])
				b.dtSum[p] -= float64(dw * gkf)
			}
		}
	}
}

// times adds the step's part to the derivatives by t0 and t1. A step from t of length h in a stretch from A to B lies at
// t = A + u(B-A), h = w(B-A) with u and w fixed.
func (b *backward[F]) times(s *Solver[F], p, r int) {
	pc := b.piece(s, r)
	from, to := s.t0, s.t1
	for _, x := range s.stops {
		if s.dir*(pc.t-x) >= 0 {
			from = x
		} else {
			to = x
			break
		}
	}
	w, u := pc.h/(to-from), (pc.t-from)/(to-from)
	if to == s.t1 {
		b.grad.T1[r] += float64(w*b.dh[p]) + float64(u*b.dtSum[p])
	}
	if from == s.t0 {
		b.grad.T0[r] += float64((1-u)*b.dtSum[p]) - float64(w*b.dh[p])
	}
}

// start adds what was saved at t0.
func (b *backward[F]) start(s *Solver[F]) {
	for r := range s.sol.rows {
		for b.save[r] > 0 {
			b.save[r]--
			for d, v := range b.saved(s, r) {
				b.grad.Y0[r*s.dim+d] += v
			}
		}
	}
}

// dot64 is Σ xᵢyᵢ in float64.
func dot64[F simd.Float](x, y []F) float64 {
	var sum float64
	for i, v := range x {
		sum = math.FMA(float64(v), float64(y[i]), sum)
	}
	return sum
}
