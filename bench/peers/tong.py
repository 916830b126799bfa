#!/usr/bin/env python3
"""torchcfm's side of table 2 of Tong et al. 2024: its MLP (3 x 64 SELU), its matchers at sigma 0.1, batch 256, Adam at
1e-3 and fresh draws each step, as in torchcfm's examples. One core does the 20,000 steps of a run in some 15 s, in some
100 s with exact OT.

    tong.py DIR [--seeds 5] [--steps 20000] [--only REGEX] [--threads 1]

writes DIR/SOURCE_TARGET_METHOD_SEED.safetensors, the weights alone, and leaves out what is there. The other side,
go run ./bench/paper -table tong -peer DIR, draws from the fields, scores them and prints the lines of
bench/paper/testdata/torchcfm.jsonl: both sides are judged by one program.
"""
import os

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import math
import re
import time
import warnings

import numpy as np
import torch
from safetensors.torch import save_file
from torchcfm.conditional_flow_matching import ConditionalFlowMatcher, ExactOptimalTransportConditionalFlowMatcher
from torchcfm.models.models import MLP

warnings.filterwarnings("ignore")


def normal(n):
    return torch.randn(n, 2)


def eight(n):
    """torchcfm.utils.sample_8gaussians without its loop over rows: covariance sqrt(0.1) I."""
    r = 1 / math.sqrt(2)
    centres = 5 * torch.tensor([(1, 0), (-1, 0), (0, 1), (0, -1), (r, r), (r, -r), (-r, r), (-r, -r)])
    return centres[torch.randint(8, (n,))] + 0.1 ** 0.25 * torch.randn(n, 2)


def moons(n):
    """torchcfm.utils.sample_moons: torchdyn's generate_moons(n, noise=0.2), then 3x - 1."""
    a = np.linspace(0, np.pi, n // 2)
    b = np.linspace(0, np.pi, n - n // 2)
    x = np.vstack([np.append(np.cos(a), 1 - np.cos(b)), np.append(np.sin(a), 0.5 - np.sin(b))]).T
    x += np.random.rand(n, 1) * 0.2
    return torch.from_numpy((3 * x[np.random.permutation(n)] - 1).astype("f4"))


def scurve(n):
    """scikit-learn's make_s_curve(n, noise=0.1) without its middle axis, then 2x."""
    t = 3 * np.pi * (np.random.rand(n) - 0.5)
    x = np.stack([np.sin(t), np.sign(t) * (np.cos(t) - 1)], 1) + 0.1 * np.random.randn(n, 2)
    return torch.from_numpy((2 * x).astype("f4"))


LAWS = {"normal": normal, "8gaussians": eight, "moons": moons, "scurve": scurve}
CASES = [("normal", "8gaussians"), ("moons", "8gaussians"), ("normal", "moons"), ("normal", "scurve")]
METHODS = {"icfm": ConditionalFlowMatcher, "otcfm": ExactOptimalTransportConditionalFlowMatcher}


def train(source, target, matcher, steps, batch=256):
    net = MLP(dim=2, time_varying=True)
    adam = torch.optim.Adam(net.parameters())
    for _ in range(steps):
        t, xt, ut = matcher.sample_location_and_conditional_flow(LAWS[source](batch), LAWS[target](batch))
        adam.zero_grad()
        loss = torch.mean((net(torch.cat([xt, t[:, None]], -1)) - ut) ** 2)
        loss.backward()
        adam.step()
    return net


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("dir")
    ap.add_argument("--seeds", type=int, default=5)
    ap.add_argument("--steps", type=int, default=20000)
    ap.add_argument("--only", default="")
    ap.add_argument("--threads", type=int, default=1)
    a = ap.parse_args()
    torch.set_num_threads(a.threads)
    os.makedirs(a.dir, exist_ok=True)
    for method in METHODS:
        for seed in range(a.seeds):
            for source, target in CASES:
                name = f"{source}_{target}_{method}_{seed}"
                path = os.path.join(a.dir, name + ".safetensors")
                if not re.search(a.only, name) or os.path.exists(path):
                    continue
                torch.manual_seed(seed)
                np.random.seed(seed)
                start = time.perf_counter()
                net = train(source, target, METHODS[method](sigma=0.1), a.steps)
                save_file({k: v.contiguous() for k, v in net.state_dict().items()}, path + ".new")
                os.replace(path + ".new", path)
                print(f"{name}: {time.perf_counter() - start:.1f} s", flush=True)


if __name__ == "__main__":
    main()
