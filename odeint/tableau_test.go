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
	// P. Bogacki, L. F. Shampine, Computers and Mathematics with Applications 32 (1996) 15–28.
	Bosh5: {c: []string{"0", "1/6", "2/9", "3/7", "2/3", "3/4", "1", "1"},
		a: [][]string{{}, {"1/6"}, {"2/27", "4/27"}, {"183/1372", "-162/343", "1053/1372"}, {"68/297", "-4/11", "42/143", "1960/3861"},
			{"597/22528", "81/352", "63099/585728", "58653/366080", "4617/20480"},
			{"174197/959244", "-30942/79937", "8152137/19744439", "666106/1039181", "-29421/29068", "482048/414219"},
			{"587/8064", "0", "4440339/15491840", "24353/124800", "387/44800", "2152/5985", "7267/94080"}},
		b: []string{"587/8064", "0", "4440339/15491840", "24353/124800", "387/44800", "2152/5985", "7267/94080", "0"},
		e: []string{"3817/1959552", "0", "-140181/15491840", "4224731/272937600", "-8557/403200", "57928/4363065", "23930231/4366535040", "-3293/556956"}},
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
	fsal := map[string]bool{"bosh3": true, "dopri5": true, "tsit5": true, "bosh5": true}
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
	for _, c := range []PID{{}, {I: 0.7, Safety: 0.8, Min: 0.1, Max: 4}, {P: 0.2, I: 0.6}, {P: 0.1, I: 0.4, D: 0.2}, {D: 0.3}} {
		var e []float64
		for x := 1e-40; x < 1e40; x *= 1.37 {
			e = append(e, x)
		}
		e = append(e, 0, 1, math.Inf(1), math.NaN())
		for _, order := range []int{2, 3, 5, 8} {
			got, e1, e2 := make([]float64, len(e)), make([]float64, len(e)), make([]float64, len(e))
			for i := range e {
				e1[i], e2[i] = math.Exp(-float64(i%23)), math.Exp(-float64(i%17))
			}
			older := [2][]float64{append([]float64{}, e1...), append([]float64{}, e2...)}
			c.filled().factors(got, order, e, e1, e2)
			for i, v := range e {
				if want, _ := c.Next(order, v, older[0][i], older[1][i]); v == v {
					require.Equal(t, want, got[i], "%v", v)
				}
			}
		}
	}
}
