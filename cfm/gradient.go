package cfm

import (
	"context"
	"fmt"

	"pushforward/autograd"
	"pushforward/odeint"
)

// DensityGradient is the gradient of log-densities: Theta of their sum by the parameters, with
// θ's layout, X [n × D] of each row's by the row, which is the score ∇ log ρ₁.
type DensityGradient struct{ Theta, X []float64 }

// Scored is a Source that knows the gradient of its log-density.
type Scored interface {
	Source
	// Score sets dst to ∇ log μ at x.
	Score(dst, x []float64)
}

// Score sets dst to -x/σ².
func (s Normal) Score(dst, x []float64) {
	v := float64(s.sigma() * s.sigma())
	for i := range dst {
		dst[i] = -x[i] / v
	}
}

// LogDensityGradient is LogDensity with its gradients, exactly those of the discrete solve: its
// steps are run again backwards, each from the state it began with (odeint.Solver.Gradient).
// Step sizes count as constants. It costs some three times LogDensity. The source must be Scored.
func (f *Flow[F]) LogDensityGradient(ctx context.Context, x autograd.Tensor[F], opt DensityOptions) (Density, DensityGradient, error) {
	if x.Shape.Rank() != 2 || x.Shape.Dim(1) != f.Dim {
		panic(fmt.Sprintf("cfm: LogDensityGradient: points %v, the flow has %d columns", x.Shape, f.Dim))
	}
	src := f.Source
	if src == nil {
		src = Normal{}
	}
	scored, ok := src.(Scored)
	if !ok {
		return Density{}, DensityGradient{}, fmt.Errorf("cfm: gradient of the log density: the source %T has no Score", src)
	}
	opt.Replay, opt.Check, opt.RoundTrip = true, CheckNone, false
	g := DensityGradient{Theta: make([]float64, len(f.Theta)), X: make([]float64, len(x.Data))}
	parts := make([][]float64, 0, 1)
	d, _, err := f.pushWith(ctx, x, x.Rows(), 1, 0, opt, func(tasks int) { parts = make([][]float64, tasks) },
		func(s *scorer[F], task, first int, sol *odeint.Solution[float64]) error {
			n, w := len(sol.Status), s.sys.Dim()
			cot := make([]float64, n*w)
			for i := range n {
				c := cot[i*w:][:w]
				scored.Score(c[:f.Dim], sol.Final()[i*w:][:f.Dim])
				for p := f.Dim; p < w; p++ {
					c[p] = 1 / float64(w-f.Dim)
				}
			}
			s.sys.pathOnly = true // nor does dt, which nobody asks for, need ℓ
			back, err := s.solver.Gradient(ctx, &s.sys, cot)
			s.sys.pathOnly = false
			if err != nil {
				return err
			}
			parts[task] = append([]float64(nil), back.Theta...)
			for i := range n {
				for j := range f.Dim {
					v := back.Y0[i*w+j]
					if f.Scale != nil {
						v /= f.Scale[j]
					}
					g.X[(first+i)*f.Dim+j] = v
				}
			}
			return nil
		})
	for _, p := range parts { // in the order of the rows
		for i, v := range p {
			g.Theta[i] += v
		}
	}
	return d, g, err
}

// Params returns the length of θ.
func (s *divergence[F]) Params() int { return len(s.flow.Theta) }

// Pullback adds the pullback of the cotangent g of (v, ∇·v), as odeint.Pullback says. The
// divergence is recorded here, so that it can be differentiated once more.
func (s *divergence[F]) Pullback(dy, dtheta []float64, dt []float64, b odeint.Batch[float64], g []float64) {
	n, dim, w := len(b.Row), s.flow.Dim, s.Dim()
	v, q := s.record(b, true)
	out := append(s.parts[:0], v)
	var frob autograd.Var[F] // ‖εᵀ∂v/∂x‖², summed over probes
	jacobian := func(g autograd.Var[F]) {
		if !s.penalties {
			return
		}
		if sq := g.Square().SumAxis(1); frob.Tape() == nil {
			frob = sq
		} else {
			frob = frob.Add(sq)
		}
	}
	if s.probes == 0 {
		var trace autograd.Var[F]
		for j := range dim {
			e := s.tape.Zeros(autograd.Dims(n, dim))
			for i := j; i < n*dim; i += dim {
				e.Value().Data[i] = 1
			}
			s.out = autograd.VJP(s.out[:0], v, e, q.X)
			jacobian(s.out[0])
			if d := s.out[0].Slice(1, j, j+1); j == 0 {
				trace = d
			} else {
				trace = trace.Add(d)
			}
		}
		out = append(out, trace)
	}
	for p := range s.probes {
		e := s.tape.Alloc(autograd.Dims(n, dim))
		for i, r := range b.Row {
			copy(e.Value().Data[i*dim:][:dim], s.eps[(r*s.probes+p)*dim:][:dim])
		}
		s.out = autograd.VJP(s.out[:0], v, e, q.X)
		jacobian(s.out[0])
		out = append(out, s.out[0].Mul(e).SumAxis(1))
	}
	if s.penalties {
		out = append(out, v.Square().SumAxis(1), frob.Scale(1/float64(s.ells())))
	}
	s.parts = out
	all := autograd.Concat(1, out...)
	cot := s.tape.Alloc(autograd.Dims(n, w))
	for i, c := range g {
		cot.Value().Data[i] = F(c)
	}
	s.grad = resize(s.grad, len(s.flow.Theta))
	clear(s.grad)
	s.tape.BackwardFrom(all, cot.Value(), s.grad)
	if dtheta != nil {
		for i, c := range s.grad {
			dtheta[i] += float64(c)
		}
	}
	for i := range n {
		for j, c := range s.gx[i*dim : (i+1)*dim] {
			dy[i*w+j] += float64(c)
		}
		if dt != nil {
			dt[i] += float64(s.gt[i])
		}
	}
	s.tape.Reset()
}

var _ odeint.Pullback[float64] = (*divergence[float32])(nil)
