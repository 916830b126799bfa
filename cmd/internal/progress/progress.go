// Package progress tells a person at a terminal, or a log, how far a run has come: one line that is
// rewritten, or plain lines that are rare enough to keep.
package progress

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// Every is the least time between two plain lines.
const Every = 10 * time.Second

// Line is a progress line. A nil Line is silent.
type Line struct {
	w     io.Writer
	live  bool // rewrite one line
	color bool
	now   func() time.Time

	start, last time.Time
	first       int // the step the clock started at
	recent      []point
	drawn       int // width of what is on the terminal's line
}

type point struct {
	at   time.Time
	step int
}

// New returns a progress line on f: rewritten if f is a terminal and neither CI nor TERM=dumb says
// otherwise, else plain. NO_COLOR takes the colour away, and nothing more.
func New(f *os.File, step int) *Line {
	live := term.IsTerminal(int(f.Fd())) && os.Getenv("CI") == "" && os.Getenv("TERM") != "dumb"
	return newLine(f, live, live && os.Getenv("NO_COLOR") == "", step, time.Now)
}

func newLine(w io.Writer, live, color bool, step int, now func() time.Time) *Line {
	t := now()
	return &Line{w: w, live: live, color: color, now: now, start: t, last: t, first: step, recent: []point{{t, step}}}
}

// Live reports whether the line is being rewritten on a terminal.
func (l *Line) Live() bool { return l != nil && l.live }

// Show reports that step of total is done. It is cheap to call after every step.
func (l *Line) Show(step, total int, loss, val float64) {
	if l == nil {
		return
	}
	now := l.now()
	gap := Every
	if l.live {
		gap = 100 * time.Millisecond
	}
	if now.Sub(l.last) < gap && step < total {
		return
	}
	l.last = now
	// Speed over the last few seconds, so that a slow start is forgotten.
	for len(l.recent) > 1 && now.Sub(l.recent[1].at) > 5*time.Second {
		l.recent = l.recent[1:]
	}
	from := l.recent[0]
	l.recent = append(l.recent, point{now, step})
	speed := 0.0
	if d := now.Sub(from.at).Seconds(); d > 0 {
		speed = float64(step-from.step) / d
	}
	text := fmt.Sprintf("step %*d/%d  loss %.4f", len(fmt.Sprint(total)), step, total, loss)
	if !math.IsNaN(val) {
		text += fmt.Sprintf("  held-out %.4f", val)
	}
	if speed > 0 {
		text += fmt.Sprintf("  %s steps/s  %s left", Rate(speed), clock(float64(total-step)/speed))
	}
	l.put(text, step == total)
}

// put writes the line over the last one, or below it.
func (l *Line) put(text string, end bool) {
	if !l.live {
		fmt.Fprintln(l.w, text)
		return
	}
	n := len(text)
	pad := strings.Repeat(" ", max(0, l.drawn-n))
	if l.color {
		if head, rest, ok := strings.Cut(text, "  loss"); ok {
			text = "\x1b[36m" + head + "\x1b[0m  loss" + rest
		}
	}
	fmt.Fprint(l.w, "\r"+text+pad)
	l.drawn = n
	if end {
		l.End()
	}
}

// End leaves the line as it is and goes on below it. Call it before writing anything else.
func (l *Line) End() {
	if l != nil && l.live && l.drawn > 0 {
		fmt.Fprintln(l.w)
		l.drawn = 0
	}
}

// Rate writes how many of a thing there are a second: in whole ones, or to two digits below ten.
func Rate(perSecond float64) string {
	if perSecond < 9.5 {
		return fmt.Sprintf("%.2g", perSecond)
	}
	return fmt.Sprintf("%.0f", perSecond)
}

// clock writes seconds as a person would say them.
func clock(s float64) string {
	switch {
	case s < 100:
		return fmt.Sprintf("%.0f s", s)
	case s < 6000:
		return fmt.Sprintf("%d:%02d min", int(s)/60, int(s)%60)
	}
	return fmt.Sprintf("%d:%02d h", int(s)/3600, int(s)/60%60)
}
