"""The models, their data and their trained fields, with numpy alone: the twin of bench/models.go."""
import hashlib
import json
import math
import os
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


class Shape:
    """One of the models that all share. Inputs are the point and the time; `hidden` layers of `width`."""

    def __init__(self, name, dim, width, hidden, act, batch):
        self.name, self.dim, self.width, self.hidden, self.act, self.batch = name, dim, width, hidden, act, batch

    def layers(self):
        """(in, out) of each layer."""
        return [(self.dim + 1, self.width)] + [(self.width, self.width)] * (self.hidden - 1) + [(self.width, self.dim)]


SHAPES = {s.name: s for s in (
    Shape("small", 2, 64, 3, "selu", 256),
    Shape("d8", 8, 64, 3, "selu", 256),
    Shape("medium", 64, 256, 4, "silu", 1024),
    Shape("large", 784, 1024, 4, "silu", 1024),
)}


def initial(shape, seed=0):
    """Fresh [(weight [out, in], bias [out])], uniform in ±1/sqrt(in) as PyTorch's Linear begins."""
    r = np.random.default_rng(seed)
    return [(r.uniform(-1, 1, (b, a)).astype("f4") / np.float32(math.sqrt(a)),
             r.uniform(-1, 1, b).astype("f4") / np.float32(math.sqrt(a))) for a, b in shape.layers()]


def trained(shape):
    """The [(weight, bias)] of bench/testdata, read without any library: safetensors is a length, JSON and bytes."""
    with open(os.path.join(HERE, "..", "testdata", shape.name + ".safetensors"), "rb") as f:
        head = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        body = f.read()

    def array(name):
        lo, hi = head[name]["data_offsets"]
        return np.frombuffer(body[lo:hi], "<f4").reshape(head[name]["shape"]).copy()

    numbers = sorted(int(k.split(".")[1]) for k in head if k.endswith(".weight"))
    return [(array(f"net.{i}.weight"), array(f"net.{i}.bias")) for i in numbers]


def rows(shape, n, seed=1):
    """n rows of the law a model is trained on: eight Gaussians on a circle in two dimensions, else sixteen anywhere."""
    r = np.random.default_rng(seed)
    if shape.dim == 2:
        a = r.integers(0, 8, n) * (math.pi / 4)
        return (5 * np.stack([np.cos(a), np.sin(a)], 1) + math.sqrt(0.1) * r.normal(size=(n, 2))).astype("f4")
    centres = 2 * np.random.default_rng(1).normal(size=(16, shape.dim))
    return (centres[r.integers(0, 16, n)] + 0.5 * r.normal(size=(n, shape.dim))).astype("f4")


def signs(n, dim, seed=8):
    """The probes of a Hutchinson estimate."""
    return (2 * np.random.default_rng(seed).integers(0, 2, (n, dim)) - 1).astype("f4")


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def activation(name, h):
    """f(h) and f'(h)."""
    if name == "selu":
        e = SELU_SCALE * SELU_ALPHA * np.exp(np.minimum(h, 0))
        return np.where(h > 0, SELU_SCALE * h, e - SELU_SCALE * SELU_ALPHA), np.where(h > 0, SELU_SCALE, e)
    s = 1 / (1 + np.exp(-h))
    return h * s, s * (1 + h * (1 - s))


def velocity(net, act, t, x, tangents=None):
    """The field at (t, x), and its Jacobian times each of tangents [k, n, dim] if there are any."""
    h = np.concatenate([x, np.full((len(x), 1), t)], 1)
    d = None if tangents is None else np.concatenate([tangents, np.zeros(tangents.shape[:2] + (1,))], 2)
    for i, (w, b) in enumerate(net):
        h = h @ w.T + b
        if d is not None:
            d = d @ w.T
        if i < len(net) - 1:
            h, slope = activation(act, h)
            if d is not None:
                d = d * slope
    return h, d


EXACT = 1e-10  # the tolerance of the float64 solves that errors are measured against


def kept(solve):
    """solve(shape, *arrays) with its results kept in the system's temporary folder, since they take up to a minute."""
    def wrapped(shape, *arrays):
        digest = hashlib.sha256(repr((solve.__name__, shape.name, EXACT)).encode())
        for a in [a for layer in trained(shape) for a in layer] + [a for a in arrays if a is not None]:
            digest.update(np.ascontiguousarray(a).tobytes())
        path = os.path.join(tempfile.gettempdir(), f"pushforward-exact-{digest.hexdigest()[:24]}.npy")
        if os.path.exists(path):
            return np.load(path)
        result = solve(shape, *arrays)
        part = f"{path[:-4]}-{os.getpid()}.npy"
        np.save(part, result)
        os.replace(part, path)
        return result
    return wrapped


@kept
def exact_samples(shape, x0):
    """Rows carried from 0 to 1 in float64 by DOP853."""
    from scipy.integrate import solve_ivp
    net = [(w.astype("f8"), b.astype("f8")) for w, b in trained(shape)]
    f = lambda t, y: velocity(net, shape.act, t, y.reshape(x0.shape))[0].ravel()
    return solve_ivp(f, (0, 1), x0.astype("f8").ravel(), method="DOP853", rtol=EXACT, atol=EXACT).y[:, -1].reshape(x0.shape)


@kept
def exact_density(shape, x1, probes=None):
    """log p of rows, in float64 by DOP853: the divergence exact, or estimated with one probe a row. The steps are
    those that x needs; the divergence is summed up along them."""
    from scipy.integrate import solve_ivp
    net = [(w.astype("f8"), b.astype("f8")) for w, b in trained(shape)]
    n, dim = x1.shape
    if probes is None:
        tangents = np.broadcast_to(np.eye(dim)[:, None, :], (dim, n, dim))
    else:
        tangents = probes.astype("f8")[None]

    def f(t, y):
        v, d = velocity(net, shape.act, t, y[:n * dim].reshape(n, dim), tangents)
        return np.concatenate([v.ravel(), (d * tangents).sum((0, 2))])

    start = np.concatenate([x1.astype("f8").ravel(), np.zeros(n)])
    atol = np.concatenate([np.full(n * dim, EXACT), np.full(n, np.inf)])
    y = solve_ivp(f, (1, 0), start, method="DOP853", rtol=EXACT, atol=atol).y[:, -1]
    z = y[:n * dim].reshape(n, dim)
    return -0.5 * (z ** 2).sum(1) - 0.5 * dim * math.log(2 * math.pi) + y[n * dim:]


def typical_error(want, got):
    """The median over rows of the largest error of a row's entries."""
    e = np.abs(np.asarray(want, "f8") - np.asarray(got, "f8"))
    return float(np.median(e.reshape(len(e), -1).max(1)))
