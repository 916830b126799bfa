package autograd_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	. "pushforward/autograd"
	"pushforward/autograd/gradcheck"
	"pushforward/simd"
	"pushforward/simd/rng"
)

func draws() int {
	if testing.Short() {
		return 3
	}
	return 20
}

// TestGradcheckEveryOp checks first and second derivatives, forward mode and the adjoint identity of
// every case at random shapes, sizes 0 and 1 and stretching included.
func TestGradcheckEveryOp(t *testing.T) {
	for i, c := range opCases[float64]() {
		t.Run(c.name+"/"+strconv.Itoa(i), func(t *testing.T) {
			for k := range draws() {
				g := &gen{key: rng.New(11).Named(c.name).Fold(uint64(1000*i + k)), zero: c.zero}
				x, f := c.make(g)
				if err := gradcheck.Test(gradcheck.Options{Seed: uint64(k)}, f, x...); err != nil {
					t.Fatalf("draw %d, shapes %v: %v", k, shapes(x), err)
				}
			}
		})
	}
}

func shapes[F simd.Float](x []Tensor[F]) (s []Shape) {
	for _, v := range x {
		s = append(s, v.Shape)
	}
	return s
}

// TestBackwardAgreesWithVJP puts the operands of every case into θ and compares what Backward adds
// on slices with the recorded VJP. Of single ops the bits must agree.
func TestBackwardAgreesWithVJP(t *testing.T) {
	t.Run("float64", agree[float64])
	t.Run("float32", agree[float32])
}

func agree[F simd.Float](t *testing.T) {
	tol := 1e-12
	if F(1)+F(1e-10) == 1 {
		tol = 1e-4
	}
	for i, c := range opCases[F]() {
		for k := range draws() {
			g := &gen{key: rng.New(12).Named(c.name).Fold(uint64(1000*i + k)), zero: c.zero}
			xs, f := c.make(g)
			var theta []F
			var params []Param
			for _, x := range xs {
				params = append(params, Param{len(theta), x.Shape})
				theta = append(theta, convert[F](x).Data...)
			}
			tape := NewTape(theta)
			var in []Var[F]
			for _, p := range params {
				in = append(in, tape.Param(p))
			}
			y := f(in...)
			single := tape.Len() == len(in)+1
			cot := convert[F](g.normal(dimsOf(y.Shape())...))
			grad := make([]F, len(theta))
			before := tape.Len()
			tape.BackwardFrom(y, cot, grad)
			require.Equal(t, before, tape.Len(), "%s: Backward leaves the tape as it was", c.name)
			into := slices.Repeat([]F{F(math.NaN())}, len(theta))
			tape.BackwardInto(y, cot, into)
			require.Equal(t, bitsOf(grad), bitsOf(into), "%s draw %d: BackwardInto sets what Backward adds to zeros", c.name, k)
			for j, d := range VJP(nil, y, tape.Const(cot), in...) {
				for l, want := range d.Value().Data {
					got := grad[params[j].Off+l]
					if single {
						require.Equal(t, want, got, "%s draw %d shapes %v: operand %d entry %d", c.name, k, shapes(xs), j, l)
					} else {
						require.InDelta(t, float64(want), float64(got), tol*(1+max(float64(want), -float64(want))), "%s draw %d shapes %v: operand %d entry %d", c.name, k, shapes(xs), j, l)
					}
				}
			}
		}
	}
}

// bitsOf makes -0 differ from +0, and NaN equal to itself.
func bitsOf[F simd.Float](x []F) []uint64 {
	b := make([]uint64, len(x))
	for i, v := range x {
		b[i] = math.Float64bits(float64(v))
	}
	return b
}

