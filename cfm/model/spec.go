package model

import (
	"math"
	"strconv"
	"strings"

	"pushforward/cfm"
)

// ParsePath reads the name of a path, with its parameters after colons:
//
//	condot  condot:σ_min  tube:σ  vp  vp:β_min:β_max  ve  ve:σ_min:σ_max  cosine  bridge:σ
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
		path = cfm.Cosine{}
	case "bridge":
		path, most = cfm.Bridge{Sigma: arg(0, 0.5)}, 1
	default:
		return nil, badData("unknown path %q; there are condot, tube, vp, ve, cosine, bridge", s)
	}
	if len(p) > most {
		return nil, badData("path %q: %s takes at most %d parameters", s, name, most)
	}
	if err := cfm.CheckPath(path); err != nil {
		return nil, badData("path %q: %v", s, err)
	}
	return path, nil
}

// ParseCoupling reads the name of a coupling: independent, ot, sinkhorn or sinkhorn:reg. "" is
// independent.
func ParseCoupling(s string) (cfm.Coupling, error) {
	name, p, err := split(s)
	if err != nil {
		return nil, badData("coupling %q: %v", s, err)
	}
	switch {
	case (name == "" || name == "independent") && len(p) == 0:
		return cfm.Independent{}, nil
	case name == "ot" && len(p) == 0:
		return cfm.ExactOT{}, nil
	case name == "sinkhorn" && len(p) <= 1:
		reg := 0.1
		if len(p) == 1 {
			reg = p[0]
		}
		if !(reg > 0) {
			return nil, badData("coupling %q: the regularisation must be positive", s)
		}
		return cfm.Sinkhorn{Reg: reg}, nil
	}
	return nil, badData("unknown coupling %q; there are independent, ot, sinkhorn and sinkhorn:reg", s)
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

// Independent reports whether a coupling leaves pairs as they were drawn.
func Independent(c cfm.Coupling) bool {
	_, ok := c.(cfm.Independent)
	return ok
}
