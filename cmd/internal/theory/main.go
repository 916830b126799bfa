// Command theory draws the pictures of docs/theory.md and prints the numbers beside them:
//
//	go run ./cmd/internal/theory -o docs/pictures
//
// Every law in them is known in closed form, so nothing is trained.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sort"

	"pushforward/autograd"
	"pushforward/cfm"
	"pushforward/cfm/dataset"
	"pushforward/cfm/ot"
	"pushforward/cmd/internal/picture"
	"pushforward/odeint"
	"pushforward/simd/rng"
)

func main() {
	out := flag.String("o", ".", "the folder of the pictures")
	only := flag.String("only", "", "one picture: weak, manifold, kernels or transport")
	flag.Parse()
	all := []struct {
		name string
		draw func() (picture.Board, error)
	}{{"weak", weak}, {"manifold", manifold}, {"kernels", kernels}, {"transport", transport}}
	for _, p := range all {
		if *only != "" && *only != p.name {
			continue
		}
		fmt.Printf("\n## %s\n\n", p.name)
		b, err := p.draw()
		if err == nil {
			err = save(filepath.Join(*out, p.name+".png"), b)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "theory: %s: %v\n", p.name, err)
			os.Exit(1)
		}
	}
}

func save(path string, b picture.Board) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(b.PNG(f), f.Close())
}

// weak measures how far two samples of N points of one law are apart in W₁: the empirical law tends to the law weakly, at a rate
// that the dimension sets.
func weak() (picture.Board, error) {
	p := picture.Panel{Title: "two samples of N points", XName: "N", YName: "W₁", LogX: true, LogY: true}
	fmt.Println("W₁ of two samples of the uniform law on the unit cube\n\n| D | N = 16 | 64 | 256 | 1024 | slope from 64 on | rate of the theory |\n| --- | --- | --- | --- | --- | --- | --- |")
	rates := map[int]string{1: "N^(−1/2)", 2: "(log N / N)^(1/2)", 3: "N^(−1/3)", 6: "N^(−1/6)"}
	for k, dim := range []int{1, 2, 3, 6} {
		line := picture.Line{Name: fmt.Sprintf("D = %d: %s", dim, rates[dim]), Colour: k, Width: 2.5}
		text := fmt.Sprintf("| %d |", dim)
		for n := 16; n <= 1024; n *= 2 {
			times := max(4, min(64, 4096/n))
			if dim == 1 {
				times = 400
			}
			sum := 0.0
			for i := range times {
				key := rng.New(1).Named("weak").Fold(uint64(dim)).Fold(uint64(n)).Fold(uint64(i))
				x, y := make([]float64, n*dim), make([]float64, n*dim)
				rng.Uniform(key.Named("x"), x)
				rng.Uniform(key.Named("y"), y)
				w, err := ot.W1(x, y, dim)
				if err != nil {
					return picture.Board{}, err
				}
				sum += w / float64(times)
			}
			line.X, line.Y = append(line.X, float64(n)), append(line.Y, sum)
			if n == 16 || n == 64 || n == 256 || n == 1024 {
				text += fmt.Sprintf(" %.4f |", sum)
			}
		}
		fmt.Printf("%s %.2f | %s |\n", text, slope(line.X[2:], line.Y[2:]), rates[dim])
		// The theory's line through the last point.
		theory := picture.Line{Colour: k, Dashed: true, Width: 1.2}
		rate := func(n float64) float64 {
			switch dim {
			case 1:
				return math.Pow(n, -0.5)
			case 2:
				return math.Sqrt(math.Log(n) / n)
			}
			return math.Pow(n, -1/float64(dim))
		}
		last := len(line.X) - 1
		for _, n := range line.X {
			theory.X, theory.Y = append(theory.X, n), append(theory.Y, line.Y[last]*rate(n)/rate(line.X[last]))
		}
		p.Lines = append(p.Lines, theory, line)
	}
	return picture.Board{Title: "How fast a sample becomes its law", Side: 440, Panels: []picture.Panel{p},
		Caption: "Uniform law on the unit cube; dashed: the rates of the theory."}, nil
}

// slope is that of log y over log x.
func slope(x, y []float64) float64 {
	var sx, sy, sxx, sxy float64
	n := float64(len(x))
	for i := range x {
		a, b := math.Log(x[i]), math.Log(y[i])
		sx, sy, sxx, sxy = sx+a, sy+b, sxx+a*a, sxy+a*b
	}
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}

