package ot

import (
	"fmt"
	"math"

	"pushforward/simd"
)

// SquaredDistances fills dst, n×m, with ‖xᵢ - yⱼ‖² for the n rows of x and the m rows of y, each of dim
// numbers. Every one is a chain of FMAs over the squared differences, so near points do not cancel.
func SquaredDistances(dst, x, y []float64, dim int) {
	n, m := rows(x, dim), rows(y, dim)
	if len(dst) != n*m {
		panic(fmt.Sprintf("ot: SquaredDistances: dst has length %d, want %d·%d", len(dst), n, m))
	}
	clear(dst)
	k := simd.Best[float64]()
	b := takeBlock()
	defer b.give()
	for j := 0; j < m; j += block {
		wide := min(block, m-j)
		for at := 0; at < dim; at += depth {
			deep := min(depth, dim-at)
			for r := range wide {
				for q, v := range y[(j+r)*dim+at:][:deep] {
					b.turned[q*block+r] = v
				}
			}
			t := b.turned[:deep*block]
			for i := range n {
				p, d := x[i*dim+at:][:deep], dst[i*m+j:][:wide]
				if wide == block {
					k.SqDist(d, p, t)
				} else {
					copy(b.tail[:], d)
					k.SqDist(b.tail[:], p, t)
					copy(d, b.tail[:])
				}
			}
		}
	}
}

// A block of SquaredDistances: as many columns as simd's kernel takes best, and so many numbers of each that the
// block stays in cache.
const block, depth = 32, 64

type blockSpace struct {
	turned [block * depth]float64 // a block of rows of y, column by column
	tail   [block]float64
}

// blocks holds idle work spaces, one for each core that has ever needed one at once.
var blocks = make(chan *blockSpace, 64)

func takeBlock() *blockSpace {
	select {
	case b := <-blocks:
		return b
	default:
		return new(blockSpace)
	}
}

func (b *blockSpace) give() {
	select {
	case blocks <- b:
	default:
	}
}

func squared(p, q []float64) float64 {
	q = q[:len(p)]
	sum := 0.0
	for k, a := range p {
		d := a - q[k]
		sum = math.FMA(d, d, sum)
	}
	return sum
}

// Distances fills dst, n×m, with ‖xᵢ - yⱼ‖.
func Distances(dst, x, y []float64, dim int) {
	SquaredDistances(dst, x, y, dim)
	for k, v := range dst {
		dst[k] = math.Sqrt(v)
	}
}

func rows(x []float64, dim int) int {
	if dim <= 0 || len(x)%dim != 0 {
		panic(fmt.Sprintf("ot: %d numbers are not rows of %d", len(x), dim))
	}
	return len(x) / dim
}
