package main

import (
	"context"
	"fmt"
	"math"

	"pushforward/odeint"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// prior is the law of one parameter.
type prior struct {
	kind string // uniform, normal, lognormal
	a, b float64
}

func uniformPrior(lo, hi float64) prior  { return prior{"uniform", lo, hi} }
func normalPrior(mean, sd float64) prior { return prior{"normal", mean, sd} }
func lognormal(mean, sd float64) prior   { return prior{"lognormal", mean, sd} }
func repeated(n int, p prior) (l []prior) {
	for range n {
		l = append(l, p)
	}
	return l
}

// draw maps a standard normal number to the parameter. A uniform one is drawn from a box that reaches beyond the prior's by a share of
// its width on either side.
func (p prior) draw(z, beyond float64) float64 {
	if p.kind == "uniform" {
		w := beyond * (p.b - p.a)
		return p.a - w + float64((p.b-p.a+2*w)*0.5*(1+simd.Erf(z/math.Sqrt2)))
	}
	return p.from(z)
}

// to scales the parameter, or its logarithm if the prior is lognormal, to mean 0 and deviation 1 under the prior.
func (p prior) to(theta float64) float64 {
	switch p.kind {
	case "uniform":
		return (float64(2*theta) - p.a - p.b) / (p.b - p.a) * math.Sqrt(3)
	case "lognormal":
		theta = simd.Log(theta)
	}
	return (theta - p.a) / p.b
}

// from is to's inverse.
func (p prior) from(z float64) float64 {
	switch p.kind {
	case "uniform":
		return 0.5 * (p.a + p.b + float64(z/math.Sqrt(3)*(p.b-p.a)))
	case "lognormal":
		return simd.Exp(p.a + float64(p.b*z))
	}
	return p.a + float64(p.b*z)
}

// inside reports whether the prior has mass at theta.
func (p prior) inside(theta float64) bool {
	switch p.kind {
	case "uniform":
		return theta >= p.a && theta <= p.b
	case "lognormal":
		return theta > 0
	}
	return true
}

// task is a problem of the benchmark: a prior and a simulator.
type task struct {
	name     string
	prior    []prior
	data     int // how many numbers a simulation yields
	simulate func(x, theta []float64, key rng.Key) error

	npe float64 // the published C2ST of NPE with 10,000 simulations, a mean over ten observations; 0: not known
	bar float64
}

// draw draws n parameters, from boxes that reach so far beyond the prior's bounds, and simulates them. Row i depends on key and i only.
func (t *task) draw(n int, beyond float64, key rng.Key) (theta, x []float64, err error) {
	d := len(t.prior)
	theta, x = make([]float64, n*d), make([]float64, n*t.data)
	rng.Normal(key.Named("prior"), theta)
	for i := range theta {
		theta[i] = t.prior[i%d].draw(theta[i], beyond)
	}
	if err := t.simulate(x, theta, key.Named("simulate")); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", t.name, err)
	}
	return theta, x, nil
}

// The benchmark's tasks (Lueckmann et al. 2021), and what is published of NPE.
var sbiTasks = []task{
	{name: "two_moons", prior: repeated(2, uniformPrior(-1, 1)), data: 2, simulate: twoMoons, npe: 0.606, bar: 0.56},
	{name: "gaussian_linear", prior: repeated(10, normalPrior(0, math.Sqrt(0.1))), data: 10, simulate: gaussianLinear, npe: 0.552},
	{name: "gaussian_linear_uniform", prior: repeated(10, uniformPrior(-1, 1)), data: 10, simulate: gaussianLinear, npe: 0.553, bar: 0.55},
	{name: "gaussian_mixture", prior: repeated(2, uniformPrior(-10, 10)), data: 2, simulate: gaussianMixture, npe: 0.615, bar: 0.58},
	{name: "slcp", prior: repeated(5, uniformPrior(-3, 3)), data: 8, simulate: slcp, npe: 0.901, bar: 0.86},
	{name: "sir", prior: []prior{lognormal(simd.Log(0.4), 0.5), lognormal(simd.Log(0.125), 0.2)}, data: 10, simulate: sir, npe: 0.680, bar: 0.66},
	{name: "lotka_volterra", prior: []prior{lognormal(-0.125, 0.5), lognormal(-3, 0.5), lognormal(-0.125, 0.5), lognormal(-3, 0.5)}, data: 20, simulate: lotkaVolterra, npe: 0.997},
}

// twoMoons: x = (r·cos a + ¼, r·sin a) + (-|θ₁+θ₂|, θ₂-θ₁)/√2 with a ~ U(-π/2, π/2), r ~ N(0.1, 0.01²).
func twoMoons(x, theta []float64, key rng.Key) error {
	u, r := make([]float64, len(x)/2), make([]float64, len(x)/2)
	rng.Uniform(key.Named("angle"), u)
	rng.Normal(key.Named("radius"), r)
	for i := range u {
		a, r := math.Pi*(u[i]-0.5), 0.1+float64(0.01*r[i])
		m0, m1 := moonShift(theta[2*i], theta[2*i+1])
		x[2*i] = float64(r*simd.Cos(a)) + 0.25 + m0
		x[2*i+1] = float64(r*simd.Sin(a)) + m1
	}
	return nil
}

func moonShift(a, b float64) (x, y float64) { return -math.Abs(a+b) / math.Sqrt2, (b - a) / math.Sqrt2 }

