#!/usr/bin/env python3
"""Reference cases of cfm that are hard: ends of paths, ties and duplicates, clouds far apart and equal ones, little regularisation.

    hard_cfm.py FOLDER [--seed S]
    PUSHFORWARD_REFERENCE=FOLDER go test ./cfm/... -run Reference

writes FOLDER/cfm/{paths,schedulers,ot,metrics}.json in the layout of the tests' own testdata/reference, from torchcfm, flow_matching, POT, SciPy
and scikit-learn. Where POT's scalings underflow the plan is a fixed point iterated here with SciPy's logsumexp; where they do not, both are held
against each other. Plans of partial transport and dual potentials, which that layout lacks, are in "partial" and "duals".
"""
import argparse
import json
import math
import os
import warnings
from importlib.metadata import version

import numpy as np
import ot as pot
import torch
from scipy.optimize import linear_sum_assignment, linprog
from scipy.special import logsumexp

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
SOURCE = ", ".join(f"{k} {version(k)}" for k in ("torch", "torchcfm", "flow-matching", "POT", "scipy", "scikit-learn"))
EXACT = 10**7


def number(v):
    v = float(v)
    return v if math.isfinite(v) else {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[repr(v)]


def tensor(a):
    a = np.asarray(a, dtype="f8")
    return {"shape": list(a.shape), "data": [number(v) for v in a.ravel()]}


def f32(a):
    """Inputs are exact in float32."""
    return np.asarray(a, dtype="f4").astype("f8")


# --- paths and schedules

def path(name, matcher, sigma, x0, x1, t, eps):
    import torchcfm.conditional_flow_matching as cf
    m = {"independent": cf.ConditionalFlowMatcher, "exact_ot": cf.ExactOptimalTransportConditionalFlowMatcher,
         "target": cf.TargetConditionalFlowMatcher, "schrodinger_bridge": cf.SchrodingerBridgeConditionalFlowMatcher,
         "variance_preserving": cf.VariancePreservingConditionalFlowMatcher}[matcher](sigma=sigma)
    x0, x1, eps, t = (torch.tensor(f32(a)) for a in (x0, x1, eps, t))
    std = torch.as_tensor(m.compute_sigma_t(t), dtype=torch.float64)
    std = std.expand(t.shape) if std.dim() == 0 else std
    x = m.sample_xt(x0, x1, t, eps)
    return {"name": name, "matcher": matcher, "sigma": sigma, "x0": tensor(x0), "x1": tensor(x1), "t": tensor(t), "eps": tensor(eps),
            "mu_t": tensor(m.compute_mu_t(x0, x1, t)), "sigma_t": tensor(std), "x_t": tensor(x), "u_t": tensor(m.compute_conditional_flow(x0, x1, t, x))}


def schedule(kind, args, t, rng):
    from flow_matching.path import AffineProbPath, scheduler as s
    sch = {"cond_ot": s.CondOTScheduler, "polynomial": s.PolynomialConvexScheduler, "vp": s.VPScheduler,
           "linear_vp": s.LinearVPScheduler, "cosine": s.CosineScheduler}[kind](**args)
    t = torch.tensor(t, dtype=torch.float64)
    x1, eps = (torch.tensor(f32(rng.standard_normal((len(t), 3)))) for _ in range(2))
    o, p, tc = sch(t), AffineProbPath(sch), t[:, None]
    x = o.alpha_t[:, None] * x1 + o.sigma_t[:, None] * eps
    u = p.target_to_velocity(x1, x, tc)
    return {"kind": kind, "args": args, "t": tensor(t), "alpha": tensor(o.alpha_t), "sigma": tensor(o.sigma_t), "d_alpha": tensor(o.d_alpha_t),
            "d_sigma": tensor(o.d_sigma_t), "snr_inverse": tensor(sch.snr_inverse(o.alpha_t / o.sigma_t)), "x1": tensor(x1), "eps": tensor(eps),
            "x_t": tensor(x), "u_t": tensor(o.d_alpha_t[:, None] * x1 + o.d_sigma_t[:, None] * eps), "velocity_from_x1": tensor(u),
            "velocity_from_eps": tensor(p.epsilon_to_velocity(eps, x, tc)), "x1_from_velocity": tensor(p.velocity_to_target(u, x, tc)),
            "eps_from_velocity": tensor(p.velocity_to_epsilon(u, x, tc))}


# --- transport

def squared(x, y):
    return ((x[:, None, :] - y[None, :, :]) ** 2).sum(-1)


def sinkhorn(a, b, cost, reg):
    """The plan of POT's log-domain solver, its marginals polished by Newton's method on the dual where its sweeps crawl."""
    la, lb = np.log(a), np.log(b)
    f, g = np.zeros(len(a)), np.zeros(len(b))
    eps = max(reg, cost.max())
    while True:  # from much regularisation to little
        for _ in range(200):
            f = la - logsumexp(g[None] - cost / eps, 1)
            g = lb - logsumexp(f[:, None] - cost / eps, 0)
        if eps == reg:
            break
        f, g, eps = f * eps / max(reg, eps / 2), g * eps / max(reg, eps / 2), max(reg, eps / 2)
    for k in range(200):
        plan = np.exp(f[:, None] + g[None] - cost / reg)
        err = np.concatenate([a - plan.sum(1), b - plan.sum(0)])
        if np.abs(err).max() < 1e-15:
            break
        h = np.block([[np.diag(plan.sum(1)), plan], [plan.T, np.diag(plan.sum(0))]])
        step = np.linalg.lstsq(h, err, rcond=1e-14)[0]
        step *= min(1, 2 / np.abs(step).max())
        f, g = f + step[: len(a)], g + step[len(a):]
    assert np.abs(err).max() < 1e-12 + 1e-16 * cost.max() / reg, np.abs(err).max()  # exponents so large are rounded
    return plan


def unbalanced(a, b, cost, reg, weight):
    """POT's default form in the log domain: the entropy is relative to a times b."""
    power = weight / (weight + reg)
    k = np.log(a)[:, None] + np.log(b)[None] - cost / reg
    f, g = np.zeros(len(a)), np.zeros(len(b))
    for it in range(400000):
        f = power * (np.log(a) - logsumexp(k + g[None], 1))
        new = power * (np.log(b) - logsumexp(k + f[:, None], 0))
        if np.abs(new - g).max() < 1e-15 * max(1, np.abs(g).max()):
            break
        g = new
    return np.exp(f[:, None] + k + g[None])


def transport(name, x0, x1, regs=(), duals=False):
    x0, x1 = f32(x0), f32(x1)
    cost, (n, m) = squared(x0, x1), (len(x0), len(x1))
    a, b = np.full(n, 1 / n), np.full(m, 1 / m)
    d = {"name": name, "x0": tensor(x0), "x1": tensor(x1), "weights": "uniform", "cost": "squared Euclidean"}
    plan = pot.emd(a, b, cost, numItermax=EXACT)
    d["w2_squared"] = float((plan * cost).sum())
    if n == m:
        row, col = linear_sum_assignment(cost)
        d["w2_squared"] = float(cost[row, col].mean())
        d["permutation"] = col.tolist()
        if n <= 64:
            best = np.inf
            for i in range(n):
                z = cost.copy()
                z[i, col[i]] = 1e30 if n == 1 else 1e3 * (cost.max() + 1)
                r, c = linear_sum_assignment(z)
                best = min(best, z[r, c].mean())
            d["second_best_w2_squared"] = float(best)
    assert abs(d["w2_squared"] - (plan * cost).sum()) <= 1e-9 * max(1e-6, d["w2_squared"])
    d["w2"] = math.sqrt(max(0, d["w2_squared"]))
    d["w1"] = float(pot.emd2(a, b, np.sqrt(cost), numItermax=EXACT))
    if duals:  # Kantorovich and Rubinstein: the largest mean difference of a 1-Lipschitz function, as a linear program
        z = np.concatenate([x0, x1])
        dist = np.sqrt(squared(z, z))
        i, j = np.nonzero(~np.eye(n + m, dtype=bool))
        rows = np.zeros((len(i), n + m))
        rows[np.arange(len(i)), i], rows[np.arange(len(i)), j] = 1, -1
        s = linprog(-np.concatenate([a, -b]), rows, dist[i, j], bounds=[(0, 0)] + [(None, None)] * (n + m - 1), method="highs")
        d["kantorovich_rubinstein"] = float(-s.fun)
    d["sinkhorn"] = []
    for reg in regs:
        s = sinkhorn(a, b, cost, reg)
        theirs = pot.sinkhorn(a, b, cost, reg, method="sinkhorn_log", stopThr=1e-12, numItermax=20000)
        off = max(np.abs(theirs.sum(0) - b).max(), np.abs(theirs.sum(1) - a).max())
        if off < 1e-11:
            assert np.abs(s - theirs).max() < 1e-9, (name, reg, np.abs(s - theirs).max())
        with np.errstate(divide="ignore", invalid="ignore"):
            entropy = float(np.where(s > 0, s * (np.log(s) - 1), 0).sum())
        d["sinkhorn"].append({"reg": reg, "plan": tensor(s), "transport_cost": float((s * cost).sum()), "neg_entropy": entropy,
                              "marginal_error": float(max(np.abs(s.sum(0) - b).max(), np.abs(s.sum(1) - a).max()))})
        print(" ", name, "reg", reg, "POT's marginal error", off, flush=True)
    return d


def relaxed(name, x0, x1, reg, weight):
    x0, x1 = f32(x0), f32(x1)
    cost, a, b = squared(x0, x1), np.full(len(x0), 1 / len(x0)), np.full(len(x1), 1 / len(x1))
    s = unbalanced(a, b, cost, reg, weight)
    theirs = pot.unbalanced.sinkhorn_knopp_unbalanced(a, b, cost, reg, weight, stopThr=1e-14, numItermax=200000)
    if cost.max() / reg < 300:  # its kernel does not underflow
        assert np.abs(s - theirs).max() < 1e-9, (name, np.abs(s - theirs).max())
    error = max(np.abs(s.sum(1) - a).max(), np.abs(s.sum(0) - b).max())
    return {"name": name, "x0": tensor(x0), "x1": tensor(x1), "reg": reg, "reg_m": weight, "plan": tensor(s), "mass": float(s.sum()), "marginal_error": float(error)}


def partial(name, x0, x1, pairs):
    x0, x1 = f32(x0), f32(x1)
    cost, n, m = squared(x0, x1), len(x0), len(x1)
    # In units of one pair; POT's partial transport needs its mass below the smaller total.
    s = linprog(cost.ravel(), np.concatenate([np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))]), np.ones(n + m),
                np.ones((1, n * m)), [pairs], bounds=(0, None), method="highs")
    if pairs < min(n, m):
        theirs = pot.partial.partial_wasserstein(np.ones(n), np.ones(m), cost, m=pairs)
        assert abs((theirs * cost).sum() - s.fun) < 1e-7 * max(1, s.fun), (name, (theirs * cost).sum(), s.fun)
    return {"name": name, "x0": tensor(x0), "x1": tensor(x1), "pairs": pairs, "cost": float(s.fun)}


