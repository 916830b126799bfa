#!/usr/bin/env python3
"""State dicts to and fro: what PyTorch saves, nn loads by name and computes the same, and the other way round.

    statedict.py save DIR     writes NAME.safetensors, a state dict, and NAME.case.safetensors, an input x with the
                              output y, for each of the networks below
    statedict.py check DIR    loads the NAME.safetensors that Go wrote, every name and shape as it must be, and
                              compares outputs with NAME.case.safetensors; ends with 1 if one is off

The twin is bench/statedict_test.go, which runs both.
"""
import os
import sys

import torch
from safetensors.torch import load_file, save_file
from torch import nn

LIMIT = 1e-6


class MLP(nn.Module):
    """As torchcfm's: names net.0.weight, net.2.weight, …"""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 64), nn.SELU(), nn.Linear(64, 64), nn.SELU(), nn.Linear(64, 64), nn.SELU(), nn.Linear(64, 2))

    def forward(self, x):
        return self.net(x)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.attn = nn.LayerNorm(16), nn.MultiheadAttention(16, 4, batch_first=True)

    def forward(self, x):
        h = self.norm(x)
        return x + self.attn(h, h, h, need_weights=False)[0]


class Image(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp, self.norm = nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.GroupNorm(2, 8)
        self.out = nn.ConvTranspose2d(8, 3, 4, stride=2, padding=1)

    def forward(self, x):
        return self.out(nn.functional.silu(self.norm(self.inp(x))))


NETS = {"mlp": (MLP, (64, 3)), "attention": (Attention, (4, 6, 16)), "image": (Image, (4, 3, 10, 10))}


def main(do, folder):
    torch.manual_seed(0)
    worst = 0.0
    for name, (make, shape) in NETS.items():
        net = make().eval()
        state, case = (os.path.join(folder, name + end) for end in (".safetensors", ".case.safetensors"))
        with torch.no_grad():
            if do == "save":
                x = torch.randn(shape)
                save_file(net.state_dict(), state)
                save_file({"x": x, "y": net(x)}, case)
                continue
            net.load_state_dict(load_file(state), strict=True)
            want = load_file(case)
            off = (net(want["x"]) - want["y"]).abs().max().item()
        print(f"{name}: largest difference {off:.1e}")
        worst = max(worst, off)
    if worst > LIMIT:
        sys.exit(f"more than {LIMIT}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
