package ot

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/simd/rng"
)

// normals returns n numbers of key seed; integer ones if coarse, so that ties abound.
func normals(seed uint64, n int, coarse bool) []float64 {
	x := make([]float64, n)
	rng.Normal(rng.New(seed), x)
	if coarse {
		for i := range x {
			x[i] = math.Round(2 * x[i])
		}
	}
	return x
}

// bestByTrying is the least cost over all ways to give n rows different columns.
func bestByTrying(c []float64, n, m int) float64 {
	used := make([]bool, m)
	var walk func(i int) float64
	walk = func(i int) float64 {
		if i == n {
			return 0
		}
		best := math.Inf(1)
		for j := range m {
			if !used[j] {
				used[j] = true
				best = math.Min(best, c[i*m+j]+walk(i+1))
				used[j] = false
			}
		}
		return best
	}
	return walk(0)
}

func TestAssignAgainstTrying(t *testing.T) {
	var s Solver
	for n := 1; n <= 6; n++ {
		for m := 1; m <= 7; m++ {
			for seed := range uint64(12) {
				c := normals(seed, n*m, seed%3 == 0)
				dst := make([]int, n)
				total, err := s.Assign(dst, c, n, m)
				require.NoError(t, err)
				small, large, cc := n, m, c
				if n > m {
					small, large, cc = m, n, make([]float64, n*m)
					transpose(cc, c, n, m)
				}
				require.InDelta(t, bestByTrying(cc, small, large), total, 1e-12, "%d×%d seed %d", n, m, seed)
				checkAssignment(t, &s, dst, c, n, m)
			}
		}
	}
}

// Partial assignments against trying all choices of rows.
func TestAssignSome(t *testing.T) {
	var s Solver
	for n := 1; n <= 5; n++ {
		for m := 1; m <= 5; m++ {
			for k := 0; k <= min(n, m); k++ {
				c := normals(uint64(10*n+m), n*m, (n+m)%3 == 0)
				best := math.Inf(1)
				for set := range 1 << n {
					var sub []float64
					for i := range n {
						if set>>i&1 == 1 {
							sub = append(sub, c[i*m:(i+1)*m]...)
						}
					}
					if len(sub) == k*m {
						best = math.Min(best, bestByTrying(sub, k, m))
					}
				}
				dst := make([]int, n)
				total, err := s.AssignSome(dst, c, n, m, k)
				require.NoError(t, err)
				require.InDelta(t, best, total, 1e-12, "%d of %d×%d", k, n, m)
				seen, sum := map[int]bool{}, 0.0
				for i, j := range dst {
					if j >= 0 {
						require.False(t, seen[j])
						seen[j] = true
						sum += c[i*m+j]
					}
				}
				require.Len(t, seen, k)
				require.InDelta(t, total, sum, 1e-12)
			}
		}
	}
	_, err := s.AssignSome(make([]int, 1), []float64{math.NaN()}, 1, 1, 1)
	require.ErrorIs(t, err, ErrCost)
	require.Panics(t, func() { _, _ = s.AssignSome(make([]int, 1), []float64{1}, 1, 1, 2) })
}

// checkAssignment proves an assignment optimal by its duals.
func checkAssignment(t *testing.T, s *Solver, dst []int, c []float64, n, m int) {
	t.Helper()
	seen := make([]bool, m)
	assigned := 0
	u, v := s.Duals()
	require.Len(t, u, n)
	require.Len(t, v, m)
	for i, j := range dst {
		if j < 0 {
			require.Zero(t, u[i], "a row left over")
			continue
		}
		require.False(t, seen[j], "column %d twice", j)
		seen[j] = true
		assigned++
		require.InDelta(t, c[i*m+j], u[i]+v[j], 1e-11)
	}
	require.Equal(t, min(n, m), assigned)
	for j := range v {
		if !seen[j] {
			require.Zero(t, v[j], "a column left over")
		}
	}
	for i := range u {
		for j := range v {
			require.LessOrEqual(t, u[i]+v[j], c[i*m+j]+1e-11)
		}
	}
	for k := range max(n, m) {
		if n < m {
			require.LessOrEqual(t, v[k], 0.0)
		} else if n > m {
			require.LessOrEqual(t, u[k], 0.0)
		}
	}
}

