// Package odeint integrates ordinary differential equations
//
//	dy/dt = f(t, y),  y(t₀) = y₀
//
// for many independent rows at once, each with its own steps and its own ending.
//
//	sol, err := odeint.Solve(ctx, odeint.Func(2, func(dy []float64, t float64, y []float64) {
//		dy[0], dy[1] = y[1], -math.Sin(y[0])
//	}), []float64{1, 0 /* a second row: */, 2, 0}, 0, 10, odeint.Options{Rtol: 1e-8})
//
// # The parts
//
//	System      f, of a whole batch of rows          knows nothing of steps
//	Tableau     a Runge–Kutta method, as data         knows nothing at all
//	Controller  turns errors into step sizes          knows three numbers of one row
//	Solver      the loop and all buffers              does not know what f is
//	Solution    states, events, how each row ended
//	Event       one function of (t, y)                does not know how its roots are found
//
// A method is a table: the loop is written once, and to add a method is to add data. Tables check themselves when a solver
// is made.
//
// # Rows
//
// A row has its own time, step, error history and status. A step evaluates all rows still in play at their own times; rows whose
// step was refused try again while the others go on, and rows that have ended leave the batch. What a row's solution is does
// not depend on the rows about it, by a single bit, provided that the System treats rows independently. So one hard row does not
// slow the easy ones, and a batch may be cut up at will.
//
// # Steps
//
// An attempt gives y⁺ and an estimate e of its error. It is kept if
//
//	√(Σ wᵢ·(eᵢ / (atol + rtol·max(|yᵢ|, |y⁺ᵢ|)))² / Σ wᵢ) ≤ 1,
//
// and the next step is 0.9·‖e‖^(-1/k) times as long for a method of order k, within 0.2 and 10, and not longer right after a refusal
// (Hairer, Nørsett, Wanner, Solving Ordinary Differential Equations I, II.4; the first step by their rule too). The tolerance bounds
// the error of a step; that of the solution is usually of the same size, times what the problem does to it.
//
// Times are float64 whatever the state is. t₁ is hit exactly; saved times are interpolated and cost nothing. t₁ < t₀ is no special
// case: h is negative and f sees true times.
//
// # Endings
//
// A solve always answers. A row ends done, stopped by an event, at the step limit, at the least step, at a number that is not
// finite however small the step, or cancelled: see [Status]. The error names the first row that failed, where and after
// how much work, and the [Solution] holds what all rows reached. A row whose steps are held down by stability and not
// by accuracy is reported as stiff ([RowStats]) and goes on.
//
// # Gradients
//
// [Solver.Gradient] pulls a cotangent back through the steps that were kept: the exact gradient of the discrete solution. The
// package knows no tape; a System that offers [Pullback] brings its own. [Adjoint] is the other way, and says when it is wrong.
//
// # Noise
//
// [SolveSDE] integrates stochastic equations with noise that is a function of row and step.
package odeint
