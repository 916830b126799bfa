package metric

import (
	"fmt"
	"math"
	"slices"

	"pushforward/simd"
)

// Ranks returns, for each of n trials and each of dim parameters, how many of the trial's draws are below
// the truth. truth is n×dim, draws is n×each×dim. If the draws come from the true posterior, the ranks are
// uniform on 0 … each: simulation-based calibration (Talts et al. 2018). A ∪ of ranks means posteriors that
// are too narrow, a ∩ too wide, a slope a bias.
func Ranks(truth, draws []float64, dim, each int) []int {
	n := rows(truth, dim)
	if each < 1 || len(draws) != n*each*dim {
		panic(fmt.Sprintf("metric: Ranks: %d trials of %d draws of %d parameters need %d numbers, got %d", n, each, dim, n*each*dim, len(draws)))
	}
	ranks := make([]int, n*dim)
	for i := range n {
		for l := range each {
			for j, v := range draws[(i*each+l)*dim : (i*each+l+1)*dim] {
				if v < truth[i*dim+j] {
					ranks[i*dim+j]++
				}
			}
		}
	}
	return ranks
}

// Levels returns, for each trial, the share of its draws that have a higher density than the truth: the
// mass of the smallest region of high density that reaches it. logp holds the trials' log-densities of
// the truth, drawn those of each draws a trial. With the true posterior the levels are uniform, and
// Coverage of them is the expected coverage.
func Levels(logp, drawn []float64, each int) []float64 {
	if each < 1 || len(drawn) != len(logp)*each {
		panic(fmt.Sprintf("metric: Levels: %d trials of %d draws, got %d", len(logp), each, len(drawn)))
	}
	levels := make([]float64, len(logp))
	for i, p := range logp {
		above := 0
		for _, v := range drawn[i*each : (i+1)*each] {
			if v > p {
				above++
			}
		}
		levels[i] = float64(above) / float64(each)
	}
	return levels
}

// Coverage returns the share of levels below the given one: how often a region said to hold that much
// mass holds the truth. More than the level is cautious, less overconfident.
func Coverage(levels []float64, level float64) float64 {
	below := 0
	for _, v := range levels {
		if v < level {
			below++
		}
	}
	return float64(below) / float64(len(levels))
}

// Central turns ranks among each draws into levels of central intervals: |2·(rank + ½)/(each + 1) - 1|.
func Central(ranks []int, each int) []float64 {
	levels := make([]float64, len(ranks))
	for i, r := range ranks {
		levels[i] = math.Abs(float64(2*r+1)/float64(each+1) - 1)
	}
	return levels
}

// Uniformity compares numbers in [0, 1] with the uniform law: the largest distance of distribution
// functions (Kolmogorov and Smirnov), and the probability of one at least so large. Ranks r among l draws
// become numbers as (r + ½)/(l + 1).
func Uniformity(u []float64) (distance, p float64) {
	s := slices.Clone(u)
	slices.Sort(s)
	n := float64(len(s))
	for i, v := range s {
		distance = math.Max(distance, math.Max(float64(i+1)/n-v, v-float64(i)/n))
	}
	return distance, kolmogorov(distance, n)
}

// kolmogorov is the probability of a distance at least d with n numbers: 2·Σ (-1)^(k-1)·exp(-2k²z²) with
// Stephens' (1970) z for finite n.
func kolmogorov(d, n float64) float64 {
	r := math.Sqrt(n)
	z := d * (r + 0.12 + 0.11/r)
	if z < 0.2 {
		return 1
	}
	sum, sign := 0.0, 1.0
	for k := 1.0; k <= 100; k++ {
		term := simd.Exp(-2 * k * k * z * z)
		sum += float64(sign * term)
		if term < 1e-17 {
			break
		}
		sign = -sign
	}
	return math.Max(0, math.Min(1, 2*sum))
}
