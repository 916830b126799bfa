// Package gradcheck tests derivatives against central differences, in float64.
//
// Check is for whoever writes an operation, in this module or outside:
//
//	gradcheck.Check(t, func(x ...autograd.Var[float64]) autograd.Var[float64] {
//		return Softsign(x[0])
//	}, x)
//
// It checks four things. With y = f(x), a random cotangent g and random tangents dx:
//
//   - first order: each entry of Jᵀg against the difference quotient of ⟨g, f⟩ along that entry,
//     to 1e-6;
//   - second order: each entry of the gradient of ⟨v, Jᵀg⟩, for random v, against the difference
//     quotient of ⟨v, Jᵀg⟩, to 1e-5;
//   - forward mode: J·dx against the difference quotient of f along dx, to 1e-6;
//   - the adjoint identity ⟨g, J·dx⟩ = ⟨Jᵀg, dx⟩, to 1e-12, which no difference can blur.
//
// Errors are relative to the largest entry of what is compared, or to 1 if that is greater. The
// quotients are central ones at two steps, extrapolated (Richardson), so their own error is of
// fourth order. The points must keep a distance of 1e-3 from kinks. Of inputs with more than 48
// entries in all, random directions are taken instead of entries.
package gradcheck

import (
	"fmt"
	"math"
	"testing"

	"pushforward/autograd"
	"pushforward/simd/rng"
)

// Func is what can be checked: it makes a Var of its arguments, on their tape.
type Func = func(x ...autograd.Var[float64]) autograd.Var[float64]

// Options changes what Check asks for. The zero value is what Check does.
type Options struct {
	Tol1, Tol2 float64 // of first and second order; zero means 1e-6 and 1e-5
	TolAdjoint float64 // of the adjoint identity; zero means 1e-12
	Step       float64 // of the differences; zero means 1e-4
	Seed       uint64  // of cotangents and tangents
	FirstOnly  bool    // no second order
}

// Check fails t unless f's VJP, the VJP of its VJP, and its JVP agree with differences of
// f at x, and unless ⟨g, J·dx⟩ = ⟨Jᵀ·g, dx⟩ to rounding.
func Check(t testing.TB, f Func, x ...autograd.Tensor[float64]) {
	t.Helper()
	CheckWith(t, Options{}, f, x...)
}

// CheckWith is Check with options.
func CheckWith(t testing.TB, o Options, f Func, x ...autograd.Tensor[float64]) {
	t.Helper()
	if err := Test(o, f, x...); err != nil {
		t.Error(err)
	}
}

// Test is Check without a testing.TB: it returns the first disagreement.
func Test(o Options, f Func, x ...autograd.Tensor[float64]) error {
	set := func(p *float64, v float64) {
		if *p == 0 {
			*p = v
		}
	}
	set(&o.Tol1, 1e-6)
	set(&o.Tol2, 1e-5)
	set(&o.TolAdjoint, 1e-12)
	set(&o.Step, 1e-4)
	c := &check{Options: o, f: f, tape: autograd.NewTape[float64](nil), x: copies(x)}
	return c.run()
}

type vec = []float64

type check struct {
	Options
	f    Func
	tape *autograd.Tape[float64]
	x    []autograd.Tensor[float64]
	g    vec
	v    []vec
}

func copies(x []autograd.Tensor[float64]) []autograd.Tensor[float64] {
	y := make([]autograd.Tensor[float64], len(x))
	for i := range x {
		y[i] = autograd.Tensor[float64]{Shape: x[i].Shape, Data: append(vec(nil), x[i].Data...)}
	}
	return y
}

func (c *check) draw(name string, i, n int) vec {
	d := make(vec, n)
	rng.Normal(rng.New(c.Seed).Named(name).Fold(uint64(i)), d)
	return d
}

func (c *check) run() error {
	var n int
	y := c.value()
	c.g = c.draw("cotangent", 0, len(y))
	dx := make([]vec, len(c.x))
	for i := range c.x {
		n += len(c.x[i].Data)
		dx[i] = c.draw("tangent", i, len(c.x[i].Data))
		c.v = append(c.v, c.draw("second", i, len(c.x[i].Data)))
	}
	first, second, forward := c.derivatives(dx)

	dirs := c.directions(n)
	if err := c.compare("first order", c.Tol1, first, dirs, func() float64 { return dot(c.g, c.value()) }); err != nil {
		return err
	}
	if !c.FirstOnly {
		if err := c.compare("second order", c.Tol2, second, dirs, c.contracted); err != nil {
			return err
		}
	}
	want := c.slope(dx, c.value)
	if err := near("forward mode", c.Tol1, forward, want); err != nil {
		return err
	}
	a, b, size := dot(c.g, forward), 0.0, 1.0
	for i := range dx {
		b += dot(first[i], dx[i])
		for j := range dx[i] {
			size += math.Abs(first[i][j] * dx[i][j])
		}
	}
	for j := range forward {
		size += math.Abs(c.g[j] * forward[j])
	}
	if !(math.Abs(a-b) <= c.TolAdjoint*size) {
		return fmt.Errorf("gradcheck: adjoint identity: ⟨g, J·dx⟩ = %g and ⟨Jᵀg, dx⟩ = %g differ by %.3g", a, b, a-b)
	}
	return nil
}

