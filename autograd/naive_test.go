package autograd_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	. "pushforward/autograd"
	"pushforward/simd/rng"
)

// The values of the operations with the most index arithmetic, against loops over the definition.

// at returns x[i…], and 0 outside.
func at(x Tensor[float64], i ...int) float64 {
	p := 0
	for k, v := range i {
		if v < 0 || v >= x.Shape.Dim(k) {
			return 0
		}
		p = p*x.Shape.Dim(k) + v
	}
	return x.Data[p]
}

// each calls f with every index of s, in order.
func each(s Shape, f func(p int, i []int)) {
	i := make([]int, s.Rank())
	for p := range s.Len() {
		f(p, i)
		for k := s.Rank() - 1; k >= 0; k-- {
			if i[k]++; i[k] < s.Dim(k) {
				break
			}
			i[k] = 0
		}
	}
}

func TestConvolutionsByDefinition(t *testing.T) {
	for k := range draws() {
		g := &gen{key: rng.New(21).Fold(uint64(k))}
		c := Conv{Stride: [2]int{1 + g.n(3), 1 + g.n(3)}, Pad: [2]int{g.n(4), g.n(3)}, Dilation: [2]int{1 + g.n(2), 1 + g.n(3)}, Groups: 1 + g.n(3)}
		if k%4 == 0 {
			c.Stride = [2]int{1, 1}
		}
		cg, og, kh, kw := 1+g.n(3), 1+g.n(3), 1+g.n(3), 1+g.n(3)
		x := g.normal(2, cg*c.Groups, 6+g.n(3), 8+g.n(3))
		w, b := g.normal(og*c.Groups, cg, kh, kw), g.normal(og*c.Groups)
		tape := NewTape[float64](nil)
		y := Conv2d(tape.Const(x), tape.Const(w), tape.Const(b), c).Value()
		each(y.Shape, func(p int, i []int) {
			n, o, oy, ox := i[0], i[1], i[2], i[3]
			want := b.Data[o]
			for ci := range cg {
				for ky := range kh {
					for kx := range kw {
						want += at(w, o, ci, ky, kx) * at(x, n, o/og*cg+ci, oy*c.Stride[0]+ky*c.Dilation[0]-c.Pad[0], ox*c.Stride[1]+kx*c.Dilation[1]-c.Pad[1])
					}
				}
			}
			require.InDelta(t, want, y.Data[p], 1e-12, "draw %d %+v", k, c)
		})

		c.Pad = [2]int{g.n(2), g.n(2)}
		c.OutPad = [2]int{g.n(max(c.Stride[0], c.Dilation[0])), g.n(max(c.Stride[1], c.Dilation[1]))}
		x, w = g.normal(2, cg*c.Groups, 3, 4), g.normal(cg*c.Groups, og, 1+kh, 1+kw)
		y = ConvTranspose2d(tape.Const(x), tape.Const(w), tape.Const(b), c).Value()
		want := NewTensor[float64](dimsOf(y.Shape)...)
		each(want.Shape, func(p int, i []int) { want.Data[p] = b.Data[i[1]] })
		each(x.Shape, func(p int, i []int) {
			for o := range og {
				for ky := range kh + 1 {
					for kx := range kw + 1 {
						oy, ox := i[2]*c.Stride[0]+ky*c.Dilation[0]-c.Pad[0], i[3]*c.Stride[1]+kx*c.Dilation[1]-c.Pad[1]
						if oy >= 0 && oy < y.Shape.Dim(2) && ox >= 0 && ox < y.Shape.Dim(3) {
							oc := i[1]/cg*og + o
							want.Data[((i[0]*y.Shape.Dim(1)+oc)*y.Shape.Dim(2)+oy)*y.Shape.Dim(3)+ox] += x.Data[p] * at(w, i[1], o, ky, kx)
						}
					}
				}
			}
		})
		require.Equal(t, Dims(2, og*c.Groups, 2*c.Stride[0]-2*c.Pad[0]+c.Dilation[0]*kh+c.OutPad[0]+1, 3*c.Stride[1]-2*c.Pad[1]+c.Dilation[1]*kw+c.OutPad[1]+1), y.Shape)
		require.InDeltaSlice(t, want.Data, y.Data, 1e-12, "transposed, draw %d %+v", k, c)
	}
}

func TestPoolsByDefinition(t *testing.T) {
	for k := range 4 * draws() {
		g := &gen{key: rng.New(22).Fold(uint64(k))}
		p := drawPool(g)
		x := g.normal(2, 3, 4+g.n(4), 5)
		tape := NewTape[float64](nil)
		avg, top := tape.Const(x).AvgPool2d(p).Value(), tape.Const(x).MaxPool2d(p).Value()
		require.Equal(t, avg.Shape, top.Shape)
		for axis, n := range []int{x.Shape.Dim(2), 5} { // the last window begins before the end, and one more would not fit
			last, next := (avg.Shape.Dim(2+axis)-1)*p.Stride[axis]-p.Pad[axis], avg.Shape.Dim(2+axis)*p.Stride[axis]-p.Pad[axis]
			if p.Ceil {
				require.Less(t, last, n)
				require.True(t, next >= n || next-p.Stride[axis]+p.Window[axis] >= n+p.Pad[axis], "%+v", p)
			} else {
				require.LessOrEqual(t, last+p.Window[axis], n+p.Pad[axis])
				require.Greater(t, next+p.Window[axis], n+p.Pad[axis])
			}
		}
		each(avg.Shape, func(q int, i []int) {
			sum, m, inside, padded := 0.0, math.Inf(-1), 0, 0
			for ky := range p.Window[0] {
				for kx := range p.Window[1] {
					y, z := i[2]*p.Stride[0]+ky-p.Pad[0], i[3]*p.Stride[1]+kx-p.Pad[1]
					if y < x.Shape.Dim(2)+p.Pad[0] && z < 5+p.Pad[1] {
						padded++
					}
					if y >= 0 && y < x.Shape.Dim(2) && z >= 0 && z < 5 {
						inside++
						v := at(x, i[0], i[1], y, z)
						sum, m = sum+v, math.Max(m, v)
					}
				}
			}
			if p.SkipPad {
				padded = inside
			}
			require.InDelta(t, sum/float64(padded), avg.Data[q], 1e-13, "%+v", p)
			require.Equal(t, m, top.Data[q], "%+v", p)
		})
		up := tape.Const(x).UpsampleNearest2d(p.Window).Value()
		each(up.Shape, func(q int, i []int) {
			require.Equal(t, at(x, i[0], i[1], i[2]/p.Window[0], i[3]/p.Window[1]), up.Data[q])
		})
	}
}

