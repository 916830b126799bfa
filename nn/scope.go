package nn

import (
	"fmt"
	"slices"

	"pushforward/autograd"
	"pushforward/simd"
)

// Scope is a place in the tree of names: Root().Sub("net").Sub("0") declares "weight" as
// "net.0.weight", the name that PyTorch gives to the same layer.
type Scope[F simd.Float] struct {
	p    *Params[F]
	path string
}

// Sub returns the scope of that name under s.
func (s Scope[F]) Sub(name string) Scope[F] {
	return Scope[F]{s.p, s.join(name)}
}

// Index returns the i-th of numbered scopes under s.
func (s Scope[F]) Index(i int) Scope[F] { return s.Sub(fmt.Sprint(i)) }

func (s Scope[F]) join(name string) string {
	if name == "" {
		panic(fmt.Sprintf("nn: Scope: empty name under %q", s.path))
	}
	if s.path == "" {
		return name
	}
	return s.path + "." + name
}

// Param declares an array under this scope. It panics if the layout is closed, the name is
// taken, or an extent is negative.
//
// init is given the fans of the array: for [out, in, …] fanIn is in·… and fanOut out·…, the
// dots being the extents behind (a convolution's window). A vector's are both its length, a
// scalar's 1.
func (s Scope[F]) Param(name string, init Init, dims ...int) autograd.Param {
	p, name := s.p, s.join(name)
	if p.closed {
		panic(fmt.Sprintf("nn: Param %q: the layout was closed by Init", name))
	}
	if _, ok := p.index[name]; ok {
		panic(fmt.Sprintf("nn: Param %q: declared twice", name))
	}
	at := autograd.Param{Off: p.n, Shape: autograd.Dims(dims...)}
	d := declared{name: name, dims: append([]int{}, slices.Clone(dims)...), at: at, init: init, fanIn: 1, fanOut: 1}
	switch len(dims) {
	case 0:
	case 1:
		d.fanIn, d.fanOut = dims[0], dims[0]
	default:
		window := 1
		for _, n := range dims[2:] {
			window *= n
		}
		d.fanIn, d.fanOut = dims[1]*window, dims[0]*window
	}
	p.index[name] = len(p.list)
	p.list = append(p.list, d)
	a := align[F]()
	// An array without entries still gets a place of its own, so that places tell arrays apart.
	p.n += (max(at.Shape.Len(), 1) + a - 1) / a * a
	return at
}
