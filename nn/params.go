package nn

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unsafe"

	"pushforward/autograd"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// ErrMismatch is what Load's error wraps when a file is sound but its arrays are not those of
// the layout.
var ErrMismatch = errors.New("parameters differ")

// Params is the layout of one flat parameter vector θ: which name lies where. Layers
// declare their arrays through a Scope; Init closes the layout.
type Params[F simd.Float] struct {
	list   []declared
	index  map[string]int
	n      int // length of θ so far
	closed bool
}

// declared is one array of the layout.
type declared struct {
	name          string
	dims          []int
	at            autograd.Param
	init          Init
	fanIn, fanOut int
}

// NewParams returns an empty layout.
func NewParams[F simd.Float]() *Params[F] {
	return &Params[F]{index: map[string]int{}}
}

// Root returns the scope with the empty name.
func (p *Params[F]) Root() Scope[F] { return Scope[F]{p: p} }

// Len returns the length of θ, the padding between arrays included.
func (p *Params[F]) Len() int { return p.n }

// Count returns the number of parameters, without padding.
func (p *Params[F]) Count() int {
	n := 0
	for _, d := range p.list {
		n += d.at.Shape.Len()
	}
	return n
}

// Names returns the names in order of declaration.
func (p *Params[F]) Names() []string {
	names := make([]string, len(p.list))
	for i, d := range p.list {
		names[i] = d.name
	}
	return names
}

// Lookup returns the place of the array of that name.
func (p *Params[F]) Lookup(name string) (at autograd.Param, found bool) {
	i, ok := p.index[name]
	if !ok {
		return autograd.Param{}, false
	}
	return p.list[i].at, true
}

// align is the 64 bytes on which every array starts, in numbers of type F.
func align[F simd.Float]() int {
	var f F
	return 64 / int(unsafe.Sizeof(f))
}

// Init closes the layout and returns a new parameter vector. Initial values are drawn from
// key by name, so they do not depend on the order of declaration, nor on F but for rounding.
// Every array starts on a 64-byte boundary; the padding between stays zero.
func (p *Params[F]) Init(key rng.Key) []F {
	theta := p.Zeros()
	var wide []float64
	for _, d := range p.list {
		wide = append(wide[:0], make([]float64, d.at.Shape.Len())...)
		d.init(wide, d.fanIn, d.fanOut, key.Named(d.name))
		for i, v := range wide {
			theta[d.at.Off+i] = F(v)
		}
	}
	return theta
}

// Zeros closes the layout and returns a parameter vector of zeros, for Load to fill.
func (p *Params[F]) Zeros() []F {
	p.closed = true
	// Go promises no alignment of 64 bytes, although today's size classes give it.
	a := align[F]()
	theta := make([]F, p.n+a)
	off := 0
	if rest := int(uintptr(unsafe.Pointer(&theta[0]))%64) / (64 / a); rest > 0 {
		off = a - rest
	}
	return theta[off : off+p.n : off+p.n]
}

// check panics unless theta has the layout's length.
func (p *Params[F]) check(who string, theta []F) {
	if len(theta) != p.n {
		panic(fmt.Sprintf("nn: %s: theta has %d entries, the layout %d", who, len(theta), p.n))
	}
}

// All yields each name with its view into theta, in order of declaration.
func (p *Params[F]) All(theta []F) iter.Seq2[string, autograd.Tensor[F]] {
	p.check("All", theta)
	return func(yield func(string, autograd.Tensor[F]) bool) {
		for _, d := range p.list {
			n := d.at.Shape.Len()
			x := autograd.Tensor[F]{Shape: d.at.Shape, Data: theta[d.at.Off : d.at.Off+n : d.at.Off+n]}
			if !yield(d.name, x) {
				return
			}
		}
	}
}

// Arrays returns theta's arrays as a File holds them. They are views.
func (p *Params[F]) Arrays(theta []F) []Array {
	p.check("Arrays", theta)
	arrays := make([]Array, 0, len(p.list))
	for _, d := range p.list {
		arrays = append(arrays, Array{
			Name: d.name, Shape: slices.Clone(d.dims),
			Data: theta[d.at.Off : d.at.Off+d.at.Shape.Len()],
		})
	}
	return arrays
}

// Assign fills theta from the arrays of a file. A missing, unknown or misshapen name is an
// error that lists every mismatch and wraps ErrMismatch; theta is then unchanged. Numbers of
// another type are converted, wider ones rounded.
func (p *Params[F]) Assign(theta []F, arrays []Array) error {
	p.check("Assign", theta)
	given := make(map[string]*Array, len(arrays))
	for i := range arrays {
		given[arrays[i].Name] = &arrays[i]
	}
	var wrong []string
	for _, d := range p.list {
		switch a := given[d.name]; {
		case a == nil:
			wrong = append(wrong, fmt.Sprintf("missing %q", d.name))
		case !slices.Equal(a.Shape, d.dims):
			wrong = append(wrong, fmt.Sprintf("%q is %v, want %v", d.name, a.Shape, d.dims))
		}
	}
	for _, a := range arrays {
		if _, ok := p.index[a.Name]; !ok {
			wrong = append(wrong, fmt.Sprintf("unknown %q", a.Name))
		}
	}
	if len(wrong) > 0 {
		names := "names differ"
		if len(wrong) == 1 {
			names = "name differs"
		}
		return fmt.Errorf("nn: load: %d %s: %s: %w", len(wrong), names, strings.Join(wrong, "; "), ErrMismatch)
	}
	for _, d := range p.list {
		if err := Fill(theta[d.at.Off:d.at.Off+d.at.Shape.Len()], given[d.name]); err != nil {
			return err // cannot happen: the shapes are equal
		}
	}
	return nil
}

// Save writes theta in safetensors format. Names are those PyTorch would use.
func (p *Params[F]) Save(w io.Writer, theta []F, meta map[string]string) error {
	return WriteSafetensors(w, &File{Meta: meta, Arrays: p.Arrays(theta)})
}

// Load fills theta from a safetensors stream. A missing, unknown or misshapen name is an
// error that lists every mismatch; theta is then unchanged. A damaged stream is an error that
// wraps ErrFormat.
func (p *Params[F]) Load(r io.Reader, theta []F) (meta map[string]string, err error) {
	p.check("Load", theta)
	f, err := ReadSafetensors(r, -1)
	if err != nil {
		return nil, err
	}
	return f.Meta, p.Assign(theta, f.Arrays)
}
