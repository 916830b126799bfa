package dataset

import (
	"math"
	"strings"

	"pushforward/simd"
	"pushforward/simd/rng"
)

// Law is a probability law on vectors of Dim numbers.
type Law interface {
	Name() string
	Dim() int
	// Sample fills dst, whose length is a multiple of Dim, with independent rows. Row i depends on key
	// and i only, not on how many rows are asked for.
	Sample(dst []float64, key rng.Key)
	// LogProb returns the log-density at one point, in nats: -Inf outside the support. ok is false if the
	// law has no density that can be written down.
	LogProb(x []float64) (logp float64, ok bool)
}

// toys lists the toy laws in the order of the package comment.
var toys = []Law{
	mixture{"gaussian", []float64{0, 0}, 1},
	mixture{"8gaussians", ring8(5), math.Sqrt(0.1)},
	mixture{"8gaussians-tight", ring8(5), 0.1},
	uniformMoons{},
	moonsNormal,
	sCurve,
	rings,
	checkerboard{},
	pinwheel{},
	spirals{},
}

// Toy returns the toy law of that name.
func Toy(name string) (Law, error) {
	for _, l := range toys {
		if l.Name() == name {
			return l, nil
		}
	}
	return nil, refuse("no toy law is called %q; there are %s", clip(name), strings.Join(ToyNames(), ", "))
}

// ToyNames lists the toy laws.
func ToyNames() []string {
	names := make([]string, len(toys))
	for i, l := range toys {
		names[i] = l.Name()
	}
	return names
}

// streams splits a key: dst is filled with normal numbers, number j from place j, and the key returned
// gives the uniform numbers.
func streams(dst []float64, key rng.Key) rng.Key {
	if len(dst)%2 != 0 {
		panic("dataset: Sample: dst has an odd length; the law has 2 columns")
	}
	rng.Normal(key.Named("normal"), dst)
	return key.Named("uniform")
}

// mixture is the law of a centre, all equally likely, plus normal noise of variance v on each axis.
//
//	p(x) = 1/m Σ exp(-‖x - cₖ‖²/2v) / 2πv
type mixture struct {
	name    string
	centres []float64 // m × 2
	v       float64
}

func (l mixture) Name() string { return l.name }
func (l mixture) Dim() int     { return 2 }

func (l mixture) Sample(dst []float64, key rng.Key) {
	u := streams(dst, key)
	m, s := len(l.centres)/2, math.Sqrt(l.v)
	for i := 0; i < len(dst); i += 2 {
		c := 0
		if m > 1 {
			c = 2 * int(u.Float64(uint64(i/2))*float64(m))
		}
		dst[i] = math.FMA(s, dst[i], l.centres[c])
		dst[i+1] = math.FMA(s, dst[i+1], l.centres[c+1])
	}
}

func (l mixture) LogProb(x []float64) (float64, bool) {
	s := logSumGauss(x, l.centres, nil, l.v)
	return s - simd.Log(2*math.Pi*l.v*float64(len(l.centres)/2)), true
}

// logSumGauss returns log Σ wₖ exp(-‖x - cₖ‖²/2v); w nil means ones.
func logSumGauss(x, c, w []float64, v float64) float64 {
	least := math.Inf(1)
	for k := 0; k < len(c); k += 2 {
		least = math.Min(least, square2(x[0]-c[k], x[1]-c[k+1]))
	}
	if math.IsInf(least, 1) || math.IsNaN(least) {
		return -least
	}
	// Terms below e⁻⁵⁰ of the largest are under the rounding of the sum.
	sum, far := 0.0, math.FMA(100, v, least)
	for k := 0; k < len(c); k += 2 {
		d := square2(x[0]-c[k], x[1]-c[k+1])
		if d > far {
			continue
		}
		e := simd.Exp((least - d) / (2 * v))
		if w != nil {
			e *= w[k/2]
		}
		sum += float64(e)
	}
	return simd.Log(sum) - float64(least/(2*v))
}

// square2 is a² + b².
func square2(a, b float64) float64 { return math.FMA(a, a, float64(b*b)) }

// ring8 returns eight points at radius r, in torchcfm's order.
func ring8(r float64) []float64 {
	d := r * math.Sqrt2 / 2
	return []float64{r, 0, -r, 0, 0, r, 0, -r, d, d, d, -d, -d, d, -d, -d}
}

// checkerboard is uniform on eight squares of side 2 in [-4, 4]².
type checkerboard struct{}

func (checkerboard) Name() string { return "checkerboard" }
func (checkerboard) Dim() int     { return 2 }

func (checkerboard) Sample(dst []float64, key rng.Key) {
	key = streams(dst, key)
	for i := 0; i < len(dst); i += 2 {
		a := math.FMA(4, key.Float64(uint64(i)), -2)
		v := float64(2 * key.Float64(uint64(i+1))) // exact product
		b := v                                     // below 1: the upper square, at [0, 1); else the lower, at [-2, -1)
		if v >= 1 {
			b = v - 3
		}
		dst[i], dst[i+1] = 2*a, 2*(b+odd(a))
	}
}

// odd returns 1 if ⌊a⌋ is odd, else 0.
func odd(a float64) float64 { return float64(int(math.Floor(a)) & 1) }

func (checkerboard) LogProb(x []float64) (float64, bool) {
	a, b := x[0]/2, x[1]/2
	if a < -2 || a >= 2 || b < -2 || b >= 2 || odd(a) != odd(b) {
		return math.Inf(-1), true
	}
	return -5 * math.Ln2, true
}

// pinwheel is five arms: a normal blob at radius 1, its place turned by an angle that grows with the
// radius, then doubled. The turn folds the plane over itself, so there is no closed density.
type pinwheel struct{}

func (pinwheel) Name() string                        { return "pinwheel" }
func (pinwheel) Dim() int                            { return 2 }
func (pinwheel) LogProb(x []float64) (float64, bool) { return 0, false }

func (pinwheel) Sample(dst []float64, key rng.Key) {
	u := streams(dst, key)
	for i := 0; i < len(dst); i += 2 {
		r, s := math.FMA(0.3, dst[i], 1), 0.1*dst[i+1]
		arm := math.Floor(5 * u.Float64(uint64(i/2)))
		angle := math.FMA(0.25, simd.Exp(r), arm*(2*math.Pi/5))
		cos, sin := simd.Cos(angle), simd.Sin(angle)
		dst[i] = 2 * math.FMA(r, cos, float64(s*sin))
		dst[i+1] = 2 * math.FMA(s, cos, -float64(r*sin))
	}
}

// spirals is two arms of one and a half turns, with noise that is uniform along each axis, then normal.
type spirals struct{}

func (spirals) Name() string                        { return "spirals" }
func (spirals) Dim() int                            { return 2 }
func (spirals) LogProb(x []float64) (float64, bool) { return 0, false }

func (spirals) Sample(dst []float64, key rng.Key) {
	u := streams(dst, key)
	for i := 0; i < len(dst); i += 2 {
		at := uint64(2 * i)
		n := math.Sqrt(u.Float64(at)) * (3 * math.Pi)
		x := math.FMA(0.5, u.Float64(at+1), -float64(simd.Cos(n)*n))
		y := math.FMA(0.5, u.Float64(at+2), float64(simd.Sin(n)*n))
		if u.Float64(at+3) < 0.5 {
			x, y = -x, -y
		}
		dst[i] = math.FMA(0.1, dst[i], x/3)
		dst[i+1] = math.FMA(0.1, dst[i+1], y/3)
	}
}
