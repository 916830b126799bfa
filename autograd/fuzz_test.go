package autograd_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	. "pushforward/autograd"
)

// FuzzShapes gives operands of arbitrary shapes to operations of two: either they fit, and then the
// derivatives have the operands' shapes, or the panic is a ShapeError. Nothing else may happen.
func FuzzShapes(f *testing.F) {
	f.Add([]byte{2, 3}, []byte{3}, uint8(0))
	f.Add([]byte{2, 1}, []byte{2}, uint8(1))
	f.Add([]byte{2, 3, 4}, []byte{1, 4, 0}, uint8(4))
	f.Add([]byte{}, []byte{0}, uint8(2))
	f.Add([]byte{4, 1, 3, 3}, []byte{2, 1, 2, 2}, uint8(8))
	f.Fuzz(func(t *testing.T, a, b []byte, op uint8) {
		shape := func(d []byte) (s []int) {
			for _, v := range d[:min(len(d), MaxRank)] {
				s = append(s, int(v%5))
			}
			return s
		}
		tape := NewTape[float64](nil)
		x, y := tape.Input(NewTensor[float64](shape(a)...)), tape.Input(NewTensor[float64](shape(b)...))
		ops := []func() Var[float64]{
			func() Var[float64] { return x.Add(y) },
			func() Var[float64] { return x.Sub(y) },
			func() Var[float64] { return x.Mul(y) },
			func() Var[float64] { return x.Div(y) },
			func() Var[float64] { return x.MatMul(y) },
			func() Var[float64] { return x.MatMulT(y) },
			func() Var[float64] { return x.Maximum(y) },
			func() Var[float64] { return Concat(int(op)%7-3, x, y) },
			func() Var[float64] { return Conv2d(x, y, Var[float64]{}, Conv{Pad: [2]int{int(op) % 3, 1}}) },
			func() Var[float64] { return x.Expand(y.Shape()) },
			func() Var[float64] { return x.SumTo(y.Shape()) },
			func() Var[float64] { return LayerNorm(x, y, y, 1e-3) },
			func() Var[float64] { return MSE(x, y) },
			func() Var[float64] { return x.Reshape(y.Shape()) },
		}
		defer func() {
			if r := recover(); r != nil {
				require.IsType(t, (*ShapeError)(nil), r)
				require.NotEmpty(t, r.(error).Error())
			}
		}()
		z := ops[int(op)%len(ops)]()
		for i, d := range VJP(nil, z, tape.Zeros(z.Shape()), x, y) {
			require.Equal(t, []Var[float64]{x, y}[i].Shape(), d.Shape())
		}
	})
}
