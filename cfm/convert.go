package cfm

import (
	"fmt"
	"math"
)

// Part names what a point of a Gaussian path is made of: x = a·m + s·e with data m and unit
// noise e, where s is the width of all the noise.
type Part uint8

// The parts.
const (
	DataPart Part = iota
	NoisePart
)

// Noise returns the width s = √(b² + c²) of the noise, x₀ counted as standard normal, and its
// derivative.
func (k Coeffs) Noise() (s, ds float64) {
	if k.C == 0 && k.DC == 0 {
		return k.B, k.DB
	}
	if k.B == 0 && k.DB == 0 {
		return k.C, k.DC
	}
	s = math.Sqrt(float64(k.B*k.B) + float64(k.C*k.C))
	return s, (float64(k.B*k.DB) + float64(k.C*k.DC)) / s
}

// Velocity returns ȧ·m + ṡ·e at the point x, one of whose parts is given:
//
//	ȧ·m + ṡ·(x - a·m)/s   or   ȧ·(x - s·e)/a + ṡ·e
//
// It is not finite where the other part cannot be told from x: at s = 0, at a = 0.
func (k Coeffs) Velocity(x float64, p Part, value float64) float64 {
	s, ds := k.Noise()
	if p == DataPart {
		return float64(k.DA*value) + float64(ds*((x-float64(k.A*value))/s))
	}
	return float64(k.DA*((x-float64(s*value))/k.A)) + float64(ds*value)
}

// Part returns the part of the point x whose velocity is u:
//
//	m = (ṡ·x - s·u) / (a·ṡ - ȧ·s),   e = (a·u - ȧ·x) / (a·ṡ - ȧ·s)
//
// Applied to a field's velocity it gives the expected data or noise, given x.
func (k Coeffs) Part(x, u float64, p Part) float64 {
	s, ds := k.Noise()
	det := float64(k.A*ds) - float64(k.DA*s)
	if p == DataPart {
		return (float64(ds*x) - float64(s*u)) / det
	}
	return (float64(k.A*u) - float64(k.DA*x)) / det
}

// TimeOfSNR returns the time at which p's ratio a/s of data to noise is snr, or the nearer end
// of [0, 1] if it never is. The ratio must rise with t, as it does on every path here.
func TimeOfSNR(p Path, snr float64) float64 {
	if math.IsNaN(snr) || snr < 0 {
		panic(fmt.Sprintf("cfm: TimeOfSNR: a ratio of %v", snr))
	}
	lo, hi := 0.0, 1.0
	for {
		t := (lo + hi) / 2
		if t <= lo || t >= hi {
			return hi
		}
		k := p.At(t)
		if s, _ := k.Noise(); k.A < float64(snr*s) {
			lo = t
		} else {
			hi = t
		}
	}
}
