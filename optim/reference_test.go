package optim

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/simd"
)

// tensor is an array of the reference files; its shape does not matter here.
type tensor struct {
	Shape []int     `json:"shape"`
	Data  []float64 `json:"data"`
}

// reference reads one file of the reference folder's optim part.
func reference(t *testing.T, name string, into any) {
	t.Helper()
	dir := os.Getenv("PUSHFORWARD_REFERENCE")
	if dir == "" {
		dir = filepath.Join("testdata", "reference")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "optim", name))
	if os.IsNotExist(err) {
		t.Skipf("%s is not in %s", name, dir)
	}
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, into))
}

// tally runs cases as subtests and says at the end how they went.
type tally struct{ passed, failed, skipped int }

func (c *tally) run(t *testing.T, name string, f func(t *testing.T)) {
	t.Run(name, func(t *testing.T) {
		defer func() {
			switch {
			case t.Skipped():
				c.skipped++
			case t.Failed():
				c.failed++
			default:
				c.passed++
			}
		}()
		f(t)
	})
}

func (c *tally) log(t *testing.T) {
	t.Logf("reference cases: %d passed, %d failed, %d skipped", c.passed, c.failed, c.skipped)
}

// near fails unless got is want to within tol of the largest entry of want.
func near[F simd.Float](t *testing.T, got []F, want []float64, tol float64, what string) {
	t.Helper()
	require.Len(t, got, len(want), what)
	var top float64
	for _, w := range want {
		top = max(top, math.Abs(w))
	}
	for i, w := range want {
		if d := math.Abs(float64(got[i]) - w); !(d <= tol*top) {
			t.Fatalf("%s: entry %d: got %v, want %v, %.2g of the largest, allowed %.2g", what, i, got[i], w, d/top, tol)
		}
	}
}

// settings are PyTorch's hyperparameters.
type settings map[string]any

func (h settings) num(name string, dflt float64) float64 {
	if v, ok := h[name]; ok {
		return v.(float64)
	}
	return dflt
}

// zeroed is num for a field whose zero means a default.
func (h settings) zeroed(name string, dflt float64) float64 { return asked(h.num(name, dflt)) }

func asked(x float64) float64 {
	if x == 0 {
		return -1
	}
	return x
}

func (h settings) flag(name string) bool { v, _ := h[name].(bool); return v }

func (h settings) betas() (b1, b2 float64) {
	if v, ok := h["betas"].([]any); ok {
		return asked(v[0].(float64)), asked(v[1].(float64))
	}
	return 0.9, 0.999
}

var known = map[string]bool{
	"lr": true, "betas": true, "eps": true, "weight_decay": true, "amsgrad": true, "maximize": true,
	"momentum": true, "dampening": true, "nesterov": true, "alpha": true, "centered": true,
	"lr_decay": true, "initial_accumulator_value": true, "momentum_decay": true,
	"decoupled_weight_decay": true,
	// How PyTorch computes, not what.
	"foreach": true, "fused": true, "capturable": true, "differentiable": true,
}

// build makes the optimizer of a case, or skips it by name.
func build[F simd.Float](t *testing.T, kind string, h settings) Resumable[F] {
	for name := range h {
		if !known[name] {
			t.Skipf("setting %q of %s is not supported", name, kind)
		}
	}
	b1, b2 := h.betas()
	eps := h.zeroed("eps", 1e-8)
	switch kind {
	case "sgd":
		return &SGD[F]{Momentum: h.num("momentum", 0), Dampening: h.num("dampening", 0), L2: h.num("weight_decay", 0), Nesterov: h.flag("nesterov")}
	case "adam":
		a := &Adam[F]{Beta1: b1, Beta2: b2, Eps: eps, AMSGrad: h.flag("amsgrad")}
		if h.flag("decoupled_weight_decay") {
			a.Decay = h.num("weight_decay", 0)
		} else {
			a.L2 = h.num("weight_decay", 0)
		}
		return a
	case "adamw":
		return &Adam[F]{Beta1: b1, Beta2: b2, Eps: eps, Decay: h.num("weight_decay", 0.01), AMSGrad: h.flag("amsgrad")}
	case "rmsprop":
		return &RMSprop[F]{Alpha: h.zeroed("alpha", 0.99), Eps: eps, Momentum: h.num("momentum", 0), L2: h.num("weight_decay", 0), Centered: h.flag("centered")}
	case "adagrad":
		return &Adagrad[F]{RateDecay: h.num("lr_decay", 0), Start: h.num("initial_accumulator_value", 0), Eps: h.zeroed("eps", 1e-10), L2: h.num("weight_decay", 0)}
	case "nadam":
		a := &NAdam[F]{Beta1: b1, Beta2: b2, Eps: eps, MomentumDecay: h.zeroed("momentum_decay", 0.004)}
		if h.flag("decoupled_weight_decay") {
			a.Decay = h.num("weight_decay", 0)
		} else {
			a.L2 = h.num("weight_decay", 0)
		}
		return a
	case "adamax":
		return &Adamax[F]{Beta1: b1, Beta2: b2, Eps: eps, L2: h.num("weight_decay", 0)}
	}
	t.Skipf("optimizer %q is not supported", kind)
	return nil
}

