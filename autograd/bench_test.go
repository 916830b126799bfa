package autograd

import "testing"

// BenchmarkNode is the tape's price: values of one element, recorded and swept back over.
func BenchmarkNode(b *testing.B) {
	tape := NewTape([]float32{0.5})
	p := Param{0, Dims(1, 1)}
	grad := make([]float32, 1)
	const n = 240
	step := func() {
		tape.Reset()
		x := tape.Param(p)
		for range n / 2 {
			x = x.Shift(0.5).Scale(0.9)
		}
		tape.Backward(x, grad)
	}
	step()
	b.ReportAllocs()
	for b.Loop() {
		step()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/node")
}

// BenchmarkTrain is a training step of 2→64→64→64→2 at batch 256, without the optimizer.
func BenchmarkTrain(b *testing.B) {
	m := newMLP[float32](2, 64, 64, 64, 2)
	tape := NewTape(m.theta)
	x, u := ramp[float32](256, 2), ramp[float32](256, 2)
	grad := make([]float32, len(m.theta))
	b.ReportAllocs()
	for b.Loop() {
		tape.Reset()
		tape.ThetaChanged()
		tape.Backward(MSE(m.forward(tape.Const(x), Var[float32].SELU), tape.Const(u)), grad)
	}
}

// BenchmarkHutchinson is the gradient by θ of a divergence estimate, second order, same network.
func BenchmarkHutchinson(b *testing.B) {
	m := newMLP[float32](2, 64, 64, 64, 2)
	tape := NewTape(m.theta)
	x, e := ramp[float32](256, 2), ramp[float32](256, 2)
	grad := make([]float32, len(m.theta))
	b.ReportAllocs()
	for b.Loop() {
		tape.Reset()
		tape.ThetaChanged()
		in := tape.Input(x)
		tape.Backward(Hutchinson(m.forward(in, Var[float32].Tanh), in, tape.Const(e)).Mean(), grad)
	}
}

// BenchmarkConv is a 3×3 convolution of 64 images 28×28×32, forward and both gradients.
func BenchmarkConv(b *testing.B) {
	const weights = 32 * 32 * 9
	theta := append(ramp[float32](weights+32).Data, 1)
	w, bias, s := Param{0, Dims(32, 32, 3, 3)}, Param{weights, Dims(32)}, Param{weights + 32, Dims()}
	tape := NewTape(theta)
	x := ramp[float32](64, 32, 28, 28)
	grad := make([]float32, len(theta))
	b.ReportAllocs()
	for b.Loop() {
		tape.Reset()
		y := Conv2d(tape.Const(x).Mul(tape.Param(s)), tape.Param(w), tape.Param(bias), Conv{Pad: [2]int{1, 1}})
		tape.Backward(y.Sum(), grad)
	}
	b.ReportMetric(3*2*64*784*288*32*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
}

// BenchmarkAttention is 4 heads of 32 over 64 tokens, batch 16, forward and gradient.
func BenchmarkAttention(b *testing.B) {
	tape := NewTape([]float32{1})
	q := ramp[float32](16, 4, 64, 32)
	grad := make([]float32, 1)
	b.ReportAllocs()
	for b.Loop() {
		tape.Reset()
		x := tape.Const(q).Mul(tape.Param(Param{}))
		tape.Backward(x.MatMulT(x).Scale(0.18).Softmax(3).MatMul(x).Sum(), grad)
	}
}
