package verb

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// built is the command as it ships, built once; "" where it cannot be built and run, as under an emulator.
var built string

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "pushforward-*")
	if err != nil {
		panic(err)
	}
	path := filepath.Join(dir, "pushforward.exe")
	build := exec.Command("go", "build", "-trimpath", "-o", path, "pushforward/cmd/pushforward")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "the command is not tested: %v\n%s", err, out)
	} else if err := exec.Command(path, "-version").Run(); err != nil {
		fmt.Fprintf(os.Stderr, "the command is not tested: it does not run here: %v\n", err)
	} else {
		built = path
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// result is what a run of the command left.
type result struct {
	code     int
	out, err string
}

// command prepares a run in dir.
func command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	if built == "" {
		t.Skip("the command cannot be built and run here")
	}
	c := exec.Command(built, args...)
	c.Dir = dir
	return c
}

// run runs the command in dir and waits for it.
func run(t *testing.T, dir string, args ...string) result {
	t.Helper()
	return finish(t, command(t, dir, args...))
}

func finish(t *testing.T, c *exec.Cmd) result {
	t.Helper()
	var out, errs bytes.Buffer
	if c.Stdout == nil {
		c.Stdout = &out
	}
	c.Stderr = &errs
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{c.ProcessState.ExitCode(), out.String(), errs.String()}
}

// must runs the command and fails the test unless it exits 0.
func must(t *testing.T, dir string, args ...string) result {
	t.Helper()
	r := run(t, dir, args...)
	require.Zero(t, r.code, "%v: %s", args, r.err)
	return r
}

func put(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

// table is a small table of three columns and a class.
func smallTable(rows int) string {
	var b strings.Builder
	b.WriteString("a,b,c,kind\n")
	for i := range rows {
		fmt.Fprintf(&b, "%d,%.3f,%d.5,%s\n", i%17, float64(i*i%101)/7, i%5, []string{"x", "y"}[i%2])
	}
	return b.String()
}

// tiny are flags of a run that takes a moment.
func tiny(more ...string) []string {
	return append([]string{"train", "-data", "t.csv", "-cond", "kind", "-steps", "60", "-batch", "32", "-hidden", "16", "-blocks", "1", "-quiet"}, more...)
}

func TestUsage(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"", usage, "usage: pushforward verb"},
		{"-h", done, "usage: pushforward verb"},
		{"help", done, "usage: pushforward verb"},
		{"-version", done, "pushforward " + Version},
		{"frobnicate", usage, `unknown verb "frobnicate"; verbs are train, sample, score, evaluate, info`},
		{"train -frobnicate", usage, "flag provided but not defined: -frobnicate"},
		{"train x.csv", usage, `unexpected argument "x.csv"`},
		{"train -steps many", usage, "steps"},
		{"train -steps -1", usage, "-steps: -1 is out of range"},
		{"train -holdout 1", usage, "-holdout"},
		{"train -seed -1", usage, "seed"},
		{"train -data nonsense", usage, `"nonsense" is neither a data set nor a file`},
		{"train -data moons -source nonsense", usage, `-source: "nonsense" is not a law`},
		{"train -data penguins -source moons", usage, "-source: moons has 2 columns, the data have"},
		{"train -path straight", usage, `unknown path "straight"`},
		{"train -coupling best", usage, `unknown coupling "best"`},
		{"train -coupling ot", usage, "under conditions"},
		{"train -scaling log", usage, "-scaling"},
		{"train -config none.json", refused, "none.json: no such file"},
		{"train -resume none", refused, "none: no such file"},
		{"train -resume .", refused, "not a run folder"},
		{"sample -n -1", usage, "-n -1"},
		{"sample", usage, "-model is needed when not at a terminal"},
		{"sample -method magic", usage, `unknown method "magic"`},
		{"sample -rtol -1", usage, "tolerances"},
		{"sample -out x.bmp", usage, "-out x.bmp: the ending must be one of .csv .npy .png .gif"},
		{"sample -given species", usage, "want name=value"},
		{"sample -model none.safetensors", refused, "none.safetensors: no such file"},
		{"sample -workers 0", usage, "workers"},
		{"score -model none.safetensors", usage, "-data is needed"},
		{"score -probes -1", usage, "-probes"},
		{"info -parts", usage, "-parts goes with -bits"},
	} {
		t.Run(c.args, func(t *testing.T) {
			r := run(t, dir, strings.Fields(c.args)...)
			require.Equal(t, c.code, r.code, r.err)
			require.Contains(t, r.out+r.err, c.says)
			if c.code != done {
				require.Empty(t, r.out, "errors go to standard error")
				if c.args != "" {
					require.Equal(t, 1, strings.Count(r.err, "\n"), "one line: %s", r.err)
				}
			}
		})
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left, "bad usage leaves nothing behind")
}