// TestBackwardInto: parameters that the value does not depend on, that are used twice, that overlap, and
// parts of θ that no one has asked for.
func TestBackwardInto(t *testing.T) {
	theta := noise[float64](3, 40).Data
	x := noise[float64](4, 5, 3)
	w, b := Param{4, Dims(4, 3)}, Param{20, Dims(4)}
	other := Param{30, Dims(2)}
	for name, f := range map[string]func(tape *Tape[float64]) Var[float64]{
		"linear": func(tape *Tape[float64]) Var[float64] {
			tape.Param(other)
			return Linear(tape.Const(x), tape.Param(w), tape.Param(b)).Tanh().Sum()
		},
		"twice": func(tape *Tape[float64]) Var[float64] {
			y := tape.Const(x).MatMulT(tape.Param(w))
			return y.Tanh().MatMul(tape.Param(w)).Square().Sum()
		},
		"sum first": func(tape *Tape[float64]) Var[float64] {
			return tape.Const(x).MatMulT(tape.Param(w)).Sum().Add(tape.Param(w).Square().Sum())
		},
		"overlap": func(tape *Tape[float64]) Var[float64] {
			return tape.Const(x).MatMulT(tape.Param(w)).Sum().Add(tape.Param(Param{10, Dims(20)}).Square().Sum())
		},
		"constant": func(tape *Tape[float64]) Var[float64] {
			tape.Param(w)
			return tape.Const(x).Sum()
		},
	} {
		tape := NewTape(theta)
		for range 2 {
			tape.Reset()
			y, seed := f(tape), FromSlice([]float64{-2}).Reshape()
			want, got := make([]float64, len(theta)), slices.Repeat([]float64{math.Inf(1)}, len(theta))
			tape.BackwardFrom(y, seed, want)
			tape.BackwardInto(y, seed, got)
			require.Equal(t, bitsOf(want), bitsOf(got), name)
			tape.BackwardFrom(y, seed, got)
			tape.BackwardFrom(y, seed, want)
			require.Equal(t, bitsOf(want), bitsOf(got), "%s: BackwardFrom adds again", name)
		}
	}
}

func dimsOf(s Shape) []int {
	var d []int
	for i := range s.Rank() {
		d = append(d, s.Dim(i))
	}
	return d
}

// source is what the package's files declare.
type source struct {
	operations []string          // exported functions and methods of Var that return a Var
	ops        map[string]string // types with a VJP method, and their names
}

func readSource(t *testing.T) source {
	s := source{ops: map[string]string{}}
	pkgs, err := parser.ParseDir(token.NewFileSet(), ".", func(f fs.FileInfo) bool { return !strings.HasSuffix(f.Name(), "_test.go") }, 0)
	require.NoError(t, err)
	recv := func(f *ast.FuncDecl) string {
		if f.Recv == nil {
			return ""
		}
		e := f.Recv.List[0].Type
		if p, ok := e.(*ast.StarExpr); ok {
			e = p.X
		}
		if p, ok := e.(*ast.IndexExpr); ok {
			e = p.X
		}
		return e.(*ast.Ident).Name
	}
	for _, file := range pkgs["autograd"].Files {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			r := recv(f)
			switch {
			case f.Name.Name == "Name" && r != "":
				ret := f.Body.List[0].(*ast.ReturnStmt).Results[0].(*ast.BasicLit)
				name, err := strconv.Unquote(ret.Value)
				require.NoError(t, err)
				s.ops[r] = name
			case ast.IsExported(f.Name.Name) && (r == "" || r == "Var") && returnsVar(f):
				s.operations = append(s.operations, f.Name.Name)
			}
		}
	}
	sort.Strings(s.operations)
	return s
}

func returnsVar(f *ast.FuncDecl) bool {
	if f.Type.Results == nil {
		return false
	}
	e := f.Type.Results.List[0].Type
	if a, ok := e.(*ast.ArrayType); ok {
		e = a.Elt
	}
	if p, ok := e.(*ast.IndexExpr); ok {
		e = p.X
	}
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "Var"
}

// TestEveryOpHasACase is the registry: it reads the package's source and fails if an exported
// operation has no case above, or if an op, with its derivatives' ops, never comes to be recorded.
func TestEveryOpHasACase(t *testing.T) {
	src := readSource(t)
	require.Greater(t, len(src.operations), 80)
	require.Greater(t, len(src.ops), 50)
	cases, seen := map[string]bool{}, map[string]bool{}
	for i, c := range opCases[float64]() {
		cases[c.name] = true
		for k := range 3 {
			g := &gen{key: rng.New(13).Named(c.name).Fold(uint64(1000*i + k))}
			xs, f := c.make(g)
			tape := NewTape[float64](nil)
			var in []Var[float64]
			for _, x := range xs {
				in = append(in, tape.Input(x))
			}
			y := f(in...)
			d := VJP(nil, y, tape.Full(y.Shape(), 1), in...)[0]
			VJP(nil, d, tape.Full(d.Shape(), 1), in...)
			for v := range tape.All() {
				seen[v.OpName()] = true
			}
		}
	}
	exempt := map[string]string{"In": "an operand, not an operation", "Apply": "for ops of one's own", "ApplyInts": "for ops of one's own",
		"Detach": "differences see what it hides; TestDetach"}
	for _, name := range src.operations {
		if exempt[name] == "" {
			require.True(t, cases[name], "operation %s has no case in cases_test.go", name)
		}
	}
	for typ, name := range src.ops {
		require.True(t, seen[name], "no case records %s (%s)", name, typ)
	}
}
