package bijector

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/autograd/gradcheck"
	"pushforward/nn"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// recipe is a way to build a flow under test.
type recipe[F simd.Float] struct {
	name string
	make func(s nn.Scope[F]) *Flow[F]
}

// recipes lists flows of dim columns under a condition of cond, small ones.
func recipes[F simd.Float](dim, cond int) []recipe[F] {
	c := Config{Dim: dim, Cond: cond, Layers: 3, Hidden: 12, Bins: 5, Seed: 7}
	plain, ordered := c, c
	plain.Plain, ordered.Autoregressive = true, true
	list := []recipe[F]{
		{"realnvp", func(s nn.Scope[F]) *Flow[F] { return NewRealNVP(s, c) }},
		{"realnvp plain", func(s nn.Scope[F]) *Flow[F] { return NewRealNVP(s, plain) }},
		{"maf", func(s nn.Scope[F]) *Flow[F] { return NewMAF(s, c) }},
		{"nsf", func(s nn.Scope[F]) *Flow[F] { return NewNSF(s, c) }},
		{"nsf autoregressive", func(s nn.Scope[F]) *Flow[F] { return NewNSF(s, ordered) }},
	}
	if cond == 0 {
		list = append(list, recipe[F]{"planar", func(s nn.Scope[F]) *Flow[F] {
			return &Flow[F]{Map: Chain[F]{NewPlanar(s.Index(0), dim), NewPlanar(s.Index(1), dim)}, Dim: dim}
		}})
	}
	return list
}

// random returns a flow with parameters some way from the identity.
func random[F simd.Float](r recipe[F], seed uint64, sd float64) (*Flow[F], []F) {
	p := nn.NewParams[F]()
	f := r.make(p.Root())
	theta := p.Init(rng.New(seed))
	for name, x := range p.All(theta) {
		z := make([]float64, len(x.Data))
		rng.Normal(rng.New(seed).Named("nudge").Named(name), z)
		for i := range x.Data {
			x.Data[i] += F(sd * z[i])
		}
	}
	return f, theta
}

func normal[F simd.Float](seed uint64, n int, sd float64) []F {
	x := make([]F, n)
	rng.Normal(rng.New(seed).Named("data"), x)
	for i := range x {
		x[i] *= F(sd)
	}
	return x
}

// each runs f for every recipe in several sizes.
func each[F simd.Float](t *testing.T, f func(t *testing.T, r recipe[F], dim, cond int)) {
	for _, size := range [][2]int{{1, 0}, {1, 2}, {2, 0}, {3, 2}, {5, 0}} {
		for _, r := range recipes[F](size[0], size[1]) {
			t.Run(fmt.Sprintf("%s/%d given %d", r.name, size[0], size[1]), func(t *testing.T) {
				f(t, r, size[0], size[1])
			})
		}
	}
}

func given[F simd.Float](t *autograd.Tape[F], x []F, n, cond int) autograd.Var[F] {
	if cond == 0 {
		return autograd.Var[F]{}
	}
	return t.Const(autograd.FromSlice(x, n, cond))
}

// TestRoundTrip goes there and back, from data and from latents.
func TestRoundTrip(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testRoundTrip[float64](t, 1e-10) })
	t.Run("float32", func(t *testing.T) { testRoundTrip[float32](t, 1e-5) })
}

func testRoundTrip[F simd.Float](t *testing.T, tol float64) {
	each(t, func(t *testing.T, r recipe[F], dim, cond int) {
		const n = 40
		f, theta := random(r, 3, 0.15)
		c, x := normal[F](5, n*cond, 1), normal[F](4, n*dim, 1.5)
		y, back, det, undo := make([]F, n*dim), make([]F, n*dim), make([]F, n), make([]F, n)
		s := NewScorer(f, theta)
		check := func(there, here func(dst, det, x, c []F)) {
			there(y, det, x, c)
			here(back, undo, y, c)
			for i := range x {
				require.InDelta(t, float64(x[i]), float64(back[i]), tol, "element %d", i)
			}
			for i := range det {
				require.InDelta(t, float64(det[i]), -float64(undo[i]), 3*tol, "determinant %d", i)
			}
		}
		check(s.Latent, s.Data)
		check(s.Data, s.Latent)
	})
}