// knot is a trefoil.
func knot(u float64) [3]float64 {
	u *= 2 * math.Pi
	return [3]float64{math.Sin(u) + 2*math.Sin(2*u), math.Cos(u) - 2*math.Cos(2*u), -math.Sin(3 * u)}
}

// manifold blurs a curve in three dimensions and watches the log-density on it grow.
func manifold() (picture.Board, error) {
	const n = 20000
	// Equal steps of length, so that the law is uniform on the curve.
	var at []float64
	length := 0.0
	before := knot(0)
	for i := range 200 * 1000 {
		p := knot(float64(i+1) / 200000)
		at = append(at, length)
		length += math.Sqrt(sq(p[0]-before[0]) + sq(p[1]-before[1]) + sq(p[2]-before[2]))
		before = p
	}
	pts := autograd.NewTensor[float64](n, 3)
	for i := range n {
		k := sort.SearchFloat64s(at, length*float64(i)/n)
		p := knot(float64(k) / 200000)
		copy(pts.Row(i), p[:])
	}
	density := picture.Panel{Title: "log-density, nats", XName: "σ", LogX: true}
	on := picture.Line{Name: "on the curve", Width: 2.5}
	off := picture.Line{Name: "0.2 beside it", Colour: 1, Width: 2.5}
	theory := picture.Line{Name: "−log L − 2·log(σ√2π)", Colour: 5, Dashed: true}
	fmt.Printf("a trefoil of length L = %.2f in three dimensions, blurred by σ\n\n| σ | log-density on it | −log L − 2 log(σ√(2π)) | 0.2 beside it |\n| --- | --- | --- | --- |\n", length)
	for i, sigma := range []float64{1, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01} {
		rho := cfm.MarginalDensity(pts, cfm.CondOT{SigmaMin: sigma})
		var a, b float64
		const probes = 60
		for k := range probes {
			p := pts.Row(k * n / probes)
			q := pts.Row((k*n/probes + 20) % n)
			a += rho(1, p) / probes
			// A step at right angles to the curve.
			d := [3]float64{q[0] - p[0], q[1] - p[1], q[2] - p[2]}
			e := [3]float64{d[1], -d[0], 0}
			l := math.Sqrt(sq(e[0]) + sq(e[1]))
			b += rho(1, []float64{p[0] + 0.2*e[0]/l, p[1] + 0.2*e[1]/l, p[2]}) / probes
		}
		c := -math.Log(length) - 2*math.Log(sigma*math.Sqrt(2*math.Pi))
		on.X, on.Y = append(on.X, sigma), append(on.Y, a)
		theory.X, theory.Y = append(theory.X, sigma), append(theory.Y, c)
		if b > -14 {
			off.X, off.Y = append(off.X, sigma), append(off.Y, b)
		}
		if i%2 == 0 {
			fmt.Printf("| %g | %.3f | %.3f | %.3f |\n", sigma, a, c, b)
		}
	}
	fmt.Printf("\nslope of the log-density on the curve by log σ, from 0.1 down: %.3f; it is −(D − d) = −2\n",
		(on.Y[8]-on.Y[4])/(math.Log(on.X[8])-math.Log(on.X[4])))
	density.Lines = []picture.Line{theory, on, off}
	return picture.Board{
		Title: "Data on a curve have no density, blurred data have one", Side: 420,
		Caption: "A knot in three dimensions (length 29) and draws of it blurred by σ = 0.15. As σ falls, the log-density on the curve grows by 2 nats for each factor e, and falls without end everywhere else.",
		Panels:  []picture.Panel{knotPanel(), density},
	}, nil
}

func sq(v float64) float64 { return v * v }

