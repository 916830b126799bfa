// Command workprecision draws docs/odeint.svg: the error of odeint's methods against what it cost, in evaluations
// of the right-hand side and in time, on three problems.
//
//	go run ./bench/workprecision > docs/odeint.svg
//
// Every point is one solve at rtol = atol = 10⁻³ … 10⁻¹²; the truth is Dop853 at 10⁻¹⁴. Times are the least of several runs.
package main

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"os"
	"time"

	"pushforward/odeint"
)

// problem is one initial-value problem.
type problem struct {
	name   string
	sys    odeint.System[float64]
	y0     []float64
	t0, t1 float64
}

var problems = []problem{
	{"Kepler, eccentricity 0.6, one turn", odeint.Func(4, func(dy []float64, t float64, y []float64) {
		r := math.Hypot(y[0], y[1])
		r3 := r * r * r
		dy[0], dy[1], dy[2], dy[3] = y[2], y[3], -y[0]/r3, -y[1]/r3
	}), []float64{0.4, 0, 0, 2}, 0, 2 * math.Pi},
	{"Van der Pol, μ = 5", odeint.Func(2, func(dy []float64, t float64, y []float64) {
		dy[0], dy[1] = y[1], 5*(1-y[0]*y[0])*y[1]-y[0]
	}), []float64{2, 0}, 0, 20},
	{"Lorenz, to t = 4", odeint.Func(3, func(dy []float64, t float64, y []float64) {
		dy[0], dy[1], dy[2] = 10*(y[1]-y[0]), y[0]*(28-y[2])-y[1], y[0]*y[1]-8./3*y[2]
	}), []float64{1, 1, 1}, 0, 4},
}

// point is one solve.
type point struct{ err, evals, micros float64 }

var methods = []struct {
	m     *odeint.Tableau
	color string
}{
	{odeint.Bosh3, "#999999"}, {odeint.Dopri5, "#1f77b4"}, {odeint.Tsit5, "#d95f02"}, {odeint.Bosh5, "#7b4ab5"}, {odeint.Dop853, "#2a9d4a"},
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "workprecision:", err)
		os.Exit(1)
	}
}

func run() error {
	out := bufio.NewWriter(os.Stdout)
	const w, h, left, top, gapX, gapY = 330, 210, 60, 50, 70, 75
	height := top + len(problems)*(h+gapY)
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">`+"\n", left+2*(w+gapX), height)
	fmt.Fprintf(out, `<rect width="100%%" height="100%%" fill="white"/>`+"\n")
	for i, c := range methods {
		fmt.Fprintf(out, `<circle cx="%d" cy="16" r="4" fill="%s"/><text x="%d" y="20">%s</text>`+"\n", left+i*90, c.color, left+8+i*90, c.m.Name)
	}
	for row, p := range problems {
		points, err := measure(p)
		if err != nil {
			return err
		}
		y := top + row*(h+gapY)
		panel(out, left, y, w, h, p.name, "evaluations", points, func(q point) float64 { return q.evals })
		panel(out, left+w+gapX, y, w, h, "", "microseconds", points, func(q point) float64 { return q.micros })
	}
	fmt.Fprintln(out, "</svg>")
	return out.Flush()
}

// measure solves p by every method at every tolerance.
func measure(p problem) ([][]point, error) {
	ctx := context.Background()
	truth, err := odeint.Solve(ctx, p.sys, p.y0, p.t0, p.t1, odeint.Options{Method: odeint.Dop853, Rtol: 1e-14, Atol: 1e-14, MaxSteps: 1e6})
	if err != nil {
		return nil, err
	}
	all := make([][]point, len(methods))
	for i, c := range methods {
		for tol := 1e-3; tol > 0.9e-12; tol /= 10 {
			if c.m.Order == 3 && tol < 0.9e-9 {
				break
			}
			s := odeint.NewSolver[float64](odeint.Options{Method: c.m, Rtol: tol, Atol: tol, MaxSteps: 1e6})
			q := point{micros: math.Inf(1)}
			for range 30 {
				start := time.Now()
				sol, err := s.Solve(ctx, p.sys, p.y0, p.t0, p.t1)
				if err != nil {
					return nil, err
				}
				q.micros = min(q.micros, float64(time.Since(start).Nanoseconds())/1e3)
				q.evals, q.err = float64(sol.Stats.Evals), 1e-15
				for j, v := range truth.Final() {
					q.err = max(q.err, math.Abs(sol.Final()[j]-v)/(1+math.Abs(v)))
				}
			}
			all[i] = append(all[i], q)
		}
	}
	return all, nil
}

// panel draws error over cost, both in decades.
func panel(out *bufio.Writer, x0, y0, w, h int, title, axis string, points [][]point, cost func(point) float64) {
	loX, hiX := math.Inf(1), math.Inf(-1)
	for _, line := range points {
		for _, q := range line {
			loX, hiX = min(loX, math.Log10(cost(q))), max(hiX, math.Log10(cost(q)))
		}
	}
	loX, hiX = loX-0.1, hiX+0.1
	const loY, hiY = -14., 0.
	at := func(lx, ly float64) (float64, float64) {
		return float64(x0) + (lx-loX)/(hiX-loX)*float64(w), float64(y0) + (hiY-min(ly, hiY))/(hiY-loY)*float64(h)
	}
	fmt.Fprintf(out, `<rect x="%d" y="%d" width="%d" height="%d" fill="none" stroke="#444"/>`+"\n", x0, y0, w, h)
	fmt.Fprintf(out, `<text x="%d" y="%d" font-size="12">%s</text><text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", x0, y0-8, title, x0+w/2, y0+h+32, axis)
	for e := math.Ceil(loX); e <= hiX; e++ {
		x, _ := at(e, 0)
		fmt.Fprintf(out, `<path d="M%.1f %dv%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle">10<tspan dy="-4" font-size="8">%.0f</tspan></text>`+"\n", x, y0, h, x, y0+h+16, e)
	}
	for e := loY; e <= hiY; e += 2 {
		_, y := at(loX, e)
		fmt.Fprintf(out, `<path d="M%d %.1fh%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">10<tspan dy="-4" font-size="8">%.0f</tspan></text>`+"\n", x0, y, w, x0-6, y+4, e)
	}
	for i, line := range points {
		path := ""
		for j, q := range line {
			x, y := at(math.Log10(cost(q)), math.Log10(q.err))
			path += fmt.Sprintf("%c%.1f %.1f", "ML"[min(j, 1)], x, y)
			fmt.Fprintf(out, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x, y, methods[i].color)
		}
		fmt.Fprintf(out, `<path d="%s" fill="none" stroke="%s" stroke-width="1.5"/>`+"\n", path, methods[i].color)
	}
}
