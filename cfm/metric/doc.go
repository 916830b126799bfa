// Package metric judges samples: how far apart two of them are, whether one copies the other, how well
// scores rank. Everything works on slices of rows, row-major, in float64.
//
// Between two samples x and y:
//
//   - [EnergyDistance], 2·E‖X-Y‖ - E‖X-X'‖ - E‖Y-Y'‖, zero for equal laws and only for them;
//   - [MMD2], the same with a Gaussian kernel in place of the distance;
//   - [GaussianW2Squared], the squared 2-Wasserstein distance of the fitted Gaussians;
//   - the exact and sliced Wasserstein distances of package ot.
//
// Statistics come as U (unbiased, may be negative) and V (with the diagonal terms, never negative, and
// above zero even for one law: compare it with the value that two real samples of these sizes have).
//
// Against memorising: [Nearest] and [CopyShare]. For generated classes: [Vote]. For scores: [AUROC],
// [AveragePrecision], [FPRAt]. For flows: [PathEnergy], [ExcessEnergy] and [Straightness]. For posteriors: [C2ST], [Ranks],
// [Levels] and [Coverage].
//
// Programmer's mistakes, such as lengths that do not fit, panic; numbers that are not finite pass through
// to the result.
package metric