// inputs puts x on the emptied tape.
func (c *check) inputs() []autograd.Var[float64] {
	c.tape.Reset()
	in := make([]autograd.Var[float64], len(c.x))
	for i := range in {
		in[i] = c.tape.Input(c.x[i])
	}
	return in
}

// value returns f(x), copied.
func (c *check) value() vec {
	return append(vec(nil), c.f(c.inputs()...).Value().Data...)
}

// contracted returns ⟨v, Jᵀg⟩ at x.
func (c *check) contracted() float64 {
	in := c.inputs()
	y := c.f(in...)
	sum := 0.0
	for i, d := range autograd.VJP(nil, y, c.cotangent(y), in...) {
		sum += dot(c.v[i], d.Value().Data)
	}
	return sum
}

func (c *check) cotangent(y autograd.Var[float64]) autograd.Var[float64] {
	return c.tape.Const(autograd.Tensor[float64]{Shape: y.Shape(), Data: c.g})
}

// derivatives returns Jᵀg, the gradient of ⟨v, Jᵀg⟩, and J·dx, as autograd has them.
func (c *check) derivatives(dx []vec) (first, second []vec, forward vec) {
	in := c.inputs()
	y := c.f(in...)
	grads := autograd.VJP(nil, y, c.cotangent(y), in...)
	for i, d := range grads {
		first = append(first, append(vec(nil), d.Value().Data...))
		if s := c.x[i].Shape; d.Shape() != s {
			panic(fmt.Sprintf("gradcheck: VJP has shape %v, the input %v", d.Shape(), s))
		}
	}
	forward = make(vec, len(c.g))
	for i := range in {
		d := autograd.JVP(y, in[i], c.tape.Const(autograd.Tensor[float64]{Shape: c.x[i].Shape, Data: dx[i]}))
		for j, v := range d.Value().Data {
			forward[j] += v
		}
	}
	if c.FirstOnly {
		return first, nil, forward
	}
	var sum autograd.Var[float64]
	for i, d := range grads {
		s := d.Mul(c.tape.Const(autograd.Tensor[float64]{Shape: c.x[i].Shape, Data: c.v[i]})).Sum()
		if i == 0 {
			sum = s
		} else {
			sum = sum.Add(s)
		}
	}
	for _, d := range autograd.VJP(nil, sum, c.tape.Scalar(1), in...) {
		second = append(second, append(vec(nil), d.Value().Data...))
	}
	return first, second, forward
}

// directions are unit vectors along the n entries, or a few random ones if that would be many.
func (c *check) directions(n int) [][]vec {
	zero := func() []vec {
		d := make([]vec, len(c.x))
		for i := range d {
			d[i] = make(vec, len(c.x[i].Data))
		}
		return d
	}
	var dirs [][]vec
	if n <= 48 {
		for i := range c.x {
			for j := range c.x[i].Data {
				d := zero()
				d[i][j] = 1
				dirs = append(dirs, d)
			}
		}
		return dirs
	}
	for k := range 6 {
		d := zero()
		for i := range d {
			d[i] = c.draw("direction", 1000*k+i, len(d[i]))
		}
		dirs = append(dirs, d)
	}
	return dirs
}

// compare checks a gradient along directions against differences of f.
func (c *check) compare(what string, tol float64, grad []vec, dirs [][]vec, f func() float64) error {
	var got, want vec
	for _, d := range dirs {
		s := 0.0
		for i := range d {
			s += dot(grad[i], d[i])
		}
		got = append(got, s)
		want = append(want, c.slope(d, func() vec { return vec{f()} })...)
	}
	return near(what, tol, got, want)
}

// slope returns the derivative of f along d, by central differences at h and h/2 extrapolated.
func (c *check) slope(d []vec, f func() vec) vec {
	at := func(h float64) vec {
		keep := copies(c.x)
		for i := range d {
			for j, v := range d[i] {
				c.x[i].Data[j] += h * v
			}
		}
		y := append(vec(nil), f()...)
		for i := range keep {
			copy(c.x[i].Data, keep[i].Data)
		}
		return y
	}
	h := c.Step
	a, b, a2, b2 := at(h), at(-h), at(h/2), at(-h/2)
	for i := range a {
		q1, q2 := (a[i]-b[i])/(2*h), (a2[i]-b2[i])/h
		a[i] = q2 + (q2-q1)/3
	}
	return a
}

func near(what string, tol float64, got, want vec) error {
	size := 1.0
	for _, v := range want {
		size = math.Max(size, math.Abs(v))
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= tol*size) {
			return fmt.Errorf("gradcheck: %s: entry %d of %d is %.10g, differences give %.10g", what, i, len(want), got[i], want[i])
		}
	}
	return nil
}

func dot(x, y vec) float64 {
	s := 0.0
	for i := range x {
		s += float64(x[i] * y[i])
	}
	return s
}