func TestAssignLarger(t *testing.T) {
	sizes := []struct{ n, m int }{{50, 50}, {97, 130}, {130, 97}, {256, 256}, {1, 40}, {40, 1}}
	if testing.Short() {
		sizes = sizes[:3]
	}
	var s Solver
	for _, z := range sizes {
		for _, coarse := range []bool{false, true} {
			x, y := normals(1, 2*z.n, coarse), normals(2, 2*z.m, coarse)
			c := make([]float64, z.n*z.m)
			SquaredDistances(c, x, y, 2)
			dst := make([]int, z.n)
			_, err := s.Assign(dst, c, z.n, z.m)
			require.NoError(t, err)
			checkAssignment(t, &s, dst, c, z.n, z.m)
			again := make([]int, z.n)
			_, err = new(Solver).Assign(again, c, z.n, z.m)
			require.NoError(t, err)
			require.Equal(t, dst, again, "the work space must not matter")
		}
	}
}

// Costs with nothing to choose, costs that are huge, tiny, negative, and equal up to rounding.
func TestAssignHardCosts(t *testing.T) {
	const n = 40
	same := make([]float64, n*n)
	near, huge, tiny, product := make([]float64, n*n), make([]float64, n*n), make([]float64, n*n), make([]float64, n*n)
	z := normals(7, n*n, false)
	for k := range z {
		near[k] = 1 + 1e-15*z[k]
		huge[k] = 1e300 * z[k]
		tiny[k] = 1e-300 * z[k]
		product[k] = float64((k/n + 1) * (k%n + 1)) // Machol and Wien's: hard for augmenting paths
	}
	var s Solver
	for name, c := range map[string][]float64{"same": same, "near": near, "huge": huge, "tiny": tiny, "product": product} {
		dst := make([]int, n)
		total, err := s.Assign(dst, c, n, n)
		require.NoError(t, err, name)
		u, v := s.Duals()
		dual := 0.0
		for i := range n {
			dual += u[i] + v[i]
		}
		require.InDelta(t, total, dual, 1e-12*math.Max(math.Abs(total), 1e-290), name)
		if name == "same" {
			require.Zero(t, total)
		}
		if name == "product" {
			for i, j := range dst {
				require.Equal(t, n-1-i, j)
			}
		}
	}
}

func TestBadCosts(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		c := []float64{1, 2, 3, bad, 5, 6}
		_, _, err := Assign(c, 2, 3)
		require.ErrorIs(t, err, ErrCost)
		require.ErrorContains(t, err, "row 1, column 0 is")
		_, err = Transport([]float64{0.5, 0.5}, fill(3), c)
		require.ErrorIs(t, err, ErrCost)
		_, err = Sinkhorn(fill(2), fill(3), c, SinkhornOptions{Reg: 1})
		require.ErrorIs(t, err, ErrCost)
		_, err = W2([]float64{1, bad}, []float64{1, 2}, 2)
		require.ErrorIs(t, err, ErrCost)
		_, err = W1([]float64{1, bad}, []float64{1, 2}, 1)
		require.ErrorIs(t, err, ErrCost)
		_, err = Transport([]float64{bad, 0.5}, fill(3), make([]float64, 6))
		require.ErrorIs(t, err, ErrCost)
	}
	_, err := Transport([]float64{0.5, 0.6}, fill(3), make([]float64, 6))
	require.ErrorIs(t, err, ErrCost)
	_, err = W2(nil, []float64{1}, 1)
	require.ErrorIs(t, err, ErrCost)
	_, err = Sinkhorn(fill(2), fill(3), make([]float64, 6), SinkhornOptions{})
	require.ErrorIs(t, err, ErrCost)
	_, err = Sinkhorn(fill(2), fill(3), []float64{1e300, 0, 0, 0, 0, 0}, SinkhornOptions{Reg: 1e-30})
	require.ErrorIs(t, err, ErrCost)
	require.Panics(t, func() { _, _, _ = Assign(make([]float64, 5), 2, 3) })
	require.Panics(t, func() { SquaredDistances(make([]float64, 3), make([]float64, 4), make([]float64, 4), 2) })
}

