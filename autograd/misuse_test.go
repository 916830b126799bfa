package autograd_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	. "pushforward/autograd"
)

// text returns what f panics with.
func text(t *testing.T, f func()) (s string) {
	t.Helper()
	defer func() {
		r := recover()
		require.NotNil(t, r, "no panic")
		err, ok := r.(error)
		require.True(t, ok, "panic with %v, not an error", r)
		s = err.Error()
	}()
	f()
	return ""
}

func TestMessages(t *testing.T) {
	tape, other := NewTape(make([]float64, 6)), NewTape[float64](nil)
	v := func(d ...int) Var[float64] { return tape.Input(NewTensor[float64](d...)) }
	gone := func() Var[float64] {
		m := tape.Mark()
		x := v(2).Exp()
		tape.Release(m)
		return x
	}
	for want, f := range map[string]func(){
		"autograd: MatMulT: [64 3]·[128 2]ᵀ: inner extents 3 and 2 differ":                                        func() { v(64, 3).MatMulT(v(128, 2)) },
		"autograd: MatMul: [64 3]·[2 5]: inner extents 3 and 2 differ":                                            func() { v(64, 3).MatMul(v(2, 5)) },
		"autograd: MatMul: [2 2 3]·[3 3 4]: extents differ and neither is 1":                                      func() { v(2, 2, 3).MatMul(v(3, 3, 4)) },
		"autograd: Linear: [4 3], [5 2], [5]: inner extents 3 and 2 differ":                                       func() { Linear(v(4, 3), v(5, 2), v(5)) },
		"autograd: Add: [4 3], [4 2]: extents differ and neither is 1":                                            func() { v(4, 3).Add(v(4, 2)) },
		"autograd: Sub: [4 1], [4]: ranks differ and both would stretch, to [4 4]; write Expand if that is meant": func() { v(4, 1).Sub(v(4)) },
		"autograd: Mul: operand was released; copy its Value first":                                               func() { v(2).Mul(gone()) },
		"autograd: Tanh: operand was released; copy its Value first":                                              func() { gone().Tanh() },
		"autograd: Value: operand was released; copy its Value first":                                             func() { gone().Value() },
		"autograd: VJP: operand was released; copy its Value first":                                               func() { x := v(2); VJP(nil, x, x, gone()) },
		"autograd: Mul: operands are on different tapes":                                                          func() { v(2).Mul(other.Input(NewTensor[float64](2))) },
		"autograd: Concat: operands are on different tapes":                                                       func() { Concat(0, v(2), other.Input(NewTensor[float64](2))) },
		"autograd: Add: operand is the zero Var, which is on no tape":                                             func() { v(2).Add(Var[float64]{}) },
		"autograd: Backward: the gradient has length 5, θ 6":                                                      func() { tape.Backward(v(1).Sum(), make([]float64, 5)) },
		"autograd: Backward: [2]: the loss is not a scalar":                                                       func() { tape.Backward(v(2), make([]float64, 6)) },
		"autograd: Param: [2 3] at offset 1 does not lie in a θ of length 6":                                      func() { tape.Param(Param{Off: 1, Shape: Dims(2, 3)}) },
		"autograd: Reshape: [2 3], [4]: 6 elements do not fill 4":                                                 func() { v(2, 3).Reshape(Dims(4)) },
		"autograd: Slice: [2 3]: axis 1 has no elements 2 to 4 in steps of 1":                                     func() { v(2, 3).Slice(1, 2, 4) },
		"autograd: SumAxis: [2 3]: axis 2 does not exist":                                                         func() { v(2, 3).SumAxis(2) },
		"autograd: Expand: [2 3], [2 4]: the first does not stretch to the second":                                func() { v(2, 3).Expand(Dims(2, 4)) },
		"autograd: VJP: [2], [3]: a value and its cotangent differ in shape":                                      func() { x := v(2); VJP(nil, x, v(3), x) },
		"autograd: Const: [2]: the shape has 2 elements, Data 3":                                                  func() { tape.Const(Tensor[float64]{Dims(2), make([]float64, 3)}) },
		"autograd: IndexSelect: [2 3]: axis 0 has no index 2":                                                     func() { v(2, 3).IndexSelect(0, []int32{2}) },
		"autograd: Dims: 9 extents, at most 8":                                                                    func() { Dims(1, 1, 1, 1, 1, 1, 1, 1, 1) },
		"autograd: Item: [2]: not one element":                                                                    func() { v(2).Item() },
		"autograd: JointJVP: 2 values and 1 tangents":                                                             func() { x := v(2); JointJVP(x, []Var[float64]{x, x}, []Var[float64]{x}) },
		"autograd: JointJVP: [2], [3]: a value and its tangent differ in shape":                                   func() { x := v(2); JointJVP(x, []Var[float64]{x}, []Var[float64]{v(3)}) },
		"autograd: AvgPool2d: [1 1 2 2]: the window [3 3] is larger than the image":                               func() { v(1, 1, 2, 2).AvgPool2d(Pool{Window: [2]int{3, 3}}) },
		"autograd: MaxPool2d: [1 1 4 4]: the padding [2 0] is not between 0 and half of the window [3 3]":         func() { v(1, 1, 4, 4).MaxPool2d(Pool{Window: [2]int{3, 3}, Pad: [2]int{2, 0}}) },
		"autograd: MaxPool2d: [1 1 4 4]: want x [N C H W], a window and a stride; got window [0 0], stride [0 0]": func() { v(1, 1, 4, 4).MaxPool2d(Pool{}) },
		"autograd: Conv2d: [1 2 3 3], [4 3 1 1]: want x [N C H W] and w [O C/groups kh kw], groups 1":             func() { Conv2d(v(1, 2, 3, 3), v(4, 3, 1, 1), Var[float64]{}, Conv{}) },
		"autograd: double: [2], [1]: VJP of operand 0 has another shape than the operand": func() {
			x := v(2)
			VJP(nil, Apply(double{}, Dims(2), x), v(2), x)
		},
	} {
		require.Equal(t, want, text(t, f))
	}
}