# --- metrics

def metrics(name, x, y, directions, widths, rng):
    x, y = f32(x), f32(y)
    n, m = len(x), len(y)
    u = rng.standard_normal((directions, x.shape[1]))
    u = f32(u / np.linalg.norm(u, axis=1, keepdims=True))
    a, b = np.full(n, 1 / n), np.full(m, 1 / m)
    xy, xx, yy = squared(x, y), squared(x, x), squared(y, y)

    def both(k):
        v = k(xx).mean() + k(yy).mean() - 2 * k(xy).mean()
        u = (k(xx).sum() - n * k(0.0)) / (n * (n - 1)) + (k(yy).sum() - m * k(0.0)) / (m * (m - 1)) - 2 * k(xy).mean()
        return float(v), float(u)

    def mmd(w):
        return dict(zip(("v", "u"), both(lambda q: np.exp(-q / (2 * w * w)))), bandwidth=float(w))

    lines = [[float(pot.wasserstein_1d(x @ d, y @ d, p=p)) for d in u] for p in (1, 2)]
    energy = both(lambda q: -np.sqrt(q))
    all_ = np.concatenate([x, y])
    median = np.median(np.sqrt(squared(all_, all_))[np.triu_indices(n + m, 1)])
    mu, c0, c1 = x.mean(0) - y.mean(0), np.atleast_2d(np.cov(x.T)), np.atleast_2d(np.cov(y.T))
    val, vec = np.linalg.eigh(c0)
    root = vec @ np.diag(np.sqrt(np.maximum(val, 0))) @ vec.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ c1 @ root), 0)).sum()
    return {"name": name, "x": tensor(x), "y": tensor(y), "projections": tensor(u),
            "w2": math.sqrt(max(0, pot.emd2(a, b, xy, numItermax=EXACT))), "w1": float(pot.emd2(a, b, np.sqrt(xy), numItermax=EXACT)),
            "sliced_w2": math.sqrt(np.mean(lines[1])), "sliced_w1": float(np.mean(lines[0])), "sliced_w2_squared_per_projection": lines[1],
            "energy_distance_v": energy[0], "energy_distance_u": energy[1], "mmd2": [mmd(w) for w in widths],
            "mmd2_median": mmd(median), "mean_x": tensor(x.mean(0)), "cov_x": tensor(np.cov(x.T)),
            "gaussian_w2_squared": float(mu @ mu + np.trace(c0 + c1) - 2 * cross)}


