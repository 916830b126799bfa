package bijector

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/autograd/gradcheck"
	"pushforward/nn"
)

// TestSolve: all four triangles give back what they were multiplied by, with right derivatives.
func TestSolve(t *testing.T) {
	const n = 3
	tri := autograd.FromRows([][]float64{{1.5, 0.3, -0.7}, {0.4, -0.8, 0.2}, {0.6, -0.5, 1.1}})
	y := autograd.FromSlice(normal[float64](1, 2*n, 1), 2, n)
	for _, upper := range []int32{0, 1} {
		for _, trans := range []int32{0, 1} {
			half := autograd.NewTensor[float64](n, n)
			triangle(half.Data, n, upper == 1, true)
			tape := autograd.NewTape[float64](nil)
			m := tape.Const(tri).Mul(tape.Const(half))
			x := solve(tape.Const(y), tape.Const(tri), upper, trans)
			back := x.MatMulT(m)
			if trans == 1 {
				back = x.MatMul(m)
			}
			require.InDeltaSlice(t, y.Data, back.Value().Data, 1e-14)
			gradcheck.Check(t, func(x ...autograd.Var[float64]) autograd.Var[float64] {
				return solve(x[0], x[1], upper, trans)
			}, y, tri)
		}
	}
}

// TestLULinear is the product of its factors.
func TestLULinear(t *testing.T) {
	p := nn.NewParams[float64]()
	l := NewLULinear(p.Root(), 2)
	theta := p.Zeros()
	copy(theta[l.Lower.Off:], []float64{9, 9, 0.5, 9}) // L = [1 0; 0.5 1]: the nines do not count
	copy(theta[l.Upper.Off:], []float64{9, 2, 9, 9})   // U = [1 2; 0 1]
	copy(theta[l.Bias.Off:], []float64{10, 20})
	tape := autograd.NewTape(theta)
	y, det := l.Forward(tape.Const(autograd.FromRows([][]float64{{1, 3}})), autograd.Var[float64]{})
	require.Equal(t, []float64{17, 26.5}, y.Value().Data)
	require.Equal(t, []float64{0}, det.Value().Data)
}

// TestPermute: where the columns go, and back.
func TestPermute(t *testing.T) {
	tape := autograd.NewTape[float64](nil)
	x := tape.Const(autograd.FromRows([][]float64{{1, 2, 3}}))
	y, _ := NewPermute[float64](2, 0, 1).Forward(x, autograd.Var[float64]{})
	require.Equal(t, []float64{3, 1, 2}, y.Value().Data)
	back, _ := NewPermute[float64](2, 0, 1).Inverse(y, autograd.Var[float64]{})
	require.Equal(t, []float64{1, 2, 3}, back.Value().Data)
	r, _ := NewReverse[float64](3).Forward(x, autograd.Var[float64]{})
	require.Equal(t, []float64{3, 2, 1}, r.Value().Data)
}

// TestAutoregressive: row i of the Jacobian ends at the diagonal, and of the parameters before it. The
// parameters that may depend on a column do, and all depend on the condition.
func TestAutoregressive(t *testing.T) {
	for _, cond := range []int{0, 2} {
		const dim = 4
		p := nn.NewParams[float64]()
		a := NewAutoregressive(p.Root(), Element[float64](Affine[float64]{}), dim, cond, autograd.Var[float64].SiLU, 9, 8)
		theta := normal[float64](3, len(p.Zeros()), 0.5)
		tape := autograd.NewTape(theta)
		x := tape.Input(autograd.FromSlice(normal[float64](4, dim, 1), 1, dim))
		var c autograd.Var[float64]
		if cond > 0 {
			c = tape.Input(autograd.FromSlice(normal[float64](5, cond, 1), 1, cond))
		}
		y, _ := a.Forward(x, c)
		out := a.net.Forward(x, c)
		one := func(n, i int) autograd.Var[float64] {
			g := autograd.NewTensor[float64](1, n)
			g.Data[i] = 1
			return tape.Const(g)
		}
		for i := range dim {
			row := autograd.VJP(nil, y, one(dim, i), x)[0].Value().Data
			for j := range dim {
				require.Equal(t, j <= i, row[j] != 0, "∂y%d/∂x%d = %g", i, j, row[j])
			}
			for _, k := range []int{i, dim + i} {
				by := autograd.VJP(nil, out, one(2*dim, k), x)[0].Value().Data
				for j := range dim {
					require.Equal(t, j < i, by[j] != 0, "parameter %d by x%d: %g", k, j, by[j])
				}
				if cond > 0 {
					by = autograd.VJP(nil, out, one(2*dim, k), c)[0].Value().Data
					require.NotZero(t, by[0], "parameter %d by the condition", k)
				}
			}
		}
	}
}

// TestPlanarRoot: the root is one, for slopes near the limit too, and its derivatives are right.
func TestPlanarRoot(t *testing.T) {
	for _, s := range []float64{-1, -0.999999, -0.5, 0, 3, 1e4} {
		for _, b := range []float64{0, -2, 5} {
			for _, c := range []float64{-b, 0, 0.3, -7, 2e3} {
				a := planarRoot(c, s, b)
				require.InDelta(t, c, a+s*math.Tanh(a+b), 1e-12*(1+math.Abs(c)+math.Abs(s)), "s %g, b %g", s, b)
			}
		}
	}
	one := func(v float64) autograd.Tensor[float64] { return autograd.FromSlice([]float64{v}, 1, 1) }
	gradcheck.Check(t, func(x ...autograd.Var[float64]) autograd.Var[float64] { return root(x[0], x[1], x[2]) },
		autograd.FromSlice([]float64{0.7, -1.1, 2}, 3, 1), one(-0.6), one(0.3))
}

// TestShort compares the ops on short rows with the general ones and checks their derivatives.
func TestShort(t *testing.T) {
	x := autograd.FromSlice(normal[float64](6, 12, 2), 2, 2, 3)
	k := autograd.FromSlice([]float64{0, 1, 1, 0}, 2, 2, 1)
	tape := autograd.NewTape[float64](nil)
	v := tape.Const(x)
	require.InDeltaSlice(t, v.SumAxis(2).Value().Data, sumShort(v).Value().Data, 1e-15)
	require.InDeltaSlice(t, v.Softmax(2).Value().Data, softmaxShort(v).Value().Data, 1e-15)
	require.Equal(t, []float64{x.Data[1], x.Data[5], x.Data[8], x.Data[10]}, pick(v, tape.Const(k), 1).Value().Data)
	for _, f := range []func(x autograd.Var[float64]) autograd.Var[float64]{
		sumShort[float64], softmaxShort[float64],
		func(x autograd.Var[float64]) autograd.Var[float64] { return pick(x, x.Tape().Const(k), 1) },
		func(x autograd.Var[float64]) autograd.Var[float64] { return pick(x, x.Tape().Const(k), 0).Mul(x) },
	} {
		gradcheck.Check(t, func(x ...autograd.Var[float64]) autograd.Var[float64] { return f(x[0]) }, x)
	}
}
