package model

import (
	"errors"
	"fmt"
	"math"

	"pushforward/cfm"
	"pushforward/simd/rng"
)

var (
	// ErrData is wrapped by errors about rows, conditions and options that do not fit them.
	ErrData = errors.New("unusable data")
	// ErrFile is wrapped by errors about a model or state file that is damaged, foreign or too new.
	ErrFile = errors.New("unusable file")
	// ErrDiverged is wrapped when training met a number that is not finite.
	ErrDiverged = cfm.ErrDiverged
)

// failure is an error whose text says it all and that wraps a sentinel without repeating it.
type failure struct {
	kind error
	text string
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.kind }

func badData(format string, a ...any) error {
	return &failure{ErrData, "model: " + fmt.Sprintf(format, a...)}
}

func badFile(format string, a ...any) error {
	return &failure{ErrFile, "model: " + fmt.Sprintf(format, a...)}
}

// The scalings of Options.Scaling.
const (
	Columns = "columns" // each column by its own mean and deviation: tables
	Global  = "global"  // each column by its own mean, all by one deviation: pixels
	None    = "none"
	Logit   = "logit" // numbers in [0, 1]: the columns of their logits, each by its own mean and deviation
)

// Options configures Fit. The zero value is the recipe the project's figures were made with.
type Options struct {
	Seed  uint64
	Steps int     // 3000; 1000 for images, 1500 for anomalies, 320 by maximum likelihood from a Start
	Batch int     // 256, 512 from a Start
	LR    float64 // 3e-3, 1e-3 from a Start: the peak, after 100 steps of warm-up, at most a tenth (a quarter) of all, and before a cosine to zero

	// Family is the kind of generator, one of Families: CFM. KDE is the kernel-smoothed law of the training rows, of which
	// nothing is trained: Path condot:σ sets the width of the kernels, else the held-out rows do. The others are discrete
	// normalizing flows, trained by exact maximum likelihood; they have no path, coupling or source.
	Family string

	// Hidden and Blocks size the network: 384×3 for images, 256×3 from 48 columns, 128×3 from 4,000 training rows and
	// when rows are drawn anew (see Law), else 64×2, and that by maximum likelihood too, whose steps are dear.
	// Of the discrete flows: 64 wide, 6 maps; 128 wide from 4,000 training rows. Depth is how many hidden layers
	// tell a map what to do: 2.
	Hidden, Blocks, Depth int

	// Image chooses what suits small images: a network with layer norms and a narrow channel of 64 for
	// what the blocks are told, and training times t = √u, which put less weight near the data than the
	// law of tables (see cfm.TimeLaw). The run being short, the last average of the weights is kept and not the
	// one of least held-out loss: over three seeds of the digits it drew images nearer to held-out ones
	// (energy distance 0.032 against 0.039) at an equal log-density.
	Image bool

	Holdout float64 // share of rows held out: 0.2; negative: none
	Scaling string  // Columns; None if there is a Source
	// Levels, if positive, says that data are the whole numbers 0 … Levels-1. They are spread
	// out, y = (k+u)/Levels with u uniform and fresh at every use, since a density on whole numbers has
	// no bound; samples are put back on the grid. Log-densities are those of y.
	Levels int

	// Anomaly trains a model for Model.Anomaly: Gaussian noise of deviation min(½, 5/√rows), in the model's
	// scale, is added to training rows, 1500 steps are the default, and up to 4096 held-out rows are looked at in
	// the end.
	Anomaly bool

	Path      string     // ParsePath: "condot"
	Coupling  string     // ParseCoupling: "independent"
	Times     string     // ParseTimes: of training; "" is the law of cfm.TimeLaw, of images t = √u, of objective Bridged uniform
	Force     bool       // allow an optimal-transport coupling under conditions, which skews what they yield
	Source    cfm.Source // nil: standard normal
	SourceTag string     // the name of Source, kept in the model; needed if Source is

	// Objective is what is learned: "" is the velocity, Bridged velocity and score of a Schrödinger bridge, on path
	// bridge:σ and coupling sinkhorn:2σ², which it is drawn from by its own noise.
	Objective string
	// DropCond is the share of training rows whose conditions are dropped, so that the network learns the law
	// without them too, for SampleOptions.Guidance; 0.
	DropCond float64

	// Of objective Likelihood: the model whose weights, scales and size the fit goes on from, and the weights of
	// ∫‖v‖² dt and ∫‖∂v/∂x‖² dt, see cfm.NLLOptions.
	Start             *Model
	Kinetic, Jacobian float64

	// From and Pairs make the fit a round of reflow, or with Distill of distillation: the network of From goes on, on
	// pairs of its own (see Reflow). The rows are not trained on; conditions, source, size and path are From's.
	From    *Model
	Pairs   *Pairs
	Distill bool

	Columns    []string    // names of the data columns; nil: x0, x1, …
	Conditions []Condition // what each row is given; nil: nothing
	Given      [][]float64 // for each row the value of each condition: a number, or a class's place in Classes

	// Law, if not nil, draws the training rows anew for every batch. The rows given to Fit then only set
	// the scale and judge.
	Law interface {
		Sample(dst []float64, key rng.Key)
	}

	ValEvery  int            // 100, 80 from a Start: steps between two scores of the held-out rows
	Calibrate int            // held-out rows whose log-density is kept: 256, 64 from 48 columns; negative: none
	OnStep    func(Progress) // called after each step, between steps: the Fitter may be saved in it
}