// TestDeterminant compares with the determinant of the Jacobian that autograd finds.
func TestDeterminant(t *testing.T) {
	each(t, func(t *testing.T, r recipe[float64], dim, cond int) {
		const n = 6
		f, theta := random(r, 11, 0.2)
		tape := autograd.NewTape(theta)
		c := normal[float64](12, n*cond, 1)
		for _, inverse := range []bool{false, true} {
			tape.Reset()
			x := tape.Input(autograd.FromSlice(normal[float64](13, n*dim, 1.5), n, dim))
			var y, det autograd.Var[float64]
			if inverse {
				y, det = f.Map.Inverse(x, given(tape, c, n, cond))
			} else {
				y, det = f.Map.Forward(x, given(tape, c, n, cond))
			}
			require.Equal(t, autograd.Dims(n, 1), det.Shape())
			jac := make([][]float64, n) // of each row, row-major
			for j := range dim {
				g := autograd.NewTensor[float64](n, dim)
				for i := range n {
					g.Data[i*dim+j] = 1
				}
				row := autograd.VJP(nil, y, tape.Const(g), x)[0].Value()
				for i := range n {
					jac[i] = append(jac[i], row.Row(i)...)
				}
			}
			for i := range n {
				require.InDelta(t, logAbsDet(jac[i], dim), det.Value().Data[i], 1e-8, "row %d, inverse %v", i, inverse)
			}
		}
	})
}

// logAbsDet eliminates with pivots.
func logAbsDet(a []float64, n int) float64 {
	a = append([]float64(nil), a...)
	sum := 0.0
	for k := range n {
		p := k
		for i := k; i < n; i++ {
			if math.Abs(a[i*n+k]) > math.Abs(a[p*n+k]) {
				p = i
			}
		}
		for j := range n {
			a[k*n+j], a[p*n+j] = a[p*n+j], a[k*n+j]
		}
		sum += math.Log(math.Abs(a[k*n+k]))
		for i := k + 1; i < n; i++ {
			m := a[i*n+k] / a[k*n+k]
			for j := k; j < n; j++ {
				a[i*n+j] -= m * a[k*n+j]
			}
		}
	}
	return sum
}

// mass integrates a density of two columns over a square by the midpoint rule.
func mass[F simd.Float](f *Flow[F], theta []F, half float64, n int) float64 {
	s := NewScorer(f, theta)
	h, sum := 2*half/float64(n), 0.0
	x, logp := make([]F, 2*n), make([]F, n)
	for i := range n {
		for j := range n {
			x[2*j], x[2*j+1] = F(-half+h*(float64(i)+0.5)), F(-half+h*(float64(j)+0.5))
		}
		s.LogProb(logp, x, nil)
		for _, l := range logp {
			sum += math.Exp(float64(l))
		}
	}
	return sum * h * h
}

// TestMass: a density integrates to one.
func TestMass(t *testing.T) {
	for _, r := range recipes[float64](2, 0) {
		t.Run(r.name, func(t *testing.T) {
			seeds, grid := uint64(2), 240
			if testing.Short() {
				seeds, grid = 1, 120
			}
			for seed := range seeds {
				f, theta := random(r, seed, 0.12)
				require.InDelta(t, 1, mass(f, theta, 12, grid), 0.01)
			}
		})
	}
}

// TestStartsAsNormal: untouched, every recipe is the standard normal law.
func TestStartsAsNormal(t *testing.T) {
	each(t, func(t *testing.T, r recipe[float64], dim, cond int) {
		f, theta := random(r, 1, 0)
		const n = 9
		x, logp := normal[float64](2, n*dim, 2), make([]float64, n)
		NewScorer(f, theta).LogProb(logp, x, normal[float64](3, n*cond, 1))
		for i := range n {
			want := -0.5 * float64(dim) * math.Log(2*math.Pi)
			for _, v := range x[i*dim : (i+1)*dim] {
				want -= v * v / 2
			}
			require.InDelta(t, want, logp[i], 1e-12)
		}
	})
}

// TestRowsAreAlone: a row has the same bits in any batch, by Scorer and on a tape, float32 too; and its
// condition changes them.
func TestRowsAreAlone(t *testing.T) {
	each(t, func(t *testing.T, r recipe[float32], dim, cond int) {
		n := 2*chunk + 3
		f, theta := random(r, 21, 0.3)
		x, c := normal[float32](22, n*dim, 1.5), normal[float32](23, n*cond, 1)
		all := make([]float32, n)
		s := NewScorer(f, theta)
		s.LogProb(all, x, c)
		tape := autograd.NewTape(theta)
		whole := f.LogProb(tape.Const(autograd.FromSlice(x, n, dim)), given(tape, c, n, cond)).Value().Data
		require.Equal(t, all, whole)
		one := make([]float32, 1)
		for _, i := range []int{0, 1, chunk - 1, chunk, n - 1} {
			s.LogProb(one, x[i*dim:(i+1)*dim], c[i*cond:(i+1)*cond])
			require.Equal(t, all[i], one[0], "row %d", i)
		}
		drawn, few := make([]float32, n*dim), make([]float32, 5*dim)
		s.Sample(drawn, rng.New(9), c)
		s.Sample(few, rng.New(9), c[:5*cond])
		require.Equal(t, drawn[:5*dim], few)
		if cond > 0 {
			other, moved := append([]float32(nil), c...), make([]float32, n)
			for i := range other {
				other[i] += 0.5
			}
			s.LogProb(moved, x, other)
			same := 0 // rows beyond a spline's tails may be
			for i := range all {
				if all[i] == moved[i] {
					same++
				}
			}
			require.Less(t, same, n/50, "rows that do not see their condition")
		}
	})
}

