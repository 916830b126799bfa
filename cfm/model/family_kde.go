package model

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"pushforward/autograd"
	"pushforward/cfm"
	"pushforward/nn"
	"pushforward/odeint"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// kde is the family of the kernel-smoothed law of the training rows, (1/N)·Σ N(xᵢ, σ²·I) in the model's scale, under conditions
// of the rows given the same. Its field is known in closed form (cfm.Marginal): it is what flow matching on condot:σ would learn with
// a perfect network and no end of steps. Nothing is trained but σ, the width of least held-out loss. The parameters are the rows
// themselves: the model file holds them all, and an evaluation of the field costs N·D multiply-adds a row.
//
// Densities are those of the formula and take no solve; draws are carried by the field as any flow's are.
type kde struct {
	velocity
	points *kernels
	count  int // conditions
}

// kernels is the field.
type kernels struct {
	rows, cond autograd.Param
	conds      int // conditions, all of them classes
	path       cfm.Path
}

// barred is the log-weight of a row given something else.
const barred = 1e30

func newKDE(p *nn.Params[float32], s Spec) *kde {
	f := &kernels{conds: len(s.Conditions)}
	f.rows = p.Root().Param("rows", nn.Zeros, s.Rows, s.Dim)
	if f.conds > 0 {
		f.cond = p.Root().Param("cond", nn.Zeros, s.Rows, condWidth(s.Conditions))
	}
	f.path, _ = ParsePath(s.Path) // checked by whoever made the spec
	return &kde{velocity: velocity{f}, points: f, count: f.conds}
}

// Velocity sums over all rows.
func (f *kernels) Velocity(q cfm.Query[float32]) autograd.Var[float32] {
	tp := q.T.Tape()
	pts := tp.Param(f.rows).Detach()
	half := pts.Square().SumAxis(1).Scale(0.5).ReshapeDims(1, f.rows.Shape.Dim(0))
	var logw autograd.Var[float32]
	if f.conds > 0 {
		// Both are one of K for each condition: the product counts the conditions that agree.
		agree := q.Cond.MatMulT(tp.Param(f.cond).Detach())
		logw = agree.Shift(-float64(f.conds)).Scale(barred)
	}
	return cfm.MarginalVelocity(q, f.path, pts, half, logw)
}

// begin takes the rows.
func (k *kde) begin(theta []float32, x, cond autograd.Tensor[float32]) {
	copy(theta[k.points.rows.Off:], x.Data)
	if k.count > 0 {
		copy(theta[k.points.cond.Off:], cond.Data)
	}
}

func (k *kde) objective(Options) (cfm.Objective[float32], error) {
	panic("model: family " + KDE + " is not trained")
}

// view returns the rows, and what they are given.
func (k *kde) view(theta []float32) (x, cond autograd.Tensor[float32]) {
	at := func(p autograd.Param) autograd.Tensor[float32] {
		return autograd.Tensor[float32]{Shape: p.Shape, Data: theta[p.Off:][:p.Shape.Len()]}
	}
	if k.count > 0 {
		cond = at(k.points.cond)
	}
	return at(k.points.rows), cond
}

// groups shares the rows out by what they are given.
func (k *kde) groups(theta []float32) map[string]autograd.Tensor[float32] {
	x, cond := k.view(theta)
	if k.count == 0 {
		return map[string]autograd.Tensor[float32]{"": x}
	}
	all := map[string]autograd.Tensor[float32]{}
	for i := range x.Rows() {
		name := given1(cond, i)
		g := all[name]
		g.Data = append(g.Data, x.Row(i)...)
		g.Shape = autograd.Dims(len(g.Data)/len(x.Row(i)), len(x.Row(i)))
		all[name] = g
	}
	return all
}

// given1 names what row i is given, of which there may be only one row.
func given1(cond autograd.Tensor[float32], i int) string {
	if len(cond.Data) == 0 {
		return ""
	}
	if cond.Rows() == 1 {
		i = 0
	}
	b := make([]byte, 0, 64)
	for _, v := range cond.Row(i) {
		b = append(b, byte(v))
	}
	return string(b)
}

