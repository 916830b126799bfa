package simd

import "math"

// PLACEHOLDER so that the floors above compile; replaced by generic.go, gemm.go.

func Levels() []Level                 { return []Level{Generic} }
func (l Level) String() string        { return [...]string{"generic", "neon", "avx2", "avx512"}[l] }
func At[F Float](l Level) *Kernels[F] { return Best[F]() }
func Best[F Float]() *Kernels[F] {
	var z F
	switch any(z).(type) {
	case float32:
		return any(k32).(*Kernels[F])
	}
	return any(k64).(*Kernels[F])
}

var k32, k64 = mk[float32](), mk[float64]()

func un[F Float](f func(float64) float64) func(dst, x []F) {
	return func(dst, x []F) {
		for i := range dst {
			dst[i] = F(f(float64(x[i])))
		}
	}
}
func bi[F Float](f func(x, y float64) float64) func(dst, x, y []F) {
	return func(dst, x, y []F) {
		for i := range dst {
			dst[i] = F(f(float64(x[i]), float64(y[i])))
		}
	}
}
func sg(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func mk[F Float]() *Kernels[F] {
	k := &Kernels[F]{}
	k.Add = bi[F](func(x, y float64) float64 { return x + y })
	k.Sub = bi[F](func(x, y float64) float64 { return x - y })
	k.Mul = bi[F](func(x, y float64) float64 { return x * y })
	k.Div = bi[F](func(x, y float64) float64 { return x / y })
	k.Scale = func(dst []F, a F, x []F) {
		for i := range dst {
			dst[i] = a * x[i]
		}
	}
	k.Shift = func(dst []F, a F, x []F) {
		for i := range dst {
			dst[i] = a + x[i]
		}
	}
	k.Axpy = func(dst []F, a F, x []F) {
		for i := range dst {
			dst[i] += a * x[i]
		}
	}
	k.MulAdd = func(dst, x, y, z []F) {
		for i := range dst {
			dst[i] = x[i]*y[i] + z[i]
		}
	}
	k.Combine = func(dst, y, h []F, c []F, ks [][]F) {
		for i := range dst {
			var s F
			for j := range c {
				s += c[j] * ks[j][i]
			}
			dst[i] = y[i] + h[i]*s
		}
	}
	k.Dot = func(x, y []F) F {
		var s F
		for i := range x {
			s += x[i] * y[i]
		}
		return s
	}
	k.Sum = func(x []F) float64 {
		var s float64
		for i := range x {
			s += float64(x[i])
		}
		return s
	}
	k.SumSq = func(x []F) float64 {
		var s float64
		for i := range x {
			s += float64(x[i]) * float64(x[i])
		}
		return s
	}
	k.AddRows = func(dst, x []F) {
		for i := range x {
			dst[i%len(dst)] += x[i]
		}
	}
	k.AddRow = func(dst, x, row []F) {
		for i := range x {
			dst[i] = x[i] + row[i%len(row)]
		}
	}
	k.Exp, k.Log, k.Sqrt, k.Tanh, k.Erf, k.Sin, k.Cos = un[F](math.Exp), un[F](math.Log), un[F](math.Sqrt), un[F](math.Tanh), un[F](math.Erf), un[F](math.Sin), un[F](math.Cos)
	k.Sigmoid = un[F](sg)
	k.SiLU = un[F](func(x float64) float64 { return x * sg(x) })
	phi := func(x float64) float64 { return 0.5 * (1 + math.Erf(x/math.Sqrt2)) }
	k.GELU = un[F](func(x float64) float64 { return x * phi(x) })
	const c0 = 0.7978845608028654
	k.GELUTanh = un[F](func(x float64) float64 { return 0.5 * x * (1 + math.Tanh(c0*(x+0.044715*x*x*x))) })
	selu := func(x float64) float64 {
		if x > 0 {
			return 1.0507009873554805 * x
		}
		return 1.0507009873554805 * 1.6732632423543772 * math.Expm1(x)
	}
	k.SELU = un[F](selu)
	k.ELU = un[F](func(x float64) float64 {
		if x > 0 {
			return x
		}
		return math.Expm1(x)
	})
	k.Softplus = un[F](func(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) })
	k.TanhGrad = bi[F](func(y, g float64) float64 { return g * (1 - y*y) })
	k.SigmoidGrad = bi[F](func(y, g float64) float64 { return g * y * (1 - y) })
	k.SiLUGrad = bi[F](func(x, g float64) float64 { s := sg(x); return g * s * (1 + x*(1-s)) })
	k.GELUGrad = bi[F](func(x, g float64) float64 {
		return g * (phi(x) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi))
	})
	k.GELUTanhGrad = bi[F](func(x, g float64) float64 {
		t := math.Tanh(c0 * (x + 0.044715*x*x*x))
		return g * (0.5*(1+t) + 0.5*x*(1-t*t)*c0*(1+3*0.044715*x*x))
	})
	k.SELUGrad = bi[F](func(x, g float64) float64 {
		if x > 0 {
			return g * 1.0507009873554805
		}
		return g * 1.0507009873554805 * 1.6732632423543772 * math.Exp(x)
	})
	k.ELUGrad = bi[F](func(x, g float64) float64 {
		if x > 0 {
			return g
		}
		return g * math.Exp(x)
	})
	k.Adam = func(w, m, v, g []F, c AdamCoeffs) {
		for i := range w {
			m[i] += F(1-c.Beta1) * (g[i] - m[i])
			v[i] += F(1-c.Beta2) * (g[i]*g[i] - v[i])
			w[i] -= F(c.Step)*m[i]/(F(math.Sqrt(float64(v[i])))+F(c.Eps)) + F(c.Decay)*w[i]
		}
	}
	k.Transpose = func(dst, src []F, rows, cols int) {
		for i := range rows {
			for j := range cols {
				dst[j*rows+i] = src[i*cols+j]
			}
		}
	}
	return k
}

func Exp(x float64) float64    { return math.Exp(x) }
func Log(x float64) float64    { return math.Log(x) }
func Pow(x, y float64) float64 { return math.Pow(x, y) }
func Sin(x float64) float64    { return math.Sin(x) }
func Cos(x float64) float64    { return math.Cos(x) }
func Tanh(x float64) float64   { return math.Tanh(x) }
func Erf(x float64) float64    { return math.Erf(x) }
func ErfInv(x float64) float64 { return math.Erfinv(x) }
