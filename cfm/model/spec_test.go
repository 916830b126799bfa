package model

import (
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/cfm"
)

func TestParseCoupling(t *testing.T) {
	for s, want := range map[string]cfm.Coupling{
		"":                     cfm.Independent{},
		"independent":          cfm.Independent{},
		"ot":                   cfm.ExactOT{},
		"ot:pool=4":            cfm.Pooled{Coupling: cfm.ExactOT{}, Batches: 4},
		"ot:pool=1":            cfm.ExactOT{},
		"cot":                  cfm.ConditionOT{},
		"cot:3":                cfm.ConditionOT{Weight: 3},
		"cot:share=0.05":       cfm.ConditionOT{Share: 0.05},
		"cot:share=0.1:pool=2": cfm.Pooled{Coupling: cfm.ConditionOT{Share: 0.1}, Batches: 2},
		"sinkhorn":             cfm.Sinkhorn{Reg: 0.1},
		"sinkhorn:2":           cfm.Sinkhorn{Reg: 2},
		"bridge:0.5":           cfm.Sinkhorn{Reg: 0.5},
		"bridge:2:pool=2":      cfm.Pooled{Coupling: cfm.Sinkhorn{Reg: 8}, Batches: 2},
		"unbalanced":           cfm.UnbalancedOT{Reg: 0.1, Marginal: 1},
		"unbalanced:0.2:3":     cfm.UnbalancedOT{Reg: 0.2, Marginal: 3},
		"partial:0.8":          cfm.PartialOT{Share: 0.8},
		"semidiscrete":         cfm.SemiDiscrete{},
	} {
		c, err := ParseCoupling(s)
		require.NoError(t, err, s)
		require.Equal(t, want, c, s)
	}
	for _, s := range []string{"best", "ot:1", "cot:-1", "cot:share=0", "cot:share=1", "cot:2:share=0.1", "cot:share=0.1:share=0.2", "sinkhorn:0", "sinkhorn:1:2",
		"sinkhorn:nan", "bridge:-1", "unbalanced:1:0", "partial:0", "partial:1.1", "ot:pool=0", "ot:pool=1.5", "ot:pool=x", "ot:share=0.1", "ot:size=2", "semidiscrete:1"} {
		_, err := ParseCoupling(s)
		require.Error(t, err, s)
		require.Contains(t, err.Error(), "coupling", s)
	}
}

func TestParseTimes(t *testing.T) {
	for s, want := range map[string]cfm.TimeLaw{
		"uniform": cfm.UniformTime, "stratified": cfm.UniformTime, "power": cfm.PowerTime(1), "power:-0.5": cfm.PowerTime(-0.5),
		"logit-normal": cfm.LogitNormalTime(0, 1), "logit-normal:1": cfm.LogitNormalTime(1, 1), "logit-normal:-1:0.5": cfm.LogitNormalTime(-1, 0.5),
	} {
		law, stratified, err := ParseTimes(s)
		require.NoError(t, err, s)
		require.Equal(t, s != "uniform", stratified, s)
		for _, u := range []float64{0.1, 0.5, 0.9} {
			require.Equal(t, want(u), law(u), s)
		}
	}
	law, stratified, err := ParseTimes("")
	require.NoError(t, err)
	require.True(t, stratified)
	require.Nil(t, law)
	for _, s := range []string{"early", "uniform:1", "stratified:2", "power:-1", "power:1:2", "power:x", "logit-normal:0:0", "logit-normal:0:-1", "logit-normal:0:1:2", "logit-normal:nan"} {
		_, _, err := ParseTimes(s)
		require.ErrorIs(t, err, ErrData, s)
		require.ErrorContains(t, err, "times", s)
	}
}

func TestParsePath(t *testing.T) {
	for s, want := range map[string]cfm.Path{
		"": cfm.CondOT{}, "condot:0.1": cfm.CondOT{SigmaMin: 0.1}, "tube:0.2": cfm.Tube{Sigma: 0.2}, "vp": cfm.VP{BetaMin: 0.1, BetaMax: 20},
		"ve:0.1:3": cfm.VE{SigmaMin: 0.1, SigmaMax: 3}, "cosine": cfm.Cosine{}, "cosine:0.1": cfm.Cosine{Sigma: 0.1},
		"polynomial": cfm.Polynomial{N: 2}, "polynomial:3": cfm.Polynomial{N: 3}, "linearvp": cfm.LinearVP{}, "bridge:1": cfm.Bridge{Sigma: 1},
	} {
		p, err := ParsePath(s)
		require.NoError(t, err, s)
		require.Equal(t, want, p, s)
	}
	for _, s := range []string{"straight", "condot:-1", "tube:-0.1", "tube:1:2", "ve:0:1", "vp:x", "linearvp:1", "bridge:-1", "polynomial:0.5"} {
		_, err := ParsePath(s)
		require.Error(t, err, s)
		require.Contains(t, err.Error(), "path", s)
	}
}
