package pushforward

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "pushforward"

// floors says which of our packages each package may import. It is the table of
// docs/architecture.md; "x/..." stands for x and all below it.
var floors = map[string][]string{
	"":                   {},
	"simd":               {},
	"simd/rng":           {"simd"},
	"optim":              {"simd"},
	"odeint":             {"simd", "simd/rng"},
	"autograd":           {"simd"},
	"autograd/gradcheck": {"autograd", "simd", "simd/rng"},
	"nn":                 {"autograd", "simd", "simd/rng"},
	"nn/bijector":        {"nn", "autograd", "simd", "simd/rng"},
	"cfm/ot":             {"simd"},
	"cfm/internal/...":   {},
	"cfm/metric":         {"cfm/ot", "simd", "simd/rng"},
	"cfm/dataset":        {"simd", "simd/rng"},
	"cfm/table":          {"simd", "simd/rng"},
	"cfm":                {"cfm/ot", "autograd", "nn", "optim", "odeint", "simd", "simd/rng"},
	"cfm/model":          {"cfm", "cfm/ot", "cfm/table", "nn/bijector", "autograd", "nn", "optim", "odeint", "simd", "simd/rng"},
	"bench":              {"cfm/...", "nn", "optim", "autograd", "odeint", "simd/..."},
	"bench/...":          {"bench/...", "cfm/...", "nn", "optim", "autograd", "odeint", "simd/..."},
	"cmd/...":            {"cmd/...", "bench", "bench/peak", "cfm/...", "nn/...", "optim", "autograd", "odeint", "simd/..."},
}

// outside says which imports from outside the standard library and this module a package may have.
// What is not listed may have none.
var outside = map[string][]string{
	"simd":                 {"golang.org/x/sys/cpu"},
	"cmd/internal/picture": {"golang.org/x/image"},
	"cmd/internal/...":     {"golang.org/x/term", "golang.org/x/sys/unix"},
}

// outsideTests says the same of _test.go files, whatever their package. They may import any package
// of ours: Go itself forbids the cycles.
var outsideTests = []string{"github.com/stretchr/testify"}

func match(pattern, path string) bool {
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == base || strings.HasPrefix(path, base+"/")
	}
	return path == pattern
}

func allowed(table map[string][]string, pkg, path string, prefix bool) bool {
	for key, list := range table {
		if !match(key, pkg) {
			continue
		}
		for _, p := range list {
			if match(p, path) || prefix && strings.HasPrefix(path, p+"/") {
				return true
			}
		}
	}
	return false
}

// goFiles calls f for each Go file of the module, with its slash-separated path.
func goFiles(t *testing.T, f func(path string)) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			name := d.Name()
			_, nested := os.Stat(filepath.Join(path, "go.mod"))
			if path != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "runs" || nested == nil) {
				return filepath.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(path, ".go") {
			f(filepath.ToSlash(path))
		}
		return nil
	}))
}

// TestFloors compares every file's imports with the table of floors, so that data flows one way.
func TestFloors(t *testing.T) {
	seen := map[string]bool{}
	var wrong []string
	goFiles(t, func(path string) {
		pkg := filepath.ToSlash(filepath.Dir(path))
		if pkg == "." {
			pkg = ""
		}
		seen[pkg] = true
		known := false
		for key := range floors {
			known = known || match(key, pkg)
		}
		if !known {
			wrong = append(wrong, path+": package "+pkg+" is on no floor")
			return
		}
		test := strings.HasSuffix(path, "_test.go")
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			ours, isOurs := strings.CutPrefix(name, module+"/")
			switch {
			case isOurs && test, isOurs && allowed(floors, pkg, ours, false):
			case !isOurs && !strings.Contains(strings.Split(name, "/")[0], "."): // standard library
				if name == "C" {
					wrong = append(wrong, path+": imports C; there is no cgo here")
				}
			case !isOurs && test && allowed(map[string][]string{pkg: outsideTests}, pkg, name, true):
			case !isOurs && allowed(outside, pkg, name, true):
			default:
				wrong = append(wrong, path+": may not import "+name)
			}
		}
	})
	sort.Strings(wrong)
	require.Empty(t, wrong, "imports against the floors of docs/architecture.md")
	for _, pkg := range []string{"simd", "simd/rng", "autograd", "nn", "optim", "odeint", "cfm", "cfm/model"} {
		require.True(t, seen[pkg], "floor %s has no files: is the walk broken?", pkg)
	}
}