// knotPanel shows the curve as from a little above, thick where it is near.
func knotPanel() picture.Panel {
	turn := func(p [3]float64) (x, y, depth float64) {
		const tilt = 0.55
		return p[0], p[1]*math.Cos(tilt) - p[2]*math.Sin(tilt), p[1]*math.Sin(tilt) + p[2]*math.Cos(tilt)
	}
	p := picture.Panel{Title: "the curve, and draws at σ = 0.15", Square: true}
	cloud := picture.Line{Dots: true, Width: 1.3, Alpha: 0.45, Colour: 1}
	for i := range 900 {
		var u [1]float64
		z := make([]float64, 3)
		key := rng.New(2).Named("cloud").Fold(uint64(i))
		rng.Uniform(key.Named("u"), u[:])
		rng.Normal(key.Named("z"), z)
		c := knot(u[0])
		x, y, _ := turn([3]float64{c[0] + 0.15*z[0], c[1] + 0.15*z[1], c[2] + 0.15*z[2]})
		cloud.X, cloud.Y = append(cloud.X, x), append(cloud.Y, y)
	}
	p.Lines = append(p.Lines, cloud)
	type piece struct {
		x, y  [2]float64
		depth float64
	}
	var all []piece
	const cuts = 360
	for i := range cuts {
		x0, y0, d0 := turn(knot(float64(i) / cuts))
		x1, y1, _ := turn(knot(float64(i+1) / cuts))
		all = append(all, piece{[2]float64{x0, x1}, [2]float64{y0, y1}, d0})
	}
	sort.Slice(all, func(a, b int) bool { return all[a].depth < all[b].depth })
	for k, s := range all {
		p.Lines = append(p.Lines, picture.Line{X: s.x[:], Y: s.y[:], Width: 1.2 + 4.2*float64(k)/cuts})
	}
	return p
}

// drawn are rows of a toy law.
func drawn(name string, n int, key rng.Key) (dataset.Law, [][]float64, error) {
	law, err := dataset.Toy(name)
	if err != nil {
		return nil, nil, err
	}
	x := make([]float64, n*law.Dim())
	law.Sample(x, key)
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = x[i*law.Dim() : (i+1)*law.Dim()]
	}
	return law, rows, nil
}

// kernels shows what the width of the kernels does.
func kernels() (picture.Board, error) {
	const n, held = 500, 2000
	law, rows, err := drawn("moons-normal", n, rng.New(3).Named("train"))
	if err != nil {
		return picture.Board{}, err
	}
	_, out, err := drawn("moons-normal", held, rng.New(3).Named("held"))
	if err != nil {
		return picture.Board{}, err
	}
	pts := autograd.FromRows(rows)
	mean := func(sigma float64, rows [][]float64) (sum float64) {
		rho := cfm.MarginalDensity(pts, cfm.CondOT{SigmaMin: sigma})
		for _, r := range rows {
			sum += rho(1, r) / float64(len(rows))
		}
		return sum
	}
	truth := 0.0
	for _, r := range out {
		v, _ := law.LogProb(r)
		truth += v / held
	}
	own := picture.Line{Name: fmt.Sprintf("the %d rows themselves", n), Colour: 1, Width: 2.5}
	other := picture.Line{Name: "rows held out", Width: 2.5}
	known := picture.Line{Name: "held out, under the law itself", Colour: 5, Dashed: true}
	fmt.Printf("mean log-density in nats of moons-normal, %d rows under kernels of σ; the law itself gives the held-out rows %.3f\n\n| σ | the rows themselves | rows held out |\n| --- | --- | --- |\n", n, truth)
	best, at := math.Inf(-1), 0.0
	for _, sigma := range []float64{0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8, 1, 1.4} {
		a, b := mean(sigma, rows), mean(sigma, out)
		own.X, own.Y = append(own.X, sigma), append(own.Y, a)
		other.X, other.Y = append(other.X, sigma), append(other.Y, b)
		known.X, known.Y = append(known.X, sigma), append(known.Y, truth)
		if b > best {
			best, at = b, sigma
		}
		fmt.Printf("| %g | %.3f | %.3f |\n", sigma, a, b)
	}
	chart := picture.Panel{Title: "mean log-density, nats", XName: "σ", LogX: true, Lines: []picture.Line{known, own, other},
		Box: [4]float64{0.045, 1.5, -6.5, -2}}
	b := picture.Board{Title: "The kernel-smoothed law", Columns: 4, Side: 270,
		Caption: fmt.Sprintf("%d rows of moons-normal. Flow matching on condot:σ has this law as its limit; narrow kernels know the rows by heart, wide ones blur them away.", n)}
	for _, sigma := range []float64{0.07, at, 1} {
		const side = 120
		m := &picture.Map{X0: -6, X1: 7, Y0: -5.5, Y1: 4.5, NX: side, NY: side}
		rho := cfm.MarginalDensity(pts, cfm.CondOT{SigmaMin: sigma})
		for j := range side {
			for i := range side {
				x := []float64{m.X0 + (m.X1-m.X0)*float64(i)/(side-1), m.Y0 + (m.Y1-m.Y0)*float64(j)/(side-1)}
				m.V = append(m.V, math.Exp(rho(1, x)))
			}
		}
		title := fmt.Sprintf("σ = %g", sigma)
		if sigma == at {
			title += ", the best"
		}
		b.Panels = append(b.Panels, picture.Panel{Title: title, Map: m})
	}
	b.Panels = append(b.Panels, chart)
	return b, nil
}

