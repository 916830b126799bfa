"""JAX, optax and diffrax: training steps, sampling, densities, maximum likelihood. Everything is compiled whole."""
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax

import fields
from clock import Job
from fields import SHAPES

ACTIVATIONS = {"selu": jax.nn.selu, "silu": jax.nn.silu}


def apply(shape, net, h):
    """The MLP's value for inputs with the time in the last column."""
    f = ACTIVATIONS[shape.act]
    for w, b in net[:-1]:
        h = f(h @ w.T + b)
    w, b = net[-1]
    return h @ w.T + b


def velocity(shape, net, t, x):
    return apply(shape, net, jnp.concatenate([x, jnp.full((len(x), 1), t, x.dtype)], 1))


def on_device(weights):
    return [(jnp.asarray(w), jnp.asarray(b)) for w, b in weights]


def training(scan=0):
    """Steps of conditional flow matching, each one call of a compiled function; or `scan` steps in one call."""
    return {f"train/{k}": (lambda k=k: step(SHAPES[k], scan)) for k in (("small",) if scan else ("small", "medium", "large"))}


def step(shape, scan):
    data = jnp.asarray(fields.rows(shape, 50000))
    adam = optax.adam(1e-3)

    def one(net, state, key):
        key, a, b, c, d = jax.random.split(key, 5)
        x1 = data[jax.random.randint(a, (shape.batch,), 0, len(data))]
        x0 = jax.random.normal(b, x1.shape)
        t = jax.random.uniform(c, (shape.batch, 1))
        xt = x0 + t * (x1 - x0) + 0.1 * jax.random.normal(d, x1.shape)
        loss, grad = jax.value_and_grad(
            lambda net: jnp.mean((apply(shape, net, jnp.concatenate([xt, t], 1)) - (x1 - x0)) ** 2))(net)
        update, state = adam.update(grad, state, net)
        return optax.apply_updates(net, update), state, key, loss

    def many(net, state, key):
        def body(carry, _):
            *carry, loss = one(*carry)
            return tuple(carry), loss
        carry, losses = jax.lax.scan(body, (net, state, key), None, length=scan)
        return *carry, losses[-1]

    f = jax.jit(many if scan else one, donate_argnums=(0, 1, 2))
    net = on_device(fields.initial(shape))
    now = [net, adam.init(net), jax.random.PRNGKey(0), None]

    def run():
        now[:] = f(*now[:3])
        return now[3]
    return Job(run, scan or 1, "steps", lambda r: r.block_until_ready(), lambda: {"loss": float(now[3])})


def dopri5(f, t0, t1, y0, args, tol, **more):
    """diffrax with its usual controller; one step size for the whole batch."""
    import diffrax
    s = diffrax.diffeqsolve(diffrax.ODETerm(f), diffrax.Dopri5(), t0, t1, None, y0, args=args,
                            stepsize_controller=diffrax.PIDController(rtol=tol, atol=tol), **more)
    return jax.tree.map(lambda y: y[-1], s.ys), s.stats["num_steps"]


def evals(steps):
    """Evaluations of that many steps tried: six each, the seventh stage being the next one's first, and two to begin."""
    return 6 * int(steps) + 2


def samples():
    jobs = {}
    for name in ("small", "medium"):
        for tol in (1e-4, 1e-5):
            def setup(shape=SHAPES[name], tol=tol):
                net = on_device(fields.trained(shape))
                x0 = jnp.asarray(np.random.default_rng(7).normal(size=(10000, shape.dim)), jnp.float32)
                f = jax.jit(lambda net, x: dopri5(lambda t, y, net: velocity(shape, net, t, y), 0.0, 1.0, x, net, tol))

                def report():
                    y, steps = f(net, x0)
                    want = fields.exact_samples(shape, np.asarray(x0[:200]))
                    return {"nfe": evals(steps), "err": fields.typical_error(want, y[:200])}
                return Job(lambda: f(net, x0), len(x0), "rows", jax.block_until_ready, report)
            jobs[f"sample/{name}-{tol:.0e}".replace("e-0", "e-")] = setup
    return jobs


