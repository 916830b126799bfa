package model

import (
	"context"
	"fmt"
	"math"

	"pushforward/autograd"
	"pushforward/cfm"
	"pushforward/nn"
	"pushforward/odeint"
)

// The families of Options.Family.
const (
	CFM     = "cfm"     // a velocity field, learned by conditional flow matching
	RealNVP = "realnvp" // affine couplings: the fastest, both ways
	MAF     = "maf"     // masked autoregressive: D times slower to draw from
	NSF     = "nsf"     // rational-quadratic splines in couplings: the sharpest densities of the three
	KDE     = "kde"     // the kernel-smoothed law of the training rows, in closed form: nothing is trained
)

// Families lists the names Options.Family knows.
func Families() []string { return []string{CFM, RealNVP, MAF, NSF, KDE} }

// DiscreteFamilies lists those that are discrete normalizing flows.
func DiscreteFamilies() []string { return []string{RealNVP, MAF, NSF} }

// ParseFamily reads the name of a family; "" is CFM.
func ParseFamily(s string) (string, error) {
	if s == "" {
		return CFM, nil
	}
	for _, f := range Families() {
		if s == f {
			return f, nil
		}
	}
	return "", badData("unknown family %q; there are %s", s, list(Families()))
}

// family is what sets one kind of generator apart from another. Scaling, held-out rows, averages,
// calibration and the file are the same for all. The parameters and the source are in the flow that
// each method is given; rows are standardised, and cond is empty or holds a row for each, or one
// for all.
type family interface {
	// begin sets the parameters that start from data.
	begin(theta []float32, x, cond autograd.Tensor[float32])
	// objective is the loss that training minimises.
	objective(o Options) (cfm.Objective[float32], error)
	// carry takes rows along from time t0 to t1: from the source at 0 to the data at 1.
	carry(ctx context.Context, f *cfm.Flow[float32], x, cond autograd.Tensor[float32], t0, t1 float64, o odeint.Options) (cfm.Samples[float32], error)
	// density finds the log-density of rows at time 1. wide is the same rows before they were narrowed.
	density(ctx context.Context, f *cfm.Flow[float32], x, cond autograd.Tensor[float32], wide []float64, o cfm.DensityOptions) (cfm.Density, error)
	// views adds to l what rows are judged by (see anomaly.go) and, with why, fills in each column's surprise and what
	// was expected there.
	views(ctx context.Context, f *cfm.Flow[float32], s Spec, x, cond autograd.Tensor[float32], l *looked, why bool) error
	// ask answers a golden question.
	ask(theta []float32, a answer) bits
}

// newFamily declares the network of a spec in p.
func newFamily(p *nn.Params[float32], s Spec) family {
	switch s.Family {
	case "":
		return velocity{fieldOf(p, s)}
	case KDE:
		return newKDE(p, s)
	}
	return newDiscrete(p, s)
}

// velocity is the family of flow matching.
type velocity struct{ field cfm.Field[float32] }

func (velocity) begin([]float32, autograd.Tensor[float32], autograd.Tensor[float32]) {}

func (v velocity) objective(o Options) (cfm.Objective[float32], error) {
	if o.Objective == Likelihood {
		return o.likelihood(v.field)
	}
	path, err := ParsePath(o.Path)
	if err != nil {
		return nil, err
	}
	times, stratified, err := ParseTimes(o.Times)
	if err != nil {
		return nil, err
	}
	if f, ok := v.field.(scoreNet); ok {
		return cfm.BridgeMatch[float32](f, times), nil
	}
	if o.Times == "" && o.Image {
		times = math.Sqrt
	}
	if !stratified {
		return cfm.MatchUnstratified(v.field, path, times), nil
	}
	return cfm.Match(v.field, path, times), nil
}

func (velocity) carry(ctx context.Context, f *cfm.Flow[float32], x, cond autograd.Tensor[float32], t0, t1 float64, o odeint.Options) (cfm.Samples[float32], error) {
	return under(f, cond).Transport(ctx, x, t0, t1, o)
}

func (velocity) density(ctx context.Context, f *cfm.Flow[float32], x, cond autograd.Tensor[float32], _ []float64, o cfm.DensityOptions) (cfm.Density, error) {
	return under(f, cond).LogDensity(ctx, x, o)
}

func (v velocity) ask(theta []float32, a answer) bits {
	tape := autograd.NewTape(theta)
	q := cfm.Query[float32]{T: constRow(tape, a.T), X: constRow(tape, a.X)}
	if len(a.Cond) > 0 {
		q.Cond = constRow(tape, a.Cond)
	}
	if f, ok := v.field.(scoreNet); ok {
		return append(bits(nil), f.net.Velocity(q).Value().Data...)
	}
	return append(bits(nil), v.field.Velocity(q).Value().Data...)
}

// under is a flow given conditions, if there are any.
func under(f *cfm.Flow[float32], cond autograd.Tensor[float32]) *cfm.Flow[float32] {
	if len(cond.Data) == 0 {
		return f
	}
	return f.Given(cond)
}

// constRow puts one row on a tape.
func constRow(t *autograd.Tape[float32], x []float32) autograd.Var[float32] {
	return t.Const(autograd.Tensor[float32]{Shape: autograd.Dims(1, len(x)), Data: x})
}

// checkFamily refuses options that a family has no use for.
func (o Options) checkFamily(dim int) error {
	name, err := ParseFamily(o.Family)
	switch {
	case err != nil:
		return err
	case name == CFM && o.Depth > 0:
		return badData("depth is for the discrete flows, not for %s", CFM)
	case name == CFM:
		return nil
	case name == KDE:
		return o.checkKDE()
	case o.Path != "" || o.Coupling != "":
		return badData("family %s is trained by maximum likelihood and has no path or coupling", name)
	case o.Source != nil:
		return badData("family %s starts from the standard normal law; another source is for %s", name, CFM)
	case dim > maxDiscrete:
		return badData("family %s takes up to %d columns, these rows have %d", name, maxDiscrete, dim)
	}
	return nil
}

// familyName is how a spec's family is called.
func (s Spec) familyName() string {
	if s.Family == "" {
		return CFM
	}
	return s.Family
}

// FamilyName is the name of the model's family, one of Families.
func (m *Model) FamilyName() string { return m.familyName() }

// HasField reports whether the model is a velocity field, whose flow has times between 0 and 1.
func (m *Model) HasField() bool { return m.flow.Field != nil }

// checkSizes refuses a network that the limit on its weights rules out, before anything is made of that size.
func (s Spec) checkSizes(limit int64) error {
	if s.Family == "" {
		if s.Freqs < 1 || s.Freqs > 1024 {
			return fmt.Errorf("freqs %d is out of range", s.Freqs)
		}
		return nil
	}
	if name, err := ParseFamily(s.Family); err != nil || name == CFM {
		return fmt.Errorf("unknown family %q", s.Family)
	}
	if s.Family == KDE {
		return s.kernelSizes(limit)
	}
	d := int64(s.Dim)
	switch {
	case s.Dim > maxDiscrete:
		return fmt.Errorf("dim %d is out of range", s.Dim)
	case s.Depth < 1 || s.Depth > maxDepth:
		return fmt.Errorf("depth %d is out of range", s.Depth)
	case (s.Family == NSF) != (s.Bins > 0) || s.Bins > 500 || s.Bins == 1:
		return fmt.Errorf("bins %d is out of range", s.Bins)
	case d > 1 && 2*d*d*int64(s.Blocks) > limit:
		return fmt.Errorf("%d maps of %d columns have more weights than the file", s.Blocks, s.Dim)
	}
	return nil
}
