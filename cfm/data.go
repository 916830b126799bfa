package cfm

import (
	"fmt"

	"pushforward/autograd"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// Data yields training batches. Batches are prepared ahead of their step, several at a time,
// so Next is called from several goroutines and must be a pure function of key and b.Step:
// that is also what makes a resumed run equal one that never stopped.
type Data[F simd.Float] interface {
	// Next fills b.X1 with len(b.Row) rows in data units, b.Cond if the data has conditions,
	// and b.X0 if it comes in pairs; an X0 left empty is drawn from the source. The memory
	// of a batch is used again: make room with Grow.
	Next(b *Batch[F], key rng.Key) error
}

// Sized is Data that knows how many rows it has.
type Sized interface{ Len() int }

// Batch is some rows of training data: all of a batch or one shard of it. Row[i] is row i's
// number among the Total rows of the batch; noise and stratified times are keyed by it.
type Batch[F simd.Float] struct {
	X0, X1, Cond autograd.Tensor[F]
	Row          []int
	Total        int
	Step         int  // the training step the batch is for, from 0
	Held         bool // the rows are held out: of the loss only the value is asked for, no gradient

	// Cause, unless nil, is where an Objective that gives NaN may put the reason.
	Cause *error

	// root is the key that all batches of a run share, for data that keeps to an order over
	// many of them.
	root   rng.Key
	rooted bool
}

// Grow makes x a rows × cols tensor, in its own memory if that suffices. The elements hold
// whatever they held.
func Grow[F simd.Float](x *autograd.Tensor[F], rows, cols int) {
	x.Data = resize(x.Data, rows*cols)
	x.Shape = autograd.Dims(rows, cols)
}

// slice returns rows lo to hi of b as views.
func (b *Batch[F]) slice(lo, hi int) Batch[F] {
	s := Batch[F]{X0: b.X0.Slice(lo, hi), X1: b.X1.Slice(lo, hi), Row: b.Row[lo:hi], Total: b.Total, Step: b.Step, Held: b.Held}
	if b.Cond.Shape.Rank() > 0 {
		s.Cond = b.Cond.Slice(lo, hi)
	}
	return s
}

// FromTensor yields the rows of x1, each once in every pass over them. A pass's order is a
// pseudo-random permutation, a pure function of key, so that batch 1000 can be made without
// the 999 before it. x1 is borrowed.
func FromTensor[F simd.Float](x1 autograd.Tensor[F]) Data[F] {
	return newTable("FromTensor", x1, autograd.Tensor[F]{}, autograd.Tensor[F]{})
}

// FromPairs yields pairs (x₀, x₁), row by row, in the order of FromTensor. x0 is in the
// coordinates of the source, x1 in data units. Couplings do not touch them.
func FromPairs[F simd.Float](x0, x1 autograd.Tensor[F]) Data[F] {
	return newTable("FromPairs", x1, x0, autograd.Tensor[F]{})
}

// FromConditioned yields rows of x1 with their rows of cond, in the order of FromTensor.
func FromConditioned[F simd.Float](x1, cond autograd.Tensor[F]) Data[F] {
	return newTable("FromConditioned", x1, autograd.Tensor[F]{}, cond)
}

// table is data that lies in memory.
type table[F simd.Float] struct{ x1, x0, cond autograd.Tensor[F] }

func newTable[F simd.Float](who string, x1, x0, cond autograd.Tensor[F]) Data[F] {
	if x1.Shape.Rank() != 2 || x1.Rows() == 0 {
		panic(fmt.Sprintf("cfm: %s: x1 is %v, want [n, D] with n > 0", who, x1.Shape))
	}
	for _, y := range []autograd.Tensor[F]{x0, cond} {
		if y.Data != nil && (y.Shape.Rank() != 2 || y.Rows() != x1.Rows()) {
			panic(fmt.Sprintf("cfm: %s: %v does not go with %v row by row", who, y.Shape, x1.Shape))
		}
	}
	if x0.Data != nil && x0.Shape != x1.Shape {
		panic(fmt.Sprintf("cfm: %s: x0 is %v, x1 %v", who, x0.Shape, x1.Shape))
	}
	return &table[F]{x1: x1, x0: x0, cond: cond}
}

// Len returns the number of rows.
func (d *table[F]) Len() int { return d.x1.Rows() }

// Next gathers the rows of a batch.
func (d *table[F]) Next(b *Batch[F], key rng.Key) error {
	first := 0
	if b.rooted {
		key, first = b.root, b.Step*b.Total
	}
	n := uint64(d.x1.Rows())
	Grow(&b.X1, len(b.Row), d.x1.Shape.Dim(1))
	if d.x0.Data != nil {
		Grow(&b.X0, len(b.Row), d.x0.Shape.Dim(1))
	}
	if d.cond.Data != nil {
		Grow(&b.Cond, len(b.Row), d.cond.Shape.Dim(1))
	}
	// For many rows at a time all first turns, then what they miss, then the rows: the processor can begin on the next
	// of each while it waits for one.
	var s shuffle
	var at [64]uint64
	for lo, k := 0, 0; lo < len(b.Row); lo += k {
		pass := uint64(first+b.Row[lo]) / n
		if lo == 0 || pass != s.pass {
			s = newShuffle(key, pass, n)
		}
		for k = 0; k < min(len(at), len(b.Row)-lo); k++ {
			i := uint64(first + b.Row[lo+k])
			if i/n != pass {
				break
			}
			at[k] = s.turn(i % n)
		}
		for i, j := range at[:k] {
			at[i] = s.inside(j)
		}
		gather(&b.X1, d.x1, lo, at[:k])
		gather(&b.X0, d.x0, lo, at[:k])
		gather(&b.Cond, d.cond, lo, at[:k])
	}
	return nil
}

// gather copies the rows of src at the given places to dst, from row lo on.
func gather[F simd.Float](dst *autograd.Tensor[F], src autograd.Tensor[F], lo int, at []uint64) {
	w := columns(src)
	for i, j := range at {
		copy(dst.Data[(lo+i)*w:][:w], src.Data[int(j)*w:][:w])
	}
}

// columns returns the width of a matrix, 0 for the zero Tensor.
func columns[F simd.Float](x autograd.Tensor[F]) int {
	if x.Data == nil {
		return 0
	}
	return x.Shape.Dim(1)
}

// Augment returns d with f applied to every row drawn, in data units: fresh noise for each
// use of a row, such as the uniform number that makes counts continuous. f gets a key of its
// own for each row of each step; it is called from several goroutines.
func Augment[F simd.Float](d Data[F], f func(x []F, key rng.Key)) Data[F] {
	a := augmented[F]{d, f}
	if s, ok := d.(Sized); ok {
		return sizedAugmented[F]{a, s}
	}
	return a
}

type augmented[F simd.Float] struct {
	Data[F]
	f func(x []F, key rng.Key)
}

type sizedAugmented[F simd.Float] struct {
	augmented[F]
	Sized
}

func (a augmented[F]) Next(b *Batch[F], key rng.Key) error {
	if err := a.Data.Next(b, key); err != nil {
		return err
	}
	noise := key.Named("augment")
	for i, r := range b.Row {
		a.f(b.X1.Row(i), noise.Fold(uint64(r)))
	}
	return nil
}

// shuffle is a permutation of 0 … n-1 of which any element can be had alone: a Feistel
// network over the smallest 4ᵏ ≥ n, applied again while it leads out of the range (Black and
// Rogaway 2002). It need not resist an adversary: six rounds of a good 64-bit mix are plenty for an
// order of rows. Halves of a few bits mix slowly, and get sixteen.
type shuffle struct {
	pass, n uint64
	half    uint // bits of each half
	rounds  int
	keys    [16]uint64
}

func newShuffle(key rng.Key, pass, n uint64) shuffle {
	s := shuffle{pass: pass, n: n, half: 1}
	for n > 1<<(2*s.half) {
		s.half++
	}
	s.rounds = 6
	if s.half <= 4 {
		s.rounds = len(s.keys)
	}
	k := key.Named("shuffle").Fold(pass)
	for i := range s.rounds {
		s.keys[i] = k.Uint64(uint64(i))
	}
	return s
}

// at returns element i of the permutation.
func (s *shuffle) at(i uint64) uint64 { return s.inside(s.turn(i)) }

// inside turns i until it is an element.
func (s *shuffle) inside(i uint64) uint64 {
	for i >= s.n {
		i = s.turn(i)
	}
	return i
}

// turn applies the network once.
func (s *shuffle) turn(i uint64) uint64 {
	mask := uint64(1)<<s.half - 1
	l, r := i>>s.half, i&mask
	for _, k := range s.keys[:s.rounds] {
		// Stafford's finaliser, the mix of SplitMix64.
		z := r ^ k
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
		l, r = r, l^z&mask
	}
	return l<<s.half | r
}