// transport compares couplings of one pair of laws: independent, by minibatches, the flow's own, and the optimal one.
func transport() (picture.Board, error) {
	ctx := context.Background()
	const n, sigma = 2048, 0.3
	_, centres, err := drawn("moons-normal", 400, rng.New(4).Named("centres"))
	if err != nil {
		return picture.Board{}, err
	}
	pts := autograd.FromRows(centres)
	f := &cfm.Flow[float64]{Dim: 2, Field: cfm.Marginal(pts, cfm.CondOT{SigmaMin: sigma})}
	x0 := f.Draw(n, rng.New(4).Named("x0"))
	// The data law is the one that the flow ends in, so other draws of it are x1.
	fresh := f.Draw(n, rng.New(4).Named("x1"))
	ode := odeint.Options{Rtol: 1e-7, Atol: 1e-7}
	x1, err := f.Transport(ctx, fresh, 0, 1, ode)
	if err != nil {
		return picture.Board{}, err
	}
	ends, err := f.Transport(ctx, x0, 0, 1, ode)
	if err != nil {
		return picture.Board{}, err
	}
	course, err := f.Course(ctx, x0, ode)
	if err != nil {
		return picture.Board{}, err
	}
	independent := meanCost(x0.Data, x1.X.Data)
	own := meanCost(x0.Data, ends.X.Data)
	_, least, err := assigned(x0.Data, ends.X.Data)
	if err != nil {
		return picture.Board{}, err
	}
	batch := picture.Line{Name: "minibatch OT of m rows", Width: 2.5}
	fmt.Printf("from N(0, I) to the kernel-smoothed moons, %d rows; E‖x₁ − x₀‖²\n\n| pairs | cost |\n| --- | --- |\n| independent | %.3f |\n", n, independent)
	for m := 1; m <= n; m *= 2 {
		sum, batches := 0.0, n/m
		for k := range batches {
			_, c, err := assigned(x0.Data[2*k*m:2*(k+1)*m], x1.X.Data[2*k*m:2*(k+1)*m])
			if err != nil {
				return picture.Board{}, err
			}
			sum += c / float64(batches)
		}
		batch.X, batch.Y = append(batch.X, float64(m)), append(batch.Y, sum)
		if m > 1 {
			fmt.Printf("| minibatch OT, m = %d | %.3f |\n", m, sum)
		}
	}
	fmt.Printf("| path energy of the flow ∫E‖v‖² dt | %.3f |\n| the flow's own pairs (x₀, T(x₀)): what reflow starts from | %.3f |\n| the same ends paired optimally: W₂² | %.3f |\n", course.Energy, own, least)
	fmt.Printf("\nthe flow's own pairs cost %.2f %% more than the optimal ones, and %.2f of the independent ones\n", 100*(own/least-1), own/independent)

	if err := turning(ctx); err != nil {
		return picture.Board{}, err
	}

	level := func(name string, v float64, colour int, dashed bool) picture.Line {
		return picture.Line{Name: name, X: []float64{1, n}, Y: []float64{v, v}, Colour: colour, Dashed: dashed, Width: 2.2}
	}
	chart := picture.Panel{Title: "mean squared distance of pairs", XName: "m", LogX: true, Lines: []picture.Line{
		level("path energy of the flow", course.Energy, 3, false), level("the flow's own pairs", own, 1, false),
		level("W₂² of the same ends", least, 2, true), batch,
	}}
	const shown = 130
	lines := func(title string, pairs func(i int) (a, b []float64), way func(i int) ([]float64, []float64)) picture.Panel {
		p := picture.Panel{Title: title, Box: [4]float64{-5.5, 7.5, -6.5, 6.5}}
		ends := picture.Line{Dots: true, Width: 2.4}
		starts := picture.Line{Dots: true, Width: 1.6, Colour: 5}
		for i := range shown {
			a, b := pairs(i)
			starts.X, starts.Y = append(starts.X, a[0]), append(starts.Y, a[1])
			ends.X, ends.Y = append(ends.X, b[0]), append(ends.Y, b[1])
			l := picture.Line{X: []float64{a[0], b[0]}, Y: []float64{a[1], b[1]}, Width: 1, Colour: 1, Alpha: 0.6}
			if way != nil {
				l.X, l.Y = way(i)
			}
			p.Lines = append(p.Lines, l)
		}
		p.Lines = append(p.Lines, starts, ends)
		return p
	}
	var times []float64
	var steps []autograd.Tensor[float64]
	at := x0.Slice(0, shown)
	for k := range 33 {
		t := float64(k) / 32
		if k > 0 {
			s, err := f.Transport(ctx, at, times[k-1], t, ode)
			if err != nil {
				return picture.Board{}, err
			}
			at = s.X
		}
		times, steps = append(times, t), append(steps, at)
	}
	col, _, err := assigned(x0.Data, ends.X.Data)
	if err != nil {
		return picture.Board{}, err
	}
	return picture.Board{
		Title: "Pairs that cross, a flow that does not, and the optimal pairs", Columns: 4, Side: 300,
		Caption: "From a normal law (grey) to two moons (blue). Flow matching is told the straight lines on the left; its flow is their mean velocity. Its ends are the right law, and its pairs cost hardly more than the optimal ones.",
		Panels: []picture.Panel{
			lines("independent pairs", func(i int) (a, b []float64) { return x0.Row(i), x1.X.Row(i) }, nil),
			lines("the flow's paths", func(i int) (a, b []float64) { return x0.Row(i), ends.X.Row(i) }, func(i int) (x, y []float64) {
				for _, s := range steps {
					x, y = append(x, s.Row(i)[0]), append(y, s.Row(i)[1])
				}
				return x, y
			}),
			lines("optimal pairs of the same ends", func(i int) (a, b []float64) { return x0.Row(i), ends.X.Row(col[i]) }, nil),
			chart,
		},
	}, nil
}

