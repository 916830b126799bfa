package rng

// Key names a stream of random numbers (Philox4x32-10). It is a value: copy it freely. The zero Key is
// New(0).
type Key struct{ hi, lo uint64 }

// New returns the root key of a seed.
func New(seed uint64) Key { return Key{0, seed} }

// What children are made of comes from keys with these bits flipped, which no stream of numbers
// uses but by a coincidence of 128 bits.
const (
	foldBits = 0x5851F42D4C957F2D
	nameBits = 0x14057B7EF767814F
)

// child returns the 128 bits of block i under a key set apart from k's own by the domain.
func (k Key) child(i, domain uint64) Key {
	w0, w1, w2, w3 := Key{k.hi, k.lo ^ domain}.block(i)
	return Key{hi: uint64(w3)<<32 | uint64(w2), lo: uint64(w1)<<32 | uint64(w0)}
}

// Fold returns the i-th child of k, independent of its siblings and of k.
func (k Key) Fold(i uint64) Key { return k.child(i, foldBits) }

// Named is Fold by a name, so that adding a stream never renumbers the others. The name enters by its
// 64-bit FNV-1a hash; no name's child is a numbered child.
func (k Key) Named(name string) Key {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h ^= uint64(name[i])
		h *= 1099511628211
	}
	return k.child(h, nameBits)
}
