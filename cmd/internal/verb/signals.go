package verb

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// errTerm and errInt are the causes of a context that a signal ended.
var (
	errInt  = errors.New("interrupted")
	errTerm = errors.New("terminated")
)

// interruptible returns a context that the first SIGINT or SIGTERM ends, so that what is under way can
// be finished and saved. The second ends the process at once; what was saved stays whole, since files
// are only ever replaced.
func interruptible() (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	heedLimits()
	go func() {
		cause, code := errInt, sigint
		if s, ok := <-ch; !ok {
			return
		} else if s == syscall.SIGTERM {
			cause, code = errTerm, sigterm
		}
		cancel(cause)
		if _, ok := <-ch; ok {
			os.Exit(code)
		}
	}()
	return ctx, func() {
		signal.Stop(ch)
		close(ch)
		cancel(nil)
	}
}

// stopCode is the exit code of a context that a signal ended.
func stopCode(ctx context.Context) int {
	if context.Cause(ctx) == errTerm {
		return sigterm
	}
	return sigint
}
