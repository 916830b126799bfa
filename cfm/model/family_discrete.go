package model

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"pushforward/autograd"
	"pushforward/cfm"
	"pushforward/nn"
	"pushforward/nn/bijector"
	"pushforward/odeint"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// maxDepth bounds the hidden layers of a map.
const maxDepth = 16

// maxDiscrete bounds the columns of a discrete flow: each of its maps mixes them by a full matrix.
const maxDiscrete = 2048

// discrete is the family of discrete normalizing flows (package nn/bijector): a chain of maps from data
// to standard normal latents, trained by exact maximum likelihood. The golden answers are latents
// and log-determinant.
//
// It has no time. Where carry is asked for one, time t stands for the first ⌊t·n + ½⌋ of the n maps,
// counted from the latents' end.
type discrete struct {
	flow   *bijector.Flow[float32]
	params *nn.Params[float32]

	// The same flow in float64, in which densities are computed.
	wide       *bijector.Flow[float64]
	wideParams *nn.Params[float64]
}

func newDiscrete(p *nn.Params[float32], s Spec) *discrete {
	q := nn.NewParams[float64]()
	return &discrete{bijectorOf(p.Root(), s), p, bijectorOf(q.Root(), s), q}
}

// bijectorOf declares the flow of a spec. All that the file does not say is said here, since files must
// outlive a change of bijector's own defaults. The bound on log-scales is a narrow one: with 3 instead of ½ a MAF of ten
// maps lost 50 nats a row on magic_gamma, to rows far out.
func bijectorOf[F simd.Float](scope nn.Scope[F], s Spec) *bijector.Flow[F] {
	c := bijector.Config{
		Dim: s.Dim, Cond: condWidth(s.Conditions), Layers: s.Blocks, Hidden: s.Hidden, Depth: s.Depth,
		Bins: s.Bins, Bound: 0.5, Tail: 5, Seed: s.Seed,
	}
	switch s.Family {
	case RealNVP:
		return bijector.NewRealNVP(scope, c)
	case MAF:
		return bijector.NewMAF(scope, c)
	case NSF:
		return bijector.NewNSF(scope, c)
	}
	panic(fmt.Sprintf("model: no family %q", s.Family))
}

func (d *discrete) begin(theta []float32, x, cond autograd.Tensor[float32]) {
	d.flow.Init(theta, x.Data, cond.Data)
}

// objective is -log p of each row.
func (d *discrete) objective(Options) (cfm.Objective[float32], error) {
	return func(tp *autograd.Tape[float32], b cfm.Batch[float32], _ rng.Key) autograd.Var[float32] {
		var cond autograd.Var[float32]
		if d.flow.Cond > 0 {
			cond = tp.Const(b.Cond)
		}
		return d.flow.LogProb(tp.Const(b.X1), cond).Sum().Neg()
	}, nil
}

// pieceRows is how many rows one goroutine takes at a time. It moves no bit.
const pieceRows = 512

// pieces cuts n rows in pieces and calls work for each; every goroutine has a worker of its own. Pieces
// not begun when ctx ends are not done, and its error is returned.
func pieces[W any](ctx context.Context, n int, worker func() W, work func(w W, lo, hi int)) error {
	tasks := (n + pieceRows - 1) / pieceRows
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(tasks, runtime.GOMAXPROCS(0)) {
		all.Add(1)
		go func() {
			defer all.Done()
			w := worker()
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= tasks {
					return
				}
				work(w, i*pieceRows, min((i+1)*pieceRows, n))
			}
		}()
	}
	all.Wait()
	return ctx.Err()
}

// given returns rows lo to hi of cond, of which there may be only one.
func given(cond autograd.Tensor[float32], lo, hi, n int) []float32 {
	if len(cond.Data) == 0 {
		return nil
	}
	if cond.Rows() == 1 && n != 1 {
		var c []float32
		for range hi - lo {
			c = append(c, cond.Data...)
		}
		return c
	}
	return cond.Slice(lo, hi).Data
}

func (d *discrete) carry(ctx context.Context, f *cfm.Flow[float32], x, cond autograd.Tensor[float32], t0, t1 float64, _ odeint.Options) (cfm.Samples[float32], error) {
	n := x.Rows()
	out := cfm.Samples[float32]{X: autograd.NewTensor[float32](n, d.flow.Dim), Status: make([]odeint.Status, n)}
	chain := d.flow.Map.(bijector.Chain[float32])
	at := func(t float64) int { return len(chain) - int(math.Floor(float64(t*float64(len(chain)))+0.5)) }
	lo, hi := min(at(t0), at(t1)), max(at(t0), at(t1))
	part := &bijector.Flow[float32]{Map: chain[lo:hi], Dim: d.flow.Dim, Cond: d.flow.Cond}
	err := pieces(ctx, n,
		func() *bijector.Scorer[float32] { return bijector.NewScorer(part, f.Theta) },
		func(s *bijector.Scorer[float32], lo, hi int) {
			to, det := out.X.Slice(lo, hi).Data, make([]float32, hi-lo)
			if t1 >= t0 {
				s.Data(to, det, x.Slice(lo, hi).Data, given(cond, lo, hi, n))
			} else {
				s.Latent(to, det, x.Slice(lo, hi).Data, given(cond, lo, hi, n))
			}
		})
	if err == nil {
		err = failures(out.Status, t1, func(i int) bool { return finite(out.X.Row(i)) })
	}
	return out, err
}

