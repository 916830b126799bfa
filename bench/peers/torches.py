"""PyTorch and what is built on it: training steps, sampling, densities, maximum likelihood."""
import math

import numpy as np
import torch

import fields
from clock import Job
from fields import SHAPES

ACTIVATIONS = {"selu": torch.nn.SELU, "silu": torch.nn.SiLU}


def network(shape, weights):
    """The MLP with these weights."""
    parts = []
    for w, b in weights:
        linear = torch.nn.Linear(w.shape[1], w.shape[0])
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(w))
            linear.bias.copy_(torch.from_numpy(b))
        parts += [linear, ACTIVATIONS[shape.act]()]
    return torch.nn.Sequential(*parts[:-1])


class Field(torch.nn.Module):
    """v(t, x) with the time as the last column; counts how often it is asked."""

    def __init__(self, net):
        super().__init__()
        self.net, self.evals = net, 0

    def forward(self, t, x):
        self.evals += 1
        return self.net(torch.cat([x, t.expand(len(x), 1)], 1))


def training():
    """Steps of conditional flow matching, eager, with the fused Adam: the fastest of torch's own that needs no compiler."""
    return {f"train/{k}": (lambda k=k: step(SHAPES[k])) for k in ("small", "medium", "large")}


def torchcfm_training():
    """The same by torchcfm's matchers."""
    from torchcfm.conditional_flow_matching import ConditionalFlowMatcher, ExactOptimalTransportConditionalFlowMatcher
    return {"train/small": lambda: step(SHAPES["small"], ConditionalFlowMatcher(sigma=0.1)),
            "train/small-ot": lambda: step(SHAPES["small"], ExactOptimalTransportConditionalFlowMatcher(sigma=0.1))}


def step(shape, matcher=None):
    data = torch.from_numpy(fields.rows(shape, 50000))
    net = network(shape, fields.initial(shape))
    adam = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    loss = torch.zeros(())

    def run():
        nonlocal loss
        x1 = data[torch.randint(len(data), (shape.batch,))]
        x0 = torch.randn_like(x1)
        if matcher is None:
            t = torch.rand(shape.batch, 1)
            xt = x0 + t * (x1 - x0) + 0.1 * torch.randn_like(x1)
            ut = x1 - x0
        else:
            t, xt, ut = matcher.sample_location_and_conditional_flow(x0, x1)
            t = t[:, None]
        adam.zero_grad()
        loss = torch.nn.functional.mse_loss(net(torch.cat([xt, t], 1)), ut)
        loss.backward()
        adam.step()
        return loss
    return Job(run, 1, "steps", lambda r: r.item(), lambda: {"loss": loss.item()})


def samples(solve):
    """Jobs of 10,000 rows; solve(field, x0, tol) carries them from 0 to 1."""
    jobs = {}
    for name in ("small", "medium"):
        for tol in (1e-4, 1e-5):
            def setup(shape=SHAPES[name], tol=tol):
                field = Field(network(shape, fields.trained(shape)))
                x0 = torch.from_numpy(np.random.default_rng(7).normal(size=(10000, shape.dim)).astype("f4"))

                def report():
                    field.evals = 0
                    y = solve(field, x0, tol).numpy()[:200]
                    return {"nfe": field.evals, "err": fields.typical_error(fields.exact_samples(shape, x0.numpy()[:200]), y)}
                return Job(lambda: solve(field, x0, tol), len(x0), "rows", report=report)
            jobs[f"sample/{name}-{tol:.0e}".replace("e-0", "e-")] = setup
    return jobs


def torchdiffeq_samples():
    from torchdiffeq import odeint
    span = torch.tensor([0.0, 1.0])

    def solve(field, x0, tol):
        with torch.inference_mode():
            return odeint(field, x0, span, rtol=tol, atol=tol, method="dopri5")[-1]
    return samples(solve)


def wrapped(field):
    """A field as flow_matching wants it."""
    from flow_matching.utils import ModelWrapper

    class Wrapped(ModelWrapper):
        def forward(self, x, t, **extras):
            return self.model(t, x)
    return Wrapped(field)


def flow_matching_samples():
    from flow_matching.solver import ODESolver

    def solve(field, x0, tol):
        return ODESolver(wrapped(field)).sample(x_init=x0, step_size=None, method="dopri5", atol=tol, rtol=tol)
    return samples(solve)


DENSITIES = (("small-exact", "small", False), ("small-exact-strict", "small", False), ("d8-exact", "d8", False),
             ("d8-exact-strict", "d8", False),
             ("medium-hutchinson", "medium", True))  # all of them strict: the log-density counts in the error norm