func TestAssignAllocatesNothing(t *testing.T) {
	var s Solver
	for _, z := range []struct{ n, m int }{{64, 64}, {40, 64}, {64, 40}} {
		c := normals(3, z.n*z.m, false)
		dst := make([]int, z.n)
		require.Zero(t, testing.AllocsPerRun(5, func() {
			if _, err := s.Assign(dst, c, z.n, z.m); err != nil {
				panic(err)
			}
		}))
	}
}

// The network simplex against the assignment, against replicated points, and against its own duals.
func TestTransport(t *testing.T) {
	for seed := range uint64(20) {
		n, m := 3+int(seed)%7, 2+int(seed*5)%11
		c := normals(seed, n*m, seed%2 == 0)
		a, b := make([]float64, n), make([]float64, m)
		rng.Uniform(rng.New(seed).Named("a"), a)
		rng.Uniform(rng.New(seed).Named("b"), b)
		if seed%4 == 0 {
			a[0] = 0
		}
		sa, sb := 0.0, 0.0
		for _, v := range a {
			sa += v
		}
		for _, v := range b {
			sb += v
		}
		for j := range b {
			b[j] *= sa / sb
		}
		p, err := Transport(a, b, c)
		require.NoError(t, err)
		require.Less(t, p.Err, 1e-13)
		dual := 0.0
		for i := range a {
			dual += p.U[i] * a[i]
			for j := range b {
				require.LessOrEqual(t, p.U[i]+p.V[j], c[i*m+j]+1e-12)
			}
		}
		for j := range b {
			dual += p.V[j] * b[j]
		}
		require.InDelta(t, p.Cost, dual, 1e-12, "no duality gap")
	}
	// Points repeated three and two times make equal numbers.
	x, y := normals(5, 2*20, false), normals(6, 2*30, false)
	var xx, yy []float64
	for range 3 {
		xx = append(xx, x...)
	}
	for range 2 {
		yy = append(yy, y...)
	}
	for _, p := range []float64{1, 2, 3.5} {
		got, err := Wp(x, y, 2, p)
		require.NoError(t, err)
		want, err := Wp(xx, yy, 2, p)
		require.NoError(t, err)
		require.InEpsilon(t, want, got, 1e-11)
	}
}

// Cunningham's rule keeps every empty route of the tree leading towards the root, which is why the method
// ends; equal masses and equal costs make many of them.
func TestTransportTreeStaysStronglyFeasible(t *testing.T) {
	const n = 12
	c := normals(1, n*n, true)
	a, b, _ := uniform(n, n)
	s, err := newSimplex(a, b, c)
	require.NoError(t, err)
	for e := s.candidate(); e >= 0; e = s.candidate() {
		s.pivot(int32(e/n), int32(n+e%n), c[e])
		s.pivots++
		for k := range 2 * n {
			require.GreaterOrEqual(t, s.flow[k], int64(0))
			require.True(t, s.up[k] || s.flow[k] > 0, "node %d after %d pivots", k, s.pivots)
		}
	}
	require.Greater(t, s.pivots, n)
	_, total, err := Assign(c, n, n)
	require.NoError(t, err)
	require.InDelta(t, total, s.total(), 1e-12)
}

