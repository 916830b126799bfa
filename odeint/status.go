package odeint

import (
	"errors"
	"fmt"
	"strings"
)

// Status is how a row ended.
type Status uint8

// The endings. Done and Stopped are successes.
const (
	Done      Status = iota // the row reached t1
	Stopped                 // an Event with Stop ended it
	MaxSteps                // Options.MaxSteps attempts did not suffice
	StepSize                // the tolerance asked for a step below MinStep or below what t can resolve
	NotFinite               // f or the state is NaN or infinite, however small the step
	Cancelled               // the context ended first
)

var statusNames = [...]string{"done", "stopped by event", "step limit reached", "step size underflow", "not finite", "cancelled"}

// String returns the status in words.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return fmt.Sprintf("Status(%d)", uint8(s))
}

// OK says whether the row's solve is complete: Done or Stopped.
func (s Status) OK() bool { return s <= Stopped }

// The errors a solve ends with, for errors.Is. A cancelled solve has the context's error instead.
var (
	ErrMaxSteps  = errors.New("odeint: step limit reached")
	ErrStepSize  = errors.New("odeint: step size underflow")
	ErrNotFinite = errors.New("odeint: state is not finite")
	ErrTolerance = errors.New("odeint: tolerance is below the rounding of the element type")
	ErrOptions   = errors.New("odeint: bad options")
)

// SolveError says where the first row that failed did so, and how many others did.
type SolveError struct {
	Row    int
	Status Status
	T      float64 // the time it reached
	H      float64 // the step it would have tried next, or tried last
	Stage  int     // NotFinite: the first stage that was not finite, -1 if it is the state itself
	Stats  RowStats
	Failed int   // rows that failed, this one among them
	Err    error // ErrMaxSteps, ErrStepSize, ErrNotFinite or the context's error
}

// Error reads, for instance,
//
//	odeint: row 17 at t=0.9312: step size underflow (h=1e-17; 12 steps accepted, 40 rejected, 313 evaluations); is the field discontinuous?
func (e *SolveError) Error() string {
	var b strings.Builder
	what := e.Status.String()
	if e.Status == NotFinite {
		what = fmt.Sprintf("stage %d of the step is not finite", e.Stage)
		if e.Stage < 0 {
			what = "state is not finite"
		}
	}
	fmt.Fprintf(&b, "odeint: row %d at t=%.6g: %s (h=%.3g; %d steps accepted, %d rejected, %d evaluations)",
		e.Row, e.T, what, e.H, e.Stats.Accepted, e.Stats.Rejected, e.Stats.Evals)
	switch {
	case e.Status == Cancelled:
		fmt.Fprintf(&b, ": %v", e.Err)
	case e.Stats.Stiff:
		fmt.Fprintf(&b, "; the system looks stiff from t=%.6g on", e.Stats.StiffT)
	case e.Status == StepSize:
		b.WriteString("; is the field discontinuous, or the solution unbounded?")
	}
	if e.Failed > 1 {
		fmt.Fprintf(&b, " (and %d more rows failed)", e.Failed-1)
	}
	return b.String()
}

// Unwrap returns e.Err.
func (e *SolveError) Unwrap() error { return e.Err }

// err is the sentinel of a failed status.
func (s Status) err() error {
	switch s {
	case MaxSteps:
		return ErrMaxSteps
	case StepSize:
		return ErrStepSize
	case NotFinite:
		return ErrNotFinite
	}
	return nil
}
