package picture

import (
	"bytes"
	"image"
	"image/gif"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/cfm/dataset"
	"pushforward/cfm/metric"
	"pushforward/simd/rng"
)

// render returns a picture's bytes. With PICTURES set to a folder it leaves the picture there, to be
// looked at.
func render(t *testing.T, name string, f func(io.Writer) error) []byte {
	t.Helper()
	var a bytes.Buffer
	require.NoError(t, f(&a))
	if dir := os.Getenv("PICTURES"); dir != "" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), a.Bytes(), 0o644))
	}
	return a.Bytes()
}

// A picture depends on its arguments only.
func TestSameBytes(t *testing.T) {
	p := moonsPlane(t, 30, 5, 8)
	for _, f := range []func(io.Writer) error{
		p.PNG, digitSheet().PNG, Motion{Times: p.Times, Path: p.Path}.GIF,
		Columns{Names: []string{"a", "b"}, Real: p.Data, Drawn: p.Samples}.PNG,
		Curve{Title: "loss", Step: p.Times, Loss: p.Times}.PNG,
	} {
		require.Equal(t, render(t, "same", f), render(t, "same", f))
	}
}

func decode(t *testing.T, b []byte) *image.RGBA {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(b))
	require.NoError(t, err)
	c := newCanvas(img.Bounds().Dx(), img.Bounds().Dy())
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			c.Set(x, y, img.At(x, y))
		}
	}
	return c.RGBA
}

func law(t *testing.T, name string, n int, seed uint64) []float64 {
	l, err := dataset.Toy(name)
	require.NoError(t, err)
	x := make([]float64, 2*n)
	l.Sample(x, rng.New(seed))
	return x
}

// moonsPlane is a model of the moons that is exact: noise goes to its place along an arc.
func moonsPlane(t *testing.T, n, times, grid int) Plane {
	data, drawn := law(t, "moons-normal", n, 1), law(t, "moons-normal", n, 2)
	noise := make([]float64, len(drawn))
	rng.Normal(rng.New(3), noise)
	p := Plane{
		Title: "moons-normal", Caption: "A flow of 5,000 steps, drawn after training. It carries normal noise to the law of the data.",
		Names: [2]string{"x0", "x1"}, Data: data, Samples: drawn,
	}
	for k := range times {
		s := float64(k) / float64(times-1)
		x := make([]float64, min(len(drawn), 1600))
		for i := range x {
			x[i] = (1-s)*2*noise[i] + s*drawn[i] + 1.5*math.Sin(math.Pi*s)*float64(i%2)
		}
		p.Times, p.Path = append(p.Times, s), append(p.Path, x)
	}
	p.Density = NewGrid(data, grid)
	l, err := dataset.Toy("moons-normal")
	require.NoError(t, err)
	pts := p.Density.Points()
	for i := 0; i < len(pts); i += 2 {
		logp, _ := l.LogProb(pts[i : i+2])
		p.Density.LogP = append(p.Density.LogP, logp)
	}
	return p
}

func TestPlane(t *testing.T) {
	n, grid := 2000, 72
	if testing.Short() {
		n, grid = 100, 12
	}
	for _, times := range []int{5, 33} {
		if testing.Short() && times > 5 {
			break
		}
		name := map[int]string{5: "plane5.png", 33: "plane33.png"}[times]
		img := decode(t, render(t, name, moonsPlane(t, n, times, grid).PNG))
		require.Greater(t, img.Rect.Dx(), 1500)
	}
	p := moonsPlane(t, 300, 5, 8)
	p.Density.LogP[3] = math.NaN()
	p.Density = nil
	p.Data = nil
	render(t, "plane-bare.png", p.PNG)
	render(t, "plane-samples.png", Plane{Title: "two columns", Names: [2]string{"mass", "length"}, Samples: []float64{1, 2, math.NaN(), 3, math.Inf(1), 4}}.PNG)
}

func TestGrid(t *testing.T) {
	g := &Grid{X0: -3, X1: 3, Y0: -3, Y1: 3, NX: 60, NY: 60}
	pts := g.Points()
	require.Len(t, pts, 2*60*60)
	require.InDeltaSlice(t, []float64{-2.95, -2.95, -2.85, -2.95}, pts[:4], 1e-12)
	for i := 0; i < len(pts); i += 2 {
		g.LogP = append(g.LogP, -0.5*(pts[i]*pts[i]+pts[i+1]*pts[i+1]))
	}
	// The contour of half the mass of a normal law is a circle of radius √(2 ln 2).
	v, most := g.density()
	require.InDelta(t, 1, most, 0.01)
	pieces := 0
	g.contour(v, level(v, 0.5), func(x0, y0, x1, y1 float64) {
		require.InDelta(t, math.Sqrt(2*math.Ln2), math.Hypot(x0, y0), 0.04)
		require.InDelta(t, math.Sqrt(2*math.Ln2), math.Hypot(x1, y1), 0.04)
		pieces++
	})
	require.Greater(t, pieces, 50)
	require.InDelta(t, math.Exp(-0.5*(0.55*0.55+0.35*0.35)), g.at(v, 0.55, 0.35), 0.01)
	// Boxes are squares unless the axes have other units.
	b := around(0.1, []float64{0, 0, 1, 2})
	require.InDelta(t, b.x1-b.x0, b.y1-b.y0, 1e-12)
	b = around(0.1, []float64{0, 0, 1, 2000})
	require.Greater(t, b.y1-b.y0, 100*(b.x1-b.x0))
}

