package model

import (
	"pushforward/autograd"
	"pushforward/cfm"
	"pushforward/nn"
)

// net is the velocity field of a model: the residual network of package nn, told the time and the
// conditions in every block. With a score it has a second output, see scoreNet.
type net struct {
	mlp   *nn.ResMLP[float32]
	freqs int
	given bool
}

func newNet(p *nn.Params[float32], s Spec) *net {
	cond, out := condWidth(s.Conditions), s.Dim
	if s.Score > 0 {
		out *= 2
	}
	return &net{
		mlp: nn.NewResMLP(p.Root(), nn.ResMLPConfig{
			In: s.Dim, Out: out, Context: 1 + 2*s.Freqs + cond,
			Hidden: s.Hidden, Blocks: s.Blocks, Width: s.Width, Norm: s.Norm,
		}),
		freqs: s.Freqs, given: cond > 0,
	}
}

// Velocity runs the network.
func (n *net) Velocity(q cfm.Query[float32]) autograd.Var[float32] {
	if n.given {
		return n.mlp.Forward(q.X, nn.TimeFeatures(q.T, n.freqs, q.Cond))
	}
	return n.mlp.Forward(q.X, nn.TimeFeatures(q.T, n.freqs))
}
