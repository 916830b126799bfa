package bench

import (
	"bytes"
	"embed"
	"fmt"

	"pushforward/autograd"
	"pushforward/cfm"
	"pushforward/nn"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// shape is one of the models that all peers share.
type shape struct {
	name                      string
	dim, width, hidden, batch int
	selu                      bool
}

var (
	small  = shape{"small", 2, 64, 3, 256, true}
	d8     = shape{"d8", 8, 64, 3, 256, true}
	medium = shape{"medium", 64, 256, 4, 1024, false}
	large  = shape{"large", 784, 1024, 4, 1024, false}
)

// net returns the model's field with the layout of its parameters.
func net[F simd.Float](s shape) (*nn.Params[F], cfm.Field[F]) {
	act := nn.Func[F](autograd.Var[F].SiLU)
	if s.selu {
		act = autograd.Var[F].SELU
	}
	params := nn.NewParams[F]()
	return params, cfm.NewMLPField(params.Root(), s.dim, s.width, s.hidden, act)
}

//go:embed testdata/small.safetensors testdata/d8.safetensors testdata/medium.safetensors
var trainedFields embed.FS

// trained returns the model with the weights of testdata.
func trained[F simd.Float](s shape) (*cfm.Flow[F], error) {
	raw, err := trainedFields.ReadFile("testdata/" + s.name + ".safetensors")
	if err != nil {
		return nil, err
	}
	params, field := net[F](s)
	theta := params.Init(rng.New(0))
	if _, err := params.Load(bytes.NewReader(raw), theta); err != nil {
		return nil, fmt.Errorf("bench: %s: %w", s.name, err)
	}
	return &cfm.Flow[F]{Dim: s.dim, Field: field, Theta: theta}, nil
}

// rows draws n rows of the law the model is trained on: eight Gaussians of variance 0.1 on a circle of
// radius 5 in two dimensions, else sixteen of standard deviation ½ about centres drawn from N(0, 4).
func (s shape) rows(n int, key rng.Key) autograd.Tensor[float32] {
	const kinds = 16
	x := autograd.NewTensor[float32](n, s.dim)
	rng.Normal(key.Named("noise"), x.Data)
	centres, spread := make([]float32, kinds*s.dim), float32(0.5)
	k := kinds
	if s.dim == 2 {
		k, spread = 8, 0.316227766
		for i := range k {
			a := 2 * 3.141592653589793 * float64(i) / float64(k)
			centres[2*i], centres[2*i+1] = float32(5*simd.Cos(a)), float32(5*simd.Sin(a))
		}
	} else {
		rng.Normal(rng.New(1).Named("centres"), centres)
		for i := range centres {
			centres[i] *= 2
		}
	}
	for i := range n {
		c := key.Named("kind").Intn(uint64(i), k) * s.dim
		for j, v := range x.Row(i) {
			x.Row(i)[j] = float32(spread*v) + centres[c+j]
		}
	}
	return x
}

// trainFLOPs counts the matrix products of a step: forward and both backward products, less dX of the
// first layer, a multiply-add as two.
func (s shape) trainFLOPs() float64 {
	layers := [][2]int{{s.dim + 1, s.width}}
	for range s.hidden - 1 {
		layers = append(layers, [2]int{s.width, s.width})
	}
	layers = append(layers, [2]int{s.width, s.dim})
	var sum float64
	for _, l := range layers {
		sum += 2 * float64(s.batch) * float64(l[0]) * float64(l[1])
	}
	return 3*sum - 2*float64(s.batch)*float64(s.dim+1)*float64(s.width)
}