type trajectory struct {
	Name, Optimizer, Problem string
	Hyper                    settings
	Data, Init               map[string]tensor
	Params                   []string
	Lrs                      []float64
	ClipNorm                 *float64 `json:"clip_norm"`
	Steps                    []struct {
		Loss          float64
		Grads, Params map[string][]float64
		GradNorm      *float64 `json:"grad_norm"`
	}
}

func (c *trajectory) flat(m map[string][]float64) (x []float64) {
	for _, p := range c.Params {
		x = append(x, m[p]...)
	}
	return x
}

func TestReferenceOptim(t *testing.T) {
	var file struct {
		Tol64 float64 `json:"tol_rel_f64"`
		Tol32 float64 `json:"tol_rel_f32"`
		Cases []*trajectory
	}
	reference(t, "trajectories.json", &file)
	var n tally
	for _, c := range file.Cases {
		n.run(t, "trajectories/"+c.Name, func(t *testing.T) {
			tol32 := file.Tol32
			// Rosenbrock's valley amplifies a rounding.
			if c.Problem == "rosenbrock" {
				tol32 = max(tol32, 2e-3)
			}
			t.Run("open/float64", func(t *testing.T) { replay[float64](t, c, nil, file.Tol64) })
			t.Run("open/float32", func(t *testing.T) { replay[float32](t, c, nil, tol32) })
			loss := problems[c.Problem]
			if loss == nil {
				t.Skipf("closed loop: problem %q is not known", c.Problem)
			}
			// A run amplifies roundings of its own gradients: allow what a start moved by one does to it.
			t.Run("closed/float64", func(t *testing.T) { replay[float64](t, c, loss, max(file.Tol64, 16*sensitivity(t, c, loss, 0x1p-53))) })
			t.Run("closed/float32", func(t *testing.T) { replay[float32](t, c, loss, max(tol32, 16*sensitivity(t, c, loss, 0x1p-24))) })
		})
	}
	n.log(t)
}

// replay steps through a case with the recorded gradients, or with those of loss.
func replay[F simd.Float](t *testing.T, c *trajectory, loss problem, tol float64) {
	opt := build[F](t, c.Optimizer, c.Hyper)
	var theta []F
	for _, p := range c.Params {
		for _, v := range c.Init[p].Data {
			theta = append(theta, F(v))
		}
	}
	grad := make([]F, len(theta))
	lr := c.Hyper.num("lr", 1e-3)
	for k, s := range c.Steps {
		what := fmt.Sprintf("step %d", k)
		if loss == nil {
			for i, v := range c.flat(s.Grads) {
				grad[i] = F(v)
			}
		} else {
			x := make([]float64, len(theta))
			for i, v := range theta {
				x[i] = float64(v)
			}
			l, g := loss(c, x)
			// To first order a loss is off by the gradient times what the parameters are off by.
			slack := max(1, math.Abs(s.Loss))
			for i, v := range g {
				grad[i] = F(v)
				slack += math.Abs(v * x[i])
			}
			require.InDelta(t, s.Loss, l, tol*slack, what)
		}
		if c.Hyper.flag("maximize") {
			simd.Best[F]().Scale(grad, -1, grad)
		}
		if c.ClipNorm != nil {
			norm := ClipNorm(grad, *c.ClipNorm)
			if s.GradNorm != nil && loss == nil {
				require.InDelta(t, *s.GradNorm, norm, tol**s.GradNorm, what)
			}
		}
		if c.Lrs != nil {
			lr = c.Lrs[k]
		}
		opt.Step(theta, grad, lr)
		near(t, theta, c.flat(s.Params), tol, what)
	}
}

