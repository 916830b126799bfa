package gradcheck_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pushforward/autograd"
	"pushforward/autograd/gradcheck"
)

type V = autograd.Var[float64]

// curve is x³ elementwise, with a derivative of its own: what is wrong with it is up to the case.
type curve struct{ vjp func(y, g, x V) V }

func (c *curve) Name() string { return "curve" }
func (c *curve) Forward(y V) {
	for i, v := range y.In(0).Value().Data {
		y.Value().Data[i] = v * v * v
	}
}
func (c *curve) VJP(y, g V, _ int) V { return c.vjp(y, g, y.In(0)) }

func apply(vjp func(y, g, x V) V) gradcheck.Func {
	op := &curve{vjp}
	return func(x ...V) V { return autograd.Apply[float64](op, x[0].Shape(), x[0]) }
}

// TestCatches puts breakages in on purpose.
func TestCatches(t *testing.T) {
	x := autograd.FromRows([][]float64{{-2, -0.5, 0.3}, {1, 4, -3}})
	for name, c := range map[string]struct {
		f    gradcheck.Func
		want string
	}{
		"right":                         {apply(func(_, g, x V) V { return g.Mul(x.Square()).Scale(3) }), ""},
		"a factor forgotten":            {apply(func(_, g, x V) V { return g.Mul(x.Square()).Scale(2) }), "first order"},
		"off by 3e-6":                   {apply(func(_, g, x V) V { return g.Mul(x.Square()).Scale(3 + 3e-6) }), "first order"},
		"a sign at negative x":          {apply(func(_, g, x V) V { return g.Mul(x.Square()).Mul(x.Sign()).Scale(3) }), "first order"},
		"detached: no second order":     {apply(func(_, g, x V) V { return g.Mul(x.Detach().Square()).Scale(3) }), "second order"},
		"a cotangent of the wrong kind": {apply(func(_, g, x V) V { return g.Detach().Mul(x.Square()).Scale(3) }), "forward mode"},
	} {
		err := gradcheck.Test(gradcheck.Options{}, c.f, x)
		if c.want == "" {
			require.NoError(t, err, name)
		} else {
			require.ErrorContains(t, err, c.want, name)
		}
	}
}

// TestManyEntries takes random directions.
func TestManyEntries(t *testing.T) {
	x := autograd.NewTensor[float64](7, 11)
	for i := range x.Data {
		x.Data[i] = math.Sin(float64(i))
	}
	gradcheck.Check(t, func(x ...V) V { return x[0].Softmax(1) }, x)
	wrong := apply(func(_, g, x V) V { return g.Mul(x.Square()).Scale(2.999) })
	require.Error(t, gradcheck.Test(gradcheck.Options{}, wrong, x))
}

func ExampleTest() {
	x := autograd.FromSlice([]float64{0.5, 2})
	err := gradcheck.Test(gradcheck.Options{}, func(x ...autograd.Var[float64]) autograd.Var[float64] {
		return x[0].Log().Mul(x[0])
	}, x)
	fmt.Println(err)
	// Output: <nil>
}
