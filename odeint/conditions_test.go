package odeint

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
)

// tree is a rooted tree: its subtrees, its number of nodes, and γ, the product over nodes of the sizes of what hangs from
// them.
type tree struct {
	subs  []*tree
	size  int
	gamma int64
}

// treesUpTo lists the rooted trees of each size up to n, by size.
func treesUpTo(n int) [][]*tree {
	all := make([][]*tree, n+1)
	var flat []*tree
	for size := 1; size <= n; size++ {
		// Choose a multiset of smaller trees with size-1 nodes, in non-increasing order of index.
		var grow func(left, last int, subs []*tree)
		grow = func(left, last int, subs []*tree) {
			if left == 0 {
				g := int64(size)
				for _, s := range subs {
					g *= s.gamma
				}
				all[size] = append(all[size], &tree{append([]*tree{}, subs...), size, g})
				return
			}
			for i := last; i >= 0; i-- {
				if flat[i].size <= left {
					grow(left-flat[i].size, i, append(subs, flat[i]))
				}
			}
		}
		grow(size-1, len(flat)-1, nil)
		flat = append(flat, all[size]...)
	}
	return all
}

// phi sets out to the elementary weights Φᵢ(τ) of each stage: the product over subtrees of Σⱼ aᵢⱼΦⱼ.
func phi(tr *tree, a [][]*big.Rat) []*big.Rat {
	out := make([]*big.Rat, len(a))
	for i := range out {
		out[i] = big.NewRat(1, 1)
	}
	for _, s := range tr.subs {
		sub := phi(s, a)
		for i := range out {
			sum := new(big.Rat)
			for j := range a[i] {
				sum.Add(sum, new(big.Rat).Mul(a[i][j], sub[j]))
			}
			out[i].Mul(out[i], sum)
		}
	}
	return out
}

func dot(x, y []*big.Rat) *big.Rat {
	sum := new(big.Rat)
	for i := range x {
		sum.Add(sum, new(big.Rat).Mul(x[i], y[i]))
	}
	return sum
}

// residual is the largest |Σ bᵢΦᵢ(τ) - θ^|τ|/γ(τ)| over trees of one size.
func residual(trees []*tree, a [][]*big.Rat, b []*big.Rat, theta *big.Rat) float64 {
	var worst float64
	for _, tr := range trees {
		want := big.NewRat(1, tr.gamma)
		for range tr.size {
			want.Mul(want, theta)
		}
		d := dot(b, phi(tr, a))
		worst = max(worst, math.Abs(float(d.Sub(d, want))))
	}
	return worst
}

func TestNumberOfTrees(t *testing.T) {
	for size, trees := range treesUpTo(8) {
		require.Len(t, trees, []int{0, 1, 1, 2, 4, 9, 20, 48, 115}[size])
	}
}

// Every order condition holds exactly (to the published digits for decimals), the next order's do not, and the
// embedded method has the order its name says.
func TestOrderConditions(t *testing.T) {
	trees := treesUpTo(6)
	one := big.NewRat(1, 1)
	embedded := map[*Tableau]int{Heun: 1, Bosh3: 2, Dopri5: 4, Tsit5: 4, Bosh5: 4}
	for m, r := range published {
		n := len(r.b)
		a := make([][]*big.Rat, n)
		for i := range a {
			a[i] = ratsOf(t, r.a[i], n)
		}
		b := ratsOf(t, r.b, n)
		exact, printed := 0., 0.
		if m == Tsit5 {
			exact, printed = 1e-37, 1e-15
		}
		for size := 1; size <= m.Order; size++ {
			require.LessOrEqual(t, residual(trees[size], a, b, one), exact, "%s: order %d", m.Name, size)
		}
		require.Greater(t, residual(trees[m.Order+1], a, b, one), 1e-5, "%s has a higher order than it says", m.Name)
		if m.E == nil {
			continue
		}
		hat := ratsOf(t, r.e, n)
		for i := range hat {
			hat[i].Sub(b[i], hat[i])
		}
		for size := 1; size <= embedded[m]; size++ {
			require.LessOrEqual(t, residual(trees[size], a, hat, one), printed, "%s: embedded order %d", m.Name, size)
		}
		require.Greater(t, residual(trees[embedded[m]+1], a, hat, one), 1e-5, m.Name)
	}
}

// Continuous extensions: the order conditions at θ with weights bᵢ(θ) hold up to the order claimed.
func TestDenseOrderConditions(t *testing.T) {
	trees := treesUpTo(6)
	for m, order := range map[*Tableau]int{Euler: 1, Midpoint: 2, Heun: 2, RK4: 3, RK38: 3, Bosh3: 3, Dopri5: 4, Tsit5: 4, Bosh5: 4} {
		pl := newPlan[float64](m)
		r := published[m]
		n := pl.end + 1
		a := make([][]*big.Rat, n)
		for i := range a {
			if i < len(r.a) {
				a[i] = ratsOf(t, r.a[i], n)
			} else {
				a[i] = ratsOf(t, r.b, n)
			}
		}
		for _, theta := range []*big.Rat{big.NewRat(1, 10), big.NewRat(1, 2), big.NewRat(9, 10), big.NewRat(1, 1)} {
			b := make([]*big.Rat, n)
			for i := range b {
				b[i] = new(big.Rat)
				for j := len(pl.p[i]) - 1; j >= 0; j-- {
					b[i].Add(b[i], new(big.Rat).SetFloat64(pl.p[i][j]))
					b[i].Mul(b[i], theta)
				}
			}
			for size := 1; size <= order; size++ {
				require.LessOrEqual(t, residual(trees[size], a, b, theta), 3e-14, "%s at θ=%v: order %d", m.Name, theta, size)
			}
		}
	}
}