// density computes in float64, from rows that were never narrowed. The part of rounding is that of float32, which is the
// difference to the same sum in float32 of narrowed rows, times the ratio of their units, and eight for safety; and, since that may be
// small by chance, sixteen units of the result. The round trip's is by how much the log-determinants of the way there and of the way
// back differ.
func (d *discrete) density(ctx context.Context, f *cfm.Flow[float32], x, cond autograd.Tensor[float32], rows []float64, o cfm.DensityOptions) (cfm.Density, error) {
	n, dim := x.Rows(), d.flow.Dim
	out := cfm.Density{LogP: make([]float64, n), Err: make([]float64, n), Status: make([]odeint.Status, n)}
	out.Parts.Rounding = make([]float64, n)
	if o.RoundTrip {
		out.Parts.RoundTrip = make([]float64, n)
	}
	theta := d.widen(f.Theta)
	type both struct {
		single *bijector.Scorer[float32]
		double *bijector.Scorer[float64]
	}
	err := pieces(ctx, n,
		func() both {
			return both{bijector.NewScorer(d.flow, f.Theta), bijector.NewScorer(d.wide, theta)}
		},
		func(s both, lo, hi int) {
			c, at := given(cond, lo, hi, n), rows[lo*dim:hi*dim]
			short := make([]float32, hi-lo)
			s.single.LogProb(short, x.Slice(lo, hi).Data, c)
			s.double.LogProb(out.LogP[lo:hi], at, wide(c))
			for i, v := range short {
				p := out.LogP[lo+i]
				bar := float64(0x1p-49 * (1 + math.Abs(p)))
				if e := math.Abs(float64(v) - p); e <= math.MaxFloat32 { // float32 may have no number so large
					bar += float64(0x1p-26 * e)
				}
				out.Parts.Rounding[lo+i], out.Err[lo+i] = bar, bar
			}
			if !o.RoundTrip {
				return
			}
			z, there, back := make([]float64, len(at)), make([]float64, hi-lo), make([]float64, hi-lo)
			s.double.Latent(z, there, at, wide(c))
			s.double.Data(z, back, z, wide(c))
			for i := range there {
				e := math.Abs(there[i] + back[i])
				if e != e {
					e = math.Inf(1) // it did not come back
				}
				bar := out.Err[lo+i]
				out.Parts.RoundTrip[lo+i], out.Err[lo+i] = e, math.Sqrt(float64(bar*bar)+float64(e*e))
			}
		})
	if err == nil {
		err = failures(out.Status, 0, func(i int) bool { v := out.LogP[i] - out.LogP[i]; return v == v })
	}
	return out, err
}

// failures marks the rows that are not finite and returns an error that names the first, as that of a solve
// does.
func failures(status []odeint.Status, t float64, ok func(i int) bool) error {
	var e *odeint.SolveError
	for i := range status {
		if ok(i) {
			continue
		}
		status[i] = odeint.NotFinite
		if e == nil {
			e = &odeint.SolveError{Row: i, Status: odeint.NotFinite, T: t, Stage: -1, Err: odeint.ErrNotFinite}
		}
		e.Failed++
	}
	if e == nil {
		return nil
	}
	return e
}

// widen copies parameters to float64, array by array, since the two layouts are padded each in its own
// way.
func (d *discrete) widen(theta []float32) []float64 {
	to := d.wideParams.Zeros()
	var from [][]float32
	for _, x := range d.params.All(theta) {
		from = append(from, x.Data)
	}
	i := 0
	for _, x := range d.wideParams.All(to) {
		for j, v := range from[i] {
			x.Data[j] = float64(v)
		}
		i++
	}
	return to
}

func (d *discrete) ask(theta []float32, a answer) bits {
	s := bijector.NewScorer(d.flow, theta)
	v := make(bits, len(a.X)+1)
	s.Latent(v[:len(a.X)], v[len(a.X):], a.X, a.Cond)
	return v
}

func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

func finite(x []float32) bool {
	for _, v := range x {
		if d := v - v; d != d {
			return false
		}
	}
	return true
}

// discreteDefaults fills in what is not as for a CFM.
func (o Options) discreteDefaults(dim, train int) Options {
	if o.Hidden == 0 {
		o.Hidden = 64
		if train >= 4000 || o.Law != nil {
			o.Hidden = 128
		}
	}
	if o.Blocks == 0 {
		o.Blocks = 6
	}
	if o.Depth == 0 {
		o.Depth = 2
	}
	if o.LR == 0 {
		o.LR = 1e-3
	}
	o.Image = false // it is the fields' network and times that images have their own of
	return o
}

// discrete sets what a CFM has no use for.
func (s *Spec) discrete(o Options) {
	s.Family, s.Freqs, s.Depth = o.Family, 0, o.Depth
	if o.Family == NSF {
		s.Bins = 8
	}
}