// double is an op whose VJP is wrong.
type double struct{}

func (double) Name() string { return "double" }
func (double) Forward(y Var[float64]) {
	for i, v := range y.In(0).Value().Data {
		y.Value().Data[i] = 2 * v
	}
}
func (double) VJP(_, g Var[float64], _ int) Var[float64] { return g.Sum().Reshape(Dims(1)) }

// times is an op that no == can compare.
type times struct{ by []float64 }

func (times) Name() string { return "times" }
func (op times) Forward(y Var[float64]) {
	for i, v := range y.In(0).Value().Data {
		y.Value().Data[i] = op.by[i] * v
	}
}
func (op times) VJP(_, g Var[float64], _ int) Var[float64] { return Apply(op, g.Shape(), g) }

// TestOpsThatDoNotCompare: the places of a tape are taken in turn by ops of any kind.
func TestOpsThatDoNotCompare(t *testing.T) {
	tape := NewTape([]float64{2, 3})
	grad := make([]float64, 2)
	for i := range 4 {
		tape.Reset()
		clear(grad)
		x := tape.Param(Param{0, Dims(2)})
		if i == 2 {
			tape.Backward(x.Exp().Log().Sum(), grad)
			require.InDeltaSlice(t, []float64{1, 1}, grad, 1e-15)
			continue
		}
		tape.Backward(Apply(times{[]float64{5, float64(i)}}, Dims(2), Apply(times{[]float64{1, 7}}, Dims(2), x)).Sum(), grad)
		require.Equal(t, []float64{5, 7 * float64(i)}, grad)
	}
}

func TestReleaseTwice(t *testing.T) {
	tape := NewTape[float64](nil)
	m0 := tape.Mark()
	tape.Scalar(1)
	m1 := tape.Mark()
	tape.Release(m0)
	require.Contains(t, text(t, func() { tape.Release(m1) }), "released already")
}

// TestReleasedIdIsNotTheNewOne: a Var stays dead when its place is taken again.
func TestReleasedIdIsNotTheNewOne(t *testing.T) {
	tape := NewTape[float64](nil)
	x := tape.Scalar(1)
	tape.Reset()
	tape.Scalar(2)
	require.Contains(t, text(t, func() { x.Exp() }), "released")
}

func TestNonFinite(t *testing.T) {
	tape := NewTape[float64](nil)
	x := tape.Input(FromSlice([]float64{1, 0, 2}))
	_, found := tape.NonFinite()
	require.False(t, found)
	x.Log().Exp().Sum()
	bad, found := tape.NonFinite()
	require.True(t, found)
	require.Equal(t, "Log", bad.OpName())
	require.True(t, math.IsInf(bad.Value().Data[1], -1))
}

func TestDetach(t *testing.T) {
	tape := NewTape[float64](nil)
	x := tape.Input(FromSlice([]float64{1, -2}))
	y := x.Detach().Mul(x)
	require.Equal(t, []float64{1, -2}, VJP(nil, y, tape.Full(Dims(2), 1), x)[0].Value().Data)
	require.Equal(t, []float64{0, 0}, VJP(nil, x.Detach(), tape.Full(Dims(2), 1), x)[0].Value().Data)
	require.Equal(t, []float64{0, 0}, JVP(x.Detach(), x, tape.Full(Dims(2), 1)).Value().Data)
}

func TestDump(t *testing.T) {
	tape := NewTape(make([]float64, 15))
	x := tape.Input(NewTensor[float64](4, 3))
	x.MatMulT(tape.Param(Param{0, Dims(5, 3)})).Reshape(Dims(20)).Sum()
	var b bytes.Buffer
	require.NoError(t, tape.Dump(&b))
	require.Equal(t, `    0 Input                    [4 3]            borrowed
    1 Param                    [5 3]            borrowed
    2 MatMul(0 1)              [4 5]            160 B
    3 Reshape(2)               [20]             shared
    4 SumTo(3)                 []               8 B
5 values, 168 B; slabs 131072 B, for cotangents 0 B
`, b.String())
}
