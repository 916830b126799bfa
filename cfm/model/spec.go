package model

import (
	"math"
	"strconv"
	"strings"

	"pushforward/cfm"
)

// ParsePath reads the name of a path, with its parameters after colons:
//
//	condot  condot:σ_min  tube:σ  vp  vp:β_min:β_max  ve  ve:σ_min:σ_max
//	cosine  cosine:σ  polynomial  polynomial:n  linearvp  bridge:σ
//
// "" is condot.
func ParsePath(s string) (cfm.Path, error) {
	name, p, err := split(s)
	if err != nil {
		return nil, badData("path %q: %v", s, err)
	}
	arg := func(i int, def float64) float64 {
		if i < len(p) {
			return p[i]
		}
		return def
	}
	var path cfm.Path
	most := 0
	switch name {
	case "", "condot":
		path, most = cfm.CondOT{SigmaMin: arg(0, 0)}, 1
	case "tube":
		path, most = cfm.Tube{Sigma: arg(0, 0.1)}, 1
	case "vp":
		path, most = cfm.VP{BetaMin: arg(0, 0.1), BetaMax: arg(1, 20)}, 2
	case "ve":
		path, most = cfm.VE{SigmaMin: arg(0, 0.01), SigmaMax: arg(1, 10)}, 2
	case "cosine":
		path, most = cfm.Cosine{Sigma: arg(0, 0)}, 1
	case "polynomial":
		path, most = cfm.Polynomial{N: arg(0, 2)}, 1
	case "linearvp":
		path = cfm.LinearVP{}
	case "bridge":
		path, most = cfm.Bridge{Sigma: arg(0, 0.5)}, 1
	default:
		return nil, badData("unknown path %q; there are condot, tube, vp, ve, cosine, polynomial, linearvp, bridge", s)
	}
	if len(p) > most {
		return nil, badData("path %q: %s takes at most %d parameters", s, name, most)
	}
	if err := cfm.CheckPath(path); err != nil {
		return nil, badData("path %q: %v", s, err)
	}
	return path, nil
}