// Progress is what a step of training reports.
type Progress struct {
	Step, Steps        int
	Loss, GradNorm, LR float64
	Val                float64 // the held-out loss last found, from a Start the least so far; NaN before there is one
	HasVal             bool    // whether it was found at this step
	Own                float64 // where HasVal: the loss of this step's own weights
	Share              float64 // where HasVal: how much of the way to them was kept, see cfm.Trainer.Guard: 1 all, 0 none
}

// withDefaults fills what was left zero, for rows of dim columns of which train are trained on.
func (o Options) withDefaults(dim, train int) Options {
	def := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	o.Family, _ = ParseFamily(o.Family)
	switch o.Family {
	case CFM:
	case KDE:
		return o.kernelDefaults(dim)
	default:
		o = o.discreteDefaults(dim, train)
	}
	if o.Image {
		def(&o.Steps, imageSteps)
		def(&o.Hidden, 384)
	}
	if o.Anomaly {
		def(&o.Steps, 1500)
	}
	if o.Start != nil {
		def(&o.Steps, 320)
		def(&o.Batch, 512)
		def(&o.ValEvery, 80)
		if o.LR == 0 {
			o.LR = 1e-3
		}
	}
	def(&o.Steps, 3000)
	def(&o.Batch, 256)
	switch {
	case dim >= 48:
		def(&o.Hidden, 256)
		def(&o.Blocks, 3)
		def(&o.Calibrate, 64)
	case (train >= 4000 || o.Law != nil) && o.Objective != Likelihood:
		def(&o.Hidden, 128)
		def(&o.Blocks, 3)
	default:
		def(&o.Hidden, 64)
		def(&o.Blocks, 2)
	}
	def(&o.Calibrate, 256)
	def(&o.ValEvery, 100)
	if o.LR == 0 {
		o.LR = 3e-3
	}
	if o.Holdout == 0 {
		o.Holdout = 0.2
	}
	if o.Scaling == "" {
		o.Scaling = Columns
		if o.Source != nil {
			o.Scaling = None
		}
	}
	o = o.bridgeDefaults()
	if o.Family == CFM {
		if o.Path == "" {
			o.Path = "condot"
		}
		if o.Coupling == "" {
			o.Coupling = "independent"
		}
	}
	o.nameColumns(dim)
	return o
}

// nameColumns names columns without names.
func (o *Options) nameColumns(dim int) {
	if o.Columns == nil {
		for i := range dim {
			o.Columns = append(o.Columns, fmt.Sprintf("x%d", i))
		}
	}
}

