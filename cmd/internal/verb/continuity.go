package verb

import (
	"fmt"
	"io"
	"math"

	"pushforward/cfm"
	"pushforward/cfm/model"
	"pushforward/cmd/internal/picture"
	"pushforward/odeint"
	"pushforward/simd/rng"
)

// continuity is what evaluate -continuity finds, all of it in the model's scale.
type continuity struct {
	Rows  int         `json:"rows"`
	Moved *float64    `json:"volume_change_nats"` // root mean square of ∫∇·v over the rows
	Paths []pathCheck `json:"paths"`
	Grids []gridCheck `json:"grids,omitempty"`
	grids []*cfm.Continuity
}

// pathCheck is the equation along draws, at one tolerance of the solver.
type pathCheck struct {
	Tol     float64  `json:"tolerance"`
	Volume  *float64 `json:"volume_error_nats"`  // largest |log det ∂xₜ/∂x₀ - ∫∇·v|
	Density *float64 `json:"density_error_nats"` // largest |log ρₜ(xₜ) - log μ(x₀) + ∫∇·v|
	Failed  int      `json:"failed,omitempty"`
}

// gridCheck is the equation on a grid, at one time.
type gridCheck struct {
	T        float64  `json:"t"`
	Points   int      `json:"points"`
	Mass     *float64 `json:"mass"`
	Residual *float64 `json:"residual_l1"` // mass unaccounted for, per unit of time
	Change   *float64 `json:"change_l1"`
	Relative *float64 `json:"residual_share"`
	Coarse   *float64 `json:"residual_share_coarse"` // with twice the spacing
}

// The rows followed, by the cube of the columns fewer, and the times looked at.
const (
	continuityRows    = 64
	continuityColumns = 100
)

var continuityTimes = []float64{0.25, 0.5, 0.75}

// checkContinuity refuses a model that has no equation, and returns its flow under the conditions given.
func checkContinuity(m *model.Model, cond given) (*cfm.Flow[float32], []float64, error) {
	switch {
	case !m.HasField():
		return nil, nil, refuse("-continuity: family %s has no velocity field; its maps have no time between", m.FamilyName())
	case !m.HasDensity():
		return nil, nil, refuse("-continuity: the model has no density to be carried along")
	case m.Dim > continuityColumns:
		return nil, nil, refuse("-continuity: the Jacobian of %d columns is too large; up to %d", m.Dim, continuityColumns)
	case len(m.Conditions) == 0 && len(cond) == 0:
		f, err := m.Under(nil)
		return f, nil, err
	}
	row, err := m.Encode(cond)
	if err != nil {
		return nil, nil, refuse("-continuity is about one law, so each condition is named by -given: %v", err)
	}
	f, err := m.Under([][]float64{row})
	return f, row, err
}

// continuityOf checks a model's flow.
func continuityOf(e env, m *model.Model, cond given, side int, seed uint64) (*continuity, error) {
	f, row, err := checkContinuity(m, cond)
	if err != nil {
		return nil, err
	}
	rho, err := m.LogRho(row)
	if err != nil {
		return nil, err
	}
	v := &continuity{Rows: min(continuityRows, max(8, 2048/m.Dim))}
	key := rng.New(seed).Named("continuity")
	x0 := f.Draw(v.Rows, key)
	for _, tol := range []float64{1e-3, 1e-5} {
		opt := cfm.ContinuityOptions{LogRho: rho}
		opt.Density.Options = odeint.Options{Rtol: tol, Atol: tol}
		opt.Density.Divergence = cfm.Exact
		p, err := f.ContinuityPaths(e.ctx, x0, append(continuityTimes[:len(continuityTimes):len(continuityTimes)], 1), opt)
		if err != nil {
			return nil, err
		}
		c := pathCheck{Tol: tol, Volume: num(p.VolumeError()), Density: num(p.DensityError())}
		for _, s := range p.Status {
			if !s.OK() {
				c.Failed++
			}
		}
		v.Paths = append(v.Paths, c)
		sum := 0.0
		for _, l := range p.Trace[len(p.Trace)-1] {
			if l == l {
				sum += l * l / float64(v.Rows)
			}
		}
		v.Moved = num(math.Sqrt(sum))
	}
	if m.Dim > 2 {
		return v, nil
	}
	for _, t := range continuityTimes {
		g, err := gridAt(e, f, t, side, key)
		if err != nil {
			return nil, err
		}
		c, err := f.ContinuityGrid(e.ctx, g, t, cfm.ContinuityOptions{LogRho: rho})
		if err != nil {
			return nil, err
		}
		v.grids = append(v.grids, c)
		v.Grids = append(v.Grids, gridCheck{
			T: t, Points: side, Mass: num(c.Mass), Residual: num(c.L1), Change: num(c.L1Change), Relative: num(c.Relative()), Coarse: num(c.RelativeCoarse()),
		})
	}
	return v, nil
}

