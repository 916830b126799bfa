package cfm

import (
	"fmt"
	"math"

	"pushforward/autograd"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// bump is a Gaussian of deviations s along the rows of axes.
type bump struct {
	mean, s []float64
	axes    [][]float64
}

// randomBump has deviations from lo to hi and a random rotation.
func randomBump(d int, lo, hi float64, key rng.Key) bump {
	b := bump{mean: make([]float64, d), s: make([]float64, d), axes: make([][]float64, d)}
	rng.Normal(key.Named("mean"), b.mean)
	rng.Uniform(key.Named("s"), b.s)
	for i := range d {
		b.s[i] = lo * math.Pow(hi/lo, b.s[i])
		b.axes[i] = make([]float64, d)
		rng.Normal(key.Named("axes").Fold(uint64(i)), b.axes[i])
		for j := range i {
			along := dot(b.axes[i], b.axes[j])
			for k := range d {
				b.axes[i][k] -= along * b.axes[j][k]
			}
		}
		length := math.Sqrt(dot(b.axes[i], b.axes[i]))
		for k := range d {
			b.axes[i][k] /= length
		}
	}
	return b
}

func dot(x, y []float64) (s float64) {
	for i := range x {
		s += x[i] * y[i]
	}
	return s
}

func (b bump) draw(dst []float64, key rng.Key) {
	z := make([]float64, len(dst))
	rng.Normal(key, z)
	for j := range dst {
		dst[j] = b.mean[j]
		for i := range z {
			dst[j] += b.s[i] * z[i] * b.axes[i][j]
		}
	}
}

func bumpsLogProb(bs []bump, x []float64) float64 {
	var parts []float64
	for _, b := range bs {
		z, zero := make([]float64, len(x)), make([]float64, len(x))
		for i := range z {
			for j := range x {
				z[i] += b.axes[i][j] * (x[j] - b.mean[j])
			}
		}
		parts = append(parts, gaussLogProb(z, zero, b.s)-math.Log(float64(len(bs))))
	}
	return logSumExp(parts)
}

// bumpsField is the marginal field of CondOT{} from N(0, I) to an even mixture of Gaussians: each one's own field,
// weighted by its share of the density at t.
func bumpsField[F simd.Float](bs []bump) Field[F] {
	d := len(bs[0].mean)
	axes := make([]autograd.Tensor[F], len(bs))
	for k, b := range bs {
		axes[k] = autograd.NewTensor[F](d, d)
		for i := range d {
			for j := range d {
				axes[k].Row(i)[j] = F(b.axes[i][j])
			}
		}
	}
	return FieldFunc[F](func(q Query[F]) autograd.Var[F] {
		tp, n := q.T.Tape(), q.T.Shape().Dim(0)
		var logs, vs []autograd.Var[F]
		for k, b := range bs {
			at, mean, inv, gain := tp.Alloc(autograd.Dims(n, d)), tp.Alloc(autograd.Dims(n, d)), tp.Alloc(autograd.Dims(n, d)), tp.Alloc(autograd.Dims(n, d))
			norm := tp.Alloc(autograd.Dims(n, 1))
			for i, tf := range q.T.Value().Data {
				t, l := float64(tf), 0.0
				for j := range d {
					v := t*t*b.s[j]*b.s[j] + (1-t)*(1-t)
					at.Value().Row(i)[j], mean.Value().Row(i)[j] = F(t*b.mean[j]), F(b.mean[j])
					inv.Value().Row(i)[j], gain.Value().Row(i)[j] = F(1/v), F((t*b.s[j]*b.s[j]-(1-t))/v)
					l -= 0.5 * math.Log(v)
				}
				norm.Value().Data[i] = F(l)
			}
			r := tp.Const(axes[k])
			z := q.X.Sub(at).MatMulT(r)
			vs = append(vs, z.Mul(gain).MatMul(r).Add(mean))
			logs = append(logs, z.Mul(z).Mul(inv).SumAxis(1).Scale(-0.5).Add(norm))
		}
		if len(bs) == 1 {
			return vs[0]
		}
		w := autograd.Concat(1, logs...).Softmax(1)
		v := vs[0].Mul(w.Slice(1, 0, 1))
		for k := 1; k < len(bs); k++ {
			v = v.Add(vs[k].Mul(w.Slice(1, k, k+1)))
		}
		return v
	})
}

// waveField is v = (1 + a·sin(w·t + p))·A·x.
func waveField[F simd.Float](m [][]float64, a, w, p float64) Field[F] {
	linear := linearField[F](m)
	return FieldFunc[F](func(q Query[F]) autograd.Var[F] {
		gain := q.T.Tape().Alloc(q.T.Shape())
		for i, t := range q.T.Value().Data {
			gain.Value().Data[i] = F(1 + a*math.Sin(w*float64(t)+p))
		}
		return linear.Velocity(q).Mul(gain)
	})
}

// zoo are random Gaussians, linear fields (every other one changes in time) and mixtures in d dimensions, with rows of
// their laws, as many problems of each as asked for.
func zoo[F simd.Float](d, problems, rows int, key rng.Key) []known[F] {
	var all []known[F]
	add := func(kind, name string, field Field[F], point func(dst []float64, i int), logp func(x []float64) float64) {
		k := known[F]{name: name, kind: fmt.Sprintf("%s, %d dimensions", kind, d), flow: &Flow[F]{Dim: d, Field: field}, x: autograd.NewTensor[F](rows, d)}
		row := make([]float64, d)
		for i := range rows {
			point(row, i)
			for j, v := range row {
				k.x.Row(i)[j] = F(v)
				row[j] = float64(F(v)) // the closed form is that of the rounded row
			}
			k.logp = append(k.logp, logp(row))
		}
		all = append(all, k)
	}
	zero, one := make([]float64, d), make([]float64, d)
	for j := range one {
		one[j] = 1
	}
	for p := range problems {
		key := key.Fold(uint64(p))
		draw := func(i int) rng.Key { return key.Named("row").Fold(uint64(i)) }

		lo := []float64{0.3, 0.5, 0.2, 0.7}[p%4]
		g := []bump{randomBump(d, lo, 2, key.Named("gauss"))}
		add("gauss", fmt.Sprintf("deviations from %g", lo), bumpsField[F](g), func(dst []float64, i int) { g[0].draw(dst, draw(i)) },
			func(x []float64) float64 { return bumpsLogProb(g, x) })

		size, trace := []float64{0.5, 1, 0.3, 1.5}[p%4]/math.Sqrt(float64(d)), 0.0
		m := make([][]float64, d)
		for i := range m {
			m[i] = make([]float64, d)
			rng.Normal(key.Named("linear").Fold(uint64(i)), m[i])
			for j := range m[i] {
				m[i][j] = float64(F(m[i][j] * size))
			}
			trace += m[i][i]
		}
		field, whole := linearField[F](m), 1.0
		if p%2 == 1 {
			const a, w = 0.8, 5.0
			phase := float64(p)
			field, whole = waveField[F](m, a, w, phase), 1+a*(math.Cos(phase)-math.Cos(w+phase))/w
		}
		scaled := make([][]float64, d)
		for i := range m {
			for _, v := range m[i] {
				scaled[i] = append(scaled[i], v*whole)
			}
		}
		add("linear", fmt.Sprintf("size %.2g", size), field, func(dst []float64, i int) { rng.Normal(draw(i), dst) },
			func(x []float64) float64 { return gaussLogProb(expMinus(scaled, x), zero, one) - trace*whole })

		var bs []bump
		for k := range 2 + p%3 {
			bs = append(bs, randomBump(d, 0.25, 1, key.Named("bumps").Fold(uint64(k))))
		}
		add("mixture", fmt.Sprintf("%d bumps", len(bs)), bumpsField[F](bs), func(dst []float64, i int) { bs[i%len(bs)].draw(dst, draw(i)) },
			func(x []float64) float64 { return bumpsLogProb(bs, x) })

		sigma := []float64{0.5, 0.3, 0.2, 0.4}[p%4]
		pts := normalTensor[F](2+p%5, d, key.Named("points"))
		var even []bump
		for i := range pts.Rows() {
			b := randomBump(d, sigma, sigma, key)
			for j, v := range pts.Row(i) {
				b.mean[j] = float64(v)
			}
			even = append(even, b)
		}
		add("mixture", fmt.Sprintf("%d points, σ %g", len(even), sigma), Marginal(pts, CondOT{sigma}), func(dst []float64, i int) { even[i%len(even)].draw(dst, draw(i)) },
			func(x []float64) float64 { return bumpsLogProb(even, x) })
	}
	return all
}
