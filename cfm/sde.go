package cfm

import (
	"context"
	"fmt"
	"math"

	"pushforward/autograd"
	"pushforward/odeint"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// SDEOptions configures SampleSDE and TransportSDE.
type SDEOptions struct {
	// Path is the path the field was trained on: with it the field's velocity is turned into the score. A
	// ScoreField knows its score and needs none.
	Path Path

	// Noise is η in the default g(t): η·√s(t) with the width s of the path's noise, or η·σ for a ScoreField. 0
	// is the ordinary equation.
	Noise float64
	// G, if not nil, is g(t) itself. Where the path has no width g must go to zero at least as fast as √s.
	G func(t float64) float64

	Steps  int              // equal ones: 128
	Method odeint.SDEMethod // EulerMaruyama; StochasticHeun has twice the evaluations and a far smaller bias
	Row0   int              // the number of the first row, for its noise
}

// SampleSDE draws n points along random paths that have, at every time, the law of the flow's own:
//
//	dx = [v + ½g²·∇log ρₜ] dt + g dW
//
// for any g(t) ≥ 0 (Song et al. 2021, Albergo et al. 2023). What differs is which x₁ an x₀ leads to, and
// how errors of the field add up: the score pulls strayed rows back. Noise of the steps' own size remains, so
// more noise wants more steps. Row i depends on key and Row0 + i alone.
//
// By default g² = η²·s, where s(t) is the width of the path's noise: then ½g²·∇log ρₜ = -½η²·E[e | x], with the
// unit noise e of the path, is bounded however narrow the path ends, while a constant g would divide by
// s at the data. The score of a field's own velocity holds for a standard normal source and
// independent pairs only (trap: reflowed and optimally coupled fields have another); what can be seen of
// that is refused, the coupling cannot be seen here.
func (f *Flow[F]) SampleSDE(ctx context.Context, n int, key rng.Key, opt SDEOptions) (Samples[F], error) {
	if n < 0 {
		return Samples[F]{}, fmt.Errorf("cfm: sample: %d rows", n)
	}
	x := autograd.NewTensor[F](n, f.Dim)
	f.draw(x, opt.Row0, key, nil)
	return f.diffuse(ctx, x, 0, 1, key, opt)
}

// TransportSDE is SampleSDE from points of one's own, in the coordinates that Transport has at t0. From t0 > t1
// the paths run backward and the score's term changes its sign:
//
//	dx = [v - ½g²·∇log ρₜ] dt + g dW,  dt < 0
//
// x is not changed.
func (f *Flow[F]) TransportSDE(ctx context.Context, x autograd.Tensor[F], t0, t1 float64, key rng.Key, opt SDEOptions) (Samples[F], error) {
	if x.Shape.Rank() != 2 || x.Shape.Dim(1) != f.Dim {
		panic(fmt.Sprintf("cfm: TransportSDE: points %v, the flow has %d columns", x.Shape, f.Dim))
	}
	y := autograd.NewTensor[F](x.Rows(), f.Dim)
	copy(y.Data, x.Data)
	f.rescale(y.Data, t0, false)
	return f.diffuse(ctx, y, t0, t1, key, opt)
}

// diffuse moves x, in the field's coordinates, in place.
func (f *Flow[F]) diffuse(ctx context.Context, x autograd.Tensor[F], t0, t1 float64, key rng.Key, opt SDEOptions) (Samples[F], error) {
	n := x.Rows()
	out := Samples[F]{X: x, Status: make([]odeint.Status, n)}
	if err := f.check(n); err != nil {
		return out, err
	}
	proto, err := newDiffusion(f, opt)
	if err != nil {
		return out, err
	}
	if t1 < t0 {
		proto.sign = -1
	}
	if opt.Steps == 0 {
		opt.Steps = 128
	}
	if opt.Steps < 0 || opt.Row0 < 0 {
		return out, fmt.Errorf("cfm: sample: %d steps, row %d: neither may be negative", opt.Steps, opt.Row0)
	}
	noise := key.Named("paths")
	tasks := (n + chunk - 1) / chunk
	p := newPool(poolSize(tasks), nil)
	defer p.close()
	workers := make([]*diffusion[F], p.workers)
	stats, errs := make([]odeint.Stats, tasks), make([]error, tasks)
	p.run(tasks, func(w, i int) {
		if workers[w] == nil {
			d := *proto
			d.sys = velocity[F]{flow: f, tape: autograd.NewTape(f.Theta)}
			workers[w] = &d
		}
		lo, hi := i*chunk, min((i+1)*chunk, n)
		workers[w].sys.first = lo
		part := x.Slice(lo, hi)
		sol, err := odeint.SolveSDE(ctx, workers[w], part.Data, t0, t1, odeint.SDEOptions{
			Method: opt.Method, Step: max(math.Abs(t1-t0), 1e-300) / float64(opt.Steps), Key: noise, Row0: opt.Row0 + lo,
		})
		errs[i] = shiftError(err, lo)
		if sol == nil {
			return
		}
		stats[i] = sol.Stats
		copy(part.Data, sol.Final())
		copy(out.Status[lo:hi], sol.Status)
	})
	out.Stats = addStats(stats)
	f.rescale(x.Data, t1, true)
	return out, firstError("sample", errs)
}

// ScoreField is a Field that knows the score beside the velocity. ScoreNet is one.
type ScoreField[F simd.Float] interface {
	Field[F]
	// VelocityScore returns the velocity and ½σ²·∇log ρₜ: the two make the drift of the bridge.
	VelocityScore(q Query[F]) (v, pull autograd.Var[F])
	// Sigma is σ.
	Sigma() float64
}

// diffusion is a flow with noise as a Noisy system.
type diffusion[F simd.Float] struct {
	sys    velocity[F]
	path   Path
	lo, hi float64
	scored ScoreField[F]
	noise  float64
	g      func(t float64) float64
	sign   float64 // of the score's term: that of the direction of time
}

func newDiffusion[F simd.Float](f *Flow[F], opt SDEOptions) (*diffusion[F], error) {
	d := &diffusion[F]{path: opt.Path, noise: opt.Noise, g: opt.G, sign: 1}
	if !(opt.Noise >= 0) || math.IsInf(opt.Noise, 0) {
		return nil, fmt.Errorf("cfm: sample: noise %v, want a number of at least 0", opt.Noise)
	}
	if s, ok := f.Field.(ScoreField[F]); ok {
		d.scored = s
		return d, nil
	}
	if u, ok := f.Field.(undensity); ok {
		return nil, fmt.Errorf("cfm: sample with noise: %s", u.noDensity())
	}
	if opt.Path == nil {
		return nil, fmt.Errorf("cfm: sample with noise: the path that the field was trained on is not given, so the velocity cannot be turned into a score")
	}
	_, normal := f.Source.(Normal)
	if !standard(f.Source) && !(normal && opt.Path.At(0.5).B == 0) { // a source that only stands for z may be wide
		return nil, fmt.Errorf("cfm: sample with noise: the velocity gives the score for the standard normal source only; train velocity and score together (BridgeMatch)")
	}
	d.lo, d.hi = Span(opt.Path)
	return d, nil
}

func (d *diffusion[F]) Dim() int { return d.sys.flow.Dim }

// rates returns g at t, and the factors by which x and v enter ½g²·∇log ρₜ = -½(g²/s)·e, e = (a·v - ȧ·x)/(aṡ - ȧs).
func (d *diffusion[F]) rates(t float64) (g, ofX, ofV float64) {
	t = min(max(t, d.lo), d.hi) // the path's numbers where they are bounded
	k := d.path.At(t)
	s, ds := k.Noise()
	rate := float64(d.noise * d.noise) // g²/s
	g = d.noise * math.Sqrt(s)
	if d.g != nil {
		g = d.g(t)
		if rate = g * g / s; g == 0 {
			rate = 0
		}
	}
	if k.A == 0 {
		return g, -0.5 * rate / s, 0 // x is all noise
	}
	det := float64(k.A*ds) - float64(k.DA*s)
	return g, 0.5 * rate * k.DA / det, -0.5 * rate * k.A / det
}

// Eval is the drift.
func (d *diffusion[F]) Eval(dst []F, b odeint.Batch[F]) {
	dim := d.Dim()
	if d.scored == nil {
		d.sys.Eval(dst, b)
		for i, t := range b.T {
			_, ofX, ofV := d.rates(t)
			p, q := F(d.sign*ofX), F(1+float64(d.sign*ofV))
			v, x := dst[i*dim:][:dim], b.Y[i*dim:][:dim]
			for j := range v {
				v[j] = F(q*v[j]) + F(p*x[j])
			}
		}
		return
	}
	q := d.sys.flow.query(d.sys.tape, b.Row, b.T, d.sys.first)
	q.X = d.sys.tape.Const(autograd.Tensor[F]{Shape: autograd.Dims(len(b.Row), dim), Data: b.Y})
	v, pull := d.scored.VelocityScore(q)
	copy(dst, v.Value().Data)
	for i, t := range b.T {
		r := d.level(t) / d.scored.Sigma()
		addScaled(dst[i*dim:][:dim], F(d.sign*r*r), pull.Value().Data[i*dim:])
	}
	d.sys.tape.Reset()
}

// level is g of a ScoreField.
func (d *diffusion[F]) level(t float64) float64 {
	if d.g != nil {
		return d.g(t)
	}
	return d.noise * d.scored.Sigma()
}

// Noise is g.
func (d *diffusion[F]) Noise(dst []F, b odeint.Batch[F]) {
	dim := d.Dim()
	for i, t := range b.T {
		var g float64
		if d.scored != nil {
			g = d.level(t)
		} else {
			g, _, _ = d.rates(t)
		}
		for j := range dim {
			dst[i*dim+j] = F(g)
		}
	}
}