// seen refuses conditions under which there is no row.
func (k *kde) seen(theta []float32, n int, cond autograd.Tensor[float32]) (map[string]autograd.Tensor[float32], error) {
	all := k.groups(theta)
	for i := range n {
		if all[given1(cond, i)].Data == nil {
			return nil, badData("row %d: no training row is given the same, so family %s has no law for it", i+1, KDE)
		}
	}
	return all, nil
}

func (k *kde) carry(ctx context.Context, f *cfm.Flow[float32], x, cond autograd.Tensor[float32], t0, t1 float64, o odeint.Options) (cfm.Samples[float32], error) {
	if k.count > 0 {
		if _, err := k.seen(f.Theta, x.Rows(), cond); err != nil {
			return cfm.Samples[float32]{}, err
		}
	}
	return k.velocity.carry(ctx, f, x, cond, t0, t1, o)
}

// density is the formula, in float64. The bar is that of its rounding.
func (k *kde) density(ctx context.Context, f *cfm.Flow[float32], x, cond autograd.Tensor[float32], wide []float64, _ cfm.DensityOptions) (cfm.Density, error) {
	n := x.Rows()
	out := cfm.Density{LogP: make([]float64, n), Err: make([]float64, n), Status: make([]odeint.Status, n)}
	all, err := k.seen(f.Theta, n, cond)
	if err != nil {
		return out, err
	}
	law := map[string]func(float64, []float64) float64{}
	for name, g := range all { // in any order: one does not touch another
		law[name] = cfm.MarginalDensity(g, k.points.path)
	}
	err = pieces(ctx, n, func() struct{} { return struct{}{} }, func(_ struct{}, lo, hi int) {
		for i := lo; i < hi && ctx.Err() == nil; i++ {
			p := law[given1(cond, i)](1, wide[i*f.Dim:][:f.Dim])
			out.LogP[i], out.Err[i] = p, float64(0x1p-48*(1+math.Abs(p)))
		}
	})
	out.Parts.Rounding = out.Err
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = failures(out.Status, 1, func(i int) bool { v := out.LogP[i] - out.LogP[i]; return v == v })
	}
	return out, err
}

// views are -log ρₜ at a·x for times from coarse to fine: the density of the rows under ever narrower kernels, at the last under the
// model's own. A column's surprise is the square of what the row is away from the mean of the rows that it may come from, seen under the
// kernels of expectedLevel.
func (k *kde) views(ctx context.Context, f *cfm.Flow[float32], _ Spec, x, cond autograd.Tensor[float32], l *looked, _ bool) error {
	n, dim := x.Rows(), f.Dim
	all, err := k.seen(f.Theta, n, cond)
	if err != nil {
		return err
	}
	law := map[string]func(float64, []float64) float64{}
	for name, g := range all { // in any order: one does not touch another
		law[name] = cfm.MarginalDensity(g, k.points.path)
	}
	times := []float64{1}
	for _, level := range surpriseLevels {
		times = append(times, timeOf(k.points.path, level))
	}
	for _, t := range times {
		a := k.points.path.At(t).A
		values := make([]float64, n)
		err := pieces(ctx, n, func() []float64 { return make([]float64, dim) }, func(row []float64, lo, hi int) {
			for i := lo; i < hi; i++ {
				for j, v := range x.Row(i) {
					row[j] = float64(a * float64(v))
				}
				values[i] = -law[given1(cond, i)](t, row)
			}
		})
		if err != nil {
			return err
		}
		l.add(fmt.Sprintf("density %.2g", t), values)
	}
	t := times[1+expectedLevel]
	c := k.points.path.At(t)
	a, b, da, db := float32(c.A), float32(c.B), float32(c.DA), float32(c.DB)
	back := 1 / (float32(a*db) - float32(da*b)) // x₁ = (ḃ·x - b·v) / (a·ḃ - ȧ·b)
	return pieces(ctx, n, func() *autograd.Tape[float32] { return autograd.NewTape(f.Theta) }, func(tp *autograd.Tape[float32], lo, hi int) {
		q := cfm.Query[float32]{T: tp.Full(autograd.Dims(hi-lo, 1), float32(t)), X: tp.Alloc(autograd.Dims(hi-lo, dim))}
		if given := given(cond, lo, hi, n); given != nil {
			q.Cond = tp.Const(autograd.Tensor[float32]{Shape: autograd.Dims(hi-lo, len(given)/(hi-lo)), Data: given})
		}
		at := q.X.Value()
		for i := lo; i < hi; i++ {
			for j, v := range x.Row(i) {
				at.Row(i - lo)[j] = float32(a * v)
			}
		}
		v := k.field.Velocity(q).Value()
		for i := lo; i < hi; i++ {
			for j, w := range x.Row(i) {
				origin := float32((float32(db*at.Row(i - lo)[j]) - float32(b*v.Row(i - lo)[j])) * back)
				l.expected.Row(i)[j] = origin
				away := w - origin
				l.surprise.Row(i)[j] = float32(away * away)
			}
		}
		tp.Reset()
	})
}

