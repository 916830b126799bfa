package model

import (
	"bytes"
	"encoding/json"
	"math"

	"pushforward/autograd"
	"pushforward/cfm"
	"pushforward/nn"
	"pushforward/simd/rng"
)

// Spec is what a model is but for its weights. It is kept in the file as JSON.
type Spec struct {
	Dim        int         `json:"dim"`
	Columns    []string    `json:"columns"`
	Conditions []Condition `json:"conditions,omitempty"`
	Mix        []Mix       `json:"mix,omitempty"`
	Levels     int         `json:"levels,omitempty"` // see Options

	// The field lives on (data - Loc) / Scale; nil means it lives on the data.
	Loc   []float64 `json:"loc,omitempty"`
	Scale []float64 `json:"scale,omitempty"`
	// Logit, if positive, says that data (with Levels, spread out) lie in [0, 1] and are cfm.Logit's images of that α before Loc
	// and Scale.
	Logit float64 `json:"logit,omitempty"`

	Family string `json:"family,omitempty"` // "": CFM

	// Of a CFM: width and number of residual blocks. Of the others: width of the hidden layers, Depth of
	// them, that tell each of Blocks maps what to do, and Bins of a spline.
	Hidden int  `json:"hidden"`
	Blocks int  `json:"blocks"`
	Depth  int  `json:"depth,omitempty"`
	Bins   int  `json:"bins,omitempty"`
	Width  int  `json:"width,omitempty"` // of what the blocks are told; 0: Hidden
	Norm   bool `json:"norm,omitempty"`  // layer norms
	Freqs  int  `json:"freqs,omitempty"`

	Noise float64 `json:"noise,omitempty"` // deviation of the noise on training rows, in the model's scale

	Path     string `json:"path"`
	Coupling string `json:"coupling"`
	Times    string `json:"times,omitempty"`  // of training; "": the family's own law
	Source   string `json:"source,omitempty"` // "": standard normal

	Score     float64  `json:"score,omitempty"`     // σ of the bridge whose score the network knows too; 0: it does not
	Reflow    int      `json:"reflow,omitempty"`    // rounds of reflow
	Distilled bool     `json:"distilled,omitempty"` // the network is one Euler step
	DropCond  float64  `json:"drop_cond,omitempty"` // share of training rows without their conditions
	Sampler   *Sampler `json:"sampler,omitempty"`   // how to sample; nil: adaptively

	// How it was trained.
	Seed  uint64  `json:"seed"`
	Steps int     `json:"steps"`
	Batch int     `json:"batch"`
	LR    float64 `json:"lr"`
	Rows  int     `json:"rows"`
}

// text is the spec as it stands in a file: one line of JSON with its fields in order.
func (s Spec) text() string {
	b, err := json.Marshal(s)
	if err != nil {
		panic("model: a spec that is not JSON: " + err.Error()) // its numbers were checked
	}
	return string(b)
}

// parseSpec reads and checks a spec. limit is a bound on the number of weights the file can hold.
func parseSpec(text string, limit int64) (Spec, error) {
	var s Spec
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return s, badFile("metadata \"model\": %v", err)
	}
	if d.More() {
		return s, badFile("metadata \"model\": more than one value")
	}
	bad := func(field string, v any) (Spec, error) {
		return s, badFile("metadata \"model\": %s %v is out of range", field, v)
	}
	switch {
	case s.Dim < 1 || s.Dim > maxColumns:
		return bad("dim", s.Dim)
	case len(s.Columns) != s.Dim:
		return bad("number of columns", len(s.Columns))
	case s.Loc != nil && len(s.Loc) != s.Dim || len(s.Loc) != len(s.Scale):
		return bad("number of loc and scale", len(s.Loc))
	case s.Family != KDE && (s.Hidden < 1 || s.Hidden > maxHidden):
		return bad("hidden", s.Hidden)
	case s.Family != KDE && (s.Blocks < 1 || s.Blocks > maxBlocks):
		return bad("blocks", s.Blocks)
	case s.Width < 0 || s.Width > maxHidden:
		return bad("width", s.Width)
	case !(s.Noise >= 0) || s.Noise > 1e6:
		return bad("noise", s.Noise)
	case !(s.Logit >= 0 && s.Logit < 0.5) || s.Logit > 0 && s.Scale == nil:
		return bad("logit", s.Logit)
	case s.Levels < 0 || s.Levels > 1<<24:
		return bad("levels", s.Levels)
	case len(s.Mix) > maxMix:
		return bad("number of mix", len(s.Mix))
	// A network of these sizes has at least so many weights: nothing is made of a size the file cannot fill.
	case int64(s.Hidden)*int64(s.Hidden)*int64(s.Blocks) > limit, int64(s.Hidden)*int64(s.Dim) > limit,
		int64(s.Width)*int64(s.Hidden) > limit:
		return s, badFile("metadata \"model\": a network of %d×%d for %d columns has more weights than the file", s.Hidden, s.Blocks, s.Dim)
	}
	if err := s.checkSizes(limit); err != nil {
		return s, badFile("metadata \"model\": %v", err)
	}
	if err := s.checkTraining(); err != nil {
		return s, badFile("metadata \"model\": %v", err)
	}
	for j, v := range s.Scale {
		if !(v > 0) || math.IsInf(v, 0) || math.IsNaN(s.Loc[j]) || math.IsInf(s.Loc[j], 0) {
			return bad("loc, scale", [2]float64{s.Loc[j], v})
		}
	}
	for _, c := range s.Conditions {
		if len(c.Classes) == 0 && !(c.Scale > 0) {
			return bad("condition "+c.Name+": scale", c.Scale)
		}
	}
	if w := int64(condWidth(s.Conditions)); w*int64(s.Hidden) > limit {
		return bad("number of conditions", w)
	}
	for i, m := range s.Mix {
		g := make([]float64, len(m.Given))
		for j, v := range m.Given {
			g[j] = float64(v)
		}
		if err := checkGiven(s.Conditions, g, i); err != nil || m.Count < 1 || m.Count > 1<<30 {
			return bad("mix", i)
		}
	}
	if _, err := ParsePath(s.Path); err != nil {
		return s, badFile("metadata \"model\": unknown path %q", s.Path)
	}
	return s, nil
}

