"""Equations without a network: the twins of bench/odes.go."""
import math

import numpy as np

import fields
from clock import Job

# The tolerances that give the errors, 1e-6 and 1e-5.
LORENZ_TOL = 5e-10
VAN_DER_POL_TOL = 3e-6


def lorenz():
    """SciPy's RK45 with a right-hand side as cheap as Python allows: floats in, a tuple out."""
    from scipy.integrate import solve_ivp

    def f(t, y):
        a, b, c = y.tolist()
        return 10 * (b - a), a * (28 - c) - b, a * b - 8 / 3 * c

    def solve(method="RK45", tol=LORENZ_TOL):
        return solve_ivp(f, (0, 10), (1.0, 1.0, 1.0), method=method, rtol=tol, atol=tol)

    def report():
        s = solve()
        return {"nfe": s.nfev, "err": fields.typical_error(solve("DOP853", 1e-13).y[:, -1][None], s.y[:, -1][None])}
    return {"ode/lorenz": lambda: Job(solve, 1, "solves", report=report)}


def van_der_pol():
    """diffrax's Dopri5, vmapped, so that each row has its own steps."""
    import diffrax
    import jax
    import jax.numpy as jnp
    n = 10000

    def setup():
        mu = 0.1 * np.exp(math.log(500) * np.arange(n) / (n - 1))

        def f(t, y, m):
            return jnp.stack([y[1], m * (1 - y[0] ** 2) * y[1] - y[0]])

        def one(m):
            s = diffrax.diffeqsolve(diffrax.ODETerm(f), diffrax.Dopri5(), 0.0, 10.0, None, jnp.array([2.0, 0.0], jnp.float32), args=m,
                                    stepsize_controller=diffrax.PIDController(rtol=VAN_DER_POL_TOL, atol=VAN_DER_POL_TOL), max_steps=None)
            return s.ys[-1], s.stats["num_steps"]
        g = jax.jit(jax.vmap(one))
        m = jnp.asarray(mu, jnp.float32)

        def report():
            from scipy.integrate import solve_ivp
            y, steps = g(m)
            want = [solve_ivp(lambda t, y, m=m: (y[1], m * (1 - y[0] ** 2) * y[1] - y[0]), (0, 10), (2.0, 0.0), method="DOP853",
                              rtol=fields.EXACT, atol=fields.EXACT).y[:, -1] for m in mu[::n // 200]]
            return {"nfe": 2 + 6 * float(np.mean(steps)), "err": fields.typical_error(want, y[::n // 200])}
        return Job(lambda: g(m), n, "rows", jax.block_until_ready, report)
    return {"ode/vanderpol": setup}