// LogRho is the closed-form log ρₜ of a model of family kde at all times, in the model's scale, under one row of conditions (nil
// without): what cfm.ContinuityOptions.LogRho is for. It is nil for other families.
func (m *Model) LogRho(given []float64) (func(t float64, x []float64) float64, error) {
	k, ok := m.gen.(*kde)
	if !ok {
		return nil, nil
	}
	var rows [][]float64
	if given != nil {
		rows = [][]float64{given}
	}
	rows, err := m.givenRows(1, 0, rows, rng.Key{})
	if err != nil {
		return nil, err
	}
	cond := m.encoded(rows)
	all, err := k.seen(m.flow.Theta, 1, cond)
	if err != nil {
		return nil, err
	}
	return cfm.MarginalDensity(all[given1(cond, 0)], k.points.path), nil
}

// The widths that are tried, in the model's scale, and how many distances are looked at to choose among them.
const (
	leastWidth, mostWidth = 0.003, 3.0
	widthDistances        = 1 << 20
)

// kernels takes the training rows as the model's and chooses the width of their kernels.
func (f *Fitter) kernels(k *kde) error {
	x, cond, err := f.whole(f.train, "begin")
	if err != nil {
		return err
	}
	k.begin(f.m.flow.Theta, x, cond)
	if f.opt.Path == "" {
		y, ycond := x, cond
		own := len(f.held) == 0 // each row is judged by all others
		if !own {
			if y, ycond, err = f.whole(f.held, "held"); err != nil {
				return err
			}
		}
		w := width(x, cond, y, ycond, own)
		if w <= 1.01*leastWidth {
			f.Notes = append(f.Notes, "the kernels' width is at the least one tried: rows repeat, or columns hold few values")
		}
		f.opt.Path = "condot:" + strconv.FormatFloat(w, 'g', 4, 64)
	}
	f.m.Path = f.opt.Path
	k.points.path, err = ParsePath(f.m.Path)
	return err
}

// whole returns some rows as the field sees them, in an order of their own.
func (f *Fitter) whole(index []int, name string) (x, cond autograd.Tensor[float32], err error) {
	b := cfm.Batch[float32]{Row: make([]int, len(index)), Total: len(index)}
	for i := range b.Row {
		b.Row[i] = i
	}
	err = f.data(index).Next(&b, rng.New(f.opt.Seed).Named(name))
	return b.X1, b.Cond, err
}

