package pushforward

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// numerical lists the packages whose results are part of the bit contract. In them no floating-point
// product may meet a sum without a rounding written between the two: the language allows x*y + z, and
// t := x*y; t + z, to be fused, and the compiler does so on arm64 and riscv64 and not on plain amd64.
// What is meant is written F(x*y) + z or as an explicit FMA.
var numerical = []string{
	"simd", "simd/rng", "autograd", "nn", "nn/bijector", "optim", "odeint",
	"cfm", "cfm/ot", "cfm/metric", "cfm/dataset", "cfm/table", "cfm/model",
}

// libraryMath lists the functions of package math whose results differ between the ports of Go.
var libraryMath = regexp.MustCompile(`^(Acosh?|Asinh?|Atan2?|Atanh|Cbrt|Cosh?|Erfc?|Erfinv|Erfcinv|Exp2?|Expm1|Gamma|Hypot|J[01n]|Y[01n]|Lgamma|Log|Log10|Log1p|Log2|Pow|Pow10|Sin|Sincos|Sinh|Tanh?)$`)

// TestNoBareProducts finds a forgotten x*y + z, a call of math.Exp and its like, math/rand, and a
// result that could hang on GOMAXPROCS, in the syntax trees of the numerical packages.
func TestNoBareProducts(t *testing.T) {
	for _, pkg := range checked(t, numerical) {
		for _, found := range pkg.suspects() {
			t.Errorf("%s", found)
		}
	}
}

// TestSuspectsAreFound shows the analyzer forgotten products of every kind it knows, and innocent ones.
func TestSuspectsAreFound(t *testing.T) {
	const src = `package p
import "math"
type F interface{ float32 | float64 }
func bad[T F](x, y, z T, s []T) T {
	r := x*y + z
	r = z - (x * y)
	r += x * y
	r -= -(x * y)
	u := x * y
	r = u + z
	s[0] = s[1]*x + s[2]
	var w T = x * y
	w += z
	return r
}
func good[T F](x, y, z T, i, j int) T {
	const c = 2*3 + 1.5
	r := T(x*y) + z
	r = x * y * z
	k := i*j + 1
	u := T(x * y)
	v := u + z
	d := x * y / z
	return v + T(k) + T(math.Sqrt(float64(x*y))) + d - T(0)*r
}
func lib(x float64) float64 { return math.Exp(x) }
`
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "p.go", src, 0)
	require.NoError(t, err)
	pkg := &checkedPackage{fset: fset, files: []*ast.File{file}}
	require.NoError(t, pkg.check("p", importer.ForCompiler(fset, "source", nil)))
	var lines []int
	for _, s := range pkg.suspects() {
		n, err := strconv.Atoi(strings.Split(s, ":")[1])
		require.NoError(t, err)
		lines = append(lines, n)
	}
	require.Equal(t, []int{5, 6, 7, 8, 10, 11, 13, 24, 26}, lines)
}

// A checkedPackage is a package's syntax with its types.
type checkedPackage struct {
	fset  *token.FileSet
	files []*ast.File
	info  types.Info
}

func (p *checkedPackage) check(path string, imp types.Importer) error {
	p.info = types.Info{
		Types: map[ast.Expr]types.TypeAndValue{},
		Defs:  map[*ast.Ident]types.Object{},
		Uses:  map[*ast.Ident]types.Object{},
	}
	conf := types.Config{Importer: imp}
	_, err := conf.Check(path, p.fset, p.files, &p.info)
	return err
}

// checked loads the named packages of this module, leaving out those that do not exist yet.
func checked(t *testing.T, names []string) []*checkedPackage {
	t.Helper()
	if runtime.GOOS == "js" {
		t.Skip("no processes here")
	}
	out, err := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Export,Dir,GoFiles",
		"./simd/...", "./autograd/...", "./nn/...", "./optim", "./odeint", "./cfm/...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Skipf("no go command: %v", err)
	}
	type listed struct {
		ImportPath, Export, Dir string
		GoFiles                 []string
	}
	all := map[string]listed{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := dec.Decode(&l); err == io.EOF {
			break
		} else {
			require.NoError(t, err)
		}
		all[l.ImportPath] = l
	}
	fset := token.NewFileSet()
	imp := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		l, ok := all[path]
		if !ok || l.Export == "" {
			return nil, fmt.Errorf("no export data for %s", path)
		}
		return os.Open(l.Export)
	})
	var pkgs []*checkedPackage
	for _, name := range names {
		l, ok := all[module+"/"+name]
		if !ok {
			continue
		}
		p := &checkedPackage{fset: fset}
		for _, f := range l.GoFiles {
			file, err := parser.ParseFile(fset, filepath.Join(l.Dir, f), nil, parser.SkipObjectResolution|parser.ParseComments)
			require.NoError(t, err)
			p.files = append(p.files, file)
		}
		require.NoError(t, p.check(l.ImportPath, imp), name)
		pkgs = append(pkgs, p)
	}
	require.NotEmpty(t, pkgs)
	return pkgs
}

