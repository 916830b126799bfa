package model

import (
	"context"
	"encoding/binary"
	"math"

	"pushforward/autograd"
	"pushforward/cfm"
)

// A network smooths over what it saw few rows of, and is sure of itself far from all of them. The law of the training rows under Gaussian
// kernels knows nothing but where rows are. Its density, in closed form, is one more view beside the network's own: what one is blind to
// the other sees.

// kernelRows and kernelNumbers bound the training rows that a detector keeps, and their numbers.
const (
	kernelRows    = 2048
	kernelNumbers = 1 << 20
	kernelShare   = 1.0 / 3 // of the score
)

// smoothed is the law of some training rows under kernels: (1/N)·Σ N(xᵢ, Width²·I), in the model's scale.
type smoothed struct {
	Width float64 `json:"width"`
	Rows  []byte  `json:"rows"` // float32, little-endian, row after row

	points autograd.Tensor[float32]
}

// newSmoothed keeps at most kernelRows of rows, evenly spread, under kernels of the width by which held are likeliest.
func newSmoothed(rows, held autograd.Tensor[float32]) *smoothed {
	n, dim := rows.Rows(), rows.Shape.Dim(1)
	keep := max(1, min(n, kernelRows, kernelNumbers/dim))
	s := &smoothed{points: autograd.NewTensor[float32](keep, dim)}
	for i := range keep {
		copy(s.points.Row(i), rows.Row(i*n/keep))
	}
	none := autograd.Tensor[float32]{}
	s.Width = width(s.points, none, held, none, false)
	for _, v := range s.points.Data {
		s.Rows = binary.LittleEndian.AppendUint32(s.Rows, math.Float32bits(v))
	}
	return s
}

// unpack sets the points from what a file holds, and reports whether they are rows of dim finite numbers.
func (s *smoothed) unpack(dim int) bool {
	n := len(s.Rows) / (4 * dim)
	if n == 0 || len(s.Rows) != 4*dim*n || !(s.Width > 0) || math.IsInf(s.Width, 0) {
		return false
	}
	s.points = autograd.NewTensor[float32](n, dim)
	for i := range s.points.Data {
		s.points.Data[i] = math.Float32frombits(binary.LittleEndian.Uint32(s.Rows[4*i:]))
	}
	return finite(s.points.Data)
}

// view adds -log p of the rows x.
func (s *smoothed) view(ctx context.Context, x autograd.Tensor[float32], l *looked) error {
	n, dim := x.Rows(), x.Shape.Dim(1)
	p := cfm.MarginalDensity(s.points, cfm.CondOT{SigmaMin: s.Width})
	values := make([]float64, n)
	err := pieces(ctx, n, func() []float64 { return make([]float64, dim) }, func(row []float64, lo, hi int) {
		for i := lo; i < hi && ctx.Err() == nil; i++ {
			for j, v := range x.Row(i) {
				row[j] = float64(v)
			}
			values[i] = -p(1, row)
		}
	})
	l.add("kernels", values)
	return err
}
