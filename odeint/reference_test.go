package odeint

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// referenceFolders runs f for each folder of reference cases: that of $PUSHFORWARD_REFERENCE, or the four of testdata (see PROVENANCE.md
// in each).
func referenceFolders(t *testing.T, f func(t *testing.T, dir string)) {
	dirs := []string{os.Getenv("PUSHFORWARD_REFERENCE")}
	if dirs[0] == "" {
		dirs = []string{filepath.Join("testdata", "reference"), filepath.Join("testdata", "harder"), filepath.Join("testdata", "harder2"), filepath.Join("testdata", "harder3")}
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) { f(t, dir) })
	}
}

// referenceFile reads a file of the reference cases into v.
func referenceFile(t *testing.T, dir, name string, v any) {
	raw, err := os.ReadFile(filepath.Join(dir, "ode", name))
	if os.IsNotExist(err) {
		t.Skipf("%s is not in this folder", name)
	}
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, v))
}

// tally counts a family's cases and reports them at its end.
type tally struct{ passed, failed, skipped int }

func (c *tally) run(t *testing.T, name string, f func(t *testing.T)) {
	ran := t.Run(name, func(t *testing.T) {
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
	_ = ran
}

func (c *tally) report(t *testing.T) {
	t.Logf("reference %s: %d passed, %d failed, %d skipped", t.Name(), c.passed, c.failed, c.skipped)
}

// number is a float64 that may be written "NaN", "Infinity" or null.
type number float64

func (n *number) UnmarshalJSON(raw []byte) error {
	switch s := strings.Trim(string(raw), `"`); s {
	case "null", "NaN":
		*n = number(math.NaN())
	case "Infinity":
		*n = number(math.Inf(1))
	case "-Infinity":
		*n = number(math.Inf(-1))
	default:
		var x float64
		if err := json.Unmarshal(raw, &x); err != nil {
			return err
		}
		*n = number(x)
	}
	return nil
}

type referencePeer struct {
	Solver             string
	Rtol, Atol         float64
	Success            *bool
	Failed             string
	NFEV               int
	Accepted, Rejected int
	Err                *number
}

type referenceProblem struct {
	exprProblem
	Truth struct {
		Y1 []float64 `json:"y1_f64"`
	}
	Samples struct {
		T []float64
		Y [][]float64
	}
	Solvers   []referencePeer
	FixedStep []struct {
		Method string
		Steps  int
		Y1     []number
	} `json:"fixed_step"`
	OneStep *struct {
		H           float64
		Stages      [][]number
		YNew        []number `json:"y_new"`
		ErrorVector []number `json:"error_vector"`
	} `json:"one_step"`
}

// worst is the measure of the reference files: the largest |y - truth|/(1 + |truth|).
func worst(y, truth []float64) float64 {
	var e float64
	for i, v := range truth {
		d := math.Abs(y[i]-v) / (1 + math.Abs(v))
		if !(d <= e) {
			e = d
		}
	}
	return e
}

func TestReferenceProblems(t *testing.T) { referenceFolders(t, referenceProblems) }

func referenceProblems(t *testing.T, dir string) {
	var file struct{ Problems []referenceProblem }
	referenceFile(t, dir, "problems.json", &file)
	var count tally
	defer count.report(t)
	t.Run("problems.json", func(t *testing.T) {
		for _, p := range file.Problems {
			if testing.Short() && p.Stiff {
				count.run(t, p.Name, func(t *testing.T) { t.Skip("stiff: not with -short") })
				continue
			}
			e, err := p.compile(p.RHS)
			if err != nil {
				count.run(t, p.Name, func(t *testing.T) { t.Fatalf("the right-hand side cannot be read: %v", err) })
				continue
			}
			adaptiveCases(t, &count, &p, exprSystem{e})
			for _, f := range p.FixedStep {
				count.run(t, fmt.Sprintf("%s/fixed_%s", p.Name, f.Method), func(t *testing.T) {
					m, ok := Method(map[string]string{"rk4_38": "rk4-38"}[f.Method])
					if !ok {
						if m, ok = Method(f.Method); !ok {
							t.Skipf("no method %s", f.Method)
						}
					}
					sol, err := Solve(bg, exprSystem{e}, p.Y0, p.T0, p.T1, Options{Method: m, Step: math.Abs(p.T1-p.T0) / float64(f.Steps)})
					want := make([]float64, len(f.Y1))
					for i, v := range f.Y1 {
						want[i] = float64(v)
					}
					if !allFinite(want) { // the peer went on to infinity
						require.ErrorIs(t, err, ErrNotFinite)
						return
					}
					require.NoError(t, err)
					require.Equal(t, f.Steps, sol.Stats.Accepted)
					requireClose(t, want, sol.Final(), 1e-10)
				})
			}
			if p.OneStep != nil {
				count.run(t, p.Name+"/one_step", func(t *testing.T) { oneStepCase(t, &p, exprSystem{e}) })
			}
		}
	})
}

// requireClose asks that got be want to rel of want's largest entry.
func requireClose(t *testing.T, want, got []float64, rel float64) {
	t.Helper()
	var scale float64
	for _, v := range want {
		scale = max(scale, math.Abs(v))
	}
	for i := range want {
		require.LessOrEqual(t, math.Abs(got[i]-want[i]), rel*scale, "entry %d: got %v, want %v", i, got[i], want[i])
	}
}

// tolerances groups what the peers did at one pair of tolerances: the worst of the Dormand–Prince programs.
type tolerances struct {
	rtol, atol float64
	err        float64
	nfev       int // the most evaluations,
	least      int // and the fewest
	peers      int
}

func peersOf(p *referenceProblem) []tolerances {
	var out []tolerances
	for _, s := range p.Solvers {
		var c *tolerances
		for i := range out {
			if out[i].rtol == s.Rtol && out[i].atol == s.Atol {
				c = &out[i]
			}
		}
		if c == nil {
			out = append(out, tolerances{rtol: s.Rtol, atol: s.Atol})
			c = &out[len(out)-1]
		}
		ok := s.Failed == "" && (s.Success == nil || *s.Success) && s.Err != nil && finite(float64(*s.Err))
		if s.Solver == "scipy_DOP853" || !ok {
			continue
		}
		c.peers++
		c.err = max(c.err, float64(*s.Err))
		if c.nfev = max(c.nfev, s.NFEV); c.least == 0 || s.NFEV < c.least {
			c.least = s.NFEV
		}
	}
	return out
}

// adaptiveCases holds Dopri5 to the peers at each of their tolerances: error at most 5 times the worst of theirs,
// evaluations at most 1.3 times, saved states within 20 times the bound of the end, and an error that shrinks with
// the tolerance.
func adaptiveCases(t *testing.T, count *tally, p *referenceProblem, sys exprSystem) {
	errs := map[float64]float64{}
	for _, c := range peersOf(p) {
		count.run(t, fmt.Sprintf("%s/rtol_%g", p.Name, c.rtol), func(t *testing.T) {
			if testing.Short() && c.rtol < 1e-7 {
				t.Skip("not with -short")
			}
			sol, err := Solve(bg, sys, p.Y0, p.T0, p.T1, Options{Rtol: c.rtol, Atol: c.atol, MaxSteps: 1e7,
				SaveAt: append(append([]float64{}, p.Samples.T...), p.T1)})
			if c.peers == 0 {
				if err != nil {
					t.Skipf("no Dormand–Prince program finished, nor did this one: %v", err)
				}
				return
			}
			require.NoError(t, err)
			got := worst(sol.Final(), p.Truth.Y1)
			errs[c.rtol] = got
			require.True(t, finite(got), "the end state is not finite")
			// Chaotic or near-singular problems at loose tolerances: only finite, and evaluations within half of the peers', for the
			// rounding of a machine's math.Pow decides which way round they go, where the peers agree on their own and the solution is not
			// lost altogether.
			loose, most := c.rtol >= 1e-3 && c.err > 30*c.rtol, 1.3
			if loose {
				most = 1.5
			}
			if !loose || c.err < 1 && float64(c.nfev) < 1.5*float64(c.least) {
				require.LessOrEqual(t, float64(sol.Stats.Evals), most*float64(c.nfev), "evaluations")
			}
			bound := 5 * c.err
			if loose {
				return
			}
			require.LessOrEqual(t, got, max(bound, 1e-14), "error at the end, worst peer %.3g", c.err)
			for i, want := range p.Samples.Y {
				d := worst(sol.Y[i*sys.dim:(i+1)*sys.dim], want)
				require.LessOrEqual(t, d, max(20*bound, 1e-13), "sample at t=%v", p.Samples.T[i])
			}
		})
	}
	for _, peer := range p.Solvers {
		m := map[string]*Tableau{"scipy_RK45": Dopri5, "scipy_DOP853": Dop853}[peer.Solver]
		if m == nil || peer.Success != nil && !*peer.Success || peer.Err == nil {
			continue
		}
		count.run(t, fmt.Sprintf("%s/%s_%g", p.Name, peer.Solver, peer.Rtol), func(t *testing.T) {
			if testing.Short() && peer.Rtol < 1e-7 {
				t.Skip("not with -short")
			}
			sameSteps(t, p, sys, m, peer)
		})
	}
	e5, ok5 := errs[1e-5]
	e9, ok9 := errs[1e-9]
	if ok5 && ok9 && !p.Stiff {
		count.run(t, p.Name+"/proportional", func(t *testing.T) {
			var p5, p9 float64
			for _, c := range peersOf(p) {
				if c.peers > 0 && c.rtol == 1e-5 {
					p5 = c.err
				}
				if c.peers > 0 && c.rtol == 1e-9 {
					p9 = c.err
				}
			}
			if p9 > max(p5/50, 1e-12) && e9 <= 5*p9 {
				t.Skipf("no Dormand–Prince program does it: %.3g at 1e-5, %.3g at 1e-9", p5, p9)
			}
			require.LessOrEqual(t, e9, max(e5/50, 1e-12), "error at 1e-9 against %.3g at 1e-5", e5)
		})
	}
}

// sameSteps compares with SciPy's program of the same table and controller: the counts of steps agree to a tenth (they are equal but
// for rounding), and so does the error to a factor of ten.
// Where the peer's solution has nothing to do with the true one the two have parted, and so have their steps.
func sameSteps(t *testing.T, p *referenceProblem, sys exprSystem, m *Tableau, peer referencePeer) {
	if e := float64(*peer.Err); !(e <= 0.01) {
		t.Skipf("chaotic: the peer's error is %.2g", e)
	}
	sol, err := Solve(bg, sys, p.Y0, p.T0, p.T1, Options{Method: m, Rtol: peer.Rtol, Atol: peer.Atol, MaxSteps: 1e7})
	require.NoError(t, err)
	n := peer.Accepted + peer.Rejected
	require.InDelta(t, n, sol.Stats.Accepted+sol.Stats.Rejected, 3+0.1*float64(n), "steps tried")
	// That a peer's error is far below its tolerance, or below the others', is luck, which another order of rounding may not have.
	bound := max(10*float64(*peer.Err), 3*peer.Rtol, 1e-12)
	for _, c := range peersOf(p) {
		if c.rtol == peer.Rtol && c.atol == peer.Atol && m == Dopri5 {
			bound = max(bound, 5*c.err)
		}
	}
	require.LessOrEqual(t, worst(sol.Final(), p.Truth.Y1), bound, "error")
}

// oneStepCase compares the stages, the new state and the error vector of one step.
func oneStepCase(t *testing.T, p *referenceProblem, sys exprSystem) {
	o := p.OneStep
	s := NewSolver[float64](Options{FirstStep: math.Abs(o.H), Rtol: 1e9, Dense: true})
	s.Solve(bg, sys, p.Y0, p.T0, p.T1) // sets everything up
	s.sys, s.dim = sys, len(p.Y0)
	require.NoError(t, s.span(p.T0, p.T1))
	s.reserve(1)
	copy(s.y, p.Y0)
	s.sol.begin(s.dim, 1, s.dir, p.T1, nil)
	s.lanes[0] = lane{t: p.T0, h: o.H}
	s.row = append(s.row, 0)
	s.eval(s.k[0], []float64{p.T0}, s.y)
	s.attempt()
	// A difference is measured by the largest number that went into it: the state, or a stage times h.
	scale := 1e-300
	for _, k := range o.Stages {
		for _, v := range k {
			if finite(float64(v)) {
				scale = max(scale, math.Abs(float64(v)))
			}
		}
	}
	same := func(want number, got, tol float64, what string, args ...any) {
		if w := float64(want); finite(w) {
			require.LessOrEqual(t, math.Abs(got-w), tol, "%s: got %v, want %v", fmt.Sprintf(what, args...), got, w)
		} else {
			require.False(t, finite(got), what, args)
		}
	}
	for i, k := range o.Stages {
		for j, v := range k {
			same(v, s.k[i][j], 1e-12*scale, "stage %d, component %d", i, j)
		}
	}
	state := math.Abs(o.H) * scale
	for _, v := range p.Y0 {
		state = max(state, math.Abs(v))
	}
	for i, v := range o.YNew {
		same(v, s.next[i], 1e-12*state, "new state, component %d", i)
	}
	for i, v := range o.ErrorVector {
		same(number(math.Abs(float64(v))), math.Abs(s.e1[i]), 1e-12*math.Abs(float64(v))+1e-15*math.Abs(o.H)*scale, "error vector, component %d", i)
	}
	// The file's dense output is SciPy's, another polynomial; ours is held to the samples.
}
