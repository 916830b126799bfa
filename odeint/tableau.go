package odeint

import (
	"fmt"
	"math"
)

// Tableau is an explicit Runge–Kutta method, written as its Butcher table:
//
//	kᵢ = f(t + cᵢh, y + h Σⱼ aᵢⱼkⱼ),  y⁺ = y + h Σ bᵢkᵢ,  error = h Σ eᵢkᵢ,
//	y(t+θh) = y + h Σᵢ kᵢ Σⱼ pᵢⱼ θʲ⁺¹
//
// E is nil for a method without an error estimate, P for one with cubic Hermite output. Row i of A has at
// least i entries; missing ones are zero.
//
// A method whose last stage is evaluated at (t+h, y⁺) is recognised (first same as last) and that stage
// reused. For any other, f(t+h, y⁺) is evaluated once a step is accepted and counts as one more stage for
// P and XA.
type Tableau struct {
	Name  string
	Order int
	C     []float64
	A     [][]float64
	B, E  []float64
	P     [][]float64

	// E2 is a second error estimate, of lower order. With it the error is that of Hairer's DOP853,
	// ‖e‖²/√(‖e‖² + ‖e₂‖²/100).
	E2 []float64

	// XC and XA are further stages for P alone. They are evaluated only for steps that are looked
	// into. A row of XA runs over the stages of A, f(t+h, y⁺) if that is not one of them, and the
	// earlier further stages.
	XC []float64
	XA [][]float64

	// Stab is where the region of stability meets the negative real axis. Steps that keep running along it are
	// reported as stiff; 0: never.
	Stab float64
}

// String returns the name.
func (t *Tableau) String() string { return t.Name }

// MarshalText returns the name, so that Options can be written as JSON.
func (t *Tableau) MarshalText() ([]byte, error) { return []byte(t.Name), nil }

// UnmarshalText sets t to the method of that name among Methods.
func (t *Tableau) UnmarshalText(text []byte) error {
	m, ok := Method(string(text))
	if !ok {
		return fmt.Errorf("odeint: no method is called %q", text)
	}
	*t = *m
	return nil
}

// fsal says whether the last stage is f(t+h, y⁺).
func (t *Tableau) fsal() bool {
	s := len(t.B)
	if s < 2 || t.C[s-1] != 1 || t.B[s-1] != 0 {
		return false
	}
	for j := range s - 1 {
		if at(t.A[s-1], j) != t.B[j] {
			return false
		}
	}
	return true
}

// at returns row[j], or 0 beyond its end.
func at(row []float64, j int) float64 {
	if j < len(row) {
		return row[j]
	}
	return 0
}

// Check returns an error unless the table is consistent: extents that fit, A strictly lower
// triangular with row sums C, ΣB = 1, ΣE = ΣE2 = 0, P at θ=1 equal to B and with slope f(t, y) at θ=0.
// NewSolver calls it.
func (t *Tableau) Check() error {
	s := len(t.B)
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: table %s: %s", ErrOptions, t.Name, fmt.Sprintf(format, args...))
	}
	if s == 0 || len(t.C) != s || len(t.A) != s {
		return bad("A has %d rows, B %d entries, C %d", len(t.A), s, len(t.C))
	}
	if t.Order < 1 {
		return bad("order is %d", t.Order)
	}
	if t.C[0] != 0 {
		return bad("c₁ is %v, not 0", t.C[0])
	}
	near := func(sum, want, scale float64) bool { return math.Abs(sum-want) <= 1e-13*(1+scale) }
	row := func(a []float64, c float64, i int, name string) error {
		sum, abs := sums(a)
		for j, v := range a {
			if j >= i && v != 0 {
				return bad("%s[%d][%d] is not zero: the method is not explicit", name, i, j)
			}
		}
		if !near(sum, c, abs) {
			return bad("row %d of %s sums to %v, its c is %v", i, name, sum, c)
		}
		return nil
	}
	for i := range s {
		if err := row(t.A[i], t.C[i], i, "A"); err != nil {
			return err
		}
	}
	if sum, abs := sums(t.B); !near(sum, 1, abs) {
		return bad("B sums to %v", sum)
	}
	for name, e := range map[string][]float64{"E": t.E, "E2": t.E2} {
		if e == nil {
			continue
		}
		if sum, abs := sums(e); len(e) != s || !near(sum, 0, abs) {
			return bad("%s has %d entries and sums to %v", name, len(e), sum)
		}
	}
	if t.E2 != nil && t.E == nil {
		return bad("E2 without E")
	}
	n := s // stages P runs over
	if !t.fsal() {
		n++
	}
	if len(t.XC) != len(t.XA) || t.XC != nil && t.P == nil {
		return bad("XA has %d rows, XC %d entries, P %d rows", len(t.XA), len(t.XC), len(t.P))
	}
	for i := range t.XA {
		if err := row(t.XA[i], t.XC[i], n+i, "XA"); err != nil {
			return err
		}
	}
	if t.P == nil {
		return nil
	}
	if len(t.P) > n+len(t.XC) || len(t.P) < s {
		return bad("P has %d rows for %d stages", len(t.P), n+len(t.XC))
	}
	for i, p := range t.P {
		if len(p) != len(t.P[0]) {
			return bad("row %d of P has %d entries, row 0 has %d", i, len(p), len(t.P[0]))
		}
		if sum, abs := sums(p); !near(sum, at(t.B, i), abs) {
			return bad("row %d of P sums to %v, not to b", i, sum)
		}
		if slope := p[0]; !near(slope, map[bool]float64{true: 1}[i == 0], math.Abs(slope)) {
			return bad("row %d of P has slope %v at 0", i, slope)
		}
	}
	return nil
}

// sums returns the sum of v and of |v|.
func sums(v []float64) (sum, abs float64) {
	for _, x := range v {
		sum += x
		abs += math.Abs(x)
	}
	return sum, abs
}

// hermite returns the P of a continuous extension with weights b that has the right slope at both ends, and d
// for its one free direction:
//
//	y(t+θh) = y + h Σᵢ kᵢ·(θ·bᵢ + θ(1-θ)·(δᵢ₁-bᵢ) + θ²(1-θ)·(2bᵢ-δᵢ₁-δᵢₑ) + θ²(1-θ)²·dᵢ)
//
// e is the stage at (t+h, y⁺). With d = 0 it is the cubic Hermite polynomial. This is the form of Hairer's
// CONTD5.
func hermite(b, d []float64, e int) [][]float64 {
	p := make([][]float64, e+1)
	for i := range p {
		bi, di, first, last := at(b, i), at(d, i), 0., 0.
		if i == 0 {
			first = 1
		}
		if i == e {
			last = 1
		}
		b2, d2 := 2*bi, 2*di                                                                     // exact
		p[i] = []float64{first, b2 + bi - first - first - last + di, first + last - b2 - d2, di} // exact products: doubled
		if d == nil {
			p[i] = p[i][:3]
		}
	}
	return p
}