// check refuses options that make no sense, alone or for n rows of dim columns.
func (o Options) check(n, dim int) error {
	switch {
	case o.Steps < 0 || o.Batch < 0 || o.Hidden < 0 || o.Blocks < 0 || o.Levels < 0 || o.ValEvery < 0:
		return badData("steps %d, batch %d, hidden %d, blocks %d, levels %d: none may be negative",
			o.Steps, o.Batch, o.Hidden, o.Blocks, o.Levels)
	case !(o.LR >= 0) || math.IsInf(o.LR, 0):
		return badData("learning rate %v: want a positive number", o.LR)
	case !(o.Holdout < 1):
		return badData("holdout %v: want a share below 1", o.Holdout)
	case o.Depth < 0 || o.Depth > maxDepth:
		return badData("depth %d: want 1 to %d", o.Depth, maxDepth)
	case o.Hidden > maxHidden || o.Blocks > maxBlocks:
		return badData("a network of %d×%d: at most %d×%d", o.Hidden, o.Blocks, maxHidden, maxBlocks)
	case o.Columns != nil && len(o.Columns) != dim:
		return badData("%d column names for rows of %d", len(o.Columns), dim)
	case o.Source != nil && o.SourceTag == "":
		return badData("a source needs a name, SourceTag, to be found again")
	case len(o.Conditions) > 0 && len(o.Given) != n:
		return badData("%d rows and conditions for %d", n, len(o.Given))
	case o.Anomaly && (o.Holdout < 0 || o.Law != nil):
		return badData("anomalies are judged against held-out rows of a table: neither a law nor a holdout of none will do")
	case o.Scaling == Logit && o.Law != nil:
		return badData("scaling %s: a law's rows need not lie in [0, 1]", Logit)
	case o.Law != nil && len(o.Conditions) > 0:
		return badData("a law draws no conditions")
	}
	switch o.Scaling {
	case "", Columns, Global, None, Logit:
	default:
		return badData("scaling %q: want %s, %s, %s or %s", o.Scaling, Columns, Global, Logit, None)
	}
	if err := o.checkFamily(dim); err != nil {
		return err
	}
	if err := o.checkObjective(); err != nil {
		return err
	}
	if err := o.checkLikelihood(dim); err != nil {
		return err
	}
	if o.From != nil || o.Pairs != nil || o.Distill {
		return o.checkReflow(dim)
	}
	if _, err := ParsePath(o.Path); err != nil {
		return err
	}
	c, err := ParseCoupling(o.Coupling)
	if err != nil {
		return err
	}
	if !cfm.KnowsConditions(c) && len(o.Conditions) > 0 && !o.Force {
		return badData("coupling %s under conditions pairs rows of one condition with a skewed part of the source and spoils what is drawn; use cot or independent, or force it", o.Coupling)
	}
	return nil
}

// imageSteps is a little past the minimum of the digits' held-out loss. The rate falls by a third until
// then and not to zero, which it would reach at imageFall times the steps: a few hundred images would be
// learned by heart before, and the average of the weights settles what the rate leaves unsettled.
const (
	imageSteps = 1000
	imageFall  = 2.4
)

// Bounds on a network, so that a product of sizes cannot overflow.
const (
	maxHidden  = 1 << 14
	maxBlocks  = 1 << 8
	maxColumns = 1 << 20
)

// checkRows refuses rows that are ragged or not finite, and returns their width.
func checkRows(rows [][]float64, what string) (dim int, err error) {
	if len(rows) == 0 {
		return 0, badData("no %s", what)
	}
	dim = len(rows[0])
	if dim == 0 || dim > maxColumns {
		return 0, badData("%s have %d columns", what, dim)
	}
	for i, r := range rows {
		if len(r) != dim {
			return 0, badData("row %d has %d columns, row 1 has %d", i+1, len(r), dim)
		}
		for j, v := range r {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return 0, badData("row %d, column %d: %v is not a finite number", i+1, j+1, v)
			}
		}
	}
	return dim, nil
}
