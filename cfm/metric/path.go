package metric

import (
	"fmt"
	"math"
)

// PathEnergy returns ∫ E‖v(t, X_t)‖² dt by the trapezoid rule. v[k] holds the velocities of the rows at
// time t[k], rows of dim numbers. By Benamou and Brenier it is at least W₂² of the end points' laws, with
// equality when every point goes straight to its optimal place.
func PathEnergy(t []float64, v [][]float64, dim int) float64 {
	if len(t) != len(v) {
		panic(fmt.Sprintf("metric: PathEnergy: %d times, %d velocities", len(t), len(v)))
	}
	sum, before := 0.0, 0.0
	for k := range t {
		e := 0.0
		for _, c := range v[k] {
			e = math.FMA(c, c, e)
		}
		e /= float64(rows(v[k], dim))
		if k > 0 {
			sum = math.FMA(0.5*(t[k]-t[k-1]), e+before, sum)
		}
		before = e
	}
	return sum
}

// LengthEnergy is PathEnergy of the broken lines through the positions x[k] at times t[k]: the sum of
// E‖x[k+1] - x[k]‖²/(t[k+1] - t[k]). It needs no velocities and is below the energy of the curves it cuts.
func LengthEnergy(t []float64, x [][]float64, dim int) float64 {
	if len(t) != len(x) {
		panic(fmt.Sprintf("metric: LengthEnergy: %d times, %d positions", len(t), len(x)))
	}
	sum := 0.0
	for k := 1; k < len(t); k++ {
		e := 0.0
		for i, c := range x[k] {
			d := c - x[k-1][i]
			e = math.FMA(d, d, e)
		}
		sum += e / float64(rows(x[k], dim)) / (t[k] - t[k-1])
	}
	return sum
}

// Straightness is ∫ E‖(x₁ - x₀) - v(t, X_t)‖² dt of the broken lines through the positions x[k] at times t[k]: by how
// much LengthEnergy exceeds E‖x₁ - x₀‖². It is zero if every point goes straight and at constant speed, as after
// reflow (Liu et al. 2022, eq. 7), which says nothing of where it goes: see ExcessEnergy for that.
func Straightness(t []float64, x [][]float64, dim int) float64 {
	sum := LengthEnergy(t, x, dim)
	if n := len(t); n > 1 {
		straight := LengthEnergy([]float64{t[0], t[n-1]}, [][]float64{x[0], x[n-1]}, dim)
		sum = math.FMA(-straight, t[n-1]-t[0], sum)
	}
	return sum
}

// ExcessEnergy returns |energy - W₂²|/W₂², the normalised path energy of Tong et al. 2024.
func ExcessEnergy(energy, w2 float64) float64 {
	sq := float64(w2 * w2)
	return math.Abs(energy-sq) / sq
}
