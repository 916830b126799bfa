package autograd_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	. "pushforward/autograd"
	"pushforward/simd"
)

type refTensor struct {
	Shape []int `json:"shape"`
	Data  []num `json:"data"`
}

// num is a float64 that may be written as "NaN", "Infinity" or "-Infinity".
type num float64

func (n *num) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case `"NaN"`:
		*n = num(math.NaN())
	case `"Infinity"`:
		*n = num(math.Inf(1))
	case `"-Infinity"`:
		*n = num(math.Inf(-1))
	default:
		var v float64
		if err := json.Unmarshal(b, &v); err != nil {
			return err
		}
		*n = num(v)
	}
	return nil
}

type refCase struct {
	Name   string `json:"name"`
	Group  string `json:"group"`
	Inputs []struct {
		Name     string `json:"name"`
		Requires bool   `json:"requires_grad"`
		refTensor
	} `json:"inputs"`
	Steps []struct {
		Out   string   `json:"out"`
		Op    string   `json:"op"`
		In    []string `json:"in"`
		Attrs attrs    `json:"attrs"`
	} `json:"steps"`
	Outputs    []string             `json:"outputs"`
	Values     map[string]refTensor `json:"values"`
	Cotangents map[string]refTensor `json:"cotangents"`
	Grads      map[string]refTensor `json:"grads"`
	Tangents   map[string]refTensor `json:"tangents"`
	JVP        map[string]refTensor `json:"jvp"`
	Second     *struct {
		V     map[string]refTensor `json:"v"`
		Grads map[string]refTensor `json:"grads"`
	} `json:"second"`
	Tol32  map[string]float64 `json:"tol_abs_f32"`
	Tol64  map[string]float64 `json:"tol_abs_f64"`
	TolRel map[string]float64 `json:"tol_rel_f32"`
}

func tensorOf[F simd.Float](r refTensor) Tensor[F] {
	x := NewTensor[F](r.Shape...)
	for i, v := range r.Data {
		x.Data[i] = F(v)
	}
	return x
}

// program is a case on a tape.
type program[F simd.Float] struct {
	*refCase
	env   map[string]Var[F]
	wrt   []Var[F]
	names []string
}

// run executes c on tape; leaf makes the Var of an input that needs a gradient.
func run[F simd.Float](c *refCase, tape *Tape[F], leaf func(i int, x Tensor[F]) Var[F]) *program[F] {
	p := &program[F]{refCase: c, env: map[string]Var[F]{}}
	for i, in := range c.Inputs {
		x := tensorOf[F](in.refTensor)
		if in.Requires {
			p.env[in.Name] = leaf(i, x)
			p.wrt = append(p.wrt, p.env[in.Name])
			p.names = append(p.names, in.Name)
		} else {
			p.env[in.Name] = tape.Const(x)
		}
	}
	ops := refOps[F]()
	for _, s := range c.Steps {
		var in []Var[F]
		for _, n := range s.In {
			in = append(in, p.env[n])
		}
		p.env[s.Out] = ops[s.Op](s.Attrs, in)
		if a := s.Attrs.unread(); len(a) > 0 {
			panic(fmt.Sprintf("%s: settings %v are not known here", s.Op, a))
		}
	}
	return p
}

// grads returns Σ over outputs of cotangent·∂output/∂input, recorded.
func (p *program[F]) grads(t *Tape[F]) []Var[F] {
	var sum []Var[F]
	for _, o := range p.Outputs {
		g := VJP(nil, p.env[o], t.Const(tensorOf[F](p.Cotangents[o])), p.wrt...)
		for i := range g {
			if sum == nil {
				continue
			}
			g[i] = sum[i].Add(g[i])
		}
		sum = g
	}
	return sum
}

type mismatch []string

func (m *mismatch) compare(key string, got []float64, shape Shape, want refTensor, tol map[string]float64) {
	if shape != Dims(want.Shape...) {
		*m = append(*m, fmt.Sprintf("%s: shape %v, want %v", key, shape, want.Shape))
		return
	}
	for i, w := range want.Data {
		w, g := float64(w), got[i]
		ok := math.Abs(g-w) <= tol[key]
		switch {
		case math.IsNaN(w):
			ok = math.IsNaN(g)
		case math.IsInf(w, 0):
			ok = g == w
		}
		if !ok {
			*m = append(*m, fmt.Sprintf("%s[%d] is %.17g, want %.17g, off by %.3g, tolerance %.3g", key, i, g, w, g-w, tol[key]))
			return
		}
	}
}

func floats[F simd.Float](x []F) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

func (m *mismatch) vars(part string, names []string, got any, want map[string]refTensor, tol map[string]float64) {
	check := func(n string, data []float64, s Shape) { m.compare(part+"/"+n, data, s, want[n], tol) }
	for i, n := range names {
		switch v := got.(type) {
		case []Var[float64]:
			check(n, v[i].Value().Data, v[i].Shape())
		case []Var[float32]:
			check(n, floats(v[i].Value().Data), v[i].Shape())
		}
	}
}

