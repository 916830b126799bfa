package model

import (
	"slices"

	"pushforward/cfm"
	"pushforward/odeint"
)

// Likelihood is the objective of maximum likelihood: the flow's own log-density of the rows, by its gradient through
// the solver (cfm.NLL). A step costs some hundred times one of flow matching, so in many columns it is for going on from
// a flow-matched model, Options.Start. In two, 3000 steps from scratch with a small network are ten minutes.
const Likelihood = "nll"

// likelihood is the objective on a field.
func (o Options) likelihood(field cfm.Field[float32]) (cfm.Objective[float32], error) {
	n, ok := field.(*net)
	if !ok {
		return nil, badData("objective %s: it is for a plain velocity", Likelihood)
	}
	f := &cfm.Flow[float32]{Dim: n.mlp.Config.In, Field: field, Source: o.Source}
	if o.Source != nil {
		if _, ok := o.Source.(cfm.Scored); !ok {
			return nil, badData("objective %s: the source %q has no score; use the standard normal law", Likelihood, o.SourceTag)
		}
	}
	how := cfm.NLLOptions{Kinetic: o.Kinetic, Jacobian: o.Jacobian}
	if o.Start != nil {
		how.Options = nearSolve
	}
	return cfm.NLL(f, how), nil
}

// nearSolve is how rows are solved when training goes on from a model. Most steps are as long as they may be, 1/8 as in cfm.NLL, so
// three evaluations a step serve better than six: on 8gaussians-tight and moons-normal the log-densities are off by 0.003 and 0.001
// (root mean square), three times less and twice as much as those of cfm.NLL's default, for three quarters and three fifths of its evaluations.
var nearSolve = odeint.Options{Method: odeint.Bosh3, Control: odeint.PID{P: 0.2, I: 0.6}, Rtol: 5e-4, Atol: 5e-4}

// checkLikelihood refuses what goes with no other objective, and a start that does not fit.
func (o Options) checkLikelihood(dim int) error {
	switch {
	case !(o.Kinetic >= 0) || !(o.Jacobian >= 0):
		return badData("penalties %v and %v: none may be negative", o.Kinetic, o.Jacobian)
	case o.Objective != Likelihood && (o.Kinetic > 0 || o.Jacobian > 0 || o.Start != nil):
		return badData("penalties and a model to start from go with objective %s", Likelihood)
	case o.Objective != Likelihood || o.Start == nil:
		return nil
	}
	s := o.Start
	same := slices.EqualFunc(o.Conditions, s.Conditions, func(a, b Condition) bool {
		return a.Name == b.Name && slices.Equal(a.Classes, b.Classes)
	})
	switch {
	case s.FamilyName() != CFM || s.Distilled || s.Score > 0:
		return badData("start: the model is no plain flow")
	case s.Dim != dim || s.Levels != o.Levels:
		return badData("start: the model has %d columns and %d levels, the data %d and %d", s.Dim, s.Levels, dim, o.Levels)
	case !same:
		return badData("start: the model's conditions are others: %s", s.conditionNames())
	case s.Source != o.SourceTag:
		return badData("start: the model starts from %q, the fit from %q", s.Source, o.SourceTag)
	}
	return nil
}

// lend gives a fit that starts from m its network, scales and conditions.
func (m *Model) lend(s *Spec) {
	s.Loc, s.Scale, s.Conditions = m.Loc, m.Scale, m.Conditions
	s.Hidden, s.Blocks, s.Width, s.Norm, s.Freqs = m.Hidden, m.Blocks, m.Width, m.Norm, m.Freqs
}
