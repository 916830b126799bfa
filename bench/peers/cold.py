"""From nothing to 1,000 rows of a saved model, as a process of its own: the twin of bench/cold.go.

    python cold.py torchdiffeq|diffrax THREADS
"""
import os
import subprocess
import sys

from clock import Job


def start(peer, threads):
    """A job that starts this file and waits for it; tells the child's largest resident set."""
    def setup():
        peak = 0.0

        def run():
            nonlocal peak
            child = subprocess.run([sys.executable, os.path.abspath(__file__), peer, str(threads)], capture_output=True)
            lines = child.stdout.count(b"\n")
            if child.returncode or lines < 1000:
                raise RuntimeError(f"{peer}: status {child.returncode}, {lines} lines for 1,000 rows")
            peak = float(child.stderr.split()[-1])
        return Job(run, report=lambda: {"MiB": peak})
    return {"cold/sample1000": setup}


def main(peer, threads):
    import numpy as np
    import fields
    shape = fields.SHAPES["small"]
    if peer == "torchdiffeq":
        import torch
        torch.set_num_threads(threads)
        from torchdiffeq import odeint
        from torches import Field, network
        field = Field(network(shape, fields.trained(shape)))
        with torch.inference_mode():
            x = odeint(field, torch.randn(1000, 2), torch.tensor([0.0, 1.0]), rtol=1e-5, atol=1e-5, method="dopri5")[-1].numpy()
    else:
        import jax
        import jaxes
        f = jax.jit(lambda net, x: jaxes.dopri5(lambda t, y, net: jaxes.velocity(shape, net, t, y), 0.0, 1.0, x, net, 1e-5)[0])
        x = np.asarray(f(jaxes.on_device(fields.trained(shape)), jax.random.normal(jax.random.PRNGKey(1), (1000, 2))))
    print("x0,x1")
    sys.stdout.write("".join(f"{a!r},{b!r}\n" for a, b in x.tolist()))


def peak_mib():
    """The process's largest resident set. What wait4 tells is no use: a child begins as a copy of its parent."""
    try:
        with open("/proc/self/status") as f:
            return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmHWM"))
    except OSError:
        return 0.0


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
    print(peak_mib(), file=sys.stderr)
