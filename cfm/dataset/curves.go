package dataset

import (
	"math"

	"pushforward/simd"
	"pushforward/simd/rng"
)

// curve is the law of a point that is uniform on a curve plus normal noise of s.d. s on each axis. Its
// density is one integral along the curve,
//
//	p(x) = ∫₀¹ exp(-‖x - c(u)‖²/2s²) / 2πs² du,
//
// which a quadrature rule turns into a mixture: nodes c(uₖ) with weights wₖ. The integrand is a bump some
// s wide, so nodes a fraction of s apart make the rule exact to rounding.
type curve struct {
	name         string
	s            float64
	at           func(u float64) (x, y float64)
	nodes, weigh []float64
}

// moonsNormal is scikit-learn's make_moons(noise=0.2), then 3x − 1.
var moonsNormal = newCurve("moons-normal", 0.6, moonAt, 2, 12)

// moonAt goes along the two half circles for u in [0, ½) and [½, 1).
func moonAt(u float64) (x, y float64) {
	lower := u >= 0.5
	if lower {
		u -= 0.5
	}
	x, y = simd.Cos(2*math.Pi*u), simd.Sin(2*math.Pi*u)
	if lower {
		x, y = 1-x, 0.5-y
	}
	return math.FMA(3, x, -1), math.FMA(3, y, -1)
}

// sCurve is scikit-learn's make_s_curve(noise=0.1) without its middle axis, then 2x.
var sCurve = newCurve("scurve", 0.2, func(u float64) (x, y float64) {
	t := 3 * math.Pi * (u - 0.5)
	y = simd.Cos(t) - 1
	if t < 0 {
		y = -y
	}
	return 2 * simd.Sin(t), 2 * y
}, 2, 36)

// rings is FFJORD's: circles of radius 0.75, 1.5, 2.25 and 3, equally likely, noise 0.08.
var rings = newCurve("rings", 0.08, func(u float64) (x, y float64) {
	k := math.Floor(4 * u)
	angle := 2 * math.Pi * (float64(4*u) - k)
	r := 0.75 * (k + 1)
	return r * simd.Cos(angle), r * simd.Sin(angle)
}, 4, 90)

// newCurve tabulates the density's nodes: each of the equal pieces, on which the curve is smooth, is cut
// in panels, and each panel has the eight nodes of Gauss.
func newCurve(name string, s float64, at func(float64) (x, y float64), pieces, panels int) *curve {
	c := &curve{name: name, s: s, at: at}
	h := 1 / float64(pieces*panels)
	for p := range pieces * panels {
		for k, z := range gauss8 {
			for _, sign := range []float64{-1, 1} {
				x, y := at(h * (float64(p) + 0.5 + float64(0.5*sign*z.at)))
				c.nodes = append(c.nodes, x, y)
				c.weigh = append(c.weigh, 0.5*h*gauss8[k].weight)
			}
		}
	}
	return c
}

// gauss8 holds the positive nodes of the Gauss–Legendre rule with eight nodes on [-1, 1], and weights
// (Abramowitz and Stegun, table 25.4).
var gauss8 = [4]struct{ at, weight float64 }{
	{0.18343464249564980494, 0.36268378337836198297},
	{0.52553240991632898582, 0.31370664587788728734},
	{0.79666647741362673959, 0.22238103445337447054},
	{0.96028985649753623168, 0.10122853629037625915},
}

func (c *curve) Name() string { return c.name }
func (c *curve) Dim() int     { return 2 }

func (c *curve) Sample(dst []float64, key rng.Key) {
	u := streams(dst, key)
	for i := 0; i < len(dst); i += 2 {
		x, y := c.at(u.Float64(uint64(i / 2)))
		dst[i] = math.FMA(c.s, dst[i], x)
		dst[i+1] = math.FMA(c.s, dst[i+1], y)
	}
}

func (c *curve) LogProb(x []float64) (float64, bool) {
	v := c.s * c.s
	return logSumGauss(x, c.nodes, c.weigh, v) - simd.Log(2*math.Pi*v), true
}

// uniformMoons is torchcfm's sample_moons: the half circles of scikit-learn, moved along the diagonal by
// a number uniform on [0, 0.2), then 3x − 1.
//
// A point p = (x + 1)/3 comes from the upper moon if p - w·(1, 1) lies on the upper unit half circle for
// a shift w in [0, 0.2), which is a quadratic equation in w. The map (angle, w) → p has the Jacobian
// |sin + cos| of the angle, which at a root equals the square root of the discriminant: the density
// has no bound where the diagonal touches the circle. The lower moon is the upper one turned about
// (½, ¼), with the shift turned as well.
type uniformMoons struct{}

const moonShift = 0.2

func (uniformMoons) Name() string { return "moons" }
func (uniformMoons) Dim() int     { return 2 }

func (uniformMoons) Sample(dst []float64, key rng.Key) {
	key = streams(dst, key)
	for i := 0; i < len(dst); i += 2 {
		x, y := moonAt(key.Float64(uint64(i)))
		w := 3 * moonShift * key.Float64(uint64(i+1))
		dst[i], dst[i+1] = x+float64(w), y+float64(w)
	}
}

func (uniformMoons) LogProb(x []float64) (float64, bool) {
	px, py := (x[0]+1)/3, (x[1]+1)/3
	sum := shiftedArc(px, py, 1) + shiftedArc(1-px, 0.5-py, -1)
	if sum == 0 {
		return math.Inf(-1), true
	}
	// ½ for the choice of the moon, 1/π and 1/0.2 for angle and shift, 1/9 for the scale.
	return simd.Log(sum) - simd.Log(2*math.Pi*moonShift*9), true
}

// shiftedArc sums 1/|Jacobian| over the shifts w for which (x, y) - sign·w·(1, 1) is on the upper half
// of the unit circle.
func shiftedArc(x, y, sign float64) float64 {
	// With s = x + y and z = sign·w: 2z² - 2sz + x² + y² - 1 = 0.
	s := x + y
	root := math.Sqrt(math.FMA(s, s, -2*(square2(x, y)-1)))
	if !(root > 0) {
		return 0
	}
	sum := 0.0
	for _, z := range [2]float64{(s - root) / 2, (s + root) / 2} {
		if w := sign * z; w >= 0 && w < moonShift && y-z >= 0 {
			sum += 1 / root
		}
	}
	return sum
}
