package verb

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// newFlags returns the flag set of a verb. Its text is written by hand, so that it fits a screen and
// has examples; a test holds it against the flags defined.
func newFlags(name string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Bool("version", false, "")
	return f
}

// onParse shows a verb's flags and text to a test.
var onParse = func(f *flag.FlagSet, help string) {}

// parse reads args. It answers -h and -version itself, with flag.ErrHelp, and refuses what is left over.
func parse(e env, f *flag.FlagSet, help string, args []string) error {
	onParse(f, help)
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(e.out, help)
		return err
	case err != nil:
		return misuse("%s; -h lists the flags", strings.TrimSpace(err.Error()))
	case f.Lookup("version").Value.String() == "true":
		fmt.Fprintln(e.out, version())
		return flag.ErrHelp
	case f.NArg() > 0:
		return misuse("unexpected argument %q; -h lists the flags", f.Arg(0))
	}
	return nil
}

// given collects -given name=value, which may be said more than once.
type given map[string]string

func (g given) String() string { return "" }

func (g given) Set(s string) error {
	name, value, ok := strings.Cut(s, "=")
	if name = strings.TrimSpace(name); !ok || name == "" {
		return fmt.Errorf("want name=value, got %q", s)
	}
	if _, twice := g[name]; twice {
		return fmt.Errorf("%s is given twice", name)
	}
	g[name] = strings.TrimSpace(value)
	return nil
}

// setFlags names the flags that were said.
func setFlags(f *flag.FlagSet) map[string]bool {
	set := map[string]bool{}
	f.Visit(func(g *flag.Flag) { set[g.Name] = true })
	return set
}
