package picture

import (
	"image/color"
	"math"
	"strings"
)

// The colours, chosen to be told apart in print and by eyes that do not see red and green.
var (
	paper    = color.RGBA{0xff, 0xff, 0xff, 0xff}
	ink      = color.RGBA{0x21, 0x25, 0x29, 0xff}
	faint    = color.RGBA{0x6c, 0x75, 0x7d, 0xff} // captions and tick labels
	hairline = color.RGBA{0xce, 0xd4, 0xda, 0xff} // frames and grid lines
	wash     = color.RGBA{0xf1, 0xf3, 0xf5, 0xff} // where nothing is known
	realCol  = color.RGBA{0x1f, 0x4e, 0x79, 0xff} // data
	drawnCol = color.RGBA{0xd9, 0x53, 0x19, 0xff} // what the model drew
)

func splitBlanks(s string) []string { return strings.Fields(s) }

// mix goes from a to b.
func mix(a, b color.RGBA, t float64) color.RGBA {
	t = math.Max(0, math.Min(1, t))
	m := func(x, y uint8) uint8 { return uint8(math.Round(float64(x) + t*(float64(y)-float64(x)))) }
	return color.RGBA{m(a.R, b.R), m(a.G, b.G), m(a.B, b.B), 0xff}
}

// heat is the scale of densities, from paper to deep blue: lightness falls steadily.
func heat(t float64) color.RGBA {
	stops := [...]color.RGBA{
		paper, {0xe3, 0xee, 0xf6, 0xff}, {0xb8, 0xd4, 0xe8, 0xff}, {0x7f, 0xb3, 0xd5, 0xff},
		{0x45, 0x8b, 0xbd, 0xff}, {0x1f, 0x5f, 0x99, 0xff}, {0x12, 0x3a, 0x6b, 0xff},
	}
	t = math.Max(0, math.Min(1, t)) * float64(len(stops)-1)
	k := min(int(t), len(stops)-2)
	return mix(stops[k], stops[k+1], t-float64(k))
}

// hue is a wheel of colours of equal lightness and strength (OKLCH, Björn Ottosson 2020); turn counts
// whole turns.
func hue(turn float64) color.RGBA {
	const l, chroma = 0.63, 0.135
	a, b := chroma*math.Cos(2*math.Pi*turn), chroma*math.Sin(2*math.Pi*turn)
	cube := func(x float64) float64 { return x * x * x }
	p, q, s := cube(l+0.3963377774*a+0.2158037573*b), cube(l-0.1055613458*a-0.0638541728*b), cube(l-0.0894841775*a-1.2914855480*b)
	gamma := func(v float64) uint8 {
		if v <= 0.0031308 {
			v *= 12.92
		} else {
			v = 1.055*math.Pow(v, 1/2.4) - 0.055
		}
		return uint8(math.Round(255 * math.Max(0, math.Min(1, v))))
	}
	return color.RGBA{
		gamma(4.0767416621*p - 3.3077115913*q + 0.2309699292*s),
		gamma(-1.2684380046*p + 2.6097574011*q - 0.3413193965*s),
		gamma(-0.0041960863*p - 0.7034186147*q + 1.7076147010*s), 0xff,
	}
}
