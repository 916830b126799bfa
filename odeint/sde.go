package odeint

import (
	"context"
	"fmt"
	"math"

	"pushforward/simd"
	"pushforward/simd/rng"
)

// Noisy is the right-hand side of the stochastic equation dy = f(t, y)·dt + g(t, y)·dW with independent noise in each
// component.
type Noisy[F simd.Float] interface {
	System[F]
	// Noise sets dst to g for every row of b, len(b.Row) × Dim. Like Eval it must treat rows
	// independently.
	Noise(dst []F, b Batch[F])
}

// NoisyFunc makes a Noisy of two functions of one row, which set their first argument to f and to g.
func NoisyFunc[F simd.Float](dim int, f, g func(dst []F, t float64, y []F)) Noisy[F] {
	return noisyFunc[F]{rowFunc[F]{dim, f}, rowFunc[F]{dim, g}}
}

type noisyFunc[F simd.Float] struct{ rowFunc, noise rowFunc[F] }

func (s noisyFunc[F]) Dim() int                  { return s.rowFunc.dim }
func (s noisyFunc[F]) Eval(dst []F, b Batch[F])  { s.rowFunc.Eval(dst, b) }
func (s noisyFunc[F]) Noise(dst []F, b Batch[F]) { s.noise.Eval(dst, b) }

// SDEMethod is how SolveSDE steps.
type SDEMethod uint8

const (
	// EulerMaruyama is y⁺ = y + f·h + g·ΔW. It solves the equation in Itô's sense, with strong order ½ and weak
	// order 1 (both 1 where g does not depend on y).
	EulerMaruyama SDEMethod = iota

	// StochasticHeun is ŷ = y + f·h + g·ΔW, y⁺ = y + ½(f + f̂)·h + ½(g + ĝ)·ΔW. It solves the equation in
	// Stratonovich's sense, with strong order 1 (noise is componentwise), and weak order 1; where g does
	// not depend on y the two senses agree, and its error from the drift is that of Heun's method.
	StochasticHeun
)

// SDEOptions configures SolveSDE.
type SDEOptions struct {
	Method SDEMethod
	Step   float64   // the longest step; as many equal steps are made as this needs
	Key    rng.Key   // where the noise comes from
	Row0   int       // the number of the first row, for the noise of a batch that is part of a larger one
	SaveAt []float64 // as in Options; between steps the path is taken to be straight
}

// SolveSDE integrates each row of y0 from t0 to t1 along a path of its own.
//
// The increment of row r over step n is √|h| times elements (Row0+r)·Dim and so on of rng.Normal under Key.Fold(n): a
// function of the position alone, so a row's path is the same alone or in a batch, however the batch is split. With t1 < t0, h is negative and f·h
// is what it says, while the noise keeps its size: reversing the time of a diffusion needs another drift, see cfm.
//
// A row whose state stops being finite ends there (NotFinite); errors are those of Solver.Solve. The solution has no
// dense output.
func SolveSDE[F simd.Float](ctx context.Context, sys Noisy[F], y0 []F, t0, t1 float64, opt SDEOptions) (*Solution[F], error) {
	s := NewSolver[F](Options{Method: Euler, Step: opt.Step, SaveAt: opt.SaveAt})
	if s.bad != nil {
		return nil, s.bad
	}
	if !(opt.Step > 0) || opt.Method > StochasticHeun {
		return nil, fmt.Errorf("%w: SolveSDE: Step is %v, Method %d", ErrOptions, opt.Step, opt.Method)
	}
	s.sys, s.dim = sys, sys.Dim()
	if s.dim <= 0 && len(y0) > 0 || s.dim > 0 && len(y0)%s.dim != 0 {
		panic(fmt.Sprintf("odeint: SolveSDE: %d numbers are no rows of dimension %d", len(y0), s.dim))
	}
	if err := s.span(t0, t1); err != nil {
		return nil, err
	}
	rows := len(y0) / max(1, s.dim)
	s.reserve(rows)
	copy(s.y, y0)
	s.sol.begin(s.dim, rows, s.dir, t1, opt.SaveAt)
	for r := range rows {
		s.lanes[r] = lane{t: t0}
		s.row = append(s.row, r)
	}
	p := sdePath[F]{s: s, sys: sys, opt: opt, dw: s.e1, g: s.tmp, g1: s.pen, f1: make([]F, len(s.y))}
	steps := int(math.Ceil(math.Abs(t1-t0)/opt.Step - 1e-9))
	h := (t1 - t0) / float64(max(steps, 1))
	done := ctx.Done()
	p.arrive(t0, t0)
	for n := range steps {
		if s.ended(done) {
			s.cancel(ctx.Err())
		}
		s.compact()
		if len(s.row) == 0 {
			break
		}
		to := t1
		if n < steps-1 {
			to = math.FMA(float64(n+1), h, t0)
		}
		p.step(n, h, to)
		p.arrive(s.lanes[s.row[0]].t, to)
	}
	s.compact()
	for i := range s.row {
		s.end(i, Done, t1, s.at(s.y, i))
	}
	return &s.sol, s.sol.finish()
}