// sensitivity is how far a float64 run in a closed loop strays, relative to the largest parameter,
// when each parameter's start and each gradient are moved by a rounding unit, up or down: by one of the terms
// that a gradient is a sum of, for which the largest of the first step stands.
func sensitivity(t *testing.T, c *trajectory, loss problem, unit float64) (worst float64) {
	var runs [5][][]float64
	shift := func(r, k, i int) float64 { // 0 in the first run
		return float64(min(r, 1)) * float64(1-2*((r*(2*k+1)*(2*i+3)>>1)&1))
	}
	for r := range runs {
		opt := build[float64](t, c.Optimizer, c.Hyper)
		var theta []float64
		for _, p := range c.Params {
			theta = append(theta, c.Init[p].Data...)
		}
		for i := range theta {
			theta[i] *= 1 + shift(r, 0, i)*unit
		}
		lr, terms := c.Hyper.num("lr", 1e-3), 0.0
		for k := range c.Steps {
			_, grad := loss(c, theta)
			if k == 0 {
				for _, g := range grad {
					terms = max(terms, math.Abs(g))
				}
			}
			for i := range grad {
				grad[i] += shift(r, k, i) * unit * terms
			}
			if c.Hyper.flag("maximize") {
				simd.Best[float64]().Scale(grad, -1, grad)
			}
			if c.ClipNorm != nil {
				ClipNorm(grad, *c.ClipNorm)
			}
			if c.Lrs != nil {
				lr = c.Lrs[k]
			}
			opt.Step(theta, grad, lr)
			runs[r] = append(runs[r], append([]float64{}, theta...))
		}
	}
	for k, x := range runs[0] {
		var far, top float64
		for i, v := range x {
			for _, moved := range runs[1:] {
				far = max(far, math.Abs(v-moved[k][i]))
			}
			top = max(top, math.Abs(v))
		}
		worst = max(worst, far/top)
	}
	return worst
}

// problem returns loss and gradient at x, the parameters end to end.
type problem func(c *trajectory, x []float64) (loss float64, grad []float64)

var problems = map[string]problem{
	"logistic": func(c *trajectory, x []float64) (loss float64, grad []float64) {
		X, y := c.Data["X"], c.Data["y"].Data
		d := X.Shape[1]
		grad = make([]float64, len(x))
		for i, yi := range y {
			row := X.Data[i*d : (i+1)*d]
			z := x[d]
			for j, v := range row {
				z += x[j] * v
			}
			loss += math.Max(z, 0) - z*yi + math.Log1p(math.Exp(-math.Abs(z)))
			g := (1/(1+math.Exp(-z)) - yi) / float64(len(y))
			for j, v := range row {
				grad[j] += g * v
			}
			grad[d] += g
		}
		return loss / float64(len(y)), grad
	},
	"rosenbrock": func(_ *trajectory, x []float64) (loss float64, grad []float64) {
		grad = make([]float64, len(x))
		for i := range len(x) - 1 {
			a, b := x[i+1]-x[i]*x[i], 1-x[i]
			loss += 100*a*a + b*b
			grad[i] += -400*a*x[i] - 2*b
			grad[i+1] += 200 * a
		}
		return loss, grad
	},
	"tiny_mlp": func(c *trajectory, x []float64) (loss float64, grad []float64) {
		X, Y := c.Data["X"], c.Data["Y"]
		in, out, n := X.Shape[1], Y.Shape[1], X.Shape[0]
		hid := c.Init["w0"].Shape[0]
		off := map[string]int{}
		at := 0
		for _, p := range c.Params {
			off[p] = at
			at += len(c.Init[p].Data)
		}
		w0, b0, w1, b1 := off["w0"], off["b0"], off["w1"], off["b1"]
		grad = make([]float64, len(x))
		h := make([]float64, hid)
		for r := range n {
			for j := range hid {
				z := x[b0+j]
				for i := range in {
					z += x[w0+j*in+i] * X.Data[r*in+i]
				}
				h[j] = math.Tanh(z)
			}
			for o := range out {
				e := x[b1+o] - Y.Data[r*out+o]
				for j := range hid {
					e += x[w1+o*hid+j] * h[j]
				}
				loss += e * e
				g := 2 * e / float64(n*out)
				grad[b1+o] += g
				for j := range hid {
					grad[w1+o*hid+j] += g * h[j]
					gz := g * x[w1+o*hid+j] * (1 - h[j]*h[j])
					grad[b0+j] += gz
					for i := range in {
						grad[w0+j*in+i] += gz * X.Data[r*in+i]
					}
				}
			}
		}
		return loss / float64(n*out), grad
	},
}

