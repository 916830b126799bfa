// Package optim fits parameter vectors: optimizers, learning-rate schedules, clipping and
// averaging, all of them plain loops over a flat []F.
//
// A parameter vector θ is one slice, whatever the model (see package nn), so an optimizer
// needs nothing but θ, a gradient of the same length and a rate:
//
//	opt := &optim.Adam[float32]{}
//	lr := optim.Cosine(3e-3, 100, 5000)
//	for step := range 5000 {
//		// … fill grad …
//		optim.ClipNorm(grad, 1)
//		opt.Step(theta, grad, lr(step))
//	}
//
// # Conventions
//
// Names and formulas are PyTorch's: momentum buffers start as the first gradient, bias
// correction divides the moments, ε is added outside the root. Weight decay has two fields,
// since two things go by that name. L2 adds L2·θ to the gradient (PyTorch's weight_decay
// in SGD, Adam and RMSprop), so an adaptive method rescales it. Decay shrinks θ by lr·Decay·θ
// whatever the gradient is (AdamW).
//
// Zero fields mean the default that their comment states. Where zero itself is a sensible
// setting and not the default (Beta1, Eps), a negative value asks for it.
//
// # Memory and bits
//
// The first Step, or Init, allocates the state; later steps allocate nothing. Every element
// of θ is updated from its own numbers only, by kernels that give the same bits on every
// CPU, and sums over elements run in one fixed order. An entry whose value and gradient are
// both zero stays zero, so the padding inside θ stays as it is.
//
// # Checkpoints
//
// State yields the vectors and StepCount the number of steps taken; together with θ they are
// all that the next step depends on. To restore: Init for the length of θ, copy into what
// State yields, SetStep.
package optim