func TestLayoutByDefinition(t *testing.T) {
	for k := range draws() {
		g := &gen{key: rng.New(23).Fold(uint64(k))}
		d := g.dims(2, 6)
		x := g.normal(d...)
		tape := NewTape[float64](nil)
		perm := make([]int, len(d))
		rng.Perm(g.key, perm)
		y := tape.Const(x).Permute(perm...).Value()
		each(y.Shape, func(p int, i []int) {
			j := make([]int, len(d))
			for a, b := range perm {
				j[b] = i[a]
			}
			require.Equal(t, at(x, j...), y.Data[p], "%v by %v", d, perm)
		})
		stretch := append([]int(nil), d...)
		for a := range stretch {
			if g.n(2) == 0 {
				stretch[a] = 1
			}
		}
		s := g.normal(stretch...)
		e := tape.Const(s).Expand(x.Shape).Value()
		sum := tape.Const(x).SumTo(s.Shape).Value()
		want := make([]float64, len(sum.Data))
		each(x.Shape, func(p int, i []int) {
			j, q := make([]int, len(d)), 0
			for a := range i {
				j[a] = i[a] % stretch[a]
				q = q*stretch[a] + j[a]
			}
			require.Equal(t, at(s, j...), e.Data[p])
			want[q] += x.Data[p]
		})
		require.InDeltaSlice(t, want, sum.Data, 1e-13)
		a := g.n(len(d))
		f, c := tape.Const(x).Flip(a).Value(), tape.Const(x).CumSum(a).Value()
		each(x.Shape, func(p int, i []int) {
			j := append([]int(nil), i...)
			j[a] = d[a] - 1 - i[a]
			require.Equal(t, at(x, j...), f.Data[p])
			run := 0.0
			for j[a] = 0; j[a] <= i[a]; j[a]++ {
				run += at(x, j...)
			}
			require.InDelta(t, run, c.Data[p], 1e-13)
		})
	}
}

// TestProductsByDefinition has batches that stretch each other, up to six axes.
func TestProductsByDefinition(t *testing.T) {
	for k := range draws() {
		g := &gen{key: rng.New(24).Fold(uint64(k))}
		d := g.dims(0, 4)
		a, b := append([]int(nil), d...), append([]int(nil), d...)
		for i := range d {
			switch g.n(3) {
			case 0:
				a[i] = 1
			case 1:
				b[i] = 1
			}
		}
		m, l, n := g.dim(), g.dim(), g.dim()
		x, y := g.normal(append(a, m, l)...), g.normal(append(b, l, n)...)
		tape := NewTape[float64](nil)
		z := tape.Const(x).MatMul(tape.Const(y)).Value()
		zt := tape.Const(x).MatMulT(tape.Const(y).Transpose(-1, -2)).Value()
		tz := tape.Const(x).Transpose(-1, -2).TMatMul(tape.Const(y)).Value()
		require.Equal(t, z, zt)
		require.Equal(t, z, tz)
		each(z.Shape, func(p int, i []int) {
			r := len(i) - 2
			xi, yi := append([]int(nil), i...), append([]int(nil), i...)
			for j := range r {
				xi[j], yi[j] = i[j]%x.Shape.Dim(j), i[j]%y.Shape.Dim(j)
			}
			want := 0.0
			for q := range l {
				xi[r+1], yi[r] = q, q
				want += at(x, xi...) * at(y, yi...)
			}
			require.InDelta(t, want, z.Data[p], 1e-13)
		})
	}
}

func TestAtan(t *testing.T) {
	tape := NewTape[float64](nil)
	f := func(x float64) float64 { return tape.Scalar(x).Atan().Item() }
	for i := range 20000 {
		x := math.Exp(float64(i)/1000-10) - 1e-5
		require.InEpsilon(t, math.Atan(x), f(x), 4e-16, "atan %g", x)
		require.Equal(t, -f(x), f(-x))
	}
	require.Equal(t, math.Pi/2, f(math.Inf(1)))
	require.True(t, math.IsNaN(f(math.NaN())))
	inf, zero := math.Inf(1), math.Copysign(0, -1)
	for _, y := range []float64{0, zero, 1, -1, 0.3, inf, -inf, 1e-300, math.NaN()} {
		for _, x := range []float64{0, zero, 1, -1, -0.7, inf, -inf, 1e300, math.NaN()} {
			got, want := tape.Scalar(y).Atan2(tape.Scalar(x)).Item(), math.Atan2(y, x)
			if math.IsNaN(want) {
				require.True(t, math.IsNaN(got))
				continue
			}
			require.InDelta(t, want, got, 5e-16, "atan2(%g, %g)", y, x)
			require.Equal(t, math.Signbit(want), math.Signbit(got), "atan2(%g, %g)", y, x)
		}
	}
}
