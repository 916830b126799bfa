// Package autograd differentiates programs made of tensor operations: values are recorded on a Tape
// as they are computed, and derivatives of any order are computed from the record.
//
// # One rule per operation
//
// An operation y = f(x₁, …, xₙ) knows two things: its value, and for each operand the
// vector–Jacobian product gᵀ·∂y/∂xᵢ, written in other operations of this package. So a derivative
// is itself on the tape and can be differentiated again, with no second set of rules. With
// w(u) = (∂y/∂x)ᵀu, linear in u, the transpose of w is ∂y/∂x: forward mode (JVP) is the VJP of a VJP.
// The gradient of a divergence estimate ε·(∂v/∂x)ᵀε with respect to θ, which trains a continuous
// normalizing flow, is Backward of something that contains a VJP.
//
// # Memory
//
// A tape owns slabs of memory; the value of an operation is the next piece of the current slab.
// Reset takes everything back, Mark and Release what was recorded since a point. After the first
// pass of a given size nothing is allocated. Inference is recording followed by Release. A Var that
// was released names itself when it is used:
//
//	autograd: Mul: operand was released; copy its Value first
//
// # Parameters
//
// All parameters lie in one vector θ; a Param says where. Tape.Backward adds ∂loss/∂θ to a vector
// of the same layout. The transposed copy of a weight matrix is kept until Tape.ThetaChanged.
//
// # Broadcasting
//
// The operands of an elementwise operation stretch to a common shape as in NumPy, with one right
// taken away. Operands of equal rank stretch freely: [B 1]·[1 D] gives [B D]. Where ranks differ, the
// missing leading axes are supplied only if the result has the shape of one of the operands: so a
// bias [B D]+[D] and scalars work, while [B 1]-[B], which would quietly give [B B], panics and asks
// for Expand. MatMul stretches the axes before the last two alike. The derivative with respect to a
// stretched operand is summed back over what was stretched.
//
// # Conventions at kinks
//
// ReLU'(0) = 0, Abs'(0) = 0, the gradient of Norm2 at 0 is 0, Clamp' = 0 at a bound; AMax and AMin
// share a tie evenly, Maximum and Minimum halve it, MaxPool2d gives it to the first of the window.
//
// # Errors
//
// A mistake in the program panics with a *ShapeError or a *UseError, which name the operation and
// the shapes. NaN and Inf are values like others; Tape.NonFinite finds where the first arose.
package autograd
