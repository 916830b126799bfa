#!/usr/bin/env python3
"""What a user would pick instead of pushforward, doing the workloads of package bench.

    peers.py PEER [--threads N] [--seconds S] [NAME ...]

With names (or --all) each is measured and printed as one line of JSON:

    {"name": "gemm/64x64x64-nn", "peer": "numpy", "threads": 1, "value": 93.1, "unit": "GFLOP/s", "runs": 18000}

and figures of the peer's own: nfe, err (against a float64 solve at 1e-10), loss, cost, MiB.

Without, requests are read, one JSON object a line, and answered with one line each, so that both sides of a
comparison can take turns in one run without starting anew:

    {"do": "about"}                                      versions of what is in use
    {"do": "names"}                                      the workloads this peer has
    {"do": "measure", "name": ..., "seconds": 0.3, "report": true}
    {"do": "drop", "name": ...}                          forget what the workload has prepared
"""
import argparse
import gc
import json
import os
import sys

PEERS = ("numpy", "openblas", "scipy", "pot", "torch", "torchcfm", "torchdiffeq", "torchdiffeq-adjoint", "flow_matching",
         "jax", "jax-scan100", "diffrax", "diffrax-backsolve")


def set_threads(peer, n):
    """The number of threads is settled before any library is loaded."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
        os.environ[name] = str(n)
    # Set on some machines for old builds of OpenBLAS; they slow down present ones.
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["TORCH_CPP_LOG_LEVEL"] = "ERROR"
    if peer.startswith(("jax", "diffrax")) and hasattr(os, "sched_setaffinity"):
        # XLA has as many threads as it may use CPUs.
        cpus = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, set(cpus[-n:]))
        if n == 1:
            os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"


def workloads(peer, threads):
    """The peer's workloads, a table name -> function that prepares a Job; and the distributions it stands on."""
    if peer in ("numpy", "openblas"):
        import products
        if peer == "openblas":
            return products.openblas_products(), ["numpy"]
        return products.numpy_products() | products.numpy_elementwise(), ["numpy"]
    if peer in ("scipy", "pot"):
        import assignment
        import odes
        return (assignment.scipy() | odes.lorenz(), ["scipy"]) if peer == "scipy" else (assignment.pot(), ["POT"])
    if peer.startswith(("jax", "diffrax")):
        import cold
        import jaxes
        import odes
        import products
        if peer == "jax":
            return products.jax_products() | products.jax_elementwise() | jaxes.training(), ["jax", "jaxlib", "optax"]
        if peer == "jax-scan100":
            return jaxes.training(scan=100), ["jax", "jaxlib", "optax"]
        if peer == "diffrax-backsolve":
            return jaxes.likelihood(True), ["diffrax", "jax"]
        return odes.van_der_pol() | jaxes.samples() | jaxes.densities() | jaxes.likelihood(False) | cold.start(peer, threads), ["diffrax", "jax"]
    import torch
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    import cold
    import products
    import torches
    if peer == "torch":
        import autodiff
        jobs = products.torch_products() | products.torch_elementwise() | torches.training()
        return jobs | autodiff.traces() | autodiff.layers(), ["torch"]
    if peer == "torchcfm":
        import assignment
        return torches.torchcfm_training() | assignment.torchcfm(), ["torchcfm", "torch", "POT"]
    if peer == "torchdiffeq-adjoint":
        return torches.likelihood(True), ["torchdiffeq", "torch"]
    if peer == "flow_matching":
        return torches.flow_matching_samples() | torches.flow_matching_densities(), ["flow_matching", "torchdiffeq", "torch"]
    jobs = torches.torchdiffeq_samples() | torches.torchdiffeq_densities() | torches.likelihood(False)
    return jobs | cold.start(peer, threads), ["torchdiffeq", "torch"]


class Peer:
    """A peer with the jobs it has prepared."""

    def __init__(self, name, threads):
        set_threads(name, threads)
        import warnings
        warnings.filterwarnings("ignore")
        self.name, self.threads = name, threads
        self.table, self.distributions = workloads(name, threads)
        self.jobs = {}

    def about(self):
        import platform
        from importlib import metadata
        about = {"python": platform.python_version()}
        for d in self.distributions:
            about[d] = metadata.version(d)
        return {"peer": self.name, "threads": self.threads, "versions": about}

    def measure(self, name, seconds, report):
        if name not in self.jobs:
            self.jobs[name] = self.table[name]()
        job = self.jobs[name]
        value, unit, runs = job.measure(seconds)
        line = {"name": name, "peer": self.name, "threads": self.threads, "value": value, "unit": unit, "runs": runs}
        if report and job.report:
            line |= {k: float(v) for k, v in job.report().items()}
        return line

    def answer(self, request):
        do, name = request.get("do"), request.get("name")
        if do == "about":
            return self.about()
        if do == "names":
            return {"names": list(self.table)}
        if do == "drop":
            self.jobs.pop(name, None)
            gc.collect()
            return {"name": name}
        if do != "measure":
            return {"error": f"what is {do!r}?"}
        if name not in self.table:
            return {"name": name, "peer": self.name, "skip": "not a workload of this peer"}
        return self.measure(name, float(request.get("seconds", 0.3)), bool(request.get("report")))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("peer", choices=PEERS)
    ap.add_argument("names", nargs="*")
    ap.add_argument("--threads", type=int, default=1)
    ap.add_argument("--seconds", type=float, default=0.3)
    ap.add_argument("--all", action="store_true")
    a = ap.parse_intermixed_args()
    # Libraries that print must not garble the answers.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(line):
        out.write(json.dumps(line) + "\n")
        out.flush()

    peer = Peer(a.peer, a.threads)
    if a.names or a.all:
        for name in a.names or peer.table:
            say(peer.measure(name, a.seconds, True))
        return
    for line in sys.stdin:
        try:
            say(peer.answer(json.loads(line)))
        except Exception as e:  # one workload that fails is one answer that says so
            say({"error": f"{type(e).__name__}: {e}"})


if __name__ == "__main__":
    main()