func TestTransportLarger(t *testing.T) {
	n, m := 500, 360
	if testing.Short() {
		n, m = 60, 45
	}
	for _, coarse := range []bool{false, true} {
		c := make([]float64, n*m)
		SquaredDistances(c, normals(1, 2*n, coarse), normals(2, 2*m, coarse), 2)
		p, err := Transport(fill(n), fill(m), c)
		require.NoError(t, err)
		require.Less(t, p.Err, 1e-13)
		dual := 0.0
		for i := range n {
			dual += p.U[i] / float64(n)
			for j := range m {
				require.False(t, p.U[i]+p.V[j] > c[i*m+j]+1e-11)
			}
		}
		for j := range m {
			dual += p.V[j] / float64(m)
		}
		require.InDelta(t, p.Cost, dual, 1e-11)
		t.Logf("%d×%d: %d pivots", n, m, p.Iter)
	}
}

// Each squared distance is one chain, whatever its place in a block and the number of rows.
func TestSquaredDistances(t *testing.T) {
	for _, d := range []int{1, 2, 3, 7, 64} {
		x, y := normals(1, 5*d, false), normals(2, 7*d, false)
		got := make([]float64, 35)
		SquaredDistances(got, x, y, d)
		for i := range 5 {
			for j := range 7 {
				want := squared(x[i*d:(i+1)*d], y[j*d:(j+1)*d])
				require.Equal(t, want, got[i*7+j])
				one := make([]float64, 1)
				SquaredDistances(one, x[i*d:(i+1)*d], y[j*d:(j+1)*d], d)
				require.Equal(t, want, one[0])
			}
		}
	}
}

// Facts about the distances: zero for equal sets, a shift shifts by its length, W₁ ≤ W₂, symmetry, and
// on the line the general solver agrees with sorting.
func TestDistances(t *testing.T) {
	x, y := normals(1, 3*40, false), normals(2, 3*25, false)
	zero, err := W2(x, x, 3)
	require.NoError(t, err)
	require.Zero(t, zero)
	moved := make([]float64, len(x))
	for i := range x {
		moved[i] = x[i] + []float64{3, 0, 4}[i%3]
	}
	for _, p := range []float64{1, 2, 3} {
		d, err := Wp(x, moved, 3, p)
		require.NoError(t, err)
		require.InDelta(t, 5, d, 1e-12)
	}
	w1, err := W1(x, y, 3)
	require.NoError(t, err)
	w2, err := W2(x, y, 3)
	require.NoError(t, err)
	require.Less(t, w1, w2)
	back, err := W2(y, x, 3)
	require.NoError(t, err)
	require.InEpsilon(t, w2, back, 1e-12)
	for _, p := range []float64{1, 2, 2.5} {
		for _, n := range []int{40, 39, 1} {
			got, err := Wp(x[:n], y[:30], 1, p)
			require.NoError(t, err)
			require.InEpsilon(t, Wp1D(x[:n], y[:30], p), got, 1e-11)
		}
	}
	// Along the axes the squares of the sliced distances add up to no more than W₂².
	axes := []float64{1, 0, 0, 0, 1, 0, 0, 0, 1}
	require.LessOrEqual(t, 3*math.Pow(SlicedW(x, y, 3, axes, 2), 2), w2*w2+1e-12)
	require.InDelta(t, 5/math.Sqrt(3), SlicedW(x, moved, 3, axes, 2), 1e-12)
}

