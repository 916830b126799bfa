package cfm

import (
	"pushforward/autograd"
	"pushforward/odeint"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// divergence is d/dt (x, ℓ) = (v, ∇·v) as a System in float64 over a field in F. A row's
// state is its D coordinates and then one ℓ, or one for each probe.
//
// The field is recorded once and pulled back once for each probe, or for each basis vector:
// row i of eᵢᵀ(∂v/∂x) holds ∂vᵢ/∂xᵢ. Each product is released before the next, so memory
// is that of one.
type divergence[F simd.Float] struct {
	flow   *Flow[F]
	tape   *autograd.Tape[F]
	probes int // 0: exact
	first  int // the job's row that row 0 of the solve is
	eps    []F // rows × probes × D
	x, g   []F // points and cotangents of one evaluation
	grad   []F // of θ, in Pullback
	gx, gt []F // of points and times, in Pullback

	// penalties adds two components to the state: ∫‖v‖² and ∫‖εᵀ∂v/∂x‖², the mean over the probes of the
	// divergence, or ‖∂v/∂x‖² where it is exact.
	penalties bool
	jac       []float64 // rows × D × D: ∂v/∂x of the last exact Eval, if keepJac
	keepJac   bool
	pathOnly  bool // ℓ and penalties, on which nothing depends, may be left 0: when a solve is replayed
	wrt       []autograd.Var[F]
	out       []autograd.Var[F]
	parts     []autograd.Var[F] // of what Pullback differentiates
}

func newDivergence[F simd.Float](f *Flow[F], probes int) divergence[F] {
	return divergence[F]{flow: f, tape: autograd.NewTape(f.Theta), probes: probes, wrt: make([]autograd.Var[F], 1), out: make([]autograd.Var[F], 0, 1)}
}

// begin draws the probes of rows first … first+n-1.
func (s *divergence[F]) begin(n, first int, opt DensityOptions) {
	s.first = first
	dim := s.flow.Dim
	s.eps = resize(s.eps, n*s.probes*dim)
	if opt.probes != nil {
		for i := range s.eps {
			s.eps[i] = F(opt.probes[first*s.probes*dim+i])
		}
		return
	}
	for i := range n {
		row := first + i
		if opt.Row != nil {
			row = opt.Row[row]
		}
		key := opt.Key.Fold(uint64(row))
		for p := range s.probes {
			e := s.eps[(i*s.probes+p)*dim:][:dim]
			if opt.Normal {
				rng.Normal(key.Fold(uint64(p)), e)
			} else {
				rng.Signs(key.Fold(uint64(p)), e)
			}
		}
	}
}

func (s *divergence[F]) Dim() int {
	if s.penalties {
		return s.flow.Dim + s.ells() + 2
	}
	return s.flow.Dim + s.ells()
}

// ells is the number of components that are estimates of ℓ.
func (s *divergence[F]) ells() int { return max(1, s.probes) }

func (s *divergence[F]) Eval(dst []float64, b odeint.Batch[float64]) {
	n, dim, w := len(b.Row), s.flow.Dim, s.Dim()
	v, q := s.record(b, false)
	s.g = resize(s.g, n*dim)
	for i := range n {
		for j, u := range v.Value().Data[i*dim : (i+1)*dim] {
			dst[i*w+j] = float64(u)
		}
	}
	if s.pathOnly {
		for i := range n {
			clear(dst[i*w+dim : (i+1)*w])
		}
		s.tape.Reset()
		return
	}
	if s.penalties {
		for i := range n {
			at := dst[i*w+dim+s.ells():][:2]
			at[0], at[1] = sumSquares(v.Value().Data[i*dim:][:dim]), 0
		}
	}
	s.wrt[0] = q.X
	cot := autograd.Tensor[F]{Shape: autograd.Dims(n, dim), Data: s.g}
	mark := s.tape.Mark()
	if s.probes == 0 {
		s.exact(dst, v, cot, mark, n, dim, w)
	} else {
		s.hutchinson(dst, b.Row, v, cot, mark, n, dim, w)
	}
	s.tape.Reset()
}

// EvalPath is Eval without ℓ and penalties, of which no derivative is one.
func (s *divergence[F]) EvalPath(dst []float64, b odeint.Batch[float64]) {
	was := s.pathOnly
	s.pathOnly = true
	s.Eval(dst, b)
	s.pathOnly = was
}

// record puts the field at b on the tape; with track so that Backward finds the gradients of points and times.
func (s *divergence[F]) record(b odeint.Batch[float64], track bool) (v autograd.Var[F], q Query[F]) {
	n, dim, w := len(b.Row), s.flow.Dim, s.Dim()
	s.x = resize(s.x, n*dim)
	for i := range n {
		for j, v := range b.Y[i*w:][:dim] {
			s.x[i*dim+j] = F(v)
		}
	}
	q = s.flow.query(s.tape, b.Row, b.T, s.first)
	x := autograd.Tensor[F]{Shape: autograd.Dims(n, dim), Data: s.x}
	if track {
		s.gx, s.gt = resize(s.gx, n*dim), resize(s.gt, n)
		clear(s.gx)
		clear(s.gt)
		q.T, q.X = s.tape.Track(q.T.Value(), s.gt), s.tape.Track(x, s.gx)
	} else {
		q.X = s.tape.Input(x)
	}
	return s.flow.Field.Velocity(q), q
}

// exact puts ∇·v at dim of each row of dst, which are w apart.
func (s *divergence[F]) exact(dst []float64, v autograd.Var[F], cot autograd.Tensor[F], mark autograd.Mark, n, dim, w int) {
	clear(s.g)
	if s.keepJac {
		s.jac = resize(s.jac, n*dim*dim)
	}
	for i := range n {
		dst[i*w+dim] = 0
	}
	for j := range dim {
		for i := range n {
			s.g[i*dim+j] = 1
			if j > 0 {
				s.g[i*dim+j-1] = 0
			}
		}
		s.out = autograd.VJP(s.out[:0], v, s.tape.Const(cot), s.wrt...)
		d := s.out[0].Value().Data
		for i := range n {
			dst[i*w+dim] += float64(d[i*dim+j])
		}
		if s.penalties {
			for i := range n {
				dst[i*w+w-1] += sumSquares(d[i*dim:][:dim])
			}
		}
		if s.keepJac {
			for i := range n {
				for l, u := range d[i*dim:][:dim] {
					s.jac[(i*dim+j)*dim+l] = float64(u)
				}
			}
		}
		s.tape.Release(mark)
	}
}

func (s *divergence[F]) hutchinson(dst []float64, row []int, v autograd.Var[F], cot autograd.Tensor[F], mark autograd.Mark, n, dim, w int) {
	for p := range s.probes {
		for i, r := range row {
			copy(s.g[i*dim:][:dim], s.eps[(r*s.probes+p)*dim:][:dim])
		}
		s.out = autograd.VJP(s.out[:0], v, s.tape.Const(cot), s.wrt...)
		d := s.out[0].Value().Data
		for i := range n {
			var sum float64
			for j, e := range s.g[i*dim : (i+1)*dim] {
				sum += float64(float64(e) * float64(d[i*dim+j]))
			}
			dst[i*w+dim+p] = sum
			if s.penalties {
				dst[i*w+w-1] += sumSquares(d[i*dim:][:dim]) / float64(s.probes)
			}
		}
		s.tape.Release(mark)
	}
}

// sumSquares returns ‖x‖².
func sumSquares[F simd.Float](x []F) (q float64) {
	for _, v := range x {
		q += float64(float64(v) * float64(v))
	}
	return q
}