def with_divergence(shape, probes):
    """(v, ∇·v) of the state (x, ℓ): by one product with the probes, or with each axis where there are none."""
    def both(t, state, net):
        x = state[0]
        f = lambda x: velocity(shape, net, t, x)
        if probes is not None:
            v, jv = jax.jvp(f, (x,), (probes,))
            return v, (jv * probes).sum(1)
        axes = jnp.eye(shape.dim)
        v, jv = jax.vmap(lambda e: jax.jvp(f, (x,), (jnp.broadcast_to(e, x.shape),)), out_axes=(None, 0))(axes)
        return v, jnp.einsum("ini->n", jv)
    return both


def prior(z):
    return -0.5 * (z ** 2).sum(1) - 0.5 * z.shape[1] * math.log(2 * math.pi)


def log_density(shape, net, x, probes, **more):
    (z, l), steps = dopri5(with_divergence(shape, probes), 1.0, 0.0, (x, jnp.zeros(len(x))), net, 1e-5, **more)
    return prior(z) + l, steps


def densities():
    jobs = {}
    for name, key, hutchinson in (("small-exact", "small", False), ("small-exact-strict", "small", False),
                                  ("d8-exact", "d8", False), ("d8-exact-strict", "d8", False), ("medium-hutchinson", "medium", True)):
        def setup(shape=SHAPES[key], hutchinson=hutchinson):
            net = on_device(fields.trained(shape))
            x = jnp.asarray(fields.rows(shape, 1000, seed=9))
            probes = jnp.asarray(fields.signs(*x.shape)) if hutchinson else None
            if hutchinson:
                f = jax.jit(lambda net, x, p: log_density(shape, net, x, p))
                run = lambda: f(net, x, probes)
            else:
                f = jax.jit(lambda net, x: log_density(shape, net, x, None))
                run = lambda: f(net, x)

            def report():
                logp, steps = run()
                n = 20 if shape.dim > 8 else 200
                want = fields.exact_density(shape, np.asarray(x[:n]), None if probes is None else np.asarray(probes[:n]))
                return {"nfe": evals(steps), "err": fields.typical_error(want, logp[:n])}
            return Job(run, len(x), "rows", jax.block_until_ready, report)
        jobs[f"density/{name}"] = setup
    return jobs


def likelihood(backsolve):
    """A step of maximum likelihood by diffrax: its default, checkpointed backpropagation, or the backsolve adjoint."""
    import diffrax

    def setup():
        shape = SHAPES["small"]
        data = jnp.asarray(fields.rows(shape, 50000))
        adam = optax.adam(1e-5)
        adjoint = diffrax.BacksolveAdjoint() if backsolve else diffrax.RecursiveCheckpointAdjoint()

        def one(net, state, key):
            key, a, b = jax.random.split(key, 3)
            x = data[jax.random.randint(a, (shape.batch,), 0, len(data))]
            probes = jax.random.rademacher(b, x.shape, jnp.float32)

            def loss(net):
                # The adjoints want all that is differentiated in args: the probes go along.
                def both(t, state, args):
                    return with_divergence(shape, args[1])(t, state, args[0])
                (z, l), steps = dopri5(both, 1.0, 0.0, (x, jnp.zeros(len(x))), (net, probes), 1e-5, adjoint=adjoint)
                return -(prior(z) + l).mean(), steps
            (value, steps), grad = jax.value_and_grad(loss, has_aux=True)(net)
            update, state = adam.update(grad, state, net)
            return optax.apply_updates(net, update), state, key, value, steps

        f = jax.jit(one)
        net = on_device(fields.trained(shape))
        now = [net, adam.init(net), jax.random.PRNGKey(0), None, None]

        def run():
            now[:] = f(*now[:3])
            return now[3]
        return Job(run, 1, "steps", lambda r: r.block_until_ready(),
                   lambda: {"nfe": evals(now[4]), "logp": -float(now[3])})
    return {"cnf/small": setup, "cnf/small-strict": setup}
