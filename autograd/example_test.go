package autograd_test

import (
	"fmt"
	"math"
	"os"

	. "pushforward/autograd"
	"pushforward/simd"
)

// A derivative of any order is a VJP of a VJP.
func ExampleVJP() {
	tape := NewTape[float64](nil)
	x := tape.Input(FromSlice([]float64{1, 2, 3}))
	one := tape.Full(Dims(3), 1)
	y := x.Square().Mul(x) // x³

	d1 := VJP(nil, y, one, x)[0]
	d2 := VJP(nil, d1, one, x)[0]
	d3 := VJP(nil, d2, one, x)[0]
	fmt.Println(d1.Value().Data, d2.Value().Data, d3.Value().Data)
	// Output: [3 12 27] [6 12 18] [6 6 6]
}

// Backward fits a line by gradient descent. θ is one vector; two Params say what lies where.
func ExampleTape_Backward() {
	theta := make([]float64, 2)
	slope, offset := Param{Off: 0, Shape: Dims(1, 1)}, Param{Off: 1, Shape: Dims(1)}
	x := FromRows([][]float64{{0}, {1}, {2}, {3}})
	y := FromRows([][]float64{{1}, {3}, {5}, {7}})

	tape, grad := NewTape(theta), make([]float64, 2)
	for range 500 {
		tape.Reset()
		loss := MSE(Linear(tape.Const(x), tape.Param(slope), tape.Param(offset)), tape.Const(y))
		clear(grad)
		tape.Backward(loss, grad)
		for i := range theta {
			theta[i] -= 0.1 * grad[i]
		}
		tape.ThetaChanged()
	}
	fmt.Printf("%.4f\n", theta)
	// Output: [2.0000 1.0000]
}

// The divergence of the field v(x) = (x₀², x₀x₁) is 3x₀.
func ExampleTrace() {
	tape := NewTape[float64](nil)
	x := tape.Input(FromRows([][]float64{{1, 5}, {2, 7}}))
	v := x.Mul(x.Slice(1, 0, 1))
	fmt.Println(Trace(v, x).Value().Data)
	// Output: [3 6]
}

func ExampleHutchinson() {
	tape := NewTape[float64](nil)
	x := tape.Input(FromRows([][]float64{{1, 5}, {2, 7}}))
	v := x.Mul(x.Slice(1, 0, 1))
	up := tape.Const(FromRows([][]float64{{1, 1}, {1, 1}}))
	down := tape.Const(FromRows([][]float64{{1, -1}, {1, -1}}))
	fmt.Println(Hutchinson(v, x, up).Value().Data, Hutchinson(v, x, up, down).Value().Data)
	// Output: [8 13] [3 6]
}

func ExampleJVP() {
	tape := NewTape[float64](nil)
	x := tape.Input(FromSlice([]float64{1, 2}))
	dx := tape.Const(FromSlice([]float64{1, 0.5}))
	fmt.Println(JVP(x.Square(), x, dx).Value().Data)
	// Output: [2 2]
}

// Inference is recording followed by release.
func ExampleTape_Release() {
	tape := NewTape[float64](nil)
	x := tape.Input(FromSlice([]float64{3, 4}))
	m := tape.Mark()
	norm := x.Norm2().Item()
	tape.Release(m)
	fmt.Println(norm, tape.Len())
	// Output: 5 1
}

type softsign[F simd.Float] struct{}

// Softsign returns x / (1 + |x|).
func Softsign[F simd.Float](x Var[F]) Var[F] { return Apply(softsign[F]{}, x.Shape(), x) }

func (softsign[F]) Name() string { return "softsign" }

func (softsign[F]) Forward(y Var[F]) {
	dst, x := y.Value().Data, y.In(0).Value().Data
	for i, v := range x {
		dst[i] = v / (1 + F(math.Abs(float64(v))))
	}
}

// y' = (1 - |y|)². It is written with recorded operations, so second derivatives need no
// further code.
func (softsign[F]) VJP(y, g Var[F], _ int) Var[F] {
	return g.Mul(y.Abs().Scale(-1).Shift(1).Square())
}

// An operation of one's own: a name, a value, and a derivative in recorded operations.
func ExampleApply() {
	tape := NewTape[float64](nil)
	x := tape.Input(FromSlice([]float64{1, -3}))
	y := Softsign(x)
	fmt.Println(y.Value().Data, VJP(nil, y, tape.Full(Dims(2), 1), x)[0].Value().Data)
	// Output: [0.5 -0.75] [0.25 0.0625]
}

func ExampleCheckpoint() {
	tape := NewTape[float64](nil)
	x := tape.Input(FromSlice([]float64{1, 2}))
	block := func(x ...Var[float64]) Var[float64] { return x[0].Square().Shift(1).Square() }
	y := Checkpoint(block, x)
	fmt.Println(tape.Len(), y.Value().Data)
	fmt.Println(VJP(nil, y, tape.Full(Dims(2), 1), x)[0].Value().Data)
	// Output:
	// 2 [4 25]
	// [8 40]
}

func ExampleTape_Dump() {
	tape := NewTape(make([]float32, 8))
	x := tape.Input(NewTensor[float32](4, 3))
	h := Linear(x, tape.Param(Param{Off: 0, Shape: Dims(2, 3)}), tape.Param(Param{Off: 6, Shape: Dims(2)}))
	h.SELU().Square().Mean()
	if err := tape.Dump(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	//     0 Input                    [4 3]            borrowed
	//     1 Param                    [2 3]            borrowed
	//     2 Param                    [2]              borrowed
	//     3 Linear(0 1 2)            [4 2]            32 B
	//     4 SELU(3)                  [4 2]            32 B
	//     5 Square(4)                [4 2]            32 B
	//     6 SumTo(5)                 []               4 B
	//     7 Scale(6)                 []               4 B
	// 8 values, 104 B; slabs 65536 B, for cotangents 0 B
}

// A tensor is a view: its rows, and slices and shapes of it, share the data.
func ExampleTensor() {
	x := FromRows([][]float64{{1, 2}, {3, 4}, {5, 6}})
	x.Slice(1, 3).Row(0)[1] = 40
	fmt.Println(x.Shape, x.Reshape(2, -1).Row(1))
	// Output: [3 2] [40 5 6]
}

// Operands stretch to a common shape; axes that are summed over stay, with extent 1.
func ExampleVar() {
	tape := NewTape[float64](nil)
	x := tape.Const(FromRows([][]float64{{1, 2, 3}, {4, 5, 6}}))
	centred := x.Sub(x.MeanAxes(1))
	fmt.Println(centred.Value().Data, centred.Square().SumAxis(1).Shape())
	// Output: [-1 0 1 -1 0 1] [2 1]
}
