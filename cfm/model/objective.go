package model

import (
	"fmt"
	"math"

	"pushforward/autograd"
	"pushforward/cfm"
	"pushforward/nn"
)

// Bridged is the objective of score and flow matching: velocity and score of a Schrödinger bridge.
const Bridged = "sf2m"

// bridgeDefaults fills in what score and flow matching is for: a bridge, and the entropic coupling that goes with
// its σ. Conditions rule that coupling out.
func (o Options) bridgeDefaults() Options {
	if o.Objective != Bridged {
		return o
	}
	if o.Path == "" {
		o.Path = "bridge:0.5"
	}
	if b, ok := o.bridge(); ok && o.Coupling == "" && len(o.Conditions) == 0 {
		o.Coupling = fmt.Sprintf("sinkhorn:%g", 2*b.Sigma*b.Sigma)
	}
	return o
}

// bridge is the path as a bridge.
func (o Options) bridge() (cfm.Bridge, bool) {
	p, err := ParsePath(o.Path)
	b, ok := p.(cfm.Bridge)
	return b, err == nil && ok
}

// checkObjective refuses an objective that is not known or does not go with the other options.
func (o Options) checkObjective() error {
	if f, err := ParseFamily(o.Family); err == nil && f != CFM && (o.Objective != "" || o.DropCond > 0) {
		return badData("family %s is trained by maximum likelihood on every row: neither an objective nor dropped conditions apply", f)
	}
	if _, stratified, err := ParseTimes(o.Times); err != nil {
		return err
	} else if f, err := ParseFamily(o.Family); o.Times != "" && (err == nil && f != CFM || o.Objective == Likelihood) {
		return badData("times %s: only flow matching draws training times, not maximum likelihood and not family %s", o.Times, f)
	} else if o.Objective == Bridged && !stratified {
		return badData("times %s: objective %s spreads its times over the batch; say stratified", o.Times, Bridged)
	}
	switch b, ok := o.bridge(); {
	case o.Objective == "" || o.Objective == Likelihood:
	case o.Objective != Bridged:
		return badData("unknown objective %q; there is %s, %s", o.Objective, Bridged, Likelihood)
	case o.Path != "" && !ok || ok && !(b.Sigma > 0):
		return badData("objective %s on path %s: it is for bridge:σ with a positive σ", Bridged, o.Path)
	}
	switch {
	case !(o.DropCond >= 0 && o.DropCond < 1):
		return badData("a share %v of dropped conditions: want at least 0 and below 1", o.DropCond)
	case o.DropCond > 0 && len(o.Conditions) == 0:
		return badData("dropped conditions, and there are none")
	}
	return nil
}

// checkTraining refuses what no file of ours says of how the model was trained and is sampled.
func (s Spec) checkTraining() error {
	switch {
	case s.Reflow < 0 || s.Reflow > 1<<20:
		return fmt.Errorf("reflow %d is out of range", s.Reflow)
	case !(s.Score >= 0) || math.IsInf(s.Score, 0):
		return fmt.Errorf("score %v is out of range", s.Score)
	case !(s.DropCond >= 0 && s.DropCond < 1):
		return fmt.Errorf("drop_cond %v is out of range", s.DropCond)
	case s.Family != "" && (s.Reflow > 0 || s.Distilled || s.Score > 0):
		return fmt.Errorf("family %s is neither reflowed nor distilled and has no score", s.Family)
	}
	return s.Sampler.check()
}

// fieldOf declares the network of a spec as the field that it is.
func fieldOf(p *nn.Params[float32], s Spec) cfm.Field[float32] {
	n := newNet(p, s)
	switch {
	case s.Score > 0:
		return scoreNet{n, s.Dim, s.Score}
	case s.Distilled:
		return cfm.Distilled[float32]{Field: n}
	}
	return n
}

// scoreNet is a net of two outputs, velocity and ½σ²·∇log ρₜ.
type scoreNet struct {
	net   *net
	dim   int
	sigma float64
}

func (n scoreNet) Sigma() float64 { return n.sigma }

func (n scoreNet) VelocityScore(q cfm.Query[float32]) (v, pull autograd.Var[float32]) {
	y := n.net.Velocity(q)
	return y.Slice(1, 0, n.dim), y.Slice(1, n.dim, 2*n.dim)
}

func (n scoreNet) Velocity(q cfm.Query[float32]) autograd.Var[float32] {
	v, _ := n.VelocityScore(q)
	return v
}