func digitSheet() Sheet {
	x, class := dataset.Digits()
	s := Sheet{Title: "digits", Caption: "Ten digits the model drew, given the class, the training row nearest to each, and real rows it has not seen.", Side: 8, Levels: 16}
	first := func(c, skip int) []float64 {
		for i, k := range class {
			if k == c {
				if skip--; skip < 0 {
					return x[i*64 : (i+1)*64]
				}
			}
		}
		panic("no such digit")
	}
	noise := make([]float64, 64)
	for c := range 10 {
		s.Labels = append(s.Labels, string(rune('0'+c)))
		rng.Normal(rng.New(uint64(c)), noise)
		for j, v := range first(c, 3) {
			s.Drawn = append(s.Drawn, v+0.6*noise[j])
		}
	}
	row, _ := metric.Nearest(x[:1000*64], s.Drawn, 64)
	for _, i := range row {
		s.Nearest = append(s.Nearest, x[i*64:(i+1)*64]...)
	}
	for k := range 3 {
		for c := range 10 {
			s.Real = append(s.Real, first(c, 60+k)...)
		}
	}
	return s
}

func TestSheet(t *testing.T) {
	s := digitSheet()
	img := decode(t, render(t, "sheet.png", s.PNG))
	// Every image is there: paper where the value rounds to 0, ink where it is full.
	dark := 0
	for _, v := range s.Drawn {
		if math.Round(v) >= 16 {
			dark++
		}
	}
	for _, part := range [][]float64{s.Nearest, s.Real} {
		for _, v := range part {
			if v == 16 {
				dark++
			}
		}
	}
	count := 0
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			if img.RGBAAt(x, y) == ink {
				count++
			}
		}
	}
	require.GreaterOrEqual(t, count, dark*100, "%d cells of full ink, 10×10 pixels each", dark)
	require.Less(t, count, dark*100+20000, "text is small")

	x, _ := dataset.Digits()
	render(t, "sheet-plain.png", Sheet{Title: "40 drawn images", Side: 8, Levels: 16, Labels: make([]string, 10), Drawn: x[:40*64]}.PNG)
	render(t, "sheet-one.png", Sheet{Title: "1 drawn image", Side: 8, Levels: 16, Labels: []string{"7"}, Drawn: x[:64]}.PNG)
	render(t, "sheet-none.png", Sheet{Title: "nothing", Side: 8, Levels: 16}.PNG)
}

func TestColumns(t *testing.T) {
	p, err := dataset.Penguins().Without("island", "sex", "year")
	require.NoError(t, err)
	r, err := p.Select("species")
	require.NoError(t, err)
	drawn := make([]float64, len(r.X))
	rng.Normal(rng.New(1), drawn)
	for i := range drawn {
		drawn[i] = r.X[i] + drawn[i]*[]float64{1, 0.4, 3, 120}[i%4]
	}
	c := Columns{Title: "penguins", Caption: "342 real rows and 342 drawn rows, all species together", Names: r.Columns, Real: r.X, Drawn: drawn}
	render(t, "columns4.png", c.PNG)
	x, _ := dataset.Digits()
	names := make([]string, 64)
	for j := range names {
		names[j] = "pixel " + number(float64(j))
	}
	render(t, "columns64.png", Columns{Title: "digits", Caption: "as a table", Names: names, Real: x[:300*64], Drawn: x[300*64 : 600*64]}.PNG)
	render(t, "columns1.png", Columns{Title: "100 drawn rows", Names: []string{"x0"}, Drawn: drawn[:100]}.PNG)
	render(t, "columns2.png", Columns{Title: "drawn rows", Names: []string{"x0", "x1"}, Drawn: law(t, "rings", 800, 1)}.PNG)
	require.InDelta(t, -1, correlation([]float64{1, 2, 3}, []float64{3, 2, 1}), 1e-12)
	require.True(t, math.IsNaN(correlation([]float64{1, 1}, []float64{3, 2})))
}

