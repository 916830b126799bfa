package cfm

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/nn"
	"pushforward/odeint"
	"pushforward/simd/rng"
)

// What a user may get wrong, and what he is told.
func TestBadInput(t *testing.T) {
	flow := func(cond int) *Flow[float32] {
		p := nn.NewParams[float32]()
		f := &Flow[float32]{Dim: 2, Field: NewNet(p.Root(), NetConfig{Dim: 2, Cond: cond, Hidden: 4, Blocks: 1})}
		f.Theta = p.Init(rng.New(1))
		return f
	}
	train := func(f *Flow[float32], c Coupling, d Data[float32]) error {
		return (&Trainer[float32]{Flow: f, Loss: Match(f.Field, CondOT{}, nil), Coupling: c, Data: d, Batch: 8, Steps: 2}).Run(bg)
	}
	rows := normalTensor[float32](16, 2, rng.New(2))
	same := autograd.NewTensor[float32](16, 2)
	for i := range same.Data {
		same.Data[i] = float32(1 + i%2)
	}
	conds := func(n, w int) autograd.Tensor[float32] { return autograd.NewTensor[float32](n, w) }
	opt := odeint.Options{Rtol: 1e-3, Atol: 1e-3}
	noDensity := flow(0)
	noDensity.Source = FromLaw(pointLaw{})
	guided := flow(0)
	guided.Field = Guided[float32]{Field: guided.Field, Weight: 2}
	for name, c := range map[string]struct {
		do   func() error
		want string
	}{
		"u is not dx/dt":   {func() error { Match(flow(0).Field, wrongPath{}, nil); return nil }, "the derivative of a at t="},
		"a negative width": {func() error { Match(flow(0).Field, Tube{-0.1}, nil); return nil }, "a width is not negative"},
		"a negative σ_min": {func() error { return CheckPath(CondOT{-0.1}) }, "SigmaMin is a width, not negative"},
		"no density":       {func() error { _, err := noDensity.LogDensity(bg, rows, DensityOptions{Options: opt}); return err }, "no density in closed form"},
		"no score": {func() error {
			_, err := noDensity.SampleSDE(bg, 2, rng.New(3), SDEOptions{Path: CondOT{}, Noise: 1})
			return err
		}, "standard normal"},
		"wide conditions":         {func() error { _, err := flow(2).Given(conds(1, 3)).Sample(bg, 4, rng.New(4), opt); return err }, "conditions of 3 columns, the field has 2"},
		"many wide conditions":    {func() error { _, err := flow(2).Given(conds(900, 3)).Sample(bg, 900, rng.New(4), opt); return err }, "conditions of 3 columns, the field has 2"},
		"conditions and none":     {func() error { _, err := flow(0).Given(conds(1, 3)).Sample(bg, 4, rng.New(4), opt); return err }, "conditions of 3 columns, the field has 0"},
		"none where there are":    {func() error { _, err := flow(2).Sample(bg, 4, rng.New(4), opt); return err }, "conditions of 0 columns, the field has 2"},
		"few conditions":          {func() error { _, err := flow(2).Given(conds(3, 2)).Sample(bg, 4, rng.New(4), opt); return err }, "3 rows of conditions for 4 rows"},
		"trained with wide ones":  {func() error { return train(flow(2), nil, FromConditioned(rows, conds(16, 3))) }, "conditions of 3 columns, the field has 2"},
		"one point":               {func() error { return train(flow(0), ExactOT{}, FromTensor(same)) }, "ExactOT: cfm: every row of the data is the same point"},
		"one point, pooled":       {func() error { return train(flow(0), Pooled{Sinkhorn{Reg: 1}, 2}, FromTensor(same)) }, "Sinkhorn: cfm: every row of the data is the same point"},
		"one point, continuous":   {func() error { return train(flow(0), SemiDiscrete{}, FromTensor(same)) }, "every row of the data is the same point"},
		"guidance without":        {func() error { _, err := guided.Sample(bg, 4, rng.New(5), opt); return err }, "guidance needs a conditional model"},
		"density under guidance":  {func() error { _, err := guided.LogDensity(bg, rows, DensityOptions{Options: opt}); return err }, "a guided field is not the field of the data's law"},
		"a regularisation of 0":   {func() error { return train(flow(0), Sinkhorn{}, FromTensor(rows)) }, "Reg is 0, want a positive number"},
		"a share of the rows > 1": {func() error { return train(flow(0), PartialOT{Share: 1.5}, FromTensor(rows)) }, "Share is 1.5"},
	} {
		t.Run(name, func(t *testing.T) {
			err := func() (err error) {
				defer func() {
					if r := recover(); r != nil {
						err = fmt.Errorf("%v", r)
					}
				}()
				return c.do()
			}()
			require.ErrorContains(t, err, c.want)
		})
	}
	require.ErrorIs(t, train(flow(0), ExactOT{}, FromTensor(same)), ErrOnePoint)
	require.NoError(t, train(flow(0), Independent{}, FromTensor(same)))
	require.NoError(t, train(flow(0), ExactOT{}, FromTensor(rows)))
}
