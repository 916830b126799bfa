package bijector

import (
	"fmt"

	"pushforward/autograd"
	"pushforward/nn"
	"pushforward/simd"
)

// MADE is a network whose outputs for column i depend on the columns 0 … i-1 and the condition
// only (Germain et al. 2015). Every unit has a degree: column i (from 0) has i+1, the condition 0,
// hidden units take those from 1 (0 if there is a condition, so that column 0 can be told of it
// by more than a bias) to D-1 in turn, outputs of column i have i. A unit hears those before
// it of no greater degree: the weights of all others are multiplied by zero.
//
//	columns  x₀:1  x₁:2  x₂:3        a unit of degree d hears
//	hidden     1 2 1 2 …             columns 0 … d-1
//	outputs  p₀:0  p₁:1  p₂:2
type MADE[F simd.Float] struct {
	layers    []masked[F]
	act       nn.Func[F]
	dim, cond int
}

// masked is a Linear of which some weights count as zero.
type masked[F simd.Float] struct {
	*nn.Linear[F]
	mask autograd.Tensor[F]
}

func (l masked[F]) Forward(x autograd.Var[F]) autograd.Var[F] {
	t := x.Tape()
	return autograd.Linear(x, t.Param(l.W).Mul(t.Const(l.mask)), t.Param(l.B))
}

// NewMADE declares in s a network from dim columns and a condition to outputs numbers, of which
// number k belongs to column of(k), with the given hidden widths and act between the layers. Its
// last layer starts at zero. Names are those of an MLP: 0.weight, 2.weight, ….
func NewMADE[F simd.Float](s nn.Scope[F], dim, cond, outputs int, of func(k int) int, act nn.Func[F], hidden ...int) *MADE[F] {
	if dim < 1 || cond < 0 {
		panic(fmt.Sprintf("bijector: NewMADE: %d columns under a condition of %d", dim, cond))
	}
	m := &MADE[F]{act: act, dim: dim, cond: cond}
	before := make([]int, dim+cond)
	for i := range dim {
		before[i] = i + 1
	}
	first := 1
	if cond > 0 || dim == 1 {
		first = 0
	}
	for i, width := range hidden {
		after := make([]int, width)
		for j := range after {
			after[j] = first + j%(dim-first)
		}
		m.layers = append(m.layers, mask(nn.NewLinear(s.Index(2*i), len(before), width), before, after))
		before = after
	}
	after := make([]int, outputs)
	for k := range after {
		after[k] = of(k)
	}
	m.layers = append(m.layers, mask(nn.NewLinearZero(s.Index(2*len(hidden)), len(before), outputs), before, after))
	return m
}

// mask lets the weight from unit j to unit i stand if j's degree is not greater.
func mask[F simd.Float](l *nn.Linear[F], before, after []int) masked[F] {
	m := masked[F]{l, autograd.NewTensor[F](len(after), len(before))}
	for i, d := range after {
		for j, e := range before {
			if e <= d {
				m.mask.Data[i*len(before)+j] = 1
			}
		}
	}
	return m
}

// Forward returns the outputs [B, outputs] for x [B, D] and cond [B, C].
func (m *MADE[F]) Forward(x, cond autograd.Var[F]) autograd.Var[F] {
	condition("MADE", x, cond, m.cond)
	if m.cond > 0 {
		x = autograd.Concat(1, x, cond)
	}
	for i, l := range m.layers {
		if i > 0 {
			x = m.act(x)
		}
		x = l.Forward(x)
	}
	return x
}
