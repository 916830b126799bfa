"""Exact minibatch couplings, cost matrix included: the twins of bench/training.go's assignments."""
import numpy as np

from clock import Job
from fields import SHAPES, rows

CASES = [(dim, n) for dim in (2, 64) for n in (256, 1024)]


def couplings(make):
    """Jobs of make(x, y), which returns the call to be timed and what makes a mean cost of its result."""
    jobs = {}
    for dim, n in CASES:
        def setup(dim=dim, n=n):
            x = np.random.default_rng(0).normal(size=(n, dim))
            y = rows(SHAPES["small" if dim == 2 else "medium"], n, seed=3).astype("f8")
            solve, cost = make(x, y)
            return Job(solve, report=lambda: {"cost": float(cost(solve()))})
        jobs[f"ot/dim{dim}-n{n}"] = setup
    return jobs


def pot():
    import ot

    def make(x, y):
        w = np.full(len(x), 1 / len(x))
        return lambda: ot.emd(w, w, ot.dist(x, y)), lambda plan: (plan * ot.dist(x, y)).sum()
    return couplings(make)


def scipy():
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    def make(x, y):
        cost = lambda: cdist(x, y, "sqeuclidean")
        return lambda: linear_sum_assignment(cost()), lambda pair: cost()[pair].mean()
    return couplings(make)


def torchcfm():
    """What its matcher calls for each batch, up to the plan: float32 distances, POT's solver."""
    import torch
    from torchcfm.optimal_transport import OTPlanSampler

    def make(x, y):
        x, y = torch.from_numpy(x).float(), torch.from_numpy(y).float()
        sampler = OTPlanSampler("exact")
        return lambda: sampler.get_map(x, y), lambda plan: (plan * (torch.cdist(x, y) ** 2).numpy()).sum()
    return couplings(make)
