package odeint

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
)

// rats are the tables as their authors give them, in fractions, or decimals for those published so.
type rats struct {
	c, b, e []string
	a       [][]string
}

var published = map[*Tableau]rats{
	Euler:    {c: []string{"0"}, a: [][]string{{}}, b: []string{"1"}},
	Midpoint: {c: []string{"0", "1/2"}, a: [][]string{{}, {"1/2"}}, b: []string{"0", "1"}},
	Heun:     {c: []string{"0", "1"}, a: [][]string{{}, {"1"}}, b: []string{"1/2", "1/2"}, e: []string{"-1/2", "1/2"}},
	RK4: {c: []string{"0", "1/2", "1/2", "1"}, a: [][]string{{}, {"1/2"}, {"0", "1/2"}, {"0", "0", "1"}},
		b: []string{"1/6", "1/3", "1/3", "1/6"}},
	RK38: {c: []string{"0", "1/3", "2/3", "1"}, a: [][]string{{}, {"1/3"}, {"-1/3", "1"}, {"1", "-1", "1"}},
		b: []string{"1/8", "3/8", "3/8", "1/8"}},
	Bosh3: {c: []string{"0", "1/2", "3/4", "1"}, a: [][]string{{}, {"1/2"}, {"0", "3/4"}, {"2/9", "1/3", "4/9"}},
		b: []string{"2/9", "1/3", "4/9", "0"}, e: []string{"-5/72", "1/12", "1/9", "-1/8"}},
	Dopri5: {c: []string{"0", "1/5", "3/10", "4/5", "8/9", "1", "1"},
		a: [][]string{{}, {"1/5"}, {"3/40", "9/40"}, {"44/45", "-56/15", "32/9"},
			{"19372/6561", "-25360/2187", "64448/6561", "-212/729"},
			{"9017/3168", "-355/33", "46732/5247", "49/176", "-5103/18656"},
			{"35/384", "0", "500/1113", "125/192", "-2187/6784", "11/84"}},
		b: []string{"35/384", "0", "500/1113", "125/192", "-2187/6784", "11/84", "0"},
		e: []string{"71/57600", "0", "-71/16695", "71/1920", "-17253/339200", "22/525", "-1/40"}},
	// Ch. Tsitouras, Computers and Mathematics with Applications 62 (2011) 770–775, to 40 digits.
	Tsit5: {c: []string{"0", "0.161", "0.327", "0.9", "0.9800255409045096857298102862870245954942", "1", "1"},
		a: [][]string{{}, {"0.161"},
			{"-0.008480655492356988544426874250230774675121", "0.3354806554923569885444268742502307746751"},
			{"2.897153057105493432130432594192938764925", "-6.359448489975074843148159912383825625953", "4.362295432869581411017727318190886861028"},
			{"5.325864828439256604428877920840511317836", "-11.74888356406282787774717033978577296189", "7.495539342889836208304604784564358155659", "-0.09249506636175524925650207933207191611350"},
			{"5.861455442946420028659251486982647890394", "-12.92096931784710929170611868178335939542", "8.159367898576158643180400794539253485182", "-0.07158497328140099722453054252582973869127", "-0.02826905039406838290900305721271224146718"},
			{"0.09646076681806522951816731316512876333712", "0.01", "0.4798896504144995747752495322905965199130", "1.379008574103741893192274821856872770756", "-3.290069515436080679901047585711363850116", "2.324710524099773982415355918398765796109"}},
		b: []string{"0.09646076681806522951816731316512876333712", "0.01", "0.4798896504144995747752495322905965199130", "1.379008574103741893192274821856872770756", "-3.290069515436080679901047585711363850116", "2.324710524099773982415355918398765796109", "0"},
		e: []string{"0.00178001105222577712", "0.0008164344596567470", "-0.007880878010261996", "0.1447110071732629", "-0.5823571654525552", "0.4580821059291870", "-1/66"}},
}

func rat(t testing.TB, s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	require.True(t, ok, s)
	return r
}

func ratsOf(t testing.TB, s []string, n int) []*big.Rat {
	r := make([]*big.Rat, n)
	for i := range r {
		r[i] = new(big.Rat)
		if i < len(s) {
			r[i] = rat(t, s[i])
		}
	}
	return r
}

func float(r *big.Rat) float64 { f, _ := r.Float64(); return f }

// The tables in use are the roundings of the published ones.
func TestTablesAreThePublishedOnes(t *testing.T) {
	for m, r := range published {
		same := func(want []string, got []float64, what string) {
			for i, s := range want {
				w := float(rat(t, s))
				require.InDelta(t, w, got[i], 4e-16*math.Abs(w)+1e-17, "%s: %s[%d]", m.Name, what, i)
			}
		}
		same(r.c, m.C, "C")
		same(r.b, m.B, "B")
		for i := range r.a {
			same(r.a[i], m.A[i], fmt.Sprintf("A[%d]", i))
		}
		if m == Tsit5 { // the differences of rounded decimals, published to 16 places
			for i, s := range r.e {
				require.InDelta(t, float(rat(t, s)), m.E[i], 1e-15, "E[%d]", i)
			}
			continue
		}
		same(r.e, m.E, "E")
	}
}

