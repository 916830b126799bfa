// Command report measures pushforward and what a user would pick instead, taking turns in one run, and prints both
// with the ratio between them.
//
//	go run ./bench/report                                # everything, one thread and all cores: about an hour
//	go run ./bench/report -only 'train|sample' -threads 1
//	go run ./bench/report -json > results.jsonl          # one line of JSON a comparison, the first the machine's
//	go run ./bench/report -from results.jsonl -md        # the tables of docs/benchmarks.md from it
//	go run ./bench/report -from results.jsonl -brief     # the README's
//
// A ratio is the median of our rounds over the median of the peer's, turned so that more than 1 means that pushforward
// is faster; the spread is that of the ratios of single rounds. In each round all sides are measured one after the
// other, in turned order every second round. A measurement during which other processes used more than a fifth of a
// core is taken again, up to twice; what was used then is in the output.
//
// The peers live in a Python environment made by bench/peers/setup.sh (-venv, $PUSHFORWARD_VENV). Without one only
// ours is measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"pushforward/bench"
)

type options struct {
	only, peers *regexp.Regexp
	threads     []int
	rounds      int
	seconds     float64
	venv        string
	from        string
	json, md    bool
	brief       bool
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == serveFlag {
		if err := serve(context.Background(), os.Stdin, os.Stdout, bench.Workloads()); err != nil {
			fmt.Fprintln(os.Stderr, "report:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	o, err := parse(os.Args[1:])
	if err == nil {
		err = run(ctx, o, os.Stdout, os.Stderr)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	var o options
	var only, peers, threads string
	f := flag.NewFlagSet("report", flag.ContinueOnError)
	f.StringVar(&only, "only", "", "measure the workloads whose name this regular expression finds")
	f.StringVar(&peers, "peers", "", "measure the peers whose name this regular expression finds")
	f.StringVar(&threads, "threads", "", "numbers of threads, comma separated (1 and all cores)")
	f.IntVar(&o.rounds, "rounds", 7, "rounds, fewer where a workload would take more than a minute")
	f.Float64Var(&o.seconds, "seconds", 0.3, "aim of one measurement")
	f.StringVar(&o.venv, "venv", "", "Python environment of the peers ($PUSHFORWARD_VENV, or the user's cache)")
	f.StringVar(&o.from, "from", "", "measure nothing: print what -json wrote to this file")
	f.BoolVar(&o.json, "json", false, "print JSON lines")
	f.BoolVar(&o.md, "md", false, "print Markdown, a table for each group")
	f.BoolVar(&o.brief, "brief", false, "print Markdown, one table of the main figures")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("what is %q?", f.Arg(0))
	}
	var err error
	if o.only, err = regexp.Compile(only); err != nil {
		return o, err
	}
	if o.peers, err = regexp.Compile(peers); err != nil {
		return o, err
	}
	if o.rounds < 1 || o.seconds <= 0 {
		return o, errors.New("rounds and seconds must be positive")
	}
	o.threads, err = parseThreads(threads, runtime.NumCPU())
	return o, err
}

// parseThreads reads "1,2"; nothing means one thread and all cores.
func parseThreads(s string, cores int) ([]int, error) {
	if s == "" {
		if cores == 1 {
			return []int{1}, nil
		}
		return []int{1, cores}, nil
	}
	var list []int
	for part := range strings.SplitSeq(s, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || n < 1 {
			return nil, fmt.Errorf("threads: %q is not a number of threads", part)
		}
		list = append(list, n)
	}
	return list, nil
}

func run(ctx context.Context, o options, out, log io.Writer) error {
	if o.from != "" {
		f, err := os.Open(o.from)
		if err != nil {
			return err
		}
		defer f.Close()
		m, rows, err := readResults(f)
		if err != nil {
			return fmt.Errorf("%s: %w", o.from, err)
		}
		return write(out, o, m, rows)
	}
	m, rows, err := measure(ctx, o, out, log)
	if err != nil {
		return err
	}
	if o.json { // written as it was measured
		return nil
	}
	return write(out, o, m, rows)
}

func write(out io.Writer, o options, m Machine, rows []Comparison) error {
	var kept []Comparison
	for _, c := range rows {
		if o.only.MatchString(c.Name) {
			kept = append(kept, c)
		}
	}
	switch {
	case o.json:
		return writeResults(out, m, kept)
	case o.brief:
		return writeBrief(out, m, kept)
	case o.md:
		return writeMarkdown(out, m, kept)
	}
	return writeText(out, m, kept)
}