// gridAt covers where draws are at time t.
func gridAt(e env, f *cfm.Flow[float32], t float64, side int, key rng.Key) (g cfm.Grid, err error) {
	bare := *f
	bare.Loc, bare.Scale = nil, nil
	s, err := bare.Transport(e.ctx, bare.Draw(1000, key.Named("box")), 0, t, odeint.Options{Rtol: 1e-3, Atol: 1e-3})
	if err != nil {
		return g, err
	}
	for a := range f.Dim {
		lo, hi := math.Inf(1), math.Inf(-1)
		for i := a; i < len(s.X.Data); i += f.Dim {
			lo, hi = math.Min(lo, float64(s.X.Data[i])), math.Max(hi, float64(s.X.Data[i]))
		}
		m := 0.15 * (hi - lo)
		g.Lo, g.Hi, g.N = append(g.Lo, lo-m), append(g.Hi, hi+m), append(g.N, side)
	}
	return g, nil
}

// print writes the figures.
func (v *continuity) print(out io.Writer) {
	row := func(name, format string, a ...any) {
		fmt.Fprintf(out, "%-21s "+format+"\n", append([]any{name}, a...)...)
	}
	fmt.Fprintf(out, "continuity equation ∂ρ/∂t + ∇·(vρ) = 0, in the model's scale\n")
	row("along draws", "%d rows, whose volume changes by %.3g nats (root mean square of ∫∇·v)", v.Rows, value(v.Moved))
	for _, p := range v.Paths {
		row(fmt.Sprintf("  tolerance %g", p.Tol), "log det ∂xₜ/∂x₀ is ∫∇·v within %.2g nats, log ρₜ(xₜ) is log μ(x₀) - ∫∇·v within %.2g", value(p.Volume), value(p.Density))
	}
	for _, g := range v.Grids {
		points := fmt.Sprint(g.Points)
		if len(v.grids) > 0 && len(v.grids[0].Grid.N) == 2 {
			points += "×" + points
		}
		row(fmt.Sprintf("grid at t = %g", g.T), "residual %.2g of %.3g, ∫|∂ρ/∂t|: a share of %.2g; with twice the spacing %.2g (%s points hold %.4f of the mass)",
			value(g.Residual), value(g.Change), value(g.Relative), value(g.Coarse), points, value(g.Mass))
	}
}

// board draws density, its change, and what the equation leaves of it.
func (v *continuity) board() picture.Board {
	b := picture.Board{Title: "∂ρ/∂t + div(ρv) = 0", Columns: len(v.grids)}
	rows := [][]picture.Panel{nil, nil, nil}
	worst, most := 0.0, 0.0
	for _, c := range v.grids {
		for i, r := range c.Residual {
			if r == r {
				worst, most = math.Max(worst, math.Abs(r)), math.Max(most, math.Abs(c.Change[i]))
			}
		}
	}
	times := 1.0
	for times < 1e6 && times*worst < most/3 {
		times *= 10
	}
	for _, c := range v.grids {
		at := fmt.Sprintf("t = %g", c.T)
		change := fmt.Sprintf("∂ρ/∂t, t = %g", c.T)
		left := fmt.Sprintf("residual × %g: %.1g", times, c.Relative())
		if len(c.Grid.N) == 1 {
			x := c.Grid.Points().Data
			large := make([]float64, len(x))
			minus := make([]float64, len(x))
			for i := range x {
				large[i], minus[i] = times*c.Residual[i], -c.Flux[i]
			}
			rows[0] = append(rows[0], picture.Panel{Title: "ρ, " + at, Lines: []picture.Line{{X: x, Y: c.Rho}}})
			rows[1] = append(rows[1], picture.Panel{Title: change, Lines: []picture.Line{{Name: "∂ρ/∂t", X: x, Y: c.Change}, {Name: "−div(ρv)", X: x, Y: minus, Colour: 1, Dashed: true}}})
			rows[2] = append(rows[2], picture.Panel{Title: left, Lines: []picture.Line{{X: x, Y: large, Colour: 3}}})
			continue
		}
		m := func(w []float64, signed bool, top float64) *picture.Map {
			g := c.Grid
			return &picture.Map{X0: g.Lo[0], X1: g.Hi[0], Y0: g.Lo[1], Y1: g.Hi[1], NX: g.N[0], NY: g.N[1], V: w, Signed: signed, Most: top}
		}
		large := make([]float64, len(c.Residual))
		top := 0.0
		for i, r := range c.Residual {
			large[i] = times * r
			top = math.Max(top, math.Abs(c.Change[i]))
		}
		rows[0] = append(rows[0], picture.Panel{Title: "ρ, " + at, Map: m(c.Rho, false, 0)})
		rows[1] = append(rows[1], picture.Panel{Title: change, Map: m(c.Change, true, top)})
		rows[2] = append(rows[2], picture.Panel{Title: left, Map: m(large, true, top)})
	}
	for _, r := range rows {
		b.Panels = append(b.Panels, r...)
	}
	b.Caption = "Above the density, then its change in time, and below what is left after adding div(ρv), enlarged and in the colours of the change; the number is its share of ∫|∂ρ/∂t|."
	return b
}