// TestHelpFitsAScreen looks at each verb's text: short enough, with examples, and naming every flag.
func TestHelpFitsAScreen(t *testing.T) {
	defer func(f func(*flag.FlagSet, string)) { onParse = f }(onParse)
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	require.NoError(t, err)
	defer null.Close()
	for _, v := range verbs() {
		var flags *flag.FlagSet
		var text string
		onParse = func(f *flag.FlagSet, help string) { flags, text = f, help }
		require.ErrorIs(t, v.run(env{in: null, out: null, err: null}, []string{"-h"}), flag.ErrHelp)
		lines := strings.Split(text, "\n")
		require.LessOrEqual(t, len(lines), 56, "%s -h", v.name)
		for _, l := range lines {
			require.LessOrEqual(t, len([]rune(l)), 100, "%s -h: %s", v.name, l)
		}
		require.Contains(t, text, "\n  "+v.name, "an example")
		flags.VisitAll(func(f *flag.Flag) {
			require.Regexp(t, regexp.MustCompile(`(^|\s)-`+f.Name+`\b`), text, "%s -h does not tell of -%s", v.name, f.Name)
		})
		for _, m := range regexp.MustCompile(`(?m)(?:^  |[ (])-([a-z]+(?:-[a-z]+)*)\b`).FindAllStringSubmatch(text, -1) {
			require.NotNil(t, flags.Lookup(m[1]), "%s -h tells of -%s, which is no flag", v.name, m[1])
		}
	}
}

