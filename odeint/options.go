package odeint

import (
	"fmt"
	"math"

	"pushforward/simd"
)

// Options configures a solve. The zero value is Dopri5 with Rtol 1e-6 and Atol 1e-9 (1e-4 and 1e-6 for
// float32).
//
// A step is kept if the root of the weighted mean over components of (eᵢ/(atol + rtol·max(|yᵢ|, |yᵢ⁺|)))²
// is at most 1, e being the method's error estimate.
type Options struct {
	Method  *Tableau
	Control Controller

	Rtol, Atol   float64   // 0: the default; negative: zero
	Rtols, Atols []float64 // per component, in place of Rtol and Atol
	Weights      []float64 // per component in the error norm; nil: ones, 0: ignored

	Step      float64 // > 0: fixed steps of this size, the last one shorter if need be
	FirstStep float64 // 0: chosen by Hairer's rule, per row
	MinStep   float64 // a row that needs smaller steps fails with ErrStepSize
	MaxStep   float64 // 0: no limit
	MaxSteps  int     // attempts per row; 0: 10000, or no limit for fixed steps

	// SaveAt are the times whose states are wanted, in the direction of integration; nil: the end only. They
	// cost no evaluations.
	SaveAt []float64

	// Stops are times that a step must end on since f is not smooth there. Up to a stop f is asked
	// for times before it only, from then on for times after it only.
	Stops []float64

	Dense  bool    // keep what Solution.At needs, and Solver.Gradient
	Replay bool    // keep the state of every step, which is all that Solver.Gradient needs
	Errors bool    // sum up the error estimates of kept steps, see Solution.Errors
	Events []Event // what to look for on the way
}

// defaults fills in what is zero, for elements of type F.
func defaults[F simd.Float](o Options) Options {
	rtol, atol := 1e-6, 1e-9
	if eps[F]() > 1e-10 {
		rtol, atol = 1e-4, 1e-6
	}
	if o.Method == nil {
		o.Method = Dopri5
	}
	if o.Control == nil {
		o.Control = PID{}
	}
	o.Rtol = max(0, or(o.Rtol, rtol))
	o.Atol = max(0, or(o.Atol, atol))
	if o.MaxSteps == 0 {
		o.MaxSteps = 10000
		if o.Step > 0 {
			o.MaxSteps = math.MaxInt
		}
	}
	if o.MaxStep == 0 {
		o.MaxStep = math.Inf(1)
	}
	return o
}

// eps is the distance from 1 to the next larger F.
func eps[F simd.Float]() float64 {
	one := F(1)
	if one+F(0x1p-40) == one {
		return 0x1p-23
	}
	return 0x1p-52
}

// check returns an error if o makes no sense whatever the system.
func (o *Options) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrOptions, fmt.Sprintf(format, args...))
	}
	if err := o.Method.Check(); err != nil {
		return err
	}
	if o.Step < 0 || !finite(o.Step) {
		return bad("Step is %v", o.Step)
	}
	if o.Step == 0 && o.Method.E == nil {
		return bad("%s has no error estimate, so it needs Step", o.Method.Name)
	}
	for name, v := range map[string]float64{"Rtol": o.Rtol, "Atol": o.Atol, "FirstStep": o.FirstStep, "MinStep": o.MinStep} {
		if v < 0 || !finite(v) {
			return bad("%s is %v", name, v)
		}
	}
	if !(o.MaxStep > 0) || o.MinStep > o.MaxStep {
		return bad("MaxStep is %v, MinStep %v", o.MaxStep, o.MinStep)
	}
	if o.MaxSteps < 0 {
		return bad("MaxSteps is %d", o.MaxSteps)
	}
	for name, v := range map[string][]float64{"Rtols": o.Rtols, "Atols": o.Atols, "Weights": o.Weights} {
		for i, x := range v {
			if !(x >= 0) || math.IsInf(x, 1) {
				return bad("%s[%d] is %v", name, i, x)
			}
		}
	}
	for i := range o.Events {
		if o.Events[i].G == nil {
			return bad("event %d (%s) has no G", i, o.Events[i].Name)
		}
	}
	return nil
}

// finite says whether x is neither NaN nor infinite.
func finite(x float64) bool { return x-x == 0 }

// span checks the times of a solve from t0 to t1 and sets s.dir, s.stops, s.tol and what else depends on
// the system's dimension.
func (s *Solver[F]) span(t0, t1 float64) error {
	o := &s.opt
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrOptions, fmt.Sprintf(format, args...))
	}
	if !finite(t0) || !finite(t1) || !finite(t1-t0) {
		return bad("cannot integrate from t=%v to t=%v", t0, t1)
	}
	s.t0, s.t1, s.dir = t0, t1, 1
	if t1 < t0 {
		s.dir = -1
	}
	last := t0
	for i, t := range o.SaveAt {
		if !(s.dir*(t-last) >= 0) || s.dir*(t1-t) < 0 {
			return bad("SaveAt[%d] is %v: times must run from t0=%v towards t1=%v", i, t, t0, t1)
		}
		last = t
	}
	s.stops, s.nudge, s.stopAtEnd = s.stops[:0], false, false
	last = t0
	for i, t := range o.Stops {
		if !(s.dir*(t-last) >= 0) {
			return bad("Stops[%d] is %v: times must run from t0=%v towards t1=%v", i, t, t0, t1)
		}
		switch {
		case t == t0:
			s.nudge = true
		case t == t1:
			s.stopAtEnd = true
		case s.dir*(t1-t) > 0 && (len(s.stops) == 0 || t != last):
			s.stops = append(s.stops, t)
		}
		last = t
	}
	for name, v := range [...][]float64{o.Rtols, o.Atols, o.Weights} {
		if v != nil && len(v) != s.dim {
			return bad("%s has %d entries, the system has dimension %d", [...]string{"Rtols", "Atols", "Weights"}[name], len(v), s.dim)
		}
	}
	s.tol = grow(s.tol, s.dim)
	s.wsum = 0
	for i := range s.tol {
		c := tolerance{o.Rtol, o.Atol, 1}
		if o.Rtols != nil {
			c.rel = o.Rtols[i]
		}
		if o.Atols != nil {
			c.abs = o.Atols[i]
		}
		if o.Weights != nil {
			c.weight = o.Weights[i]
		}
		if o.Step == 0 && c.weight > 0 && c.abs == 0 && c.rel < 4*eps[F]() {
			return fmt.Errorf("%w: component %d: rtol %v, atol 0", ErrTolerance, i, c.rel)
		}
		s.tol[i] = c
		s.wsum += c.weight
	}
	if s.dim > 0 && s.wsum == 0 && o.Step == 0 {
		return bad("all Weights are zero, so nothing decides the steps: set Step")
	}
	return nil
}

// tolerance is what one component of the error is measured by.
type tolerance struct{ rel, abs, weight float64 }

// grow returns a slice of n elements, x's own memory if it reaches.
func grow[T any](x []T, n int) []T {
	if cap(x) < n {
		return make([]T, n)
	}
	return x[:n]
}
