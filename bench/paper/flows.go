package main

import (
	"context"
	"fmt"
	"math"
	"slices"

	"pushforward/autograd"
	"pushforward/cfm"
	"pushforward/cfm/dataset"
	"pushforward/cfm/ot"
	"pushforward/odeint"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// fresh is training data that a law draws anew for every batch.
type fresh struct{ law dataset.Law }

// Next draws row r of step k from place r of the key of k.
func (d fresh) Next(b *cfm.Batch[float32], key rng.Key) error {
	dim := d.law.Dim()
	x := make([]float64, b.Total*dim)
	d.law.Sample(x, key)
	cfm.Grow(&b.X1, len(b.Row), dim)
	for i, r := range b.Row {
		for j := range dim {
			b.X1.Data[i*dim+j] = float32(x[r*dim+j])
		}
	}
	return nil
}

// draw returns n rows of a law; nil stands for the standard normal law of the plane.
func draw(law dataset.Law, n int, key rng.Key) []float64 {
	x := make([]float64, 2*n)
	if law == nil {
		rng.Normal(key, x)
	} else {
		law.Sample(x, key)
	}
	return x
}

// modes are the parts of a law that are equally likely: points that trace them, and the part of each point.
type modes struct {
	points []float64 // in the plane
	part   []int
	parts  int
}

// modesOf returns the parts of the toy laws that have some, nil for others.
func modesOf(law string) *modes {
	switch law {
	case "8gaussians":
		m := &modes{parts: 8}
		for k := range 8 {
			a := float64(k) * math.Pi / 4
			m.points = append(m.points, 5*simd.Cos(a), 5*simd.Sin(a))
			m.part = append(m.part, k)
		}
		return m
	case "moons":
		// The half circles, moved along the diagonal by the mean of the uniform noise.
		m := &modes{parts: 2}
		for k := range 64 {
			c, s := simd.Cos(math.Pi*float64(k)/63), simd.Sin(math.Pi*float64(k)/63)
			m.points = append(m.points, 3*(c+0.1)-1, 3*(s+0.1)-1, 3*(1-c+0.1)-1, 3*(0.5-s+0.1)-1)
			m.part = append(m.part, 0, 1)
		}
		return m
	}
	return nil
}

// of returns the part of the nearest point.
func (m *modes) of(x []float64) int {
	best, part := math.Inf(1), 0
	for k, p := range m.part {
		dx, dy := x[0]-m.points[2*k], x[1]-m.points[2*k+1]
		if d := float64(dx*dx) + float64(dy*dy); d < best {
			best, part = d, p
		}
	}
	return part
}

// balance returns samples of n rows, no row in two of them: in sample s of each part the rows s·n/parts and following of
// that part, so that a distance between two samples is not ruled by how many points happened to fall to each. uneven is
// the total variation between the parts' shares among all the rows and equal ones. Where a part is too rare the rows that
// are left over fill the place. Without modes they are the rows as they come.
func (m *modes) balance(x []float64, n, samples int) (y [][]float64, uneven float64) {
	if m == nil {
		for s := range samples {
			y = append(y, x[2*n*s:2*n*(s+1)])
		}
		return y, 0
	}
	y = make([][]float64, samples)
	count := make([]int, m.parts)
	var rest []float64
	for i := 0; i < len(x); i += 2 {
		p := m.of(x[i:])
		if s := count[p] / (n / m.parts); s < samples {
			y[s] = append(y[s], x[i:i+2]...)
		} else {
			rest = append(rest, x[i:i+2]...)
		}
		count[p]++
	}
	for s := range y {
		lack := 2*n - len(y[s])
		y[s] = append(y[s], rest[:lack]...)
		rest = rest[lack:]
	}
	for _, c := range count {
		uneven += 0.5 * math.Abs(float64(2*c)/float64(len(x))-1/float64(m.parts))
	}
	return y, uneven
}

// trace carries rows of the source from 0 to 1 by steps classical Runge-Kutta steps, and returns where they end and the
// energy of the path, the sum of E‖x[k+1] - x[k]‖²·steps over the chords. It is at most ∫ E‖v‖², and at least W₂² of
// the rows at both ends.
func trace(ctx context.Context, f *cfm.Flow[float32], x0 []float64, steps int) (x1 []float64, energy float64, err error) {
	x := autograd.NewTensor[float32](len(x0)/f.Dim, f.Dim)
	for i, v := range x0 {
		x.Data[i] = float32(v)
	}
	for k := range steps {
		t0, t1 := float64(k)/float64(steps), float64(k+1)/float64(steps)
		s, err := f.Transport(ctx, x, t0, t1, odeint.Options{Method: odeint.RK4, Step: t1 - t0})
		if err != nil {
			return nil, 0, err
		}
		for i, v := range s.X.Data {
			d := float64(v) - float64(x.Data[i])
			energy += float64(d * d)
		}
		x = s.X
	}
	energy *= float64(steps) / float64(x.Rows())
	x1 = make([]float64, len(x0))
	for i, v := range x.Data {
		x1[i] = float64(v)
	}
	return x1, energy, nil
}

// w2 is the exact 2-Wasserstein distance of two samples of one size in the plane.
func w2(x, y []float64) (float64, error) {
	d, err := ot.W2(x, y, 2)
	if err != nil {
		return 0, fmt.Errorf("W₂: %w", err)
	}
	return d, nil
}

// median returns the middle of a list, which it sorts.
func median(v []float64) float64 {
	n := len(v)
	if n == 0 {
		return math.NaN()
	}
	slices.Sort(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}
