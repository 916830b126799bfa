// Package verb holds what the commands do: one function a verb, from its flags to its exit code. The
// packages main of cmd/train and cmd/pushforward only pass their arguments on.
//
// Results go to standard output, everything said about them to standard error. A failure is one line
// there and one of the codes below.
package verb

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"pushforward/cfm/dataset"
	"pushforward/cfm/model"
	"pushforward/cmd/internal/runs"
	"pushforward/simd"
)

// The exit codes.
const (
	done     = 0
	failed   = 1   // what could not be done: a disk that is full, a solve that did not converge
	usage    = 2   // a flag, a verb or a name that is not known
	diverged = 3   // training met a number that is not finite
	refused  = 4   // data or a file that cannot be used
	sigint   = 130 // stopped by SIGINT
	sigterm  = 143 // stopped by SIGTERM
)

// Version is the release. It goes into config.json and -version, never into a model file.
const Version = "0.1.0"

// env is what a verb may touch of the world.
type env struct {
	ctx      context.Context
	in       *os.File
	out, err *os.File
}

// verb is one entry of the table of verbs.
type verb struct {
	name, line string // line says what it does, for the list
	run        func(e env, args []string) error
}

// verbs returns the table, in the order it is listed.
func verbs() []verb {
	return []verb{
		{"train", "fit a model to a table, a toy law or the built-in digits", train},
		{"sample", "draw rows from a model", sample},
		{"score", "append log-density, error bar and p-value to each row of a table", score},
		{"evaluate", "measure a model against a table of held-out rows", evaluate},
		{"info", "this machine's tiers, a model's contents, the golden hash", info},
	}
}

// Main runs the command pushforward: a verb and its flags. It returns the exit code.
func Main(args []string) int {
	if len(args) == 0 {
		list(os.Stderr)
		return usage
	}
	switch args[0] {
	case "-h", "--help", "-help", "help":
		list(os.Stdout)
		return done
	case "-version", "--version", "version":
		fmt.Println(version())
		return done
	}
	for _, v := range verbs() {
		if v.name == args[0] {
			return Run(v.name, args[1:])
		}
	}
	fmt.Fprintf(os.Stderr, "pushforward: unknown verb %q; verbs are %s\n", args[0], strings.Join(names(), ", "))
	return usage
}

// Run runs one verb and returns the exit code. An unknown name panics: it is a mistake in a main.
func Run(name string, args []string) int {
	for _, v := range verbs() {
		if v.name != name {
			continue
		}
		ctx, stop := interruptible()
		defer stop()
		err := v.run(env{ctx, os.Stdin, os.Stdout, os.Stderr}, args)
		code := exitCode(ctx, err)
		if code != done && err != nil && !isSilent(err) {
			fmt.Fprintf(os.Stderr, "%s: %s\n", name, oneLine(err))
		}
		return code
	}
	panic("verb: no verb " + name)
}

// list writes the table of verbs.
func list(w io.Writer) {
	fmt.Fprintf(w, "pushforward learns a distribution from samples, draws from it and scores points.\n\nusage: pushforward verb [flags]\n\n")
	for _, v := range verbs() {
		fmt.Fprintf(w, "  %-9s %s\n", v.name, v.line)
	}
	fmt.Fprintf(w, "\n'pushforward verb -h' lists a verb's flags. 'pushforward train' alone takes half a minute.\n")
}

func names() (s []string) {
	for _, v := range verbs() {
		s = append(s, v.name)
	}
	return s
}

// version says what this binary is.
func version() string {
	v := "pushforward " + Version
	if b, ok := debug.ReadBuildInfo(); ok {
		for _, s := range b.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				v += " (" + s.Value[:12] + ")"
			}
		}
	}
	return fmt.Sprintf("%s %s %s/%s, tier %v", v, runtime.Version(), runtime.GOOS, runtime.GOARCH, simd.Best[float32]().Level)
}

// problem is an error with an exit code of its own.
type problem struct {
	code int
	err  error
}

func (p *problem) Error() string { return p.err.Error() }
func (p *problem) Unwrap() error { return p.err }

// misuse is an error of the command line.
func misuse(format string, a ...any) error { return &problem{usage, fmt.Errorf(format, a...)} }

// refuse is an error of data or of a file.
func refuse(format string, a ...any) error { return &problem{refused, fmt.Errorf(format, a...)} }

// unreadable makes an error of a file that was to be read one of input, whatever the reason.
func unreadable(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return &problem{refused, err}
	}
	return err
}

// errSilent is a failure about which everything has been said.
var errSilent = errors.New("")

func isSilent(err error) bool { return errors.Is(err, errSilent) }

// exitCode is the code that a verb's error ends the process with.
func exitCode(ctx context.Context, err error) int {
	var p *problem
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return done
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return stopCode(ctx)
	case errors.As(err, &p):
		return p.code
	case errors.Is(err, runs.ErrNotEmpty), errors.Is(err, runs.ErrLocked):
		return usage
	case errors.Is(err, model.ErrDiverged):
		return diverged
	case errors.Is(err, dataset.ErrData), errors.Is(err, model.ErrData), errors.Is(err, model.ErrFile), errors.Is(err, runs.ErrNoRun):
		return refused
	}
	return failed
}

// oneLine is an error's text on one line, without what Go's own packages put before a path.
func oneLine(err error) string {
	text := err.Error()
	var p *fs.PathError
	if errors.As(err, &p) {
		text = strings.Replace(text, p.Error(), p.Path+": "+p.Err.Error(), 1)
	}
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "\n", "; ")), " ")
}
