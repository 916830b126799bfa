package bijector

import (
	"fmt"

	"pushforward/autograd"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// chunk is how many rows a Scorer takes at a time: enough to keep the matrix products busy, few
// enough that what a layer touches stays in the cache.
const chunk = 256

// Scorer runs a Flow at high rates where no derivative is wanted. It works in pieces of a few
// hundred rows and forgets a layer's work when the next one starts, so its memory is small and it
// allocates nothing after the first piece. It belongs to one goroutine; make one for each.
//
// A row's result depends on the row alone, and is Flow.LogProb's to the bit.
type Scorer[F simd.Float] struct {
	flow   *Flow[F]
	tape   *autograd.Tape[F]
	layers []Bijector[F]
	x, det []F // a piece, and its log-determinants
}

// NewScorer returns a Scorer of f with parameters theta, which is borrowed.
func NewScorer[F simd.Float](f *Flow[F], theta []F) *Scorer[F] {
	return &Scorer[F]{
		flow: f, tape: autograd.NewTape(theta), layers: leaves(nil, f.Map),
		x: make([]F, chunk*f.Dim), det: make([]F, chunk),
	}
}

// ThetaChanged tells the scorer that the numbers in theta were changed.
func (s *Scorer[F]) ThetaChanged() { s.tape.ThetaChanged() }

// LogProb sets dst[i] to log p of row i of x under row i of cond, which is nil if the flow has no
// condition.
func (s *Scorer[F]) LogProb(dst, x, cond []F) {
	f := s.flow
	if n := f.count("LogProb", x, cond); len(dst) != n {
		panic(fmt.Sprintf("bijector: LogProb: room for %d densities of %d rows", len(dst), n))
	}
	for at := 0; at < len(dst); at += chunk {
		n := min(chunk, len(dst)-at)
		copy(s.x, x[at*f.Dim:(at+n)*f.Dim])
		for i := range s.layers {
			s.step(i, n, i == 0, cond, at, false)
		}
		s.start(n, len(s.layers) == 0)
		logp := f.density(s.piece(n), s.tape.Const(autograd.Tensor[F]{Shape: autograd.Dims(n, 1), Data: s.det[:n]}))
		copy(dst[at:at+n], logp.Value().Data)
		s.tape.Reset()
	}
}

// Latent sets y to where the flow takes the rows of x, and logdet[i] to row i's log-determinant.
// y may be x.
func (s *Scorer[F]) Latent(y, logdet, x, cond []F) { s.run("Latent", y, logdet, x, cond, false) }

// Data sets x to the rows that the flow takes to y, and logdet[i] to the log-determinant of this,
// the inverse. x may be y.
func (s *Scorer[F]) Data(x, logdet, y, cond []F) { s.run("Data", x, logdet, y, cond, true) }

func (s *Scorer[F]) run(who string, dst, logdet, x, cond []F, inverse bool) {
	f := s.flow
	if n := f.count(who, x, cond); len(dst) != len(x) || len(logdet) != n {
		panic(fmt.Sprintf("bijector: %s: room for %d numbers and %d determinants of %d rows of %d", who, len(dst), len(logdet), n, f.Dim))
	}
	for at := 0; at < len(logdet); at += chunk {
		n := min(chunk, len(logdet)-at)
		copy(s.x, x[at*f.Dim:(at+n)*f.Dim])
		s.through(n, cond, at, inverse)
		copy(dst[at*f.Dim:], s.x[:n*f.Dim])
		copy(logdet[at:], s.det[:n])
	}
}

// Sample fills dst with rows drawn from the flow, row i under row i of cond. Row i depends on key,
// i and its condition only.
func (s *Scorer[F]) Sample(dst []F, key rng.Key, cond []F) {
	f := s.flow
	rows := f.count("Sample", dst, cond)
	for at := 0; at < rows; at += chunk {
		n := min(chunk, rows-at)
		rng.NormalAt(key, uint64(at)*uint64(f.Dim), s.x[:n*f.Dim])
		s.through(n, cond, at, true)
		copy(dst[at*f.Dim:], s.x[:n*f.Dim])
	}
}

// through takes the n rows of s.x, which are rows at … of cond, through all layers.
func (s *Scorer[F]) through(n int, cond []F, at int, inverse bool) {
	s.start(n, len(s.layers) == 0)
	for i := range s.layers {
		l := i
		if inverse {
			l = len(s.layers) - 1 - i
		}
		s.step(l, n, i == 0, cond, at, inverse)
	}
}

func (s *Scorer[F]) start(n int, empty bool) {
	if empty {
		clear(s.det[:n])
	}
}

func (s *Scorer[F]) piece(n int) autograd.Var[F] {
	return s.tape.Const(autograd.Tensor[F]{Shape: autograd.Dims(n, s.flow.Dim), Data: s.x[:n*s.flow.Dim]})
}

// step takes the piece through layer l.
func (s *Scorer[F]) step(l, n int, first bool, cond []F, at int, inverse bool) {
	c := s.flow.Cond
	given := s.flow.given(s.tape, cond[at*c:(at+n)*c], n)
	var y, d autograd.Var[F]
	if inverse {
		y, d = s.layers[l].Inverse(s.piece(n), given)
	} else {
		y, d = s.layers[l].Forward(s.piece(n), given)
	}
	copy(s.x, y.Value().Data)
	det := d.Value().Data
	if first {
		copy(s.det, det)
	} else {
		for i, v := range det {
			s.det[i] += v
		}
	}
	s.tape.Reset()
}