func TestReferenceOptimSchedules(t *testing.T) {
	var file struct {
		Tol   float64 `json:"tol_rel"`
		Cases []struct {
			Name, Kind string
			Args       settings
			Base       float64 `json:"base_lr"`
			Lr         []float64
		}
	}
	reference(t, "schedules.json", &file)
	var n tally
	for _, c := range file.Cases {
		n.run(t, "schedules/"+c.Name, func(t *testing.T) {
			a := c.Args
			num := func(name string) float64 { return a.num(name, 0) }
			whole := func(name string, dflt int) int { return int(a.num(name, float64(dflt))) }
			var s Schedule
			switch c.Kind {
			case "constant":
				s = Constant(c.Base)
			case "cosine":
				s = CosineAnnealing(c.Base, num("eta_min"), whole("t_max", 0))
			case "cosine_restarts":
				s = CosineRestarts(c.Base, num("eta_min"), whole("t0", 0), whole("t_mult", 1))
			case "step":
				s = Step(c.Base, whole("step_size", 0), a.num("gamma", 0.1))
			case "multistep":
				var at []int
				for _, m := range a["milestones"].([]any) {
					at = append(at, int(m.(float64)))
				}
				s = MultiStep(c.Base, a.num("gamma", 0.1), at...)
			case "exponential":
				s = Exponential(c.Base, num("gamma"))
			case "linear":
				s = Linear(c.Base, a.num("start_factor", 1.0/3), a.num("end_factor", 1), whole("total_iters", 5))
			case "warmup_constant":
				s = Warmup(c.Base, whole("warmup", 0))
			case "warmup_cosine":
				w := whole("warmup", 0)
				s = Then(Linear(c.Base, num("start_factor"), 1, w), w, CosineAnnealing(c.Base, num("eta_min"), whole("t_max", 0)))
			case "onecycle":
				s = OneCycle(a.num("max_lr", c.Base), whole("total_steps", 0), a.num("pct_start", 0.3), a.num("div_factor", 25), a.num("final_div_factor", 1e4))
			default:
				t.Skipf("schedule %q is not supported", c.Kind)
			}
			var got []float64
			var top float64
			for k := range c.Lr {
				got = append(got, s(k))
				top = max(top, c.Lr[k])
			}
			for k, want := range c.Lr {
				// Entry by entry, but for what is near the zero at the end of a cosine.
				require.InDelta(t, want, got[k], file.Tol*max(math.Abs(want), 1e-3*top), "step %d", k)
			}
		})
	}
	n.log(t)
}

func TestReferenceOptimClip(t *testing.T) {
	var file struct {
		Tol64 float64 `json:"tol_rel_f64"`
		Tol32 float64 `json:"tol_rel_f32"`
		Cases []struct {
			Name     string
			Max      float64 `json:"max_norm"`
			Norm     float64 `json:"total_norm"`
			NormType any     `json:"norm_type"`
			Grads    []tensor
			Clipped  []tensor
		}
	}
	reference(t, "clip.json", &file)
	var n tally
	for _, c := range file.Cases {
		n.run(t, "clip/"+c.Name, func(t *testing.T) {
			p := math.Inf(1)
			if v, ok := c.NormType.(float64); ok {
				p = v
			}
			if p <= 0 {
				t.Skipf("norm of order %v is not supported", p)
			}
			var grad, want []float64
			for i := range c.Grads {
				grad = append(grad, c.Grads[i].Data...)
				want = append(want, c.Clipped[i].Data...)
			}
			require.InDelta(t, c.Norm, ClipNormP(grad, c.Max, p), file.Tol64*c.Norm)
			near(t, grad, want, file.Tol64, "float64")
			var short []float32
			for i := range c.Grads {
				for _, v := range c.Grads[i].Data {
					short = append(short, float32(v))
				}
			}
			require.InDelta(t, c.Norm, ClipNormP(short, c.Max, p), file.Tol32*c.Norm)
			near(t, short, want, file.Tol32, "float32")
		})
	}
	n.log(t)
}

func TestReferenceOptimEMA(t *testing.T) {
	var file struct {
		Tol64 float64 `json:"tol_rel_f64"`
		Tol32 float64 `json:"tol_rel_f32"`
		Cases []struct {
			Name            string
			Decay           float64
			Values, Average tensor
		}
	}
	reference(t, "ema.json", &file)
	var n tally
	for _, c := range file.Cases {
		n.run(t, "ema/"+c.Name, func(t *testing.T) {
			averages[float64](t, c.Decay, c.Values, c.Average, file.Tol64)
			averages[float32](t, c.Decay, c.Values, c.Average, file.Tol32)
		})
	}
	n.log(t)
}

func averages[F simd.Float](t *testing.T, decay float64, values, average tensor, tol float64) {
	e := EMA[F]{Decay: decay, Flat: true}
	steps := values.Shape[0]
	m := len(values.Data) / steps
	theta := make([]F, m)
	for k := range steps {
		for i, v := range values.Data[k*m : (k+1)*m] {
			theta[i] = F(v)
		}
		e.Update(theta)
		near(t, e.Theta, average.Data[k*m:(k+1)*m], tol, fmt.Sprintf("step %d", k))
	}
}