// verify runs everything a case asks for and returns what differs.
func verify[F simd.Float](c *refCase, tol map[string]float64) (bad mismatch) {
	tape := NewTape[F](nil)
	p := run(c, tape, func(_ int, x Tensor[F]) Var[F] { return tape.Input(x) })
	var outs []Var[F]
	for _, o := range c.Outputs {
		outs = append(outs, p.env[o])
	}
	bad.vars("values", c.Outputs, outs, c.Values, tol)
	grads := p.grads(tape)
	bad.vars("grads", p.names, grads, c.Grads, tol)
	if c.JVP != nil {
		var ds, tangents []Var[F]
		for _, n := range p.names {
			tangents = append(tangents, tape.Const(tensorOf[F](c.Tangents[n])))
		}
		for _, y := range outs {
			ds = append(ds, JointJVP(y, p.wrt, tangents))
		}
		bad.vars("jvp", c.Outputs, ds, c.JVP, tol)
	}
	if c.Second != nil {
		var sum Var[F]
		for i, g := range grads {
			d := g.Mul(tape.Const(tensorOf[F](c.Second.V[p.names[i]]))).Sum()
			if i > 0 {
				d = sum.Add(d)
			}
			sum = d
		}
		bad.vars("second", p.names, VJP(nil, sum, tape.Scalar(1), p.wrt...), c.Second.Grads, tol)
	}
	return bad
}

// caught makes a panic a mismatch, so that one case does not hide those after it.
func caught(f func() mismatch) (bad mismatch) {
	defer func() {
		if r := recover(); r != nil {
			bad = append(bad, fmt.Sprintf("panic: %v", r))
		}
	}()
	return f()
}

// readCases returns the files of a reference folder's autograd part.
func readCases(t *testing.T) []*refCase {
	dir := os.Getenv("PUSHFORWARD_REFERENCE")
	if dir == "" {
		dir = filepath.Join("testdata", "reference")
	}
	files, err := filepath.Glob(filepath.Join(dir, "autograd", "*.json"))
	require.NoError(t, err)
	sort.Strings(files)
	var cases []*refCase
	for _, f := range files {
		if filepath.Base(f) == "index.json" {
			continue
		}
		raw, err := os.ReadFile(f)
		require.NoError(t, err)
		var c refCase
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		require.NoError(t, d.Decode(&c), f)
		c.Name = strings.TrimSuffix(filepath.Base(f), ".json")
		cases = append(cases, &c)
	}
	require.NotEmpty(t, cases, "no cases in %s", dir)
	return cases
}

// TestReferenceAutograd runs every case in both element types. A case with an operation that is not
// here is skipped by name.
func TestReferenceAutograd(t *testing.T) {
	known := refOps[float64]()
	passed, failed, skipped := 0, 0, 0
	for _, c := range readCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			for _, s := range c.Steps {
				if known[s.Op] == nil {
					skipped++
					t.Skipf("operation %s is not supported", s.Op)
				}
			}
			bad := caught(func() mismatch { return verify[float64](c, c.Tol64) })
			for _, b := range bad {
				t.Errorf("float64: %s", b)
			}
			bad32 := caught(func() mismatch { return verify[float32](c, c.Tol32) })
			for _, b := range bad32 {
				t.Errorf("float32: %s", b)
			}
			if len(bad)+len(bad32) > 0 {
				failed++
			} else {
				passed++
			}
		})
	}
	t.Logf("reference/autograd: %d passed, %d failed, %d skipped", passed, failed, skipped)
}

// TestReferenceBackward puts the inputs of every case with one output into θ and compares what
// Backward adds on slices with the stored gradients.
func TestReferenceBackward(t *testing.T) {
	known := refOps[float64]()
	for _, c := range readCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			for _, s := range c.Steps {
				if known[s.Op] == nil {
					t.Skipf("operation %s is not supported", s.Op)
				}
			}
			for _, b := range caught(func() mismatch { return backward[float64](c, c.Tol64) }) {
				t.Errorf("float64: %s", b)
			}
			for _, b := range caught(func() mismatch { return backward[float32](c, c.Tol32) }) {
				t.Errorf("float32: %s", b)
			}
		})
	}
}

func backward[F simd.Float](c *refCase, tol map[string]float64) (bad mismatch) {
	var theta []F
	params := make([]Param, len(c.Inputs))
	for i, in := range c.Inputs {
		params[i] = Param{len(theta), Dims(in.Shape...)}
		theta = append(theta, tensorOf[F](in.refTensor).Data...)
	}
	tape := NewTape(theta)
	p := run(c, tape, func(i int, _ Tensor[F]) Var[F] { return tape.Param(params[i]) })
	grad := make([]F, len(theta))
	for _, o := range c.Outputs {
		tape.BackwardFrom(p.env[o], tensorOf[F](c.Cotangents[o]), grad)
	}
	for i, in := range c.Inputs {
		if in.Requires {
			g := grad[params[i].Off : params[i].Off+params[i].Shape.Len()]
			bad.compare("grads/"+in.Name, floats(g), params[i].Shape, c.Grads[in.Name], tol)
		}
	}
	return bad
}