// isFloat reports whether e is a floating-point value known at run time only.
func (p *checkedPackage) isFloat(e ast.Expr) bool {
	tv, ok := p.info.Types[e]
	if !ok || tv.Value != nil && tv.Value.Kind() != constant.Unknown {
		return false
	}
	return isFloatType(tv.Type)
}

func isFloatType(t types.Type) bool {
	if tp, ok := t.(*types.TypeParam); ok {
		t = tp.Constraint()
		union := types.NewInterfaceType(nil, []types.Type{t})
		union.Complete()
		found := false
		var walk func(types.Type)
		walk = func(t types.Type) {
			switch u := t.Underlying().(type) {
			case *types.Interface:
				for i := range u.NumEmbeddeds() {
					walk(u.EmbeddedType(i))
				}
			case *types.Union:
				for i := range u.Len() {
					walk(u.Term(i).Type())
				}
			case *types.Basic:
				found = found || u.Info()&types.IsFloat != 0
			}
		}
		for i := range union.NumEmbeddeds() {
			e := union.EmbeddedType(i)
			if u, ok := e.(*types.Union); ok {
				for j := range u.Len() {
					walk(u.Term(j).Type())
				}
				continue
			}
			walk(e)
		}
		return found
	}
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsFloat != 0
}

// product reports whether e is a float product that no conversion has rounded.
func (p *checkedPackage) product(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return p.product(e.X)
	case *ast.UnaryExpr:
		return (e.Op == token.SUB || e.Op == token.ADD) && p.product(e.X)
	case *ast.BinaryExpr:
		return e.Op == token.MUL && p.isFloat(e)
	}
	return false
}

// exactMark stands in a comment at the end of a line whose product is exact (by a power of two, or of
// float32 numbers in float64): fused or not, the sum is the same.
const exactMark = "exact product"

// markedExact gives the file:line of each line so marked.
func (p *checkedPackage) markedExact() map[string]bool {
	lines := map[string]bool{}
	for _, f := range p.files {
		for _, group := range f.Comments {
			for _, c := range group.List {
				if strings.Contains(c.Text, exactMark) {
					pos := p.fset.Position(c.Pos())
					lines[fmt.Sprintf("%s:%d", pos.Filename, pos.Line)] = true
				}
			}
		}
	}
	return lines
}