def prior(z):
    return -0.5 * (z ** 2).sum(1) - 0.5 * z.shape[1] * math.log(2 * math.pi)


def densities(make):
    """Jobs of 1,000 rows at 1e-5; make(field, shape, x, hutchinson) returns run() -> (log p, probes or None)."""
    jobs = {}
    for name, key, hutchinson in DENSITIES:
        def setup(shape=SHAPES[key], hutchinson=hutchinson):
            field = Field(network(shape, fields.trained(shape)))
            x = torch.from_numpy(fields.rows(shape, 1000, seed=9))
            run = make(field, x, hutchinson)

            def report():
                field.evals = 0
                logp, probes = run()
                evals = field.evals
                n = 20 if shape.dim > 8 else 200
                want = fields.exact_density(shape, x.detach().numpy()[:n], None if probes is None else probes.numpy()[:n])
                return {"nfe": evals, "err": fields.typical_error(want, logp.detach().numpy()[:n])}
            return Job(run, len(x), "rows", report=report)
        jobs[f"density/{name}"] = setup
    return jobs


def torchdiffeq_densities():
    from torchdiffeq import odeint
    span = torch.tensor([1.0, 0.0])

    def make(field, x, hutchinson):
        def run():
            probes = torch.randint(2, x.shape).float() * 2 - 1 if hutchinson else None

            def both(t, state):
                with torch.enable_grad():
                    y = state[0].detach().requires_grad_(True)
                    v = field(t, y)
                    if hutchinson:
                        div = (torch.autograd.grad(v, y, probes)[0] * probes).sum(1)
                    else:
                        last = y.shape[1] - 1
                        div = sum(torch.autograd.grad(v[:, i].sum(), y, retain_graph=i < last)[0][:, i] for i in range(last + 1))
                return v.detach(), div

            with torch.no_grad():
                z, l = odeint(both, (x, torch.zeros(len(x))), span, rtol=1e-5, atol=1e-5, method="dopri5")
            return prior(z[-1]) + l[-1], probes
        return run
    return densities(make)


def flow_matching_densities():
    from flow_matching.solver import ODESolver

    def make(field, x, hutchinson):
        solver = ODESolver(wrapped(field))

        def run():
            probes = None
            if hutchinson:  # it draws its probe first of all, and does not tell it: draw the same one
                torch.manual_seed(0)
                probes = (torch.randn_like(x) < 0) * 2.0 - 1.0
                torch.manual_seed(0)
            _, logp = solver.compute_likelihood(x_1=x, log_p0=prior, step_size=None, method="dopri5", atol=1e-5, rtol=1e-5,
                                                exact_divergence=not hutchinson)
            return logp, probes
        return run
    return densities(make)


def likelihood(adjoint):
    """A step of maximum likelihood by torchdiffeq: backpropagation through the solver, or its adjoint."""
    from torchdiffeq import odeint, odeint_adjoint
    solve = odeint_adjoint if adjoint else odeint
    span = torch.tensor([1.0, 0.0])

    def setup():
        shape = SHAPES["small"]
        data = torch.from_numpy(fields.rows(shape, 50000))
        field = Field(network(shape, fields.trained(shape)))
        adam = torch.optim.Adam(field.parameters(), lr=1e-5, fused=True)

        class Both(torch.nn.Module):
            """v and the estimate of its divergence, differentiable once more."""

            def __init__(self):
                super().__init__()
                self.field, self.probes = field, None

            def forward(self, t, state):
                with torch.enable_grad():
                    y = state[0] if state[0].requires_grad else state[0].requires_grad_(True)
                    v = self.field(t, y)
                    g = torch.autograd.grad(v, y, self.probes, create_graph=True)[0]
                    return v, (g * self.probes).sum(1)

        both = Both()
        mean = torch.zeros(())

        def run():
            nonlocal mean
            x = data[torch.randint(len(data), (shape.batch,))]
            both.probes = torch.randint(2, x.shape).float() * 2 - 1
            adam.zero_grad()
            z, l = solve(both, (x, torch.zeros(len(x))), span, rtol=1e-5, atol=1e-5, method="dopri5")
            mean = (prior(z[-1]) + l[-1]).mean()
            (-mean).backward()
            adam.step()
            return mean

        def report():
            field.evals = 0
            run()
            return {"nfe": field.evals, "logp": mean.item()}
        return Job(run, 1, "steps", lambda r: r.item(), report)
    return {"cnf/small": setup, "cnf/small-strict": setup}