// Model is a trained flow with all that its use needs. It may be used by many goroutines at once.
type Model struct {
	Spec

	params *nn.Params[float32]
	gen    family
	flow   *cfm.Flow[float32] // parameters and source; for a CFM and a KDE the field too
	golden []answer
	calib  []float64 // log-densities of held-out rows, increasing

	detector *detector // nil: not trained to judge anomalies
}

// newModel builds the network of a spec, without weights.
func newModel(s Spec) *Model {
	m := &Model{Spec: s, params: nn.NewParams[float32]()}
	m.gen = newFamily(m.params, s)
	m.flow = &cfm.Flow[float32]{Dim: s.Dim}
	if p, err := ParsePath(s.Path); err == nil {
		m.flow.Source = cfm.SourceOf(p)
	}
	switch g := m.gen.(type) {
	case velocity:
		m.flow.Field = g.field
	case *kde:
		m.flow.Field = g.field
	}
	return m
}

// Flow is the flow itself, for what this package has no verb for. It lives on standardised rows,
// (data - Loc)/Scale, and is shared, not copied. That of a discrete family has parameters but no
// field.
func (m *Model) Flow() *cfm.Flow[float32] { return m.flow }

// Weights is the number of the network's weights.
func (m *Model) Weights() (n int) {
	for _, x := range m.params.All(m.flow.Theta) {
		n += len(x.Data)
	}
	return n
}

// Tensors yields the weights by name. They are not to be changed.
func (m *Model) Tensors(yield func(name string, x autograd.Tensor[float32]) bool) {
	for name, x := range m.params.All(m.flow.Theta) {
		if !yield(name, x) {
			return
		}
	}
}

// SetSource gives a model trained from a law other than the standard normal its source again. Open cannot
// know other laws than that one; Spec.Source is the name to look up.
func (m *Model) SetSource(s cfm.Source) { m.flow.Source = s }

// ready refuses to work with a source that was not set.
func (m *Model) ready() error {
	if m.Source != "" && m.flow.Source == nil {
		return badData("the model starts from the law %q: give it by SetSource", m.Source)
	}
	return nil
}

// HasDensity reports whether the source has a density and the model a flow to carry it along.
func (m *Model) HasDensity() bool {
	if m.Distilled {
		return false
	}
	if m.flow.Source == nil {
		return m.Source == ""
	}
	x := make([]float64, m.Dim)
	m.flow.Source.Sample(x, rng.New(0).Named("density?"))
	return !math.IsNaN(m.flow.Source.LogProb(x))
}

// Encode reads conditions by name, as -given does. Every condition must be there and no other.
func (m *Model) Encode(given map[string]string) ([]float64, error) {
	row := make([]float64, len(m.Conditions))
	seen := 0
	for j, c := range m.Conditions {
		s, ok := given[c.Name]
		if !ok {
			return nil, badData("condition %s is not given", c.Name)
		}
		v, err := c.Parse(s)
		if err != nil {
			return nil, err
		}
		row[j] = v
		seen++
	}
	if seen != len(given) {
		for name := range given { // any will do
			if _, ok := m.condition(name); !ok {
				return nil, badData("the model has no condition %q; %s", name, m.conditionNames())
			}
		}
	}
	return row, nil
}

// condition finds a condition by name.
func (m *Model) condition(name string) (Condition, bool) {
	for _, c := range m.Conditions {
		if c.Name == name {
			return c, true
		}
	}
	return Condition{}, false
}

func (m *Model) conditionNames() string {
	if len(m.Conditions) == 0 {
		return "it has none"
	}
	var s []string
	for _, c := range m.Conditions {
		s = append(s, c.Name)
	}
	return "it has " + list(s)
}