// sdePath is the state of a SolveSDE beside its solver's buffers.
type sdePath[F simd.Float] struct {
	s             *Solver[F]
	sys           Noisy[F]
	opt           SDEOptions
	dw, g, g1, f1 []F
}

// step sets s.next to the states a step of length h later, at time to.
func (p *sdePath[F]) step(n int, h, to float64) {
	s, k := p.s, p.s.kern
	m := len(s.row) * s.dim
	root := F(math.Sqrt(math.Abs(h)))
	for i, r := range s.row {
		s.t[i] = s.lanes[r].t
	}
	key, first := p.opt.Key.Fold(uint64(n)), uint64(p.opt.Row0)
	if last := len(s.row) - 1; s.row[last]-s.row[0] == last { // no row is missing between
		rng.NormalAt(key, (first+uint64(s.row[0]))*uint64(s.dim), p.dw[:m])
	} else {
		for i, r := range s.row {
			rng.NormalAt(key, (first+uint64(r))*uint64(s.dim), s.at(p.dw, i))
		}
	}
	dw, f, g, next := p.dw[:m], s.k[0][:m], p.g[:m], s.next[:m]
	k.Scale(dw, root, dw)
	b := Batch[F]{Row: s.row, T: s.t[:len(s.row)], Y: s.y[:m]}
	evals := 1 + int(p.opt.Method)
	for _, r := range s.row {
		s.sol.Rows[r].Evals += evals
	}
	s.eval(s.k[0], s.t, s.y)
	p.sys.Noise(g, b)
	copy(next, s.y[:m])
	k.Axpy(next, F(h), f)
	k.MulAdd(next, g, dw, next)
	if p.opt.Method == EulerMaruyama {
		return
	}
	for i := range s.row {
		s.t[i] = to
	}
	f1, g1 := p.f1[:m], p.g1[:m]
	s.eval(p.f1, s.t, s.next)
	b.Y = next
	p.sys.Noise(g1, b)
	copy(next, s.y[:m])
	k.Add(f1, f1, f)
	k.Axpy(next, F(h/2), f1)
	k.Add(g1, g1, g)
	k.Scale(dw, 0.5, dw)
	k.MulAdd(next, g1, dw, next)
}

// arrive saves what lies between from and to, and moves the rows from s.y to s.next; from = to only saves.
func (p *sdePath[F]) arrive(from, to float64) {
	s := p.s
	for i, r := range s.row {
		l := &s.lanes[r]
		y, next := s.at(s.y, i), s.at(s.next, i)
		if from == to {
			next = y
		}
		if !allFinite(next) {
			s.sol.fail(r, l, NotFinite, -1, nil)
			s.end(i, NotFinite, l.t, y)
			continue
		}
		for ; l.save < len(p.opt.SaveAt) && s.dir*(p.opt.SaveAt[l.save]-to) <= 0; l.save++ {
			w := F(1)
			if from != to {
				w = F((p.opt.SaveAt[l.save] - from) / (to - from))
			}
			dst := s.sol.Y[(l.save*s.sol.rows+r)*s.dim:][:s.dim]
			for d := range dst {
				dst[d] = simd.FMA(w, next[d]-y[d], y[d])
			}
			if w == 1 {
				copy(dst, next)
			}
		}
		if from != to {
			copy(y, next)
			l.t = to
			s.sol.Rows[r].Accepted++
			s.sol.Stats.Accepted++
		}
	}
}