// Shampine's mid-point weights, which torchdiffeq and diffrax fit their quartic through, are this extension at θ = 1/2.
func TestDopri5MidpointIsShampines(t *testing.T) {
	for i, want := range []float64{6025192743. / 30085553152, 0, 51252292925. / 65400821598, -2691868925. / 45128329728,
		187940372067. / 1594534317056, -1776094331. / 19743644256, 11237099. / 235043384} {
		var b float64
		for j, c := range Dopri5.P[i] {
			b += c * math.Pow(0.5, float64(j+1))
		}
		// They multiply h/2 in torchdiffeq.
		require.InDelta(t, want/2, b, 1e-15, "weight %d", i)
	}
}

// Dop853 against its published digits: every order condition up to 8 (200 trees), and the embedded ones up to 5 and 3.
func TestDop853Conditions(t *testing.T) {
	order := 8
	if testing.Short() {
		order = 6
	}
	trees := treesUpTo(order)
	n := 16
	a := make([][]*big.Rat, n)
	for i := range a {
		a[i] = ratsOf(t, dop853ARat[i], n)
	}
	b := ratsOf(t, dop853ARat[12], n)
	one := big.NewRat(1, 1)
	for i, want := range ratsOf(t, dop853CRat, n) {
		sum := new(big.Rat)
		for _, v := range a[i] {
			sum.Add(sum, v)
		}
		require.InDelta(t, 0, float(sum.Sub(sum, want)), 1e-27, "row %d", i)
		got := 1.
		switch {
		case i < 12:
			got = Dop853.C[i]
		case i > 12:
			got = Dop853.XC[i-13]
		}
		require.Equal(t, float(want), got)
		for j := range i {
			got := 0.
			switch {
			case i < 12:
				got = at(Dop853.A[i], j)
			case i == 12:
				got = at(Dop853.B, j)
			default:
				got = at(Dop853.XA[i-13], j)
			}
			require.Equal(t, float(a[i][j]), got, "a[%d][%d]", i, j)
		}
	}
	for size := 1; size <= order; size++ {
		require.Less(t, residual(trees[size], a, b, one), 1e-27, "order %d", size)
	}
	e := ratsOf(t, dop853ERat, n)
	e3 := append([]*big.Rat{}, b...)
	for i, s := range map[int]string{0: "0.244094488188976377952755905512", 8: "0.733846688281611857341361741547", 11: "0.0220588235294117647058823529412"} {
		e3[i] = new(big.Rat).Sub(b[i], rat(t, s))
	}
	for i := range 12 {
		require.Equal(t, float(e[i]), Dop853.E[i])
		require.InDelta(t, float(e3[i]), Dop853.E2[i], 1e-15)
	}
	for name, c := range map[string]struct {
		e     []*big.Rat
		order int
	}{"5": {e, 5}, "3": {e3, 3}} {
		hat := make([]*big.Rat, n)
		for i := range hat {
			hat[i] = new(big.Rat).Sub(b[i], c.e[i])
		}
		for size := 1; size <= c.order; size++ {
			require.Less(t, residual(trees[size], a, hat, one), 1e-26, "embedded order %s: %d", name, size)
		}
		require.Greater(t, residual(trees[c.order+1], a, hat, one), 1e-6, "embedded order %s", name)
	}
	for _, theta := range []*big.Rat{big.NewRat(1, 10), big.NewRat(1, 2), big.NewRat(9, 10)} {
		w := make([]*big.Rat, n)
		for i := range w {
			w[i] = new(big.Rat)
			for j := len(Dop853.P[i]) - 1; j >= 0; j-- {
				w[i].Add(w[i], new(big.Rat).SetFloat64(Dop853.P[i][j]))
				w[i].Mul(w[i], theta)
			}
		}
		for size := 1; size <= min(7, order); size++ {
			require.Less(t, residual(trees[size], a, w, theta), 1e-12, "dense output at %v, order %d", theta, size)
		}
	}
}

// Dop853's polynomials are Hairer's nested form, worked out here in fractions.
func TestDop853Dense(t *testing.T) {
	b := ratsOf(t, dop853ARat[12], 16)
	for _, theta := range []*big.Rat{big.NewRat(1, 3), big.NewRat(7, 8)} {
		back := new(big.Rat).Sub(big.NewRat(1, 1), theta)
		for i := range 16 {
			f := []*big.Rat{b[i], new(big.Rat).Neg(b[i]), new(big.Rat).Add(b[i], b[i])}
			if i == 0 { // k₁
				f[1].Add(f[1], big.NewRat(1, 1))
				f[2].Sub(f[2], big.NewRat(1, 1))
			}
			if i == 12 { // f(t+h, y⁺)
				f[2].Sub(f[2], big.NewRat(1, 1))
			}
			for _, row := range dop853DRat {
				f = append(f, rat(t, row[i]))
			}
			want := new(big.Rat)
			for j := len(f) - 1; j >= 0; j-- {
				want.Add(want, f[j])
				want.Mul(want, []*big.Rat{theta, back}[j%2])
			}
			got, x := 0., float(theta)
			for j := len(Dop853.P[i]) - 1; j >= 0; j-- {
				got = (got + Dop853.P[i][j]) * x
			}
			require.InDelta(t, float(want), got, 1e-12, "stage %d at %v", i, theta)
		}
	}
}
