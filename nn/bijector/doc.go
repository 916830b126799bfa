// Package bijector holds invertible maps and the densities they carry: discrete normalizing flows.
//
// # The formula
//
// A Bijector f takes a row x of data to a row y of latents, under a condition if there is one.
// With a standard normal law for y, the density of x is
//
//	log p(x | c) = log N(f(x; c); 0, I) + log |det ∂f/∂x|
//
// The sign of the second term is the one that goes wrong most often: f runs from data to
// latents, and the determinant is that of f, not of its inverse. Training maximises the mean of
// this number over data, so the loss is its negative (Papamakarios et al. 2021, §2).
//
// To be of use, f must have a cheap determinant and an exact inverse. Everything here is made of
// three shapes of Jacobian:
//
//	diagonal     ActNorm, and the elementwise maps Affine and Spline
//	triangular   Coupling, Autoregressive, LULinear (a product of two triangles)
//	I + u hᵀ     Planar
//
// # Elements and conditioners
//
// Coupling and Autoregressive are two ways to feed one elementwise map. An element (Affine,
// Spline) acts on each column by itself, with parameters of its own for each row and column; a
// conditioner computes these parameters from other columns. Coupling takes them from the columns
// that it leaves alone; Autoregressive gives column i those computed from columns 0 … i-1, by a
// network with masked weights. So there are four members of the family, of which three have
// names: RealNVP is Coupling of Affine, MAF Autoregressive of Affine, and a neural spline flow
// either of the two with Spline.
//
// The inverse of a coupling costs as much as the map itself. That of an autoregressive map is
// found column after column and costs D times as much: score with it, and sample patiently.
//
// # Rows
//
// No map here lets one row see another, so a density does not depend on the batch it is computed
// in, to the bit. There is no batch norm for that reason: ActNorm takes its statistics once, from
// a batch given to Flow.Init, and is an affine map ever after.
package bijector