def ranking(name, score, label):
    from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve
    score = f32(score)
    fpr, tpr, _ = roc_curve(label, score, drop_intermediate=False)
    return {"name": name, "score": tensor(score), "label": [int(v) for v in label], "auroc": float(roc_auc_score(label, score)),
            "average_precision": float(average_precision_score(label, score)), "fpr_at_95_tpr": float(fpr[np.argmax(tpr >= 0.95)])}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("folder")
    p.add_argument("--seed", type=int, default=1)
    args = p.parse_args()
    r = np.random.default_rng(args.seed)
    N = lambda *s: r.standard_normal(s)
    out = os.path.join(args.folder, "cfm")
    os.makedirs(out, exist_ok=True)

    def write(name, **content):
        with open(os.path.join(out, name), "w") as f:
            json.dump({"source": SOURCE, **content}, f, separators=(",", ":"), allow_nan=False)
        print(name, os.path.getsize(f.name), flush=True)

    ends = [0, 1e-7, 1e-4, 0.5, 1 - 1e-4, 1 - 2**-20, 1]
    cases = []
    for m in ("independent", "exact_ot", "target", "schrodinger_bridge", "variance_preserving"):
        for s in (0.0, 1e-3, 1.0, 3.0) if m != "schrodinger_bridge" else (1e-3, 1.0, 5.0):
            k = len(ends)
            if m == "target" and s > 1:
                continue
            cases.append(path(f"{m}_{s:g}_ends", m, s, N(k, 3), N(k, 3), ends, N(k, 3)))
            x = N(k, 2)
            cases.append(path(f"{m}_{s:g}_equal", m, s, x, x, ends, N(k, 2)))
            cases.append(path(f"{m}_{s:g}_far", m, s, N(k, 1), 1e4 + N(k, 1), r.uniform(0, 1, k), N(k, 1)))
        cases.append(path(f"{m}_image", m, 0.5, N(2, 2, 3, 3), N(2, 2, 3, 3), [0.02, 0.98], N(2, 2, 3, 3)))
    write("paths.json", tol_abs_f64=1e-12, tol_rel_f32=5e-6, cases=cases)
    t = [1e-4, 1e-2, 0.3, 0.9, 0.99, 0.9999]
    write("schedulers.json", tol_rel_f64=1e-9, cases=[schedule(k, a, at, r) for k, a in (
        ("cond_ot", {}), ("polynomial", {"n": 1.0}), ("polynomial", {"n": 3.5}), ("vp", {}), ("vp", {"beta_min": 0.5, "beta_max": 5.0}),
        ("linear_vp", {}), ("cosine", {})) for at in (t, [0.0, 0.5, 1.0])])

    grid = np.stack(np.meshgrid(np.arange(4), np.arange(4)), -1).reshape(-1, 2).astype(float)
    twice = np.repeat(N(10, 2), 2, 0)
    same = N(30, 3)
    write("ot.json", tol_rel_cost=1e-9, tol_abs_plan=1e-8, cases=[
        transport("one", N(1, 2), N(1, 2), (0.1,)), transport("one_many", N(1, 3), N(5, 3), (0.5,), True), transport("line", N(40, 1), N(40, 1), (0.1,), True),
        transport("ties", grid, grid + 0.5, (0.05, 1.0), True), transport("ties_turned", grid, grid[::-1], (0.5,)), transport("twice", twice, twice[::-1] + 1, (0.1,)),
        transport("equal", same, same[r.permutation(30)], (0.1,), True), transport("all_one_point", np.ones((6, 2)), np.ones((6, 2)), (0.1,)),
        transport("all_two_points", np.ones((6, 2)), 3 * np.ones((4, 2)), (0.1,), True), transport("far", N(32, 2), N(32, 2) + 1000, (1.0, 100.0)),
        transport("far_apart", np.concatenate([N(12, 2), N(12, 2) + 300]), np.concatenate([N(16, 2) + 300, N(8, 2)]), (5.0,)),
        transport("small", 1e-4 * N(24, 2), 1e-4 * N(24, 2), (1e-9, 1e-8), True), transport("tiny_reg", N(24, 2), N(24, 2) + 1, (0.01, 0.003)),
        transport("tiny_reg_rect", N(20, 2), N(30, 2), (0.02,)), transport("wide", N(60, 64), N(60, 64) + 0.2, (2.0,)), transport("rect_coprime", N(31, 2), N(47, 2)),
        transport("tall", N(90, 3), N(7, 3), (1.0,)), transport("n512", N(512, 2), 2 * N(512, 2) + 1), transport("n512_ties", np.round(2 * N(512, 2)), np.round(2 * N(512, 2))),
        transport("n512_16d", N(512, 16), N(512, 16)), transport("n512_rect", N(512, 2), N(384, 2))],
        unbalanced=[relaxed("light", N(9, 2), N(9, 2) + 1, 0.5, 0.05), relaxed("heavy", N(9, 2), N(12, 2) + 1, 0.5, 50.0), relaxed("little_reg", N(10, 2), N(10, 2), 0.05, 1.0),
                    relaxed("far", N(8, 2), N(8, 2) + 40, 1.0, 1.0), relaxed("outliers", np.concatenate([N(10, 2), N(2, 2) + 20]), N(12, 2), 0.2, 2.0),
                    relaxed("equal", same, same, 0.1, 1.0), relaxed("all_one_point", np.ones((4, 2)), np.ones((5, 2)), 0.3, 1.0)],
        partial=[partial("few", N(12, 2), N(12, 2), 4), partial("rect", N(10, 3), N(15, 3), 7), partial("ties", grid, grid + 0.5, 5), partial("all", N(9, 2), N(9, 2), 9),
                 partial("outliers", np.concatenate([N(10, 2), N(2, 2) + 100]), N(12, 2), 10), partial("equal", same, same, 20), partial("one", N(5, 2), N(7, 2), 1)])

    label = (r.random(80) < 0.15).astype(int)
    label[0] = 1
    one = np.zeros(50, int)
    one[7] = 1
    write("metrics.json", tol_rel=1e-8, cases=[
        metrics("line", N(30, 1), N(45, 1) + 1, 3, (0.1, 1.0), r), metrics("ties", np.round(N(60, 2)), np.round(N(60, 2)), 8, (0.5,), r),
        metrics("equal", same, same[r.permutation(30)], 8, (1.0,), r), metrics("far", N(40, 2), N(40, 2) + 1000, 8, (1.0, 500.0), r),
        metrics("shifted_both", N(40, 2) + 1000, N(40, 2) + 1000, 8, (1.0,), r), metrics("small", 1e-3 * N(40, 2), 1e-3 * N(40, 2), 8, (1e-3, 1.0), r),
        metrics("two", N(2, 2), N(3, 2), 4, (1.0,), r), metrics("flat", N(50, 3) * [1, 1, 0], N(50, 3) * [1, 0, 1], 8, (1.0,), r),
        metrics("wide", N(80, 20), N(60, 20) * 1.2, 16, (2.0, 0.1), r), metrics("n512", N(512, 2), N(512, 2) * [2, 0.5], 32, (0.5,), r)],
        ranking=[ranking("perfect", np.arange(50) + 100.0 * (np.arange(50) > 40), np.arange(50) > 40), ranking("worst", -np.arange(50.0), np.arange(50) > 40),
                 ranking("constant", np.ones(80), label), ranking("two_values", (N(80) > 0).astype(float), label), ranking("one_positive", N(50), one),
                 ranking("ties", np.round(N(80) + 0.5 * label), label), ranking("huge", 1e30 * N(80), label)])


main()