// crescent inverts twoMoons: the radius r that the parameters need to have yielded x. Under the true posterior it has
// the law it was drawn from, cut where the prior ends.
func crescent(x, theta []float64) (radius []float64) {
	for i := 0; i < len(theta); i += 2 {
		m0, m1 := moonShift(theta[i], theta[i+1])
		radius = append(radius, math.Hypot(x[0]-m0-0.25, x[1]-m1))
	}
	return radius
}

// gaussianLinear: x ~ N(θ, 0.1·I).
func gaussianLinear(x, theta []float64, key rng.Key) error {
	rng.Normal(key, x)
	s := math.Sqrt(0.1)
	for i := range x {
		x[i] = theta[i] + float64(s*x[i])
	}
	return nil
}

// gaussianMixture: x ~ ½·N(θ, I) + ½·N(θ, 0.01·I).
func gaussianMixture(x, theta []float64, key rng.Key) error {
	rng.Normal(key.Named("noise"), x)
	which := key.Named("which")
	for i := range x {
		s := 1.0
		if which.Float64(uint64(i/2)) < 0.5 {
			s = 0.1
		}
		x[i] = theta[i] + float64(s*x[i])
	}
	return nil
}

// slcp: four draws of N((θ₁, θ₂), S), S of deviations θ₃², θ₄² and correlation tanh θ₅, with 1e-6 added to both variances.
func slcp(x, theta []float64, key rng.Key) error {
	rng.Normal(key, x)
	for i := 0; i*8 < len(x); i++ {
		t := theta[5*i : 5*i+5]
		s1, s2, rho := t[2]*t[2], t[3]*t[3], simd.Tanh(t[4])
		v1, v2, c := float64(s1*s1)+1e-6, float64(s2*s2)+1e-6, rho*s1*s2
		l11 := math.Sqrt(v1)
		l21 := c / l11
		l22 := math.Sqrt(math.Max(0, v2-float64(l21*l21)))
		for k := 8 * i; k < 8*i+8; k += 2 {
			a, b := x[k], x[k+1]
			x[k] = t[0] + float64(l11*a)
			x[k+1] = t[1] + float64(l21*a) + float64(l22*b)
		}
	}
	return nil
}

// solved integrates rows of a system, whose state of states numbers is followed by parameters that stay, and hands over
// the state at each of the times.
func solved(dim int, y0 []float64, times []float64, f func(dy, y []float64), visit func(k, row int, y []float64)) error {
	sys := odeint.Func(dim, func(dy []float64, _ float64, y []float64) {
		clear(dy)
		f(dy, y)
	})
	end := times[len(times)-1]
	sol, err := odeint.Solve(context.Background(), sys, y0, 0, end, odeint.Options{Rtol: 1e-7, Atol: 1e-10, SaveAt: times, MaxSteps: 100000})
	if err != nil {
		return err
	}
	for k := range times {
		all := sol.Saved(k)
		for row := range len(y0) / dim {
			visit(k, row, all[row*dim:(row+1)*dim])
		}
	}
	return nil
}

// sir: S' = -βSI/N, I' = βSI/N - γI from one infected among N = 10⁶; at t = 0, 17, …, 153 Binomial(1000, I/N).
func sir(x, theta []float64, key rng.Key) error {
	n := len(theta) / 2
	y0, times := make([]float64, 4*n), make([]float64, 10)
	for i := range n {
		copy(y0[4*i:], []float64{1 - 1e-6, 1e-6, theta[2*i], theta[2*i+1]})
	}
	for k := range times {
		times[k] = float64(17 * k)
	}
	return solved(4, y0, times, func(dy, y []float64) {
		flow := y[2] * y[0] * y[1]
		dy[0], dy[1] = -flow, flow-float64(y[3]*y[1])
	}, func(k, i int, y []float64) {
		at := 10*i + k
		x[at] = binomial(1000, math.Min(math.Max(y[1], 0), 1), key.Float64(uint64(at)))
	})
}

// binomial is the number at which the distribution function of Binomial(n, p) passes u.
func binomial(n int, p, u float64) float64 {
	if p > 0.5 {
		return float64(n) - binomial(n, 1-p, u)
	}
	if p == 0 {
		return 0
	}
	mass := simd.Exp(float64(n) * simd.Log1p(-p))
	odds := p / (1 - p)
	for k := 0; k < n; k++ {
		if u < mass {
			return float64(k)
		}
		u -= mass
		mass *= odds * float64(n-k) / float64(k+1)
	}
	return float64(n)
}

// lotkaVolterra: x' = αx - βxy, y' = -γy + δxy from (30, 1); at t = 0, 2.1, …, 18.9 LogNormal(ln value, 0.1): ten x, then ten y.
func lotkaVolterra(x, theta []float64, key rng.Key) error {
	n := len(theta) / 4
	y0, times := make([]float64, 6*n), make([]float64, 10)
	for i := range n {
		y0[6*i] = simd.Log(30)
		copy(y0[6*i+2:], theta[4*i:4*i+4])
	}
	for k := range times {
		times[k] = 2.1 * float64(k)
	}
	noise := make([]float64, len(x))
	rng.Normal(key, noise)
	// In logarithms nothing becomes negative.
	return solved(6, y0, times, func(dy, y []float64) {
		dy[0] = y[2] - float64(y[3]*simd.Exp(y[1]))
		dy[1] = float64(y[5]*simd.Exp(y[0])) - y[4]
	}, func(k, i int, y []float64) {
		a, b := 20*i+k, 20*i+10+k
		x[a] = simd.Exp(y[0] + float64(0.1*noise[a]))
		x[b] = simd.Exp(y[1] + float64(0.1*noise[b]))
	})
}
