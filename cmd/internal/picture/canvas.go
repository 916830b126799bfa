package picture

import (
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// canvas is an image with shapes whose edges are smoothed by how much of a pixel they cover.
type canvas struct{ *image.RGBA }

func newCanvas(w, h int) canvas {
	c := canvas{image.NewRGBA(image.Rect(0, 0, w, h))}
	draw.Draw(c, c.Bounds(), image.NewUniform(paper), image.Point{}, draw.Src)
	return c
}

func (c canvas) encode(w io.Writer) error {
	return png.Encode(w, c.RGBA)
}

// blend lays col over the pixel with weight a.
func (c canvas) blend(x, y int, col color.RGBA, a float64) {
	if !(image.Point{x, y}).In(c.Rect) || a <= 0 {
		return
	}
	a = math.Min(a, 1)
	p := c.Pix[c.PixOffset(x, y):]
	for k, v := range [3]uint8{col.R, col.G, col.B} {
		p[k] = uint8(math.Round(float64(p[k]) + a*(float64(v)-float64(p[k]))))
	}
}

// fill paints a rectangle.
func (c canvas) fill(r image.Rectangle, col color.RGBA) {
	draw.Draw(c, r, image.NewUniform(col), image.Point{}, draw.Src)
}

// frame draws the one-pixel border just outside r.
func (c canvas) frame(r image.Rectangle, col color.RGBA) {
	o := r.Inset(-1)
	c.fill(image.Rect(o.Min.X, o.Min.Y, o.Max.X, r.Min.Y), col)
	c.fill(image.Rect(o.Min.X, r.Max.Y, o.Max.X, o.Max.Y), col)
	c.fill(image.Rect(o.Min.X, r.Min.Y, r.Min.X, r.Max.Y), col)
	c.fill(image.Rect(r.Max.X, r.Min.Y, o.Max.X, r.Max.Y), col)
}

// line draws a segment of the given width with round ends, inside clip, with opacity a. A segment without
// length is a dot.
func (c canvas) line(x0, y0, x1, y1, width float64, col color.RGBA, a float64, clip image.Rectangle) {
	r := width / 2
	if math.IsNaN(x0 + y0 + x1 + y1) {
		return
	}
	lo := func(v float64) int { return int(math.Floor(math.Max(-1e6, math.Min(1e6, v)))) }
	box := image.Rect(lo(math.Min(x0, x1)-r-1), lo(math.Min(y0, y1)-r-1), lo(math.Max(x0, x1)+r+2), lo(math.Max(y0, y1)+r+2)).Intersect(clip)
	dx, dy := x1-x0, y1-y0
	l2 := dx*dx + dy*dy
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			px, py := float64(x)+0.5-x0, float64(y)+0.5-y0
			if l2 > 0 {
				s := math.Max(0, math.Min(1, (px*dx+py*dy)/l2))
				px, py = px-s*dx, py-s*dy
			}
			c.blend(x, y, col, a*math.Max(0, math.Min(1, r+0.5-math.Sqrt(px*px+py*py))))
		}
	}
}

// dot draws a disc of radius r.
func (c canvas) dot(x, y, r float64, col color.RGBA, a float64, clip image.Rectangle) {
	c.line(x, y, x, y, 2*r, col, a, clip)
}

// weight chooses a font.
type weight int

const (
	regular weight = iota
	bold
)

var fonts = sync.OnceValue(func() (f [2]*opentype.Font) {
	for k, ttf := range [][]byte{goregular.TTF, gobold.TTF} {
		var err error
		if f[k], err = opentype.Parse(ttf); err != nil {
			panic("picture: font: " + err.Error())
		}
	}
	return f
})

var faces sync.Map // of faceKey to font.Face; a face is guarded by faceLock

type faceKey struct {
	w    weight
	size float64
}

var faceLock sync.Mutex

func face(w weight, size float64) font.Face {
	key := faceKey{w, size}
	if f, ok := faces.Load(key); ok {
		return f.(font.Face)
	}
	f, err := opentype.NewFace(fonts()[w], &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		panic("picture: font: " + err.Error())
	}
	faces.Store(key, f)
	return f
}

// textWidth is how wide s is in pixels.
func textWidth(s string, w weight, size float64) float64 {
	faceLock.Lock()
	defer faceLock.Unlock()
	return float64(font.MeasureString(face(w, size), s)) / 64
}

// text writes s with its baseline at y. x is where the share at of its width lies: 0 writes to the right
// of x, 1 to the left, ½ centred.
func (c canvas) text(x, y float64, s string, w weight, size float64, col color.RGBA, at float64) {
	width := textWidth(s, w, size)
	faceLock.Lock()
	defer faceLock.Unlock()
	d := font.Drawer{Dst: c, Src: image.NewUniform(col), Face: face(w, size)}
	d.Dot = fixed.Point26_6{X: fixed.Int26_6(math.Round((x - at*width) * 64)), Y: fixed.Int26_6(math.Round(y * 64))}
	d.DrawString(s)
}

// vertical writes s from bottom to top, centred at (x, y).
func (c canvas) vertical(x, y float64, s string, w weight, size float64, col color.RGBA) {
	width, height := int(textWidth(s, w, size))+4, int(size*1.4)
	t := newCanvas(width, height)
	t.text(2, size, s, w, size, col, 0)
	x0, y0 := int(x)-height/2, int(y)-width/2
	for j := range height {
		for i := range width {
			p := t.RGBAAt(i, j)
			if p != paper {
				c.SetRGBA(x0+j, y0+width-1-i, p)
			}
		}
	}
}

// fit shortens s until it is at most width wide.
func fit(s string, w weight, size, width float64) string {
	if textWidth(s, w, size) <= width {
		return s
	}
	r := []rune(s)
	for len(r) > 1 && textWidth(string(r)+"…", w, size) > width {
		r = r[:len(r)-1]
	}
	return string(r) + "…"
}

// wrap breaks s at blanks into lines at most width wide.
func wrap(s string, w weight, size, width float64) (lines []string) {
	line := ""
	for _, word := range splitBlanks(s) {
		switch {
		case line == "":
			line = word
		case textWidth(line+" "+word, w, size) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
