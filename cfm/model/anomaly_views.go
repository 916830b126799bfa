package model

import (
	"context"
	"fmt"
	"math"

	"pushforward/autograd"
	"pushforward/cfm"
	"pushforward/nn/bijector"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// surpriseLevels are the shares of data in the mixtures that a CFM is surprised by, and surpriseDraws how
// many draws of noise each row is mixed with at each, in pairs of opposite sign. All rows are mixed with
// the same draws, so that they differ by themselves alone.
var surpriseLevels = []float64{0.3, 0.6, 0.8, 0.95}

const (
	surpriseDraws = 64
	expectedLevel = 1 // the one at which columns are told what was expected of them
)

// timeOf is the time at which a path's share of data, a/(a+s) with s the deviation of the noise, is level.
func timeOf(p cfm.Path, level float64) float64 {
	lo, hi := cfm.Span(p)
	for range 60 {
		t := (lo + hi) / 2
		c := p.At(t)
		s := math.Sqrt(float64(c.B*c.B) + float64(c.C*c.C))
		if c.A < float64(level*(c.A+s)) {
			lo = t
		} else {
			hi = t
		}
	}
	return lo
}

// views asks the field what it was trained to answer: mixed with noise x₀, where does the row
// come from? Its mean square error is a view at each level,
//
//	E ‖v(t, t·x + (1-t)·x₀) - (x - x₀)‖² / D
//
// At a level near 1 it sees the finest structure, near 0 the coarsest. It takes a network pass for each
// draw, no solve and no divergence, and has no term for volume: columns of few values do not mislead it.
// A column's surprise is its part of the error; what is expected of it is what the field would put there.
func (v velocity) views(ctx context.Context, f *cfm.Flow[float32], s Spec, x, cond autograd.Tensor[float32], l *looked, _ bool) error {
	path, err := ParsePath(s.Path)
	if err != nil {
		return err
	}
	n, dim := x.Rows(), f.Dim
	draws := surpriseNoise(f)
	share := float32(1.0 / surpriseDraws)
	for i, level := range surpriseLevels {
		t := timeOf(path, level)
		c := path.At(t)
		a, b, da, db := float32(c.A), float32(c.B), float32(c.DA), float32(c.DB)
		back := 1 / (float32(a*db) - float32(da*b)) // x₁ = (ḃ·x - b·v) / (a·ḃ - ȧ·b)
		values := make([]float64, n)
		err := pieces(ctx, n,
			func() *autograd.Tape[float32] { return autograd.NewTape(f.Theta) },
			func(tp *autograd.Tape[float32], lo, hi int) {
				given := given(cond, lo, hi, n)
				for _, z := range draws {
					q := cfm.Query[float32]{T: tp.Full(autograd.Dims(hi-lo, 1), float32(t)), X: tp.Alloc(autograd.Dims(hi-lo, dim))}
					if given != nil {
						q.Cond = tp.Const(autograd.Tensor[float32]{Shape: autograd.Dims(hi-lo, len(given)/(hi-lo)), Data: given})
					}
					mixed := q.X.Value()
					for r := lo; r < hi; r++ {
						for j, w := range x.Row(r) {
							mixed.Row(r - lo)[j] = float32(a*w) + float32(b*z[j])
						}
					}
					got := v.field.Velocity(q).Value()
					for r := lo; r < hi; r++ {
						to, sum := l.surprise.Row(r), float32(0)
						for j, w := range x.Row(r) {
							e := got.Row(r - lo)[j] - (float32(da*w) + float32(db*z[j]))
							e = float32(float32(e*e) * share)
							to[j] += e
							sum += e
							if i == expectedLevel {
								origin := (float32(db*mixed.Row(r - lo)[j]) - float32(b*got.Row(r - lo)[j])) * back
								l.expected.Row(r)[j] += float32(origin * share)
							}
						}
						values[r] += float64(sum)
					}
					tp.Reset()
				}
			})
		if err != nil {
			return err
		}
		for r := range values {
			values[r] /= float64(dim)
		}
		l.add(fmt.Sprintf("surprise %g", level), values)
	}
	return nil
}

// surpriseNoise returns the draws of the source that every row is mixed with. Of a normal source they come in pairs of
// opposite sign, and in blocks of D pairs at right angles to each other, with the lengths that they were drawn
// with: fewer draws then say as much.
func surpriseNoise(f *cfm.Flow[float32]) [][]float32 {
	dim := f.Dim
	key := rng.New(0).Named("surprise")
	draws := make([][]float32, surpriseDraws)
	for k := range draws {
		draws[k] = make([]float32, dim)
	}
	if f.Source != nil {
		z := make([]float64, dim)
		for k, d := range draws {
			f.Source.Sample(z, key.Fold(uint64(k)))
			for j, v := range z {
				d[j] = float32(v)
			}
		}
		return draws
	}
	var block [][]float64 // unit vectors at right angles
	for k := 0; k < surpriseDraws; k += 2 {
		if len(block) == dim {
			block = nil
		}
		z := make([]float64, dim)
		rng.Normal(key.Fold(uint64(k/2)), z)
		length := math.Sqrt(dot(z, z))
		for range 2 { // twice is enough
			for _, u := range block {
				c := dot(z, u)
				for j, v := range u {
					z[j] -= float64(c * v)
				}
			}
		}
		if rest := math.Sqrt(dot(z, z)); rest > 0 {
			for j := range z {
				z[j] /= rest
			}
		}
		block = append(block, z)
		for j, v := range z {
			draws[k][j] = float32(length * v)
			draws[k+1][j] = -draws[k][j]
		}
	}
	return draws
}

func dot(x, y []float64) (sum float64) {
	for i, v := range x {
		sum += float64(v * y[i])
	}
	return sum
}

// trials are the values, in the model's scale, that a discrete flow is asked about for each column.
var trials = []float32{-3, -2, -1.5, -1, -0.6, -0.3, 0, 0.3, 0.6, 1, 1.5, 2, 3}

// views are the density and, without the term for volume, the length of the latents. A column's surprise is by how much the row would be likelier if that column alone could be changed: the
// greatest gain among a few values, in nats. The best of them is what is expected.
func (d *discrete) views(ctx context.Context, f *cfm.Flow[float32], _ Spec, x, cond autograd.Tensor[float32], l *looked, why bool) error {
	n, dim := x.Rows(), d.flow.Dim
	density, latent := make([]float64, n), make([]float64, n)
	err := pieces(ctx, n,
		func() *bijector.Scorer[float32] { return bijector.NewScorer(d.flow, f.Theta) },
		func(s *bijector.Scorer[float32], lo, hi int) {
			z, det := make([]float32, (hi-lo)*dim), make([]float32, hi-lo)
			s.Latent(z, det, x.Slice(lo, hi).Data, given(cond, lo, hi, n))
			for i := range det {
				sum := 0.0
				for _, v := range z[i*dim : (i+1)*dim] {
					sum += float64(float64(v) * float64(v))
				}
				density[lo+i] = float64(sum/2) - float64(det[i])
				latent[lo+i] = simd.Log(sum + 1e-12)
			}
		})
	if err != nil {
		return err
	}
	l.add("density", density)
	l.add("latent", latent)
	copy(l.expected.Data, x.Data)
	if !why {
		return nil
	}
	type worker struct {
		s           *bijector.Scorer[float32]
		base, other []float32
	}
	return pieces(ctx, n,
		func() worker {
			return worker{bijector.NewScorer(d.flow, f.Theta), make([]float32, pieceRows), make([]float32, pieceRows)}
		},
		func(w worker, lo, hi int) {
			given := given(cond, lo, hi, n)
			rows := append([]float32(nil), x.Slice(lo, hi).Data...)
			base, other := w.base[:hi-lo], w.other[:hi-lo]
			w.s.LogProb(base, rows, given)
			for j := range dim {
				for _, v := range trials {
					for r := lo; r < hi; r++ {
						rows[(r-lo)*dim+j] = v
					}
					w.s.LogProb(other, rows, given)
					for r := lo; r < hi; r++ {
						if gain := other[r-lo] - base[r-lo]; gain > l.surprise.Row(r)[j] {
							l.surprise.Row(r)[j], l.expected.Row(r)[j] = gain, v
						}
					}
				}
				for r := lo; r < hi; r++ {
					rows[(r-lo)*dim+j] = x.Row(r)[j]
				}
			}
		})
}