// TestSampleFollowsDensity: drawn rows sent back are the key's normal numbers, and E[1/p] over a set is its area.
func TestSampleFollowsDensity(t *testing.T) {
	for _, r := range recipes[float64](2, 0) {
		t.Run(r.name, func(t *testing.T) {
			const n = 4000
			f, theta := random(r, 31, 0.15)
			s := NewScorer(f, theta)
			x, logp := make([]float64, 2*n), make([]float64, n)
			s.Sample(x, rng.New(5), nil)
			back, det, z := make([]float64, 2*n), make([]float64, n), make([]float64, 2*n)
			s.Latent(back, det, x, nil)
			rng.Normal(rng.New(5), z)
			require.InDeltaSlice(t, z, back, 1e-8, "each row has latents of its own")
			s.LogProb(logp, x, nil)
			area := 0.0
			for i, l := range logp {
				if math.Abs(x[2*i]) < 1 && math.Abs(x[2*i+1]) < 1 {
					area += math.Exp(-l) / n
				}
			}
			require.InDelta(t, 4, area, 0.5) // 4 standard errors
		})
	}
}

// TestGradient compares the likelihood's gradient by θ and by x with differences.
func TestGradient(t *testing.T) {
	each(t, func(t *testing.T, r recipe[float64], dim, cond int) {
		const n = 3
		f, theta := random(r, 41, 0.3)
		x, c := normal[float64](42, n*dim, 1.2), normal[float64](43, n*cond, 1)
		tape := autograd.NewTape(theta)
		loss := func() float64 {
			tape.Reset()
			tape.ThetaChanged()
			return f.LogProb(tape.Const(autograd.FromSlice(x, n, dim)), given(tape, c, n, cond)).Sum().Neg().Item()
		}
		tape.Reset()
		grad := make([]float64, len(theta))
		in := tape.Input(autograd.FromSlice(x, n, dim))
		nll := f.LogProb(in, given(tape, c, n, cond)).Sum().Neg()
		tape.Backward(nll, grad)
		byX := append([]float64(nil), autograd.VJP(nil, nll, tape.Scalar(1), in)[0].Value().Data...)
		slope := func(p *float64) float64 {
			const h = 1e-5
			v := *p
			*p = v + h
			up := loss()
			*p = v - h
			down := loss()
			*p = v
			return (up - down) / (2 * h)
		}
		for i := 0; i < len(theta); i += 1 + len(theta)/60 {
			require.InDelta(t, slope(&theta[i]), grad[i], 1e-6*(1+math.Abs(grad[i])), "theta %d", i)
		}
		for i := range x {
			require.InDelta(t, slope(&x[i]), byX[i], 1e-6*(1+math.Abs(byX[i])), "x %d", i)
		}
	})
}

// TestElements checks derivatives of derivatives, which a penalty on a flow's Jacobian needs, by x
// and by the parameters.
func TestElements(t *testing.T) {
	for name, e := range elements() {
		t.Run(name, func(t *testing.T) {
			const n, dim = 2, 2
			x := autograd.FromSlice([]float64{-1.3, 0.4, 0.9, 1.7}, n, dim)
			p := autograd.FromSlice(normal[float64](53, n*dim*e.Params(), 0.7), n, dim*e.Params())
			for _, f := range []func(x, p autograd.Var[float64]) (y, d autograd.Var[float64]){e.Forward, e.Inverse} {
				gradcheck.Check(t, func(x ...autograd.Var[float64]) autograd.Var[float64] {
					y, d := f(x[0], x[1])
					return autograd.Concat(1, y, d)
				}, x, p)
			}
		})
	}
}

// elements lists the elements under test.
func elements() map[string]Element[float64] {
	return map[string]Element[float64]{
		"affine": Affine[float64]{Bound: 2},
		"spline": Spline[float64]{Bins: 4, Tail: 1.5}, // one of the points is outside
	}
}