func TestTablesCheckThemselves(t *testing.T) {
	for _, m := range Methods() {
		require.NoError(t, m.Check(), m.Name)
		text, err := m.MarshalText()
		require.NoError(t, err)
		var back Tableau
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, *m, back)
	}
	require.Error(t, new(Tableau).UnmarshalText([]byte("nonsense")))
	fsal := map[string]bool{"bosh3": true, "dopri5": true, "tsit5": true}
	for _, m := range Methods() {
		require.Equal(t, fsal[m.Name], m.fsal(), m.Name)
	}
	for name, spoil := range map[string]func(m *Tableau){
		"row sum":  func(m *Tableau) { m.A = append([][]float64{}, m.A...); m.A[2] = []float64{3. / 40, 9. / 41} },
		"implicit": func(m *Tableau) { m.A = append([][]float64{}, m.A...); m.A[1] = []float64{0, 1. / 5} },
		"B":        func(m *Tableau) { m.B = append([]float64{0.1}, m.B[1:]...) },
		"E":        func(m *Tableau) { m.E = append([]float64{0.1}, m.E[1:]...) },
		"C":        func(m *Tableau) { m.C = m.C[1:] },
		"P":        func(m *Tableau) { m.P = hermite(m.B[:6], dopri5D, 6); m.P[3][2] += 1e-9 },
		"order":    func(m *Tableau) { m.Order = 0 },
	} {
		m := *Dopri5
		spoil(&m)
		require.ErrorIs(t, m.Check(), ErrOptions, name)
		_, err := Solve(bg, harmonic[float64](), []float64{1, 0}, 0, 1, Options{Method: &m})
		require.ErrorIs(t, err, ErrOptions, name)
	}
}

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
	embedded := map[*Tableau]int{Heun: 1, Bosh3: 2, Dopri5: 4, Tsit5: 4}
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
	for m, order := range map[*Tableau]int{Euler: 1, Midpoint: 2, Heun: 2, RK4: 3, RK38: 3, Bosh3: 3, Dopri5: 4, Tsit5: 4} {
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

func TestPID(t *testing.T) {
	f, ok := PID{}.Next(5, 1, 1, 1)
	require.True(t, ok)
	require.InDelta(t, 0.9, f, 1e-15)
	f, ok = PID{}.Next(5, 32, 1, 1)
	require.False(t, ok)
	require.InDelta(t, 0.45, f, 1e-15)
	f, _ = PID{}.Next(5, 1e9, 1, 1)
	require.Equal(t, 0.2, f)
	f, _ = PID{}.Next(5, 0, 1, 1)
	require.Equal(t, 10., f)
	f, _ = PID{P: 0.4, I: 0.3}.Next(5, 0.5, 0.25, 1)
	require.InDelta(t, 0.9*math.Pow(0.5, -0.7/5)*math.Pow(0.25, 0.4/5), f, 1e-14)
	f, _ = PID{P: 0.1, I: 0.4, D: 0.2}.Next(3, 0.5, 0.25, 0.125)
	require.InDelta(t, 0.9*math.Pow(0.5, -0.7/3)*math.Pow(0.25, 0.5/3)*math.Pow(0.125, -0.2/3), f, 1e-14)
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

// Stab is where |R(-x)| = 1 for R(z) = 1 + z·bᵀ(I - zA)⁻¹·1.
func TestStabilityLimits(t *testing.T) {
	for _, m := range Methods() {
		if m.Stab == 0 {
			continue
		}
		r := func(x float64) float64 {
			k := make([]float64, len(m.B))
			y := 1.
			for i := range k {
				sum := 1.
				for j := range i {
					sum -= x * at(m.A[i], j) * k[j]
				}
				k[i] = sum
				y -= x * m.B[i] * k[i]
			}
			return math.Abs(y)
		}
		x := 0.01
		for r(x) <= 1 {
			x += 1e-4
		}
		require.InDelta(t, x, m.Stab, 1e-2, m.Name)
	}
}

// A batch's factors have the bits of each row's own.
func TestFactorsTogether(t *testing.T) {
	for _, c := range []PID{{}, {I: 0.7, Safety: 0.8, Min: 0.1, Max: 4}} {
		var e []float64
		for x := 1e-40; x < 1e40; x *= 1.37 {
			e = append(e, x)
		}
		e = append(e, 0, 1, math.Inf(1), math.NaN())
		for _, order := range []int{2, 3, 5, 8} {
			got := make([]float64, len(e))
			c.filled().factors(got, order, e)
			for i, v := range e {
				if want, _ := c.Next(order, v, 1, 1); v == v {
					require.Equal(t, want, got[i], "%v", v)
				}
			}
		}
	}
}