// TestBadInput gives the command files it must refuse: exit code 4, one line that says where.
func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/t.csv", smallTable(80))
	must(t, dir, tiny("-out", "good")...)
	model, err := os.ReadFile(dir + "/good/model.safetensors")
	require.NoError(t, err)
	state, err := os.ReadFile(dir + "/good/state.safetensors")
	require.NoError(t, err)

	files := map[string]string{
		"empty.csv":     "",
		"header.csv":    "a,b\n",
		"ragged.csv":    "a,b\n1,2\n3\n",
		"text.csv":      "a,b\n1,2\n3,x\n",
		"nan.csv":       "a,b\n1,2\n3,NaN\n",
		"inf.csv":       "a,b\n1,2\n-Inf,3\n",
		"one.csv":       "a,b\n1,2\n",
		"constant.csv":  "a,b\n1,2\n1,2\n1,2\n",
		"words.csv":     "a,b\n1,p\n2,q\n3,p\n",
		"two.csv":       "a,b\n1,2\n3,4\n",
		"other.csv":     "a,b,c,kind\n1,2,3,z\n",
		"bad.npy":       "\x93NUMPY\x01\x00\x10\x00{'descr': '<f8'",
		"foreign.model": "\x80\x02}q\x00.",
		"cut.model":     string(model[:len(model)/2]),
		"flip.model":    flipped(model, len(model)-9),
		"head.model":    flipped(model, 40),
		"empty.model":   "",
		"unknown.json":  `{"data": "moons", "stepps": 3}`,
		"broken.json":   `{"data": `,
	}
	for name, text := range files {
		put(t, filepath.Join(dir, name), text)
	}
	put(t, dir+"/full/thesis.tex", "words")
	put(t, dir+"/damaged/config.json", readFile(t, dir+"/good/config.json"))
	put(t, dir+"/damaged/state.safetensors", flipped(state, len(state)/2))

	checkRefusals(t, dir, []refusal{
		{"train -data none.csv", refused, "none.csv: no such file"},
		{"train -data empty.csv", refused, "empty.csv: the file is empty"},
		{"train -data header.csv", refused, "header.csv: a header and no rows"},
		{"train -data ragged.csv", refused, "ragged.csv: row 2: it has 1 cells"},
		{"train -data text.csv", refused, `text.csv: row 2, column "b": "x" is not a number`},
		{"train -data nan.csv", refused, `nan.csv: row 2, column "b": NaN`},
		{"train -data inf.csv", refused, `inf.csv: row 2, column "a": -Inf`},
		{"train -data one.csv", refused, "one.csv: one row"},
		{"train -data constant.csv", refused, "constant.csv: all columns are constant"},
		{"train -data words.csv", refused, `column "b" is text`},
		{"train -data t.csv -cond color", refused, `no column "color"`},
		{"train -data t.csv -drop color", refused, `no column "color"`},
		{"train -data bad.npy", refused, "bad.npy"},
		{"train -data t.csv -cond kind -out full", usage, "full: folder is not empty"},
		{"train -data t.csv -cond kind -out good", usage, "good: folder is not empty"},
		{"train -data t.csv -cond kind -out t.csv/x", failed, "t.csv"},
		{"train -config unknown.json", refused, `unknown.json: unknown field "stepps"`},
		{"train -config broken.json", refused, "broken.json: unexpected EOF"},
		{"train -resume good -steps 61", usage, "-steps 61 (it has 60)"},
		{"train -resume damaged", refused, "damaged/state.safetensors"},
		{"sample -model foreign.model", refused, "foreign.model"},
		{"sample -model cut.model", refused, "cut.model"},
		{"sample -model flip.model", refused, "flip.model"},
		{"sample -model head.model", refused, "head.model"},
		{"sample -model empty.model", refused, "empty.model"},
		{"sample -model good -given kind=z", usage, `unknown class "z"; there are x, y`},
		{"sample -model good -given sort=x", usage, "condition kind is not given"},
		{"sample -model good -out x.gif", usage, "a moving picture needs images or a model of 2 columns"},
		{"sample -model good -out none/x.csv", failed, "none/x.csv"},
		{"score -model good -data two.csv", refused, `two.csv: it has no column "c"`},
		{"score -model good -data other.csv", refused, `row 1, column "kind": condition kind: unknown class "z"`},
		{"score -model good -data nan.csv", refused, "nan.csv: row 2"},
		{"score -model good -data none.csv", refused, "none.csv: no such file"},
		{"score -model good -data t.csv -out x.png", usage, "a heat map needs a model of 2 columns"},
		{"evaluate -model good -data two.csv", refused, `no column "c"`},
		{"info -model cut.model", refused, "cut.model"},
	})
	require.Equal(t, string(model), readFile(t, dir+"/good/model.safetensors"))
	require.Equal(t, string(state), readFile(t, dir+"/good/state.safetensors"))
	require.Equal(t, "words", readFile(t, dir+"/full/thesis.tex"))
}

func flipped(b []byte, at int) string {
	c := bytes.Clone(b)
	c[at] ^= 1
	return string(c)
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

// refusal is a command line that ends with a code and one line on standard error, which contains says.
type refusal struct {
	args string
	code int
	says string
}

// checkRefusals runs commands in a folder where none may make a run.
func checkRefusals(t *testing.T, dir string, list []refusal) {
	t.Helper()
	for _, c := range list {
		t.Run(c.args, func(t *testing.T) {
			r := run(t, dir, strings.Fields(c.args)...)
			require.Equal(t, c.code, r.code, r.err)
			require.Contains(t, r.err, c.says)
			require.Equal(t, 1, strings.Count(r.err, "\n"), "one line: %s", r.err)
			require.Empty(t, r.out)
		})
	}
	require.NoDirExists(t, dir+"/runs", "a run that was refused leaves no folder")
}
