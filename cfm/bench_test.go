package cfm

import (
	"testing"

	"pushforward/autograd"
	"pushforward/nn"
	"pushforward/odeint"
	"pushforward/simd"
	"pushforward/simd/rng"
)

func mlpFlow[F simd.Float](dim, hidden, layers int, act nn.Func[F]) *Flow[F] {
	p := nn.NewParams[F]()
	field := NewMLPField(p.Root(), dim, hidden, layers, act)
	return &Flow[F]{Dim: dim, Field: field, Theta: p.Init(rng.New(1))}
}

func BenchmarkTrainSmall(b *testing.B) {
	f := mlpFlow(2, 64, 3, nn.Func[float32](autograd.Var[float32].SELU))
	tr := &Trainer[float32]{Flow: f, Data: FromTensor(normalTensor[float32](4096, 2, rng.New(2))), Loss: Match(f.Field, CondOT{}, UniformTime), Steps: 1 << 30}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tr.Step(); err != nil {
			b.Fatal(err)
		}
	}
	tr.Close()
}

func BenchmarkTrainMedium(b *testing.B) {
	f := mlpFlow(64, 256, 4, nn.Func[float32](autograd.Var[float32].SiLU))
	tr := &Trainer[float32]{Flow: f, Data: FromTensor(normalTensor[float32](4096, 64, rng.New(2))), Loss: Match(f.Field, CondOT{}, UniformTime), Steps: 1 << 30, Batch: 1024}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tr.Step(); err != nil {
			b.Fatal(err)
		}
	}
	tr.Close()
}

func BenchmarkSampleSmall(b *testing.B) {
	f := mlpFlow(2, 64, 3, nn.Func[float32](autograd.Var[float32].SELU))
	for b.Loop() {
		if _, err := f.Sample(bg, 2000, rng.New(1), odeint.Options{Rtol: 1e-5, Atol: 1e-5}); err != nil {
			b.Fatal(err)
		}
	}
}

// The default net of the digits, 64 rows, exact divergence: one evaluation of the whole.
func BenchmarkDivergence64(b *testing.B) {
	p := nn.NewParams[float32]()
	f := &Flow[float32]{Dim: 64, Field: NewNet(p.Root(), NetConfig{Dim: 64, Hidden: 256, Blocks: 3}), Theta: p.Init(rng.New(1))}
	s := newDivergence(f, 0)
	const n = 32
	batch := odeint.Batch[float64]{Row: make([]int, n), T: make([]float64, n), Y: make([]float64, n*s.Dim())}
	rng.Normal(rng.New(1), batch.Y)
	dst := make([]float64, n*s.Dim())
	for b.Loop() {
		s.Eval(dst, batch)
	}
	b.ReportMetric(float64(2*len(f.Theta)*65*n)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

func BenchmarkDensitySmall(b *testing.B) {
	f := mlpFlow(2, 64, 3, nn.Func[float32](autograd.Var[float32].SELU))
	x := normalTensor[float32](1000, 2, rng.New(3))
	for b.Loop() {
		if _, err := f.LogDensity(bg, x, DensityOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPrepareSmall(b *testing.B) {
	f := mlpFlow(2, 64, 3, nn.Func[float32](autograd.Var[float32].SELU))
	tr := &Trainer[float32]{Flow: f, Data: FromTensor(normalTensor[float32](4096, 2, rng.New(2))), Steps: 1 << 30}
	r := tr.setup()
	s := newSlot(r)
	for b.Loop() {
		s.prepare()
		s.step++
	}
}

func BenchmarkMatchFill(b *testing.B) {
	x := normalTensor[float32](256, 2, rng.New(2))
	batch := Batch[float32]{X0: x, X1: x, Row: make([]int, 256), Total: 256}
	for i := range batch.Row {
		batch.Row[i] = i
	}
	m := &match[float32]{path: CondOT{}, hi: 1}
	tp := autograd.NewTape[float32](nil)
	t, xt, u := make([]float32, 256), autograd.NewTensor[float32](256, 2), autograd.NewTensor[float32](256, 2)
	for b.Loop() {
		m.fill(tp, t, xt.Data, u.Data, nil, batch, rng.New(1))
	}
}

// The default network on a table of two columns.
func BenchmarkTrainNet(b *testing.B) {
	p := nn.NewParams[float32]()
	f := &Flow[float32]{Dim: 2, Field: NewNet(p.Root(), NetConfig{Dim: 2}), Theta: p.Init(rng.New(1))}
	tr := &Trainer[float32]{Flow: f, Data: FromTensor(normalTensor[float32](4096, 2, rng.New(2))), Steps: 1 << 30}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tr.Step(); err != nil {
			b.Fatal(err)
		}
	}
	tr.Close()
	b.ReportMetric(6*256*float64(len(f.Theta))*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}
