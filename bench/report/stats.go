package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Spread is a median with the extremes.
type Spread struct {
	Mid float64 `json:"mid"`
	Lo  float64 `json:"lo"`
	Hi  float64 `json:"hi"`
}

// spread returns the median and extremes of x, NaN of nothing.
func spread(x []float64) Spread {
	if len(x) == 0 {
		return Spread{math.NaN(), math.NaN(), math.NaN()}
	}
	s := slices.Sorted(slices.Values(x))
	n := len(s)
	return Spread{Mid: (s[(n-1)/2] + s[n/2]) / 2, Lo: s[0], Hi: s[n-1]}
}

// ratio compares our rounds with a peer's, round i with round i: the ratio of the medians and the extremes of the
// rounds' ratios. More than 1 is for us, whether the values are rates or, as the unit "ms" says, times.
func ratio(ours, theirs []float64, unit string) Spread {
	if unit == "ms" {
		ours, theirs = theirs, ours
	}
	single := make([]float64, min(len(ours), len(theirs)))
	for i := range single {
		single[i] = ours[i] / theirs[i]
	}
	r := spread(single)
	r.Mid = spread(ours).Mid / spread(theirs).Mid
	return r
}

// figure writes a number as people read it: three digits, thousands apart.
func figure(v float64) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case math.Abs(v) >= 1000:
		s := strconv.FormatFloat(v, 'f', 0, 64)
		sign := ""
		if s[0] == '-' {
			sign, s = "-", s[1:]
		}
		for i := len(s) - 3; i > 0; i -= 3 {
			s = s[:i] + "," + s[i:]
		}
		return sign + s
	case math.Abs(v) >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case math.Abs(v) >= 0.01 || v == 0:
		s := fmt.Sprintf("%.3g", v)
		return s
	}
	return strings.Replace(fmt.Sprintf("%.1e", v), "e-0", "e-", 1)
}
