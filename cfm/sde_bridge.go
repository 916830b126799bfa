package cfm

import (
	"fmt"
	"math"

	"pushforward/autograd"
	"pushforward/nn"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// BridgeMatch is score and flow matching, [SF]²M (Tong et al. 2023b): on Bridge{σ} it fits the velocity
// and the score of the same law at once. With xₜ = t·x₁ + (1-t)·x₀ + σ√(t(1-t))·z, a row costs
//
//	‖v - uₜ‖² / D + ‖(2√(t(1-t))/σ)·w + z‖² / D
//
// whose least point is v = E[uₜ | xₜ] and w = ½σ²·∇log ρₜ, the weight making the noise z the target at all times.
// Under the coupling Sinkhorn{Reg: 2σ²}
//
//	dx = [v + w] dt + σ dW
//
// is the Schrödinger bridge between the two laws: of all processes with these ends the one
// nearest to σ times a Brownian motion. The source may be any law, with or without a density.
// times nil is uniform. σ must be positive.
func BridgeMatch[F simd.Float](f ScoreField[F], times TimeLaw) Objective[F] {
	p := Bridge{f.Sigma()}
	if !(p.Sigma > 0) || math.IsInf(p.Sigma, 0) {
		panic(fmt.Sprintf("cfm: BridgeMatch: σ is %v, want a positive number", p.Sigma))
	}
	if times == nil {
		times = UniformTime
	}
	m := &match[F]{path: p, times: times}
	m.lo, m.hi = Span(p)
	return func(tp *autograd.Tape[F], b Batch[F], key rng.Key) autograd.Var[F] {
		n, d := b.X1.Rows(), b.X1.Shape.Dim(1)
		q := Query[F]{T: tp.Alloc(autograd.Dims(n, 1)), X: tp.Alloc(b.X1.Shape)}
		u, z, weight := tp.Alloc(b.X1.Shape), tp.Alloc(b.X1.Shape), tp.Alloc(autograd.Dims(n, 1))
		if b.Cond.Shape.Rank() > 0 {
			q.Cond = tp.Const(b.Cond)
		}
		t := q.T.Value().Data
		m.fill(tp, t, q.X.Value().Data, u.Value().Data, z.Value().Data, b, key)
		for i, ti := range t {
			c := float64(ti)
			weight.Value().Data[i] = F(2 * math.Sqrt(c*(1-c)) / p.Sigma)
		}
		v, w := f.VelocityScore(q)
		flow, score := v.Sub(u).Square().Sum(), w.Mul(weight).Add(z).Square().Sum()
		return flow.Add(score).Scale(1 / float64(d))
	}
}

// ScoreNet is Net with two outputs, the velocity and ½σ²·∇log ρₜ, for BridgeMatch and SampleSDE. As a
// Field it is the velocity alone: its ordinary equation has the bridge's law at every time.
type ScoreNet[F simd.Float] struct {
	cfg   NetConfig
	sigma float64
	mlp   *nn.ResMLP[F]
}

// NewScoreNet declares the net's arrays under s.
func NewScoreNet[F simd.Float](s nn.Scope[F], c NetConfig, sigma float64) *ScoreNet[F] {
	c = c.withDefaults()
	if c.Dim <= 0 || c.Cond < 0 || c.Hidden < 0 || c.Blocks < 0 || c.Freqs < 0 || !(sigma > 0) {
		panic(fmt.Sprintf("cfm: NewScoreNet: %+v, σ %v: Dim and σ must be positive, the others not negative", c, sigma))
	}
	return &ScoreNet[F]{c, sigma, nn.NewResMLP(s, nn.ResMLPConfig{
		In: c.Dim, Out: 2 * c.Dim, Context: 1 + 2*c.Freqs + c.Cond,
		Hidden: c.Hidden, Blocks: c.Blocks, Norm: c.Norm,
	})}
}

// Sigma returns σ.
func (n *ScoreNet[F]) Sigma() float64 { return n.sigma }

// VelocityScore runs the net. It panics unless the query's widths are Dim and Cond.
func (n *ScoreNet[F]) VelocityScore(q Query[F]) (v, pull autograd.Var[F]) {
	checkWidths("ScoreNet", q, n.cfg.Dim, n.cfg.Cond)
	c := nn.TimeFeatures(q.T, n.cfg.Freqs)
	if n.cfg.Cond > 0 {
		c = nn.TimeFeatures(q.T, n.cfg.Freqs, q.Cond)
	}
	y := n.mlp.Forward(q.X, c)
	return y.Slice(1, 0, n.cfg.Dim), y.Slice(1, n.cfg.Dim, 2*n.cfg.Dim)
}

// Velocity is the first of the two.
func (n *ScoreNet[F]) Velocity(q Query[F]) autograd.Var[F] {
	v, _ := n.VelocityScore(q)
	return v
}