// suspects lists, as file:line: why, what may round differently on another machine.
func (p *checkedPackage) suspects() []string {
	var found []string
	exact := p.markedExact()
	say := func(n ast.Node, why string) {
		pos := p.fset.Position(n.Pos())
		if exact[fmt.Sprintf("%s:%d", pos.Filename, pos.Line)] {
			return
		}
		found = append(found, fmt.Sprintf("%s:%d: %s", relative(pos.Filename), pos.Line, why))
	}
	// Local variables that hold a product as it came.
	raw := map[types.Object]bool{}
	hold := func(lhs, rhs ast.Expr) {
		id, ok := lhs.(*ast.Ident)
		if !ok || !p.product(rhs) {
			return
		}
		if obj := p.info.Defs[id]; obj != nil {
			raw[obj] = true
		} else if obj := p.info.Uses[id]; obj != nil {
			raw[obj] = true
		}
	}
	for _, f := range p.files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				if len(n.Lhs) == len(n.Rhs) && (n.Tok == token.ASSIGN || n.Tok == token.DEFINE) {
					for i := range n.Lhs {
						hold(n.Lhs[i], n.Rhs[i])
					}
				}
				if n.Tok == token.MUL_ASSIGN && p.isFloat(n.Lhs[0]) {
					if id, ok := n.Lhs[0].(*ast.Ident); ok && p.info.Uses[id] != nil {
						raw[p.info.Uses[id]] = true
					}
				}
			case *ast.ValueSpec:
				for i := range n.Values {
					if len(n.Names) == len(n.Values) {
						hold(n.Names[i], n.Values[i])
					}
				}
			}
			return true
		})
	}
	fusible := func(e ast.Expr) bool {
		if p.product(e) {
			return true
		}
		for {
			switch u := e.(type) {
			case *ast.ParenExpr:
				e = u.X
			case *ast.UnaryExpr:
				e = u.X
			case *ast.Ident:
				return raw[p.info.Uses[u]] && p.isFloat(u)
			default:
				return false
			}
		}
	}
	const bare = "a product meets a sum unrounded: write F(x*y) + z, or an FMA if it is meant"
	for _, f := range p.files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if (n.Op == token.ADD || n.Op == token.SUB) && p.isFloat(n) && (fusible(n.X) || fusible(n.Y)) {
					say(n, bare)
				}
			case *ast.AssignStmt:
				if (n.Tok == token.ADD_ASSIGN || n.Tok == token.SUB_ASSIGN) && p.isFloat(n.Lhs[0]) && (fusible(n.Rhs[0]) || fusible(n.Lhs[0])) {
					say(n, bare)
				}
			case *ast.SelectorExpr:
				id, ok := n.X.(*ast.Ident)
				if !ok {
					return true
				}
				pkg, ok := p.info.Uses[id].(*types.PkgName)
				if !ok {
					return true
				}
				switch path := pkg.Imported().Path(); {
				case path == "math" && libraryMath.MatchString(n.Sel.Name):
					say(n, "math."+n.Sel.Name+" differs between CPUs: use simd."+n.Sel.Name)
				case path == "math/rand" || path == "math/rand/v2":
					say(n, path+" differs between CPUs and has state: use simd/rng")
				}
			}
			return true
		})
	}
	sort.SliceStable(found, func(i, j int) bool { return lineOf(found[i]) < lineOf(found[j]) })
	return found
}

func lineOf(s string) int {
	n, _ := strconv.Atoi(strings.Split(s, ":")[1])
	return n
}

func relative(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(wd, path); err == nil && !strings.HasPrefix(rel, "..") {
		return filepath.ToSlash(rel)
	}
	return path
}

// TestCompilerFusesNothing asks the compiler itself: built for arm64 and for riscv64, no numerical
// package may hold a fused multiply-add instruction on a line that does not ask for one by name.
// It sees what the syntax cannot show: products that cross statements or inlined calls.
func TestCompilerFusesNothing(t *testing.T) {
	if testing.Short() || runtime.GOOS == "js" {
		t.Skip("compiles the module twice")
	}
	// file.go:12) FMADDD …; the position printed is that of the innermost inlined call.
	fused := regexp.MustCompile(`\(([^()]*\.go):(\d+)\)\s+(FN?M(?:ADD|SUB)[SD])\b`)
	for _, arch := range []string{"arm64", "riscv64"} {
		t.Run(arch, func(t *testing.T) {
			cmd := exec.Command("go", "build", "-gcflags="+module+"/...=-S",
				"./simd/...", "./autograd/...", "./nn/...", "./optim", "./odeint", "./cfm/...")
			cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0")
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%.2000s", out)
			lines := map[string][]string{}
			bad := map[string]bool{}
			asked := 0
			for sc := bufio.NewScanner(bytes.NewReader(out)); sc.Scan(); {
				m := fused.FindStringSubmatch(sc.Text())
				if m == nil {
					continue
				}
				path := relative(m[1])
				pkg := filepath.ToSlash(filepath.Dir(path))
				ours := false
				for _, n := range numerical {
					ours = ours || n == pkg
				}
				if !ours {
					continue
				}
				if lines[path] == nil {
					src, err := os.ReadFile(path)
					require.NoError(t, err)
					lines[path] = strings.Split(string(src), "\n")
				}
				n, err := strconv.Atoi(m[2])
				require.NoError(t, err)
				text := strings.TrimSpace(lines[path][n-1])
				if strings.Contains(text, "FMA(") || strings.Contains(text, exactMark) {
					asked++
					continue
				}
				bad[fmt.Sprintf("%s:%d: %s in: %s", path, n, m[3], text)] = true
			}
			require.Greater(t, asked, 10, "no FMA found at all: is the compiler's listing read rightly?")
			for b := range bad {
				t.Error(b)
			}
		})
	}
}
