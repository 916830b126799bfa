// Command paper trains what papers report and prints their tables again: the published figures, the peer's as
// measured by bench/peers where there is one, and ours, mean ± standard deviation over seeds.
//
//	go run ./bench/paper -h                                     # the tables, and what each needs
//	go run ./bench/paper -table tong                            # Tong et al. 2024, table 2
//	go run ./bench/paper -table sbibm -data ../shared/datasets/sbibm
//	go run ./bench/paper -table tong -only 'moons' -seeds 1 -json
//	go run ./bench/paper -table race -only 'N→8gaussians'       # its 20,000 steps against torchcfm's, timed
//
// A table is an entry of tables: a name, what it needs and a function that hands [Figure]s to a [Run]. With -json each
// figure is one line of JSON as soon as it is known; without, the figures are printed at the end, a grid of cases by
// methods for each metric, and a verdict where a figure has a bar. Progress goes to standard error.
//
// Everything is a function of the seed: the same command gives the same figures on every machine.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"
)

// Table is one table of a paper.
type Table struct {
	Name  string
	About string // what it shows, one line
	Data  string // what the folder named by -data holds; empty if it needs none
	Seeds int    // how many seeds without -seeds
	Run   func(ctx context.Context, r *Run) error
}

// tables lists the tables in the order of -h. Each file of this package adds its own.
var tables []Table

// Run is one run of a table: what was asked, and where the figures go.
type Run struct {
	Data  string         // the folder named by -data
	Peer  string         // the folder named by -peer: what bench/peers has trained
	Venv  string         // the peers' Python environment named by -venv
	Seeds int            // how many seeds to train
	Only  *regexp.Regexp // the cases wanted
	Log   func(format string, a ...any)

	figures []Figure
	emit    func(Figure) error
	lines   func(v any) error // with -json: prints what a table says in lines of its own
}

// Want reports whether a case was asked for.
func (r *Run) Want(name string) bool { return r.Only.MatchString(name) }

// Add records a figure.
func (r *Run) Add(f Figure) error {
	f.complete()
	r.figures = append(r.figures, f)
	if r.emit != nil {
		return r.emit(f)
	}
	return nil
}

// misuse is a mistake in the command line: exit status 2.
type misuse struct{ error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	var wrong misuse
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.As(err, &wrong):
		fmt.Fprintln(os.Stderr, "paper:", err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "paper:", err)
		os.Exit(1)
	}
}

// usage prints the flags and the tables.
func usage(w io.Writer, f *flag.FlagSet) {
	fmt.Fprint(w, "paper trains what papers report and prints their tables again, with published and measured figures.\n\n  go run ./bench/paper -table NAME [-data DIR] [-json] [-seeds N] [-only REGEX]\n\ntables:\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range tables {
		fmt.Fprintf(t, "  %s\t%s\n", c.Name, c.About)
		if c.Data != "" {
			fmt.Fprintf(t, "  \t-data: %s\n", c.Data)
		}
	}
	t.Flush()
	fmt.Fprintln(w, "\nflags:")
	f.SetOutput(w)
	f.PrintDefaults()
}

func run(ctx context.Context, args []string, out, log io.Writer) error {
	var name, only string
	var asJSON bool
	r := &Run{}
	f := flag.NewFlagSet("paper", flag.ContinueOnError)
	f.StringVar(&name, "table", "", "the table to make")
	f.StringVar(&r.Data, "data", "", "folder of the table's data")
	f.StringVar(&r.Peer, "peer", "", "tong: folder of the fields that bench/peers/tong.py trained, scored anew instead of the stored figures")
	f.StringVar(&r.Venv, "venv", "", "race: Python environment of the peers ($PUSHFORWARD_VENV, or the user's cache)")
	f.BoolVar(&asJSON, "json", false, "print one line of JSON a figure, as they come")
	f.IntVar(&r.Seeds, "seeds", 0, "how many seeds to train (the table's own number)")
	f.StringVar(&only, "only", "", "make the cases whose name this regular expression finds")
	f.SetOutput(io.Discard)
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		usage(out, f)
		return err
	} else if err != nil {
		return misuse{err}
	}
	if f.NArg() > 0 {
		return misuse{fmt.Errorf("what is %q?", f.Arg(0))}
	}
	var t *Table
	var names []string
	for i := range tables {
		names = append(names, tables[i].Name)
		if tables[i].Name == name {
			t = &tables[i]
		}
	}
	if t == nil {
		what := fmt.Sprintf("no table is called %q", name)
		if name == "" {
			what = "-table is needed"
		}
		return misuse{fmt.Errorf("%s; there are %s", what, strings.Join(names, ", "))}
	}
	var err error
	if r.Only, err = regexp.Compile(only); err != nil {
		return misuse{fmt.Errorf("-only: %w", err)}
	}
	seeds := 0
	f.Visit(func(g *flag.Flag) {
		if g.Name == "seeds" {
			seeds = 1
		}
	})
	if seeds == 0 {
		r.Seeds = max(1, t.Seeds)
	} else if r.Seeds < 1 {
		return misuse{fmt.Errorf("-seeds %d: want at least 1", r.Seeds)}
	}
	if t.Data != "" {
		if r.Data == "" {
			return misuse{fmt.Errorf("table %s needs -data: %s", t.Name, t.Data)}
		}
		if s, err := os.Stat(r.Data); err != nil || !s.IsDir() {
			return fmt.Errorf("-data %s: there is no such folder; table %s needs %s", r.Data, t.Name, t.Data)
		}
	}
	start := time.Now()
	r.Log = func(format string, a ...any) {
		fmt.Fprintf(log, "%6.0f s  %s\n", time.Since(start).Seconds(), fmt.Sprintf(format, a...))
	}
	if asJSON {
		r.emit = func(g Figure) error { return writeJSON(out, t.Name, g) }
		r.lines = json.NewEncoder(out).Encode
	}
	if err := t.Run(ctx, r); err != nil {
		return fmt.Errorf("table %s: %w", t.Name, err)
	}
	if len(r.figures) == 0 {
		return misuse{fmt.Errorf("table %s: -only %q finds no case", t.Name, only)}
	}
	if asJSON {
		return nil
	}
	return writeText(out, t, r.figures)
}
