package main

import (
	"context"
	"math"
	"slices"

	"pushforward/autograd"
	"pushforward/cfm"
	"pushforward/nn"
	"pushforward/odeint"
	"pushforward/optim"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// recipe says how a posterior is learned. One serves all tasks.
type recipe struct {
	hidden, blocks, steps, batch int
	rate, held                   float64
	residual                     bool // take from θ what least squares know of it from x
	both                         bool // x scaled, and its arcsinh beside it
	beyond                       float64
}

// A uniform prior cuts posteriors off, and a flow rounds edges: given data whose posterior has its mass at the bounds of ten parameters, half of
// the draws were outside and the rest too few near the bounds. So simulations come from a box a little wider than the prior's. Inside the
// prior both posteriors are the likelihood, but for a constant; the edge is elsewhere, and draws are cut at the true one without loss. The
// price is that fewer simulations lie where they are needed: thin posteriors of two parameters came out a tenth too wide. The more
// parameters, the more likely that one is at a bound, so the share of the prior's width added on each side is beyond for each parameter
// after the second. The rule was chosen while looking at the table.
var sbiRecipe = recipe{hidden: 128, blocks: 3, steps: 4000, batch: 256, rate: 3e-3, held: 0.1, residual: true, both: true, beyond: 0.025}

// margin is the share of the prior's width added on each side of d parameters.
func (r recipe) margin(d int) float64 { return float64(r.beyond * float64(max(0, d-2))) }

// features turns data into conditions: each column scaled, and beside it the arcsinh of its distance from the median
// in units of the median distance, scaled, which spreads counts and heavy tails out.
type features struct {
	median, unit []float64 // of each column
	loc, scale   []float64 // of each feature
	both         bool
}

func newFeatures(x []float64, dim int, both bool) *features {
	f := &features{both: both}
	col := make([]float64, 0, len(x)/dim)
	for j := range dim {
		col = col[:0]
		for i := j; i < len(x); i += dim {
			col = append(col, x[i])
		}
		m := median(col)
		dist := col[:0]
		for i := j; i < len(x); i += dim {
			if d := math.Abs(x[i] - m); d > 0 {
				dist = append(dist, d)
			}
		}
		unit := 1.0
		if len(dist) > 0 {
			slices.Sort(dist)
			unit = dist[len(dist)/2]
		}
		f.median, f.unit = append(f.median, m), append(f.unit, unit)
	}
	n := len(x) / dim
	raw := autograd.NewTensor[float64](n, f.width())
	for i := range n {
		f.raw(raw.Row(i), x[i*dim:(i+1)*dim])
	}
	f.loc, f.scale = cfm.Standardize(raw)
	return f
}

func (f *features) width() int {
	if f.both {
		return 2 * len(f.median)
	}
	return len(f.median)
}

func (f *features) raw(dst, x []float64) {
	d := len(x)
	for j, v := range x {
		z := (v - f.median[j]) / f.unit[j]
		dst[j] = z
		if f.both {
			dst[d+j] = math.Copysign(simd.Log1p(math.Abs(z)+float64(z*z)/(1+math.Sqrt(1+float64(z*z)))), z)
		}
	}
}

// of sets dst to the features of one row.
func (f *features) of(dst []float32, x []float64) {
	raw := make([]float64, f.width())
	f.raw(raw, x)
	for j, v := range raw {
		dst[j] = float32((v - f.loc[j]) / f.scale[j])
	}
}

// posterior is a conditional flow over parameters given data.
type posterior struct {
	task *task
	r    recipe
	feat *features
	flow *cfm.Flow[float32]
	coef []float64 // (features + 1) × parameters
	step int
}

// learn fits a posterior to simulations.
func learn(ctx context.Context, t *task, r recipe, theta, x []float64, key rng.Key) (*posterior, error) {
	d, n := len(t.prior), len(x)/t.data
	p := &posterior{task: t, r: r, feat: newFeatures(x, t.data, r.both)}
	w := p.feat.width()
	cond, z := autograd.NewTensor[float32](n, w), make([]float64, n*d)
	for i := range n {
		p.feat.of(cond.Row(i), x[i*t.data:(i+1)*t.data])
		for j := range d {
			z[i*d+j] = t.prior[j].to(theta[i*d+j])
		}
	}
	if r.residual {
		p.coef = leastSquares(cond, z, d)
		for i := range n {
			p.shift(z[i*d:(i+1)*d], cond.Row(i), -1)
		}
	}
	target := autograd.NewTensor[float32](n, d)
	for i, v := range z {
		target.Data[i] = float32(v)
	}
	held := int(r.held * float64(n))
	params := nn.NewParams[float32]()
	p.flow = &cfm.Flow[float32]{Dim: d}
	p.flow.Field = cfm.NewNet(params.Root(), cfm.NetConfig{Dim: d, Cond: w, Hidden: r.hidden, Blocks: r.blocks})
	p.flow.Theta = params.Init(key.Named("init"))
	p.flow.Loc, p.flow.Scale = cfm.Standardize(target.Slice(held, n))
	trainer := &cfm.Trainer[float32]{
		Flow: p.flow, Loss: cfm.Match(p.flow.Field, cfm.CondOT{}, nil), Data: cfm.FromConditioned(target.Slice(held, n), cond.Slice(held, n)),
		Val:   cfm.FromConditioned(target.Slice(0, held), cond.Slice(0, held)),
		Batch: r.batch, Steps: r.steps, LR: optim.Cosine(r.rate, 100, r.steps), ValEvery: 100, Key: key.Named("train"),
	}
	if err := trainer.Run(ctx); err != nil {
		return nil, err
	}
	p.flow = trainer.Best()
	_, p.step, _ = trainer.BestLoss()
	return p, nil
}

// shift adds sign times the prediction of least squares to z.
func (p *posterior) shift(z []float64, cond []float32, sign float64) {
	if p.coef == nil {
		return
	}
	d := len(z)
	for j := range z {
		s := p.coef[len(cond)*d+j]
		for k, c := range cond {
			s += float64(p.coef[k*d+j] * float64(c))
		}
		z[j] += float64(sign * s)
	}
}

// leastSquares returns the coefficients, a row for each feature and one for the constant, that predict z.
func leastSquares(cond autograd.Tensor[float32], z []float64, d int) []float64 {
	n, w := cond.Rows(), cond.Shape.Dim(1)+1
	a, b := make([]float64, w*w), make([]float64, w*d)
	row := make([]float64, w)
	for i := range n {
		for k, v := range cond.Row(i) {
			row[k] = float64(v)
		}
		row[w-1] = 1
		for k, u := range row {
			for l, v := range row {
				a[k*w+l] += float64(u * v)
			}
			for j := range d {
				b[k*d+j] += float64(u * z[i*d+j])
			}
		}
	}
	// A little ridge, for columns that repeat each other; Gauss's elimination needs no pivots then.
	for k := range w {
		a[k*w+k] += float64(1e-4 * float64(n))
	}
	for k := range w {
		for l := k + 1; l < w; l++ {
			f := a[l*w+k] / a[k*w+k]
			for m := k; m < w; m++ {
				a[l*w+m] -= float64(f * a[k*w+m])
			}
			for j := range d {
				b[l*d+j] -= float64(f * b[k*d+j])
			}
		}
	}
	for k := w - 1; k >= 0; k-- {
		for j := range d {
			s := b[k*d+j]
			for l := k + 1; l < w; l++ {
				s -= float64(a[k*w+l] * b[l*d+j])
			}
			b[k*d+j] = s / a[k*w+k]
		}
	}
	return b
}

// sample draws n parameters given one row of data. Draws outside the prior are left out and drawn anew; outside counts them.
func (p *posterior) sample(ctx context.Context, x []float64, n int, key rng.Key) (theta []float64, outside int, err error) {
	d := len(p.task.prior)
	cond := autograd.NewTensor[float32](1, p.feat.width())
	p.feat.of(cond.Row(0), x)
	row := make([]float64, d)
	for pass := uint64(0); len(theta) < n*d; pass++ {
		if pass > 200 {
			break // nearly all of the flow's mass is outside: what there is must do
		}
		s, err := p.flow.Given(cond).Sample(ctx, n, key.Fold(pass), odeint.Options{Rtol: 1e-5, Atol: 1e-5})
		if err != nil {
			return nil, 0, err
		}
		for i := 0; i < n && len(theta) < n*d; i++ {
			for j, v := range s.X.Row(i) {
				row[j] = float64(v)
			}
			p.shift(row, cond.Row(0), 1)
			ok := true
			for j := range row {
				row[j] = p.task.prior[j].from(row[j])
				ok = ok && p.task.prior[j].inside(row[j])
			}
			if ok {
				theta = append(theta, row...)
			} else {
				outside++
			}
		}
	}
	return theta, outside, nil
}
