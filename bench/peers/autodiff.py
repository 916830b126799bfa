"""PyTorch's double backward through a Hutchinson estimate; its convolution and attention, forward and backward."""
import torch

from clock import Job

ACTIVATIONS = {"silu": torch.nn.SiLU, "tanh": torch.nn.Tanh}


def traces():
    """The gradient by the weights of the mean of ε·(∂v/∂x)ᵀε: the twin of traces in bench/autodiff.go."""
    table = {"2-64x2-b64": (2, 64, 2, 64, "silu"), "2-64x2-b256": (2, 64, 2, 256, "silu"), "2-64x2-b256-tanh": (2, 64, 2, 256, "tanh"),
             "8-64x3-b64": (8, 64, 3, 64, "silu"), "2-64x3-b256": (2, 64, 3, 256, "silu"),
             "64-256x2-b256": (64, 256, 2, 256, "silu"), "64-256x3-b1024": (64, 256, 3, 1024, "silu")}

    def make(dim, width, hidden, batch, act):
        torch.manual_seed(0)
        widths = [dim] + [width] * hidden
        parts = []
        for a, b in zip(widths, widths[1:]):
            parts += [torch.nn.Linear(a, b), ACTIVATIONS[act]()]
        net = torch.nn.Sequential(*parts, torch.nn.Linear(width, dim))
        weights = list(net.parameters())
        x = torch.randn(batch, dim, requires_grad=True)
        probe = torch.randint(2, (batch, dim)).float() * 2 - 1

        def run():
            g, = torch.autograd.grad(net(x), x, probe, create_graph=True)
            # The last bias does not come in.
            return torch.autograd.grad((g * probe).sum(1).mean(), weights[:-1])
        return Job(run, 1, "steps", report=lambda: {"norm": sum(float((g ** 2).sum()) for g in run()) ** 0.5})
    return {f"hutchgrad/{k}": (lambda v=v: make(*v)) for k, v in table.items()}


def layers():
    """The twin of layers in bench/autodiff.go."""
    def job(layer, x):
        torch.manual_seed(0)
        x = x.requires_grad_(True)
        wrt = [x] + list(layer.parameters())
        u = torch.randn(x.shape)

        def forward():
            if isinstance(layer, torch.nn.MultiheadAttention):
                return layer(x, x, x, need_weights=False)[0]
            return layer(x)
        return Job(lambda: torch.autograd.grad(forward(), wrt, u))
    attention = lambda h: torch.nn.MultiheadAttention(128, h, batch_first=True)
    return {
        "conv/28x28x32-3x3-b64": lambda: job(torch.nn.Conv2d(32, 32, 3, padding=1), torch.randn(64, 32, 28, 28)),
        "attention/64x128-h4-b16": lambda: job(attention(4), torch.randn(16, 64, 128)),
        "attention/64x128-h1-b1": lambda: job(attention(1), torch.randn(1, 64, 128)),
    }