// TestNoAllocations in a training step, in scoring and in sampling.
func TestNoAllocations(t *testing.T) {
	for _, r := range recipes[float32](3, 2) {
		t.Run(r.name, func(t *testing.T) {
			const n = 20
			f, theta := random(r, 61, 0.2)
			x, c := normal[float32](62, n*3, 1), normal[float32](63, n*2, 1)
			xs, cs := autograd.FromSlice(x, n, 3), autograd.FromSlice(c, n, 2)
			logp, grad := make([]float32, n), make([]float32, len(theta))
			s, tape := NewScorer(f, theta), autograd.NewTape(theta)
			for name, pass := range map[string]func(){
				"train": func() {
					tape.Reset()
					tape.Backward(f.LogProb(tape.Const(xs), tape.Const(cs)).Sum().Neg(), grad)
				},
				"score":  func() { s.LogProb(logp, x, c) },
				"sample": func() { s.Sample(x, rng.New(1), c) },
			} {
				pass()
				require.Zero(t, testing.AllocsPerRun(5, pass), name)
			}
		})
	}
}

// TestInit: behind every ActNorm the data has mean 0 and variance 1.
func TestInit(t *testing.T) {
	const n, dim = 300, 3
	f, theta := random(recipes[float64](dim, 0)[0], 71, 0.1)
	x := normal[float64](72, n*dim, 1)
	for i := range x {
		x[i] = x[i]*float64(1+10*(i%dim)) + 100*float64(i%dim)
	}
	keep := append([]float64(nil), x...)
	f.Init(theta, x, nil)
	require.Equal(t, keep, x)
	tape := autograd.NewTape(theta)
	at := tape.Const(autograd.FromSlice(x, n, dim))
	seen := 0
	for _, b := range f.Map.(Chain[float64]) {
		at, _ = b.Forward(at, autograd.Var[float64]{})
		if _, ok := b.(*ActNorm[float64]); ok {
			seen++
			for j := range dim {
				sum, sq := 0.0, 0.0
				for i := range n {
					v := at.Value().Data[i*dim+j]
					sum += v
					sq += v * v
				}
				require.InDelta(t, 0, sum/n, 1e-9)
				require.InDelta(t, 1, sq/n, 1e-9)
			}
		}
	}
	require.Equal(t, 3, seen)

	a := NewActNorm(nn.NewParams[float64]().Root(), 1)
	flat := make([]float64, 16)
	for _, v := range []float64{5, 0} {
		a.Fit(flat, autograd.FromSlice([]float64{v, v, v}, 3, 1))
		require.Equal(t, []float64{v, 0}, []float64{flat[a.Mean.Off], flat[a.LogScale.Off]}, "a constant column")
	}
	a.Fit(flat, autograd.FromSlice([]float64{1e-40, -1e-40}, 2, 1))
	require.Zero(t, flat[a.LogScale.Off], "its inverse would not be a float32")
}

// TestMisuse: wrong shapes panic and say what was wanted.
func TestMisuse(t *testing.T) {
	f, theta := random(recipes[float64](3, 2)[0], 1, 0)
	tape := autograd.NewTape(theta)
	x, none := tape.Zeros(autograd.Dims(4, 3)), autograd.Var[float64]{}
	for want, call := range map[string]func(){
		"bijector: LogProb: x is [4 2], want [rows 3]":                          func() { f.LogProb(tape.Zeros(autograd.Dims(4, 2)), none) },
		"bijector: LogProb: no condition, want [4 2]":                           func() { f.LogProb(x, none) },
		"bijector: LogProb: the condition is [4 1], want [4 2]":                 func() { f.LogProb(x, tape.Zeros(autograd.Dims(4, 1))) },
		"bijector: NewPermute: [0 0] is not an order of 0 to 1":                 func() { NewPermute[float64](0, 0) },
		"bijector: LogProb: 6 numbers for rows of 3 with 0 of a condition of 2": func() { NewScorer(f, theta).LogProb(make([]float64, 2), make([]float64, 6), nil) },
		"bijector: LogProb: room for 1 densities of 2 rows":                     func() { NewScorer(f, theta).LogProb(make([]float64, 1), make([]float64, 6), make([]float64, 4)) },
		"bijector: NewCoupling: 0 columns under a condition of 0": func() {
			NewCoupling(nn.NewParams[float64]().Root(), Element[float64](Affine[float64]{}), 0, 0, false, nil)
		},
	} {
		require.PanicsWithValue(t, want, call)
	}
}

// TestEmptyChain is the identity, whatever the chains within it.
func TestEmptyChain(t *testing.T) {
	f := &Flow[float64]{Map: Chain[float64]{Chain[float64]{}}, Dim: 1}
	logp := make([]float64, 2)
	NewScorer(f, nil).LogProb(logp, []float64{0, 1}, nil)
	require.InDeltaSlice(t, []float64{-halfLog2Pi, -halfLog2Pi - 0.5}, logp, 1e-15)
	tape := autograd.NewTape[float64](nil)
	require.Equal(t, logp, f.LogProb(tape.Const(autograd.FromRows([][]float64{{0}, {1}})), autograd.Var[float64]{}).Value().Data)
}
