package verb

import (
	"context"
	"fmt"
	"io"
	"math"

	"pushforward/cfm/metric"
	"pushforward/cfm/model"
	"pushforward/cmd/internal/picture"
	"pushforward/cmd/internal/runs"
)

// pictures draws what the model learned into the run's plots.
func (s *session) pictures(ctx context.Context, m *model.Model, drawn model.Samples) error {
	draw := func(name string, png func(io.Writer) error) error {
		return s.folder.WriteFile(runs.Plots+"/"+name, png)
	}
	if curve, ok := s.curve(); ok {
		if err := draw("loss.png", curve.PNG); err != nil {
			return err
		}
	}
	held := s.fit.Held()
	if len(held) == 0 {
		held = s.fit.Train()
	}
	real := pick(s.data.rows, held)
	switch {
	case s.data.side > 0 && len(m.Conditions) == 1:
		return draw("samples.png", s.sheet(m, drawn, held).PNG)
	case m.Dim == 2:
		p, err := plane(ctx, m, s.data.name, real, drawn, s.c.Seed)
		if err != nil {
			return err
		}
		return draw("samples.png", p.PNG)
	}
	c := picture.Columns{
		Title: s.data.name, Names: m.Columns, Real: flat(atMost(real, drawnRows)), Drawn: flat(drawn.Rows),
		Caption: fmt.Sprintf("%d held-out rows and %d drawn rows", min(len(real), drawnRows), len(drawn.Rows)),
	}
	return draw("samples.png", c.PNG)
}

// sheet lays out one drawn image a class, the training image nearest to each, and real ones.
func (s *session) sheet(m *model.Model, drawn model.Samples, held []int) picture.Sheet {
	classes := m.Conditions[0].Classes
	sh := picture.Sheet{
		Title: s.data.name, Labels: classes, Side: s.data.side, Levels: float64(s.data.levels - 1),
		Caption: "drawn given the class; the training row nearest to each; real rows held out",
	}
	train := flat(pick(s.data.rows, s.fit.Train()))
	for k := range classes {
		sh.Drawn = append(sh.Drawn, drawn.Rows[firstOf(drawn.Given, k)]...)
	}
	near, _ := metric.Nearest(train, sh.Drawn, m.Dim)
	for _, i := range near {
		sh.Nearest = append(sh.Nearest, train[i*m.Dim:(i+1)*m.Dim]...)
	}
	given := pick(s.data.given, held)
	for nth := range 3 {
		for k := range classes {
			sh.Real = append(sh.Real, s.data.rows[held[nthOf(given, k, nth)]]...)
		}
	}
	return sh
}

// nthOf finds the n-th row of class k, or the last before.
func nthOf(given [][]float64, k, n int) (at int) {
	for i, g := range given {
		if int(g[0]) == k {
			at = i
			if n--; n < 0 {
				break
			}
		}
	}
	return at
}

func firstOf(given [][]float64, k int) int { return nthOf(given, k, 0) }

// plane shows data, samples, the flow between and the density of a model of two columns.
func plane(ctx context.Context, m *model.Model, title string, real [][]float64, drawn model.Samples, seed uint64) (picture.Plane, error) {
	const shown = 2000
	p := picture.Plane{
		Title: title, Names: [2]string{m.Columns[0], m.Columns[1]},
		Data: flat(atMost(real, shown)), Samples: flat(atMost(drawn.Rows, shown)),
		Times: []float64{0, 0.25, 0.5, 0.75, 1},
	}
	const points = 400
	path, err := m.Trace(ctx, points, p.Times, model.SampleOptions{Seed: seed, Given: atMost(drawn.Given, points)})
	if err != nil {
		return p, err
	}
	for _, rows := range path {
		p.Path = append(p.Path, flat(rows))
	}
	if len(m.Conditions) > 0 || !m.HasDensity() || m.Levels > 0 {
		return p, nil // a density for each condition: no one picture
	}
	p.Density = picture.NewGrid(p.Data, gridSide)
	d, err := m.LogDensity(ctx, rowsOf(p.Density.Points(), 2), model.DensityOptions{Solver: model.Solver{Rtol: 1e-3, Atol: 1e-3}})
	if err != nil && ctx.Err() != nil {
		return p, err
	}
	p.Density.LogP = d.LogP // a point that could not be solved is left white
	return p, nil
}

// gridSide is the number of points on a side of the density's grid.
const gridSide = 72

func atMost(rows [][]float64, n int) [][]float64 { return rows[:min(len(rows), n)] }

// curve reads the run's log.
func (s *session) curve() (c picture.Curve, ok bool) {
	for _, l := range s.folder.Lines() {
		c.Step, c.Loss = append(c.Step, float64(l.Step)), append(c.Loss, l.Loss)
		if l.ValLoss != nil {
			c.ValStep, c.Val = append(c.ValStep, float64(l.Step)), append(c.Val, *l.ValLoss)
		}
	}
	c.Title = s.data.name + ": loss"
	return c, len(c.Step) > 1
}

// heatPicture draws a model's density with rows of data, if there are any, beside drawn ones.
func heatPicture(e env, m *model.Model, points [][]float64, s model.Samples, out string, opt model.DensityOptions) error {
	if len(points) == 0 {
		points = s.Rows
	}
	p, err := plane(e.ctx, m, "log-density", points, s, opt.Seed)
	if err != nil {
		return err
	}
	p.Density = picture.NewGrid(p.Data, gridSide)
	d, err := m.LogDensity(e.ctx, rowsOf(p.Density.Points(), 2), opt)
	if err != nil && (e.ctx.Err() != nil || len(d.LogP) == 0) {
		return err
	}
	p.Density.LogP = d.LogP
	return write(e, out, p.PNG)
}

// motion draws the flow of n rows as a GIF: images, or the points of two columns.
func motion(e env, m *model.Model, n int, out string, opt model.SampleOptions) error {
	side := int(math.Sqrt(float64(m.Dim)))
	image := m.Levels > 0 && side*side == m.Dim
	if !image && m.Dim != 2 {
		return misuse("-out %s: a moving picture needs images or a model of 2 columns, this one has %d", out, m.Dim)
	}
	var times []float64
	for i := range 25 {
		times = append(times, float64(i)/24)
	}
	rows, err := m.Trace(e.ctx, n, times, opt)
	if err != nil {
		return err
	}
	var path [][]float64
	for _, r := range rows {
		path = append(path, flat(r))
	}
	return write(e, out, func(w io.Writer) error {
		if image {
			return picture.ImageMotion{Side: side, Levels: float64(m.Levels - 1), Times: times, Path: path}.GIF(w)
		}
		return picture.Motion{Times: times, Path: path}.GIF(w)
	})
}