// width returns the σ under which rows y are likeliest as draws of the kernels on rows x given the same: of 24 widths in equal ratios
// the best, then golden sections about it. Only so many of y are asked that the distances fit. With own, x and y are the same
// rows, each judged by the others.
func width(x, xcond, y, ycond autograd.Tensor[float32], own bool) float64 {
	n, dim := x.Rows(), x.Shape.Dim(1)
	m := min(y.Rows(), max(64, widthDistances/n))
	dist := make([][]float64, m) // squared, of the rows given the same
	for i := range dist {
		name := given1(ycond, i)
		for j := range n {
			if own && i == j || len(xcond.Data) > 0 && given1(xcond, j) != name {
				continue
			}
			var q float64
			for l, v := range y.Row(i) {
				d := float64(v) - float64(x.Row(j)[l])
				q = math.FMA(d, d, q)
			}
			dist[i] = append(dist[i], q)
		}
		slices.Sort(dist[i]) // far ones are left out of the sums below
	}
	kern := simd.Best[float64]()
	near := make([]float64, n)
	loss := func(w float64) (sum float64) {
		s2 := float64(w * w)
		for _, qs := range dist {
			if len(qs) == 0 {
				continue // nothing is known under these conditions
			}
			near = near[:0]
			for _, q := range qs {
				d := (qs[0] - q) / (2 * s2)
				if d < -40 {
					break
				}
				near = append(near, d)
			}
			kern.Exp(near, near)
			sum += qs[0]/(2*s2) - simd.Log(kern.Sum(near)) + float64(float64(dim)*simd.Log(w))
		}
		return sum
	}
	const tries = 24
	ratio := simd.Exp(simd.Log(mostWidth/leastWidth) / (tries - 1))
	best, at := math.Inf(1), leastWidth
	for i, w := 0, leastWidth; i < tries; i, w = i+1, float64(w*ratio) {
		if l := loss(w); l < best {
			best, at = l, w
		}
	}
	const golden = 0.6180339887498949
	lo, hi := simd.Log(at/ratio), simd.Log(at*ratio)
	section := func(lo, hi float64) float64 { return hi - float64(golden*(hi-lo)) }
	a, b := section(lo, hi), lo+float64(golden*(hi-lo))
	la, lb := loss(simd.Exp(a)), loss(simd.Exp(b))
	for range 12 {
		if la < lb {
			hi, b, lb = b, a, la
			a = section(lo, hi)
			la = loss(simd.Exp(a))
		} else {
			lo, a, la = a, b, lb
			b = lo + float64(golden*(hi-lo))
			lb = loss(simd.Exp(b))
		}
	}
	return simd.Exp((lo + hi) / 2)
}

// checkKDE refuses options that a law without training has no use for.
func (o Options) checkKDE() error {
	switch {
	case o.Steps > 0 || o.Batch > 0 || o.LR > 0 || o.Hidden > 0 || o.Blocks > 0 || o.Depth > 0:
		return badData("family %s has no network and is not trained: steps, batch, rate and sizes do not apply", KDE)
	case o.Coupling != "" && o.Coupling != "independent" || o.Source != nil || o.Objective != "" || o.DropCond > 0:
		return badData("family %s is the kernel-smoothed law of the rows: coupling, source, objective and dropped conditions do not apply", KDE)
	case o.Law != nil:
		return badData("family %s is made of rows: a law that draws them anew will not do", KDE)
	}
	for _, c := range o.Conditions {
		if len(c.Classes) == 0 {
			return badData("condition %s is a number: family %s is given classes only", c.Name, KDE)
		}
	}
	if o.Path == "" {
		return nil
	}
	p, err := ParsePath(o.Path)
	if err != nil {
		return err
	}
	if c, ok := p.(cfm.CondOT); !ok || !(c.SigmaMin > 0) {
		return badData("path %s: family %s is on condot:σ with σ, the width of its kernels, above 0", o.Path, KDE)
	}
	return nil
}

// kernelDefaults fills in what there is to fill in.
func (o Options) kernelDefaults(dim int) Options {
	if o.Calibrate == 0 {
		o.Calibrate = 1024 // a density costs no solve
	}
	if o.Holdout == 0 {
		o.Holdout = 0.2
	}
	if o.Scaling == "" {
		o.Scaling = Columns
	}
	o.Coupling = "independent"
	o.Image = false
	o.nameColumns(dim)
	return o
}

// kernelSizes refuses a spec that is no file of ours.
func (s Spec) kernelSizes(limit int64) error {
	w := int64(s.Dim + condWidth(s.Conditions))
	p, err := ParsePath(s.Path)
	c, ok := p.(cfm.CondOT)
	switch {
	case s.Hidden != 0 || s.Blocks != 0 || s.Depth != 0 || s.Bins != 0 || s.Width != 0 || s.Freqs != 0:
		return fmt.Errorf("family %s with a network", s.Family)
	case s.Rows < 1 || int64(s.Rows) > limit/w:
		return fmt.Errorf("%d rows of %d columns are more than the file holds", s.Rows, w)
	case err != nil || !ok || !(c.SigmaMin > 0):
		return fmt.Errorf("path %q of family %s", s.Path, s.Family)
	case s.DropCond > 0 || s.Noise > 0:
		return fmt.Errorf("family %s with dropped conditions or noise", s.Family)
	}
	return nil
}
