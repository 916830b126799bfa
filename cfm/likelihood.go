package cfm

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"pushforward/autograd"
	"pushforward/odeint"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// NLLOptions configures NLL. The solve is made at tolerance 1e-4, with steps of at most 1/8, unless others are set. Gradients
// are those of the discrete solve whatever it is, but of a loose one training makes use: at 1e-3 the loss falls on narrow
// modes while the density gets no better.
type NLLOptions struct {
	odeint.Options
	Divergence Divergence // Auto: exact up to 4 dimensions, else one sign probe a row, drawn anew at each step
	Normal     bool       // normal probes instead of signs

	// Kinetic and Jacobian weigh ∫‖v‖² dt and ∫‖εᵀ∂v/∂x‖² dt along a row's way (RNODE, Finlay et al. 2020), ε being
	// the probe of the divergence; for the exact divergence the second is ∫‖∂v/∂x‖². They keep the way straight
	// and the field smooth, so that solves stay cheap.
	Kinetic, Jacobian float64
}

// NLL is the objective of maximum likelihood, a row's
//
//	-log ρ₁(x) + Kinetic·∫‖v‖² dt + Jacobian·∫‖εᵀ∂v/∂x‖² dt
//
// in nats, in the coordinates of f's field (FFJORD, Grathwohl et al. 2019). Its gradient is that of the discrete
// solve, by replay (see LogDensityGradient). f gives dimension, field and source, which must be Scored; θ is the
// tape's. A row whose solve fails has loss NaN, which ends training as a loss that is not finite does; Batch.Cause is then
// the first such row's *odeint.SolveError. Batch.X0 is not looked at. For fields with a smooth activation: see docs/density.md.
func NLL[F simd.Float](f *Flow[F], opt NLLOptions) Objective[F] {
	src, ok := Source(Normal{}), true
	if f.Source != nil {
		src = f.Source
	}
	scored, ok := src.(Scored)
	if !ok {
		panic("cfm: NLL: the source has no Score")
	}
	if opt.Divergence == Auto {
		opt.Divergence = Exact
		if f.Dim > nllExact {
			opt.Divergence = Probes(1)
		}
	}
	if opt.Rtol == 0 && opt.Atol == 0 {
		opt.Rtol, opt.Atol = 1e-4, 1e-4
	}
	if opt.MaxStep == 0 {
		opt.MaxStep = nllStep
	}
	n := &nll[F]{flow: *f, opt: opt, source: scored}
	n.flow.Loc, n.flow.Scale, n.flow.cond = nil, nil, autograd.Tensor[F]{}
	return n.loss
}

// nllExact is the largest dimension in which NLL's divergence is exact: up to there the probes' noise costs more
// than the products with the Jacobian. nllStep bounds its steps.
const (
	nllExact = 4
	nllStep  = 0.125
)

type nll[F simd.Float] struct {
	flow   Flow[F]
	opt    NLLOptions
	source Scored
	free   sync.Pool // of *scorer[F]
}

// scorer returns a scorer over theta.
func (n *nll[F]) scorer(theta []F) *scorer[F] {
	if s, ok := n.free.Get().(*scorer[F]); ok && len(s.flow.Theta) == len(theta) && (len(theta) == 0 || &s.flow.Theta[0] == &theta[0]) {
		s.sys.tape.ThetaChanged()
		return s
	}
	f := n.flow
	f.Theta = theta
	o := DensityOptions{Options: n.opt.Options, Divergence: n.opt.Divergence, Normal: n.opt.Normal, Check: CheckNone}
	o.Replay = true
	return newPenalised(&f, n.opt.Divergence.resolve(f.Dim), o, n.opt.Kinetic != 0 || n.opt.Jacobian != 0)
}

func (n *nll[F]) loss(tp *autograd.Tape[F], b Batch[F], key rng.Key) autograd.Var[F] {
	s := n.scorer(tp.Theta())
	defer n.free.Put(s)
	s.flow.cond = autograd.Tensor[F]{}
	if b.Cond.Shape.Rank() > 0 {
		s.flow.cond = b.Cond
	}
	s.opt.Row, s.opt.Key = b.Row, key.Named("probe")
	rows, dim, w := b.X1.Rows(), s.flow.Dim, s.sys.Dim()
	d := Density{LogP: make([]float64, rows), Err: make([]float64, rows), Status: make([]odeint.Status, rows)}
	d.Parts.Probe = make([]float64, rows)
	y := make([]float64, rows*dim)
	ctx := context.Background() // a step ends when it ends: the trainer looks at its context between steps
	sol, err := s.run(ctx, &d, y, b.X1, 0, 1, 0)
	b.because(err)
	loss := math.NaN()
	if err == nil && b.Held {
		loss = 0
		for i := range rows {
			loss -= d.LogP[i]
			if s.sys.penalties {
				end := sol.Final()[i*w:][:w]
				loss -= float64(n.opt.Kinetic*end[w-2]) + float64(n.opt.Jacobian*end[w-1])
			}
		}
		return tp.Scalar(F(loss))
	}
	grad := make([]F, len(s.flow.Theta))
	if err == nil {
		loss = 0
		cot := make([]float64, rows*w)
		for i := range rows {
			loss -= d.LogP[i]
			end, c := sol.Final()[i*w:][:w], cot[i*w:][:w]
			n.source.Score(c[:dim], end[:dim])
			for j := range dim {
				c[j] = -c[j]
			}
			for p := dim; p < dim+s.sys.ells(); p++ {
				c[p] = -1 / float64(s.sys.ells())
			}
			if s.sys.penalties { // integrated from 1 to 0, so with the other sign
				c[w-2], c[w-1] = -n.opt.Kinetic, -n.opt.Jacobian
				loss += float64(c[w-2]*end[w-2]) + float64(c[w-1]*end[w-1])
			}
		}
		s.sys.pathOnly = true
		back, err := s.solver.Gradient(ctx, &s.sys, cot)
		s.sys.pathOnly = false
		b.because(err)
		if err != nil {
			loss = math.NaN()
		} else {
			for i, v := range back.Theta {
				grad[i] = F(v)
				if bad(float64(grad[i])) && !bad(loss) {
					loss = math.NaN()
					b.because(fmt.Errorf("the gradient of the log-densities is %v in entry %d", v, i))
				}
			}
		}
	}
	// A value whose gradient by θ is grad: the value itself is put in as data.
	value := tp.Scalar(F(loss))
	if len(grad) == 0 {
		return value
	}
	all := tp.Param(autograd.Param{Shape: autograd.Dims(len(grad))})
	slope := all.Mul(tp.Const(autograd.Tensor[F]{Shape: autograd.Dims(len(grad)), Data: grad})).Sum()
	return value.Add(slope.Sub(slope.Detach()))
}

// because puts err where b's Cause is, with the row's number in the batch for its place in b.
func (b *Batch[F]) because(err error) {
	if err == nil || b.Cause == nil {
		return
	}
	var e *odeint.SolveError
	if errors.As(err, &e) && e.Row < len(b.Row) {
		c := *e
		c.Row = b.Row[e.Row]
		err = &c
	}
	*b.Cause = err
}