// ParseCoupling reads the name of a coupling, with its parameters after colons:
//
//	independent                   rows as they were drawn
//	ot                            the optimal assignment
//	cot  cot:weight  cot:share=s  the same under conditions: within classes, or with the conditions' distance in the cost
//	sinkhorn:reg                  draws from the entropic plan; reg is 0.1 unless given
//	bridge:σ                      the plan of the Schrödinger bridge, sinkhorn:2σ²; σ is 0.5 unless given
//	unbalanced:reg:marginal       an entropic plan that may leave rows out; 0.1 and 1 unless given
//	partial:share                 the optimal assignment of a share of the rows; 0.9 unless given
//	semidiscrete                  each x₀ with the row of the data that the optimal map from the whole source gives it
//
// "" is independent. pool=k after any of them pairs the rows of k batches at once: ot:pool=4.
func ParseCoupling(s string) (cfm.Coupling, error) {
	named := map[string]float64{}
	var plain []string
	for i, t := range strings.Split(s, ":") {
		key, value, ok := strings.Cut(t, "=")
		if !ok || i == 0 {
			plain = append(plain, t)
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if _, twice := named[key]; err != nil || twice || key != "pool" && key != "share" {
			return nil, badData("coupling %q: parameter %q is not pool=number or share=number", s, t)
		}
		named[key] = v
	}
	name, p, err := split(strings.Join(plain, ":"))
	if err != nil {
		return nil, badData("coupling %q: %v", s, err)
	}
	arg := func(i int, def float64) float64 {
		if i < len(p) {
			return p[i]
		}
		return def
	}
	var c cfm.Coupling
	most := 0
	positive := func(v ...float64) bool {
		for _, x := range v {
			if !(x > 0) {
				err = badData("coupling %q: %g must be positive", s, x)
			}
		}
		return err == nil
	}
	switch name {
	case "", "independent":
		c = cfm.Independent{}
	case "ot":
		c = cfm.ExactOT{}
	case "cot":
		o := cfm.ConditionOT{}
		if v, ok := named["share"]; ok {
			if o.Share = v; !(v > 0 && v < 1) || len(p) > 0 {
				return nil, badData("coupling %q: share must be in (0, 1), and without a weight", s)
			}
			delete(named, "share")
		} else if len(p) > 0 && positive(p[0]) {
			o.Weight = p[0]
		}
		c, most = o, 1
	case "sinkhorn":
		positive(arg(0, 0.1))
		c, most = cfm.Sinkhorn{Reg: arg(0, 0.1)}, 1
	case "bridge":
		positive(arg(0, 0.5))
		c, most = cfm.BridgePlan(arg(0, 0.5)), 1
	case "unbalanced":
		positive(arg(0, 0.1), arg(1, 1))
		c, most = cfm.UnbalancedOT{Reg: arg(0, 0.1), Marginal: arg(1, 1)}, 2
	case "partial":
		if v := arg(0, 0.9); positive(v) && v > 1 {
			return nil, badData("coupling %q: a share of more than 1", s)
		}
		c, most = cfm.PartialOT{Share: arg(0, 0.9)}, 1
	case "semidiscrete":
		c = cfm.SemiDiscrete{}
	default:
		return nil, badData("unknown coupling %q; there are independent, ot, cot, sinkhorn, bridge, unbalanced, partial, semidiscrete", s)
	}
	if err != nil {
		return nil, err
	}
	if len(p) > most {
		return nil, badData("coupling %q: %s takes at most %d parameters", s, name, most)
	}
	if v, ok := named["pool"]; ok {
		if v != math.Trunc(v) || !(v >= 1 && v <= 1024) {
			return nil, badData("coupling %q: pool must be a whole number of batches up to 1024", s)
		}
		if v > 1 {
			c = cfm.Pooled{Coupling: c, Batches: int(v)}
		}
		delete(named, "pool")
	}
	if len(named) > 0 {
		return nil, badData("coupling %q: share is for cot", s)
	}
	return c, nil
}

// ParseTimes reads the name of a law of training times, with its parameters after colons:
//
//	uniform                independent and uniform
//	stratified             uniform, spread evenly over each batch; so are those that follow
//	logit-normal:mean:sd   1/(1 + e^-z), z normal: hardly any at the ends; 0 and 1 unless given
//	power:k                of density (1+k)·tᵏ; k is 1 unless given
//
// "" is cfm's own law, a nil TimeLaw, which is stratified too.
func ParseTimes(s string) (law cfm.TimeLaw, stratified bool, err error) {
	name, p, err := split(s)
	if err != nil {
		return nil, false, badData("times %q: %v", s, err)
	}
	arg := func(i int, def float64) float64 {
		if i < len(p) {
			return p[i]
		}
		return def
	}
	most := 0
	switch name {
	case "":
	case "uniform", "stratified":
		law = cfm.UniformTime
	case "logit-normal":
		if !(arg(1, 1) > 0) {
			return nil, false, badData("times %q: the deviation must be positive", s)
		}
		law, most = cfm.LogitNormalTime(arg(0, 0), arg(1, 1)), 2
	case "power":
		if !(arg(0, 1) > -1) {
			return nil, false, badData("times %q: the power must be above -1", s)
		}
		law, most = cfm.PowerTime(arg(0, 1)), 1
	default:
		return nil, false, badData("unknown times %q; there are uniform, stratified, logit-normal, power", s)
	}
	if len(p) > most {
		return nil, false, badData("times %q: %s takes at most %d parameters", s, name, most)
	}
	return law, name != "uniform", nil
}

// split cuts "name:1:2" into its name and numbers.
func split(s string) (name string, p []float64, err error) {
	parts := strings.Split(s, ":")
	for _, t := range parts[1:] {
		v, err := strconv.ParseFloat(t, 64)
		if err == nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
			err = strconv.ErrRange
		}
		if err != nil {
			return "", nil, badData("parameter %q is not a number", t)
		}
		p = append(p, v)
	}
	return parts[0], p, nil
}