// turning measures a flow that is straight and far from optimal: each point goes straight to where a quarter turn takes it,
// xₜ = (1 - t + i·t)·x₀ in the complex plane, from the normal law to itself.
func turning(ctx context.Context) error {
	f := &cfm.Flow[float64]{Dim: 2, Field: cfm.FieldFunc[float64](func(q cfm.Query[float64]) autograd.Var[float64] {
		tp := q.T.Tape()
		re, im := tp.Alloc(q.T.Shape()), tp.Alloc(q.T.Shape())
		for k, t := range q.T.Value().Data {
			c := complex(-1, 1) / complex(1-t, t)
			re.Value().Data[k], im.Value().Data[k] = real(c), imag(c)
		}
		x, y := q.X.Slice(1, 0, 1), q.X.Slice(1, 1, 2)
		return q.X.Mul(re).Add(autograd.Concat(1, y.Neg(), x).Mul(im))
	})}
	const n = 1024
	x0 := f.Draw(n, rng.New(6))
	ode := odeint.Options{Rtol: 1e-8, Atol: 1e-8}
	c, err := f.Course(ctx, x0, ode)
	if err != nil {
		return err
	}
	ends, err := f.Transport(ctx, x0, 0, 1, ode)
	if err != nil {
		return err
	}
	_, least, err := assigned(x0.Data, ends.X.Data)
	if err == nil {
		fmt.Printf("\nstraight to a quarter turn, from the normal law to itself: path energy %.3f, straightness %.1g, pairs cost %.3f; the same %d ends paired optimally %.3f, and W₂ of the laws is 0\n",
			c.Energy, math.Abs(c.Straightness()), meanCost(x0.Data, ends.X.Data), n, least)
	}
	return err
}

func meanCost(x, y []float64) (sum float64) {
	for i, v := range x {
		sum += sq(v-y[i]) / float64(len(x)/2)
	}
	return sum
}

// assigned pairs rows of the plane optimally and returns the mean squared distance.
func assigned(x, y []float64) (col []int, mean float64, err error) {
	n := len(x) / 2
	cost := make([]float64, n*n)
	ot.SquaredDistances(cost, x, y, 2)
	col, total, err := ot.Assign(cost, n, n)
	return col, total / float64(n), err
}
