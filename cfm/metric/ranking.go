package metric

import (
	"fmt"
	"math"
	"slices"
)

// steps calls f for each distinct score, highest first, with the numbers of positive and negative rows
// that score at least so much, and returns how many of each there are.
func steps(score []float64, label []int, f func(pos, neg int)) (pos, neg int) {
	if len(score) != len(label) {
		panic(fmt.Sprintf("metric: %d scores, %d labels", len(score), len(label)))
	}
	order := make([]int, len(score))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case score[a] > score[b]:
			return -1
		case score[a] < score[b]:
			return 1
		}
		return 0
	})
	for k, i := range order {
		if label[i] != 0 {
			pos++
		} else {
			neg++
		}
		if k+1 == len(order) || score[order[k+1]] != score[i] {
			f(pos, neg)
		}
	}
	return pos, neg
}

// AUROC returns the probability that a row with label 1 scores higher than one with label 0, ties
// counting one half: the area under the ROC curve. NaN if a label is missing.
func AUROC(score []float64, label []int) float64 {
	wins := 0 // twice the number of pairs in order
	p0, n0 := 0, 0
	pos, neg := steps(score, label, func(p, n int) {
		wins += (n - n0) * (p + p0)
		p0, n0 = p, n
	})
	if pos == 0 || neg == 0 {
		return math.NaN()
	}
	return float64(wins) / (2 * float64(pos) * float64(neg))
}

// AveragePrecision returns Σ (Rₖ - Rₖ₋₁)·Pₖ over the thresholds, P precision and R recall.
func AveragePrecision(score []float64, label []int) float64 {
	sum := 0.0
	p0 := 0
	pos, _ := steps(score, label, func(p, n int) {
		sum = math.FMA(float64(p-p0), float64(p)/float64(p+n), sum)
		p0 = p
	})
	if pos == 0 {
		return math.NaN()
	}
	return sum / float64(pos)
}

// FPRAt returns the share of label 0 that passes the highest threshold which at least the share tpr of
// label 1 passes.
func FPRAt(score []float64, label []int, tpr float64) float64 {
	pos := 0
	for _, l := range label {
		if l != 0 {
			pos++
		}
	}
	at := -1
	_, neg := steps(score, label, func(p, n int) {
		if at < 0 && float64(p)/float64(pos) >= tpr {
			at = n
		}
	})
	if pos == 0 || neg == 0 || at < 0 {
		return math.NaN()
	}
	return float64(at) / float64(neg)
}
