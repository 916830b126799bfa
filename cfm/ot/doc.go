// Package ot computes optimal transport between finite sets of points.
//
// Given costs c[i,j] of carrying a unit of mass from point i to point j, and masses aᵢ and bⱼ of equal
// total, the problem is
//
//	minimise Σᵢⱼ pᵢⱼ·cᵢⱼ  over  pᵢⱼ ≥ 0,  Σⱼ pᵢⱼ = aᵢ,  Σᵢ pᵢⱼ = bⱼ.
//
// With n masses 1/n on each side some permutation is optimal, and [Solver.Assign] finds it by shortest
// augmenting paths; [Transport] takes any masses, by the network simplex method. Both are exact: their
// dual potentials u, v satisfy uᵢ + vⱼ ≤ cᵢⱼ with equality where mass flows, which proves it. Costs are
// ‖x - y‖² for W₂ and ‖x - y‖ for W₁.
//
// [Kantorovich] returns the potentials of W_p and continues them to all of space.
//
// [Sinkhorn] solves the problem with ε·Σ p·(log p - 1) added, in the log domain, so that no ε underflows, and
// ends with Newton's method where its sweeps crawl; [SinkhornUnbalanced] lets the masses differ. On the line the optimal plan is the sorted one: [Wp1D], and
// [SlicedW] averages it over directions. [SinkhornDivergence] and [Witness] build on these.
//
// Everything is a function of its arguments alone; ties go to the lower index. Matrices are row-major.
// NaN or infinite costs are errors that wrap [ErrCost].
package ot