// Sinkhorn: marginals hold down to small ε, the plan tends to the optimal one as ε falls and to a⊗b as
// it grows, and one sweep too few is an error with the plan beside it.
func TestSinkhorn(t *testing.T) {
	n, m := 24, 30
	c := make([]float64, n*m)
	SquaredDistances(c, normals(1, 2*n, false), normals(2, 2*m, false), 2)
	a, b := fill(n), fill(m)
	exact, err := Transport(a, b, c)
	require.NoError(t, err)
	scale := largest(c)
	last := math.Inf(1)
	for _, rel := range []float64{1, 0.1, 0.01, 0.001, 0.0003} {
		if testing.Short() && rel < 0.1 {
			break
		}
		p, err := Sinkhorn(a, b, c, SinkhornOptions{Reg: rel * scale, Tol: 1e-8})
		require.NoError(t, err, rel)
		require.Less(t, p.Err, 1e-8)
		require.Greater(t, p.Cost, exact.Cost-1e-6*scale)
		require.Less(t, p.Cost, last)
		last = p.Cost
		t.Logf("reg %g of the largest cost: %d sweeps, cost %.5f, exact %.5f", rel, p.Iter, p.Cost, exact.Cost)
	}
	if !testing.Short() {
		require.InEpsilon(t, exact.Cost, last, 0.03)
	}
	p, err := Sinkhorn(a, b, c, SinkhornOptions{Reg: 1e6 * scale})
	require.NoError(t, err)
	for _, v := range p.P {
		require.InDelta(t, 1/float64(n*m), v, 1e-8)
	}
	p, err = Sinkhorn(a, b, c, SinkhornOptions{Reg: 0.01 * scale, MaxIter: 1, Tol: 1e-12})
	require.ErrorIs(t, err, ErrConverge)
	require.Len(t, p.P, n*m)
	// A heavy weight on the marginals keeps them; only the constant that passes between f and g is slow.
	p, err = SinkhornUnbalanced(a, b, c, SinkhornOptions{Reg: 0.1 * scale, Marginal: 1e3 * scale, Tol: 1e-9})
	require.NoError(t, err)
	require.Less(t, p.Err, 1e-3*largest(a))
	require.Less(t, p.Iter, 100)
}

func BenchmarkAssign(b *testing.B) {
	for _, n := range []int{64, 256, 1024} {
		for _, d := range []int{2, 64} {
			x, y := normals(1, d*n, false), normals(2, d*n, false)
			c := make([]float64, n*n)
			dst := make([]int, n)
			var s Solver
			b.Run(map[int]string{2: "dim2", 64: "dim64"}[d]+"-"+map[int]string{64: "n64", 256: "n256", 1024: "n1024"}[n], func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					SquaredDistances(c, x, y, d)
					if _, err := s.Assign(dst, c, n, n); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// What docs/ot.md tells of the other solvers: normal rows to eight Gaussians on a circle of radius 5 in the plane, to a
// normal law twice as wide in 64 columns.
func BenchmarkOthers(b *testing.B) {
	for _, d := range []int{2, 64} {
		for _, n := range []int{64, 256, 1024} {
			x, y := normals(1, d*n, false), normals(2, d*n, false)
			for i := range y {
				if y[i] *= 2; d == 2 {
					at := math.Pi / 4 * float64(i/2%8)
					y[i] = 5*[]float64{math.Cos(at), math.Sin(at)}[i%2] + 0.28*y[i]
				}
			}
			c, mass := make([]float64, n*n), make([]float64, n)
			for i := range mass {
				mass[i] = 1 / float64(n)
			}
			SquaredDistances(c, x, y, d)
			sorted := slices.Sorted(slices.Values(c))
			eps := sorted[len(c)/2] / 10
			dirs := normals(3, 256*d, false)
			for name, run := range map[string]func() error{
				"sinkhorn": func() error { _, err := Sinkhorn(mass, mass, c, SinkhornOptions{Reg: eps, Tol: 1e-6}); return err },
				"unbalanced": func() error {
					_, err := SinkhornUnbalanced(mass, mass, c, SinkhornOptions{Reg: eps, Tol: 1e-6, Marginal: 1})
					return err
				},
				"sliced": func() error { SlicedW(x, y, d, dirs, 2); return nil },
				"semidiscrete": func() error {
					_, err := FitSemiDiscrete(y, d, 0, func(dst []float64, k int) { rng.Normal(rng.New(4).Fold(uint64(k)), dst) })
					return err
				},
			} {
				if name == "semidiscrete" && (d != 2 || n != 1024) {
					continue
				}
				b.Run(fmt.Sprintf("%s-dim%d-n%d", name, d, n), func(b *testing.B) {
					for b.Loop() {
						if err := run(); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