func TestCurve(t *testing.T) {
	noise := make([]float64, 300)
	rng.Normal(rng.New(1), noise)
	v := Curve{Title: "digits: loss", Caption: "Its least value is not zero but the mean conditional variance of the velocity."}
	for k := range noise {
		s := float64(10 * k)
		v.Step, v.Loss = append(v.Step, s), append(v.Loss, 0.55+1.2*math.Exp(-s/150)+0.04*noise[k])
		if k%30 == 29 {
			v.ValStep, v.Val = append(v.ValStep, s), append(v.Val, 0.6+1.2*math.Exp(-s/150)+s*2e-5)
		}
	}
	render(t, "loss.png", v.PNG)
	for k := range v.Loss {
		v.Loss[k] = math.Exp(-float64(k)/40) + 0.001
	}
	v.Val, v.ValStep = nil, nil
	v.Loss[7] = math.NaN()
	render(t, "loss-log.png", v.PNG)
	render(t, "loss-flat.png", Curve{Title: "flat", Step: []float64{1, 2}, Loss: []float64{-1, -1}}.PNG)
}

func TestTicks(t *testing.T) {
	require.Equal(t, []float64{0, 20, 40, 60, 80, 100}, ticks(0, 100, 5))
	require.InDeltaSlice(t, []float64{-0.2, 0, 0.2}, ticks(-0.25, 0.3, 3), 1e-12)
	require.Empty(t, ticks(1, 1, 5))
	require.Equal(t, "−2.5", number(-2.5))
	require.Equal(t, "0", number(math.Copysign(0, -1)))
	require.Equal(t, "0.3", number(0.1+0.2))
	require.Equal(t, "1e+06", number(1e6))
}

func TestMotion(t *testing.T) {
	n := 400
	if testing.Short() {
		n = 20
	}
	p := moonsPlane(t, n, 17, 4)
	b := render(t, "flow.gif", Motion{Title: "moons-normal", Times: p.Times, Path: p.Path}.GIF)
	g, err := gif.DecodeAll(bytes.NewReader(b))
	require.NoError(t, err)
	require.Len(t, g.Image, frames)
	require.Less(t, len(b), 2<<20)
	for _, f := range g.Image {
		require.Equal(t, g.Image[0].Palette, f.Palette)
	}
	if testing.Short() {
		return
	}
	s := digitSheet()
	noise := make([]float64, len(s.Drawn))
	rng.Normal(rng.New(1), noise)
	for i := range noise {
		noise[i] = 8 + 5*noise[i]
	}
	b = render(t, "digits.gif", ImageMotion{Title: "digits", Side: 8, Levels: 16, Times: []float64{0, 1}, Path: [][]float64{noise, s.Drawn}}.GIF)
	_, err = gif.DecodeAll(bytes.NewReader(b))
	require.NoError(t, err)
	require.Less(t, len(b), 4<<20)
}

// TestBoard draws every kind of panel, and finds a line's colour where the line is and 256 colours at most.
func TestBoard(t *testing.T) {
	v := make([]float64, 20*20)
	for i := range v {
		v[i] = math.Sin(float64(i) / 7)
	}
	v[0] = math.NaN()
	x := []float64{1, 10, 100}
	b := Board{Title: "t", Caption: "c", Columns: 2, Panels: []Panel{
		{Title: "map", Map: &Map{X0: 0, X1: 1, Y0: 0, Y1: 1, NX: 20, NY: 20, V: v, Signed: true}},
		{Title: "lines", XName: "x", YName: "y", LogX: true, LogY: true, Lines: []Line{
			{Name: "a", X: x, Y: []float64{1, 0.1, 0.01}}, {Name: "b", X: x, Y: x, Dashed: true, Colour: 1}, {Name: "c", X: x, Y: x, Dots: true, Colour: 2}}},
		{Title: "level", Box: [4]float64{0, 1, 0, 1}, Lines: []Line{{X: []float64{0, 1}, Y: []float64{0.5, 0.5}, Width: 9}}},
	}}
	var w bytes.Buffer
	require.NoError(t, b.PNG(&w))
	img, err := png.Decode(&w)
	require.NoError(t, err)
	require.IsType(t, &image.Paletted{}, img)
	found := 0
	for y := range img.Bounds().Dy() {
		r, g, bl, _ := img.At(66+150, y).RGBA()
		near := func(v uint32, want uint8) bool { return math.Abs(float64(v>>8)-float64(want)) < 20 }
		if near(r, realCol.R) && near(g, realCol.G) && near(bl, realCol.B) && y > img.Bounds().Dy()/2 {
			found++
		}
	}
	require.InDelta(t, 9, found, 2, "the line is nine pixels wide in the middle of its panel")
}
