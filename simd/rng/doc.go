// Package rng draws random numbers from positions instead of from state: a [Key] is a seed and a
// path, and each number is a pure function of (key, index).
//
//	noise := rng.New(1).Named("noise").Fold(step)
//	rng.Normal(noise.Fold(row), z)
//
// Nothing is advanced, so nothing depends on who drew before: the noise of row 17 is the same alone
// or among a million, a resumed run needs only its step number, and goroutines share nothing.
//
// # The generator
//
// Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011):
// ten rounds of two 32×32→64 bit products over a counter of four words under a key of two. A Key
// holds 128 bits. Its low half is Philox's key, its high half the upper two words of the counter; the
// lower two words number the block. So New(seed) is plain Philox under the key seed, which the
// published test vectors check.
//
// A child key is the 128 bits of one block under a key that is never used for numbers (see
// [Key.Fold]).
//
// # Positions
//
// Blocks are taken in groups of 16, word by word, so that 16, 8 or 4 blocks can be computed side by
// side in vector registers and stored without a transpose: word w of block 16g+l is word 64g+16w+l
// of the stream. 64-bit numbers take a block's words in twos: number 32g+16p+l is words 2p (low) and
// 2p+1 (high) of block 16g+l.
//
//	Uniform[float32]  dst[i] = (word i ≫ 8) · 2⁻²⁴
//	Uniform[float64]  dst[i] = (number i ≫ 11) · 2⁻⁵³
//	Signs             dst[i] = -1 if bit i mod 32 of word ⌊i/32⌋ is set, else 1
//	Normal            see there
//
// All of them read the same stream: two kinds of numbers from one key are not independent. Take a
// child by [Key.Named] for each use.
package rng
