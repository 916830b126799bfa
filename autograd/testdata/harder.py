"""Harder cases than those of reference/autograd: other ranks, ties, infinities, masks, long programs.

    python harder.py FOLDER [--all]

writes one JSON file a case, harder_NAME.json, in the layout of reference/autograd: the few that are kept here, or all
of them (some two thousand). Those whose derivatives are zero but for rounding are not for comparing, nor those whose
float64 result is no float32."""
import sys
import json, math, os, re, warnings, zlib
warnings.filterwarnings("ignore", category=FutureWarning)
import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)


def f32(a):
    return np.asarray(a, dtype=np.float32).astype(np.float64)


def enc(a):
    a = np.asarray(a, dtype=np.float64)
    out = []
    for v in a.reshape(-1).tolist():
        if math.isnan(v):
            out.append("NaN")
        elif math.isinf(v):
            out.append("Infinity" if v > 0 else "-Infinity")
        else:
            out.append(v)
    return {"shape": list(a.shape), "data": out}


def _ax(a):
    ax = a.get("axes")
    return tuple(ax) if ax is not None else None


def _sum(x, a):
    ax = _ax(a)
    return x.sum() if ax is None else x.sum(dim=ax, keepdim=a.get("keepdim", False))


def _mean(x, a):
    ax = _ax(a)
    return x.mean() if ax is None else x.mean(dim=ax, keepdim=a.get("keepdim", False))


def _slice(x, a):
    idx = [slice(None)] * x.dim()
    idx[a["axis"]] = slice(a["start"], a["stop"], a.get("step", 1))
    return x[tuple(idx)]


def _mask(a, x):
    return torch.tensor(a["mask"], dtype=torch.bool).reshape(a["mask_shape"])


OPS = {
    # elementwise, one argument
    "neg": lambda a, x: -x,
    "abs": lambda a, x: x.abs(),
    "exp": lambda a, x: x.exp(),
    "expm1": lambda a, x: torch.expm1(x),
    "log": lambda a, x: x.log(),
    "log1p": lambda a, x: torch.log1p(x),
    "sqrt": lambda a, x: x.sqrt(),
    "rsqrt": lambda a, x: x.rsqrt(),
    "square": lambda a, x: x.square(),
    "reciprocal": lambda a, x: x.reciprocal(),
    "sin": lambda a, x: x.sin(),
    "cos": lambda a, x: x.cos(),
    "tanh": lambda a, x: x.tanh(),
    "atan": lambda a, x: x.atan(),
    "erf": lambda a, x: torch.erf(x),
    "sigmoid": lambda a, x: x.sigmoid(),
    "logsigmoid": lambda a, x: F.logsigmoid(x),
    "relu": lambda a, x: F.relu(x),
    "leaky_relu": lambda a, x: F.leaky_relu(x, a["slope"]),
    "elu": lambda a, x: F.elu(x, a["alpha"]),
    "selu": lambda a, x: F.selu(x),
    "silu": lambda a, x: F.silu(x),
    "gelu_erf": lambda a, x: F.gelu(x),
    "gelu_tanh": lambda a, x: F.gelu(x, approximate="tanh"),
    "softplus": lambda a, x: F.softplus(x, beta=1.0, threshold=1e9),
    "mish": lambda a, x: F.mish(x),
    "clamp": lambda a, x: x.clamp(a.get("min"), a.get("max")),
    "pow_scalar": lambda a, x: x.pow(a["p"]),
    "add_scalar": lambda a, x: x + a["c"],
    "mul_scalar": lambda a, x: x * a["c"],
    "stop_gradient": lambda a, x: x.detach(),
    # elementwise, two arguments, NumPy broadcasting
    "add": lambda a, x, y: x + y,
    "sub": lambda a, x, y: x - y,
    "mul": lambda a, x, y: x * y,
    "div": lambda a, x, y: x / y,
    "pow": lambda a, x, y: x.pow(y),
    "maximum": lambda a, x, y: torch.maximum(x, y),
    "minimum": lambda a, x, y: torch.minimum(x, y),
    "atan2": lambda a, x, y: torch.atan2(x, y),
    "where": lambda a, x, y: torch.where(_mask(a, x), x, y),
    # reductions
    "sum": lambda a, x: _sum(x, a),
    "mean": lambda a, x: _mean(x, a),
    "var": lambda a, x: x.var(dim=_ax(a), correction=a["correction"], keepdim=a.get("keepdim", False)),
    "std": lambda a, x: x.std(dim=_ax(a), correction=a["correction"], keepdim=a.get("keepdim", False)),
    "amax": lambda a, x: x.amax(dim=_ax(a), keepdim=a.get("keepdim", False)),
    "amin": lambda a, x: x.amin(dim=_ax(a), keepdim=a.get("keepdim", False)),
    "prod": lambda a, x: x.prod(dim=a["axis"], keepdim=a.get("keepdim", False)),
    "norm2": lambda a, x: torch.linalg.vector_norm(x, 2, dim=_ax(a), keepdim=a.get("keepdim", False)),
    "logsumexp": lambda a, x: x.logsumexp(dim=_ax(a), keepdim=a.get("keepdim", False)),
    "cumsum": lambda a, x: x.cumsum(dim=a["axis"]),
    "softmax": lambda a, x: x.softmax(dim=a["axis"]),
    "log_softmax": lambda a, x: x.log_softmax(dim=a["axis"]),
    # products
    "matmul": lambda a, x, y: x @ y,
    "linear": lambda a, x, w, *b: F.linear(x, w, *b),
    # shape
    "reshape": lambda a, x: x.reshape(a["shape"]),
    "permute": lambda a, x: x.permute(a["axes"]),
    "transpose": lambda a, x: x.transpose(a["d0"], a["d1"]),
    "expand": lambda a, x: x.expand(a["shape"]),
    "concat": lambda a, *xs: torch.cat(xs, dim=a["axis"]),
    "stack": lambda a, *xs: torch.stack(xs, dim=a["axis"]),
    "slice": lambda a, x: _slice(x, a),
    "gather": lambda a, x: x.gather(a["axis"], torch.tensor(a["index"]).reshape(a["index_shape"])),
    "index_select": lambda a, x: x.index_select(a["axis"], torch.tensor(a["index"])),
    "pad2d": lambda a, x: F.pad(x, a["pad"]),  # left, right, top, bottom; zeros
    "flip": lambda a, x: x.flip(a["axes"]),
    # neural-network layers
    "layer_norm": lambda a, x, g, b: F.layer_norm(x, list(g.shape), g, b, a["eps"]),
    "rms_norm": lambda a, x, g: x * torch.rsqrt(x.square().mean(-1, keepdim=True) + a["eps"]) * g,
    "group_norm": lambda a, x, g, b: F.group_norm(x, a["groups"], g, b, a["eps"]),
    "conv1d": lambda a, x, w, *b: F.conv1d(x, w, *b, stride=a["stride"], padding=a["padding"], dilation=a.get("dilation", 1), groups=a.get("groups", 1)),
    "conv2d": lambda a, x, w, *b: F.conv2d(x, w, *b, stride=a["stride"], padding=a["padding"], dilation=a.get("dilation", 1), groups=a.get("groups", 1)),
    "conv_transpose2d": lambda a, x, w, *b: F.conv_transpose2d(x, w, *b, stride=a["stride"], padding=a["padding"], output_padding=a.get("output_padding", 0)),
    "avg_pool2d": lambda a, x: F.avg_pool2d(x, a["kernel"], a["stride"], a.get("padding", 0), a.get("ceil_mode", False), a.get("count_include_pad", True)),
    "max_pool2d": lambda a, x: F.max_pool2d(x, a["kernel"], a["stride"], a.get("padding", 0), 1, a.get("ceil_mode", False)),
    "upsample_bilinear2d": lambda a, x: F.interpolate(x, size=a["size"], mode="bilinear", align_corners=a["align_corners"]),
    "upsample_nearest2d": lambda a, x: F.interpolate(x, scale_factor=a["scale"], mode="nearest"),
    # losses (mean over all elements, or over rows for cross_entropy)
    "mse_loss": lambda a, x, y: F.mse_loss(x, y),
    "huber_loss": lambda a, x, y: F.huber_loss(x, y, delta=a["delta"]),
    "cross_entropy": lambda a, x: F.cross_entropy(x, torch.tensor(a["target"])),
    "bce_with_logits": lambda a, x, y: F.binary_cross_entropy_with_logits(x, y),
}


def run(steps, env):
    env = dict(env)
    for s in steps:
        env[s["out"]] = OPS[s["op"]](s.get("attrs", {}), *[env[n] for n in s["in"]])
    return env


def st(out, op, ins, **attrs):
    d = {"out": out, "op": op, "in": ins if isinstance(ins, list) else [ins]}
    if attrs:
        d["attrs"] = attrs
    return d


class Case:
    def __init__(self, name, group, inputs, steps, outputs=None, jvp=False, second=False, nograd=(), note=None, cot=None):
        self.__dict__.update(name=name, group=group, inputs=inputs, steps=steps, jvp=jvp, second=second, nograd=set(nograd), note=note, cot=cot)
        self.outputs = outputs or [steps[-1]["out"]]


def evaluate(c, dtype, cot, tan, v):
    names = list(c.inputs)
    gnames = [n for n in names if n not in c.nograd]
    leaves = {n: torch.tensor(c.inputs[n], dtype=dtype, requires_grad=n in gnames) for n in names}
    env = run(c.steps, leaves)
    outs = [env[o] for o in c.outputs]
    res = {"values": {o: env[o].detach().double().numpy(force=True) for o in c.outputs}}
    cots = [torch.tensor(cot[o], dtype=dtype) for o in c.outputs]
    scalar = sum((o * k).sum() for o, k in zip(outs, cots))
    # vector-Jacobian product by feeding cotangents to autograd directly
    gs = torch.autograd.grad(outs, [leaves[n] for n in gnames], grad_outputs=cots, create_graph=c.second, allow_unused=True)
    gs = [torch.zeros_like(leaves[n]) if g is None else g for g, n in zip(gs, gnames)]
    res["grads"] = {n: g.detach().double().numpy(force=True) for n, g in zip(gnames, gs)}
    if c.second:
        tot = sum((g * torch.tensor(v[n], dtype=dtype)).sum() for g, n in zip(gs, gnames))
        if tot.requires_grad:
            g2 = torch.autograd.grad(tot, [leaves[n] for n in gnames], allow_unused=True)
        else:
            g2 = [None] * len(gnames)
        res["second"] = {n: (torch.zeros_like(leaves[n]) if g is None else g).detach().double().numpy(force=True) for n, g in zip(gnames, g2)}
    if c.jvp:
        def fn(*xs):
            e = {n: x.detach() for n, x in leaves.items()}
            e.update(dict(zip(gnames, xs)))
            e = run(c.steps, e)
            return tuple(e[o] for o in c.outputs)
        _, t = torch.func.jvp(fn, tuple(leaves[n].detach() for n in gnames), tuple(torch.tensor(tan[n], dtype=dtype) for n in gnames))
        res["jvp"] = {o: x.detach().double().numpy(force=True) for o, x in zip(c.outputs, t)}
    return res


def tol32(ref, got):
    fin = np.isfinite(ref) & np.isfinite(got)
    scale = float(np.max(np.abs(ref[fin]))) if fin.any() else 0.0
    err = float(np.max(np.abs(ref[fin] - got[fin]))) if fin.any() else 0.0
    nz = fin & (np.abs(ref) > 1e-30)
    rel = float(np.max(np.abs(ref[nz] - got[nz]) / np.abs(ref[nz]))) if nz.any() else 0.0
    r = lambda q: float("%.3g" % q)
    return r(max(4e-6 * scale, 16 * err, 1e-37)), r(max(1e-12 * scale, 1e-300)), r(max(4e-6, 16 * rel))


def write(c, outdir, seed, version):
    rng = np.random.default_rng(zlib.crc32(c.name.encode()) + seed)
    for n in c.inputs:
        c.inputs[n] = f32(c.inputs[n])
    leaves = {n: torch.tensor(a, dtype=torch.float64) for n, a in c.inputs.items()}
    env = run(c.steps, leaves)
    cot = {o: (f32(c.cot[o]) if c.cot else f32(rng.standard_normal(tuple(env[o].shape)))) for o in c.outputs}
    gn = [n for n in c.inputs if n not in c.nograd]
    tan = {n: f32(rng.standard_normal(c.inputs[n].shape)) for n in gn}
    v = {n: f32(rng.standard_normal(c.inputs[n].shape)) for n in gn}
    r64 = evaluate(c, torch.float64, cot, tan, v)
    r32 = evaluate(c, torch.float32, cot, tan, v)
    d = {"name": c.name, "group": c.group,
         "inputs": [dict(name=n, requires_grad=n in gn, **enc(a)) for n, a in c.inputs.items()],
         "steps": c.steps, "outputs": c.outputs,
         "values": {o: enc(a) for o, a in r64["values"].items()},
         "cotangents": {o: enc(a) for o, a in cot.items()},
         "grads": {n: enc(a) for n, a in r64["grads"].items()}}
    if c.jvp:
        d["tangents"] = {n: enc(a) for n, a in tan.items()}
        d["jvp"] = {o: enc(a) for o, a in r64["jvp"].items()}
    if c.second:
        d["second"] = {"v": {n: enc(a) for n, a in v.items()}, "grads": {n: enc(a) for n, a in r64["second"].items()}}
    t32, t64, trel = {}, {}, {}
    for part in ("values", "grads", "jvp", "second"):
        for n, a in r64.get(part, {}).items():
            t32[part + "/" + n], t64[part + "/" + n], trel[part + "/" + n] = tol32(a, r32[part][n])
    d["tol_abs_f32"], d["tol_abs_f64"], d["tol_rel_f32"] = t32, t64, trel
    if c.note:
        d["note"] = c.note
    d["source"] = version
    with open(os.path.join(outdir, c.name + ".json"), "w") as fh:
        json.dump(d, fh, separators=(",", ":"), allow_nan=False)
    return d



R = np.random.default_rng(77)
N = lambda *s: R.standard_normal(s)
P = lambda *s: 0.2 + np.abs(R.standard_normal(s))
U = lambda lo, hi, *s: R.uniform(lo, hi, s)
inf, nan = np.inf, np.nan
cases = []
def add(*a, **k): cases.append(Case(*a, **k))
EW = [("neg", N, {}), ("abs", N, {}), ("exp", N, {}), ("expm1", N, {}), ("log", P, {}), ("log1p", P, {}),
    ("sqrt", P, {}), ("rsqrt", P, {}), ("square", N, {}), ("reciprocal", P, {}), ("sin", N, {}), ("cos", N, {}),
    ("tanh", N, {}), ("atan", N, {}), ("erf", N, {}), ("sigmoid", N, {}), ("logsigmoid", N, {}), ("relu", N, {}),
    ("leaky_relu", N, {"slope": 0.3}), ("elu", N, {"alpha": 0.7}), ("selu", N, {}), ("silu", N, {}),
    ("gelu_erf", N, {}), ("gelu_tanh", N, {}), ("softplus", N, {}), ("mish", N, {}),
    ("clamp", N, {"min": -0.5}), ("clamp", N, {"max": 0.5}), ("pow_scalar", P, {"p": -1.5}), ("mul_scalar", N, {"c": 0}), ("add_scalar", N, {"c": 3})]
for i, (op, g, at) in enumerate(EW):
    for shape in [(), (1,), (17,), (67, 3), (2, 1, 3, 2, 1, 2), (0, 3)]:
        add("ew_%d_%s_%s" % (i, op, "x".join(map(str, shape)) or "0d"), "elementwise", {"x": g(*shape)}, [st("y", op, "x", **at)], jvp=True, second=True)
for op in [e[0] for e in EW]:
    at = dict(next(e[2] for e in EW if e[0] == op))
    x = np.array([0.0, -0.0, 1e-8, -1e-8, 1e-30, 5., -5., 30., -30., 80., -80.])
    if op not in ("log", "log1p", "sqrt", "rsqrt", "pow_scalar", "reciprocal"):
        add("zero_" + op, "edge", {"x": x}, [st("y", op, "x", **at)], second=True, jvp=True)
    add("nonfinite_" + op, "nonfinite", {"x": np.array([inf, -inf, nan, 0., 1., -1.])}, [st("y", op, "x", **at)], cot={"y": np.ones(6)})
for p in [0, 1, 2, 3, 0.5, -1, -2, 1.5, 2.5]:
    add("pow_scalar_%s" % p, "edge", {"x": np.array([0., 1., 2., 0.25])}, [st("y", "pow_scalar", "x", p=p)], second=True)
for p in [0, 1, 2, 3, -1, -2]:
    add("pow_scalar_neg_%s" % p, "edge", {"x": np.array([-1., -2., -0.25])}, [st("y", "pow_scalar", "x", p=p)], second=True, jvp=True)
add("pow_zero_base", "edge", {"a": np.array([0., 0., 0., 2., -2., -2.]), "b": np.array([0., 2., 1., 0., 2., 3.])}, [st("y", "pow", ["a", "b"])])
add("pow_zero_base_frac", "edge", {"a": np.array([0., 0., 0.]), "b": np.array([0.5, -1., 3.])}, [st("y", "pow", ["a", "b"])])
for op, g1, g2 in [("add", N, N), ("sub", N, N), ("mul", N, N), ("div", N, P), ("pow", P, N), ("maximum", N, N), ("minimum", N, N), ("atan2", N, N)]:
    for j, (s1, s2) in enumerate([((), ()), ((), (3,)), ((3,), ()), ((1,), (4,)), ((2, 1, 4), (3, 1)), ((2, 3, 4), (1, 3, 1)), ((5, 1, 1, 2), (3, 4, 1)), ((1, 1), (7, 9)), ((2, 1, 3, 1, 2), (4, 1, 5, 1)), ((0, 3), (3,)), ((1, 3), (0, 3)), ((16, 33), (16, 1)), ((4, 1, 2), (4, 5, 2))]):
        add("bc_%s_%d" % (op, j), "broadcast", {"a": g1(*s1), "b": g2(*s2)}, [st("y", op, ["a", "b"])], jvp=True, second=True)
    v = np.array([inf, -inf, nan, 0., 1., inf, inf, 0., 1.])
    w = np.array([1., 1., 1., nan, nan, inf, -inf, 0., 0.])
    add("nonfinite_" + op, "nonfinite", {"a": v, "b": w}, [st("y", op, ["a", "b"])], cot={"y": np.ones(9)})
    add("same_operand_" + op, "edge", {"a": P(3, 4)}, [st("y", op, ["a", "a"])], jvp=True, second=True)
add("max_ties2", "edge", {"a": np.array([[1., 2.], [3., 3.]]), "b": np.array([1., 3.])}, [st("y", "maximum", ["a", "b"]), st("z", "minimum", ["y", "a"])], outputs=["y", "z"])
# where
add("where_bcast", "elementwise", {"a": N(2, 1, 4), "b": N(3, 1)}, [st("y", "where", ["a", "b"], mask=[1, 0, 1], mask_shape=[3, 1])], jvp=True, second=True)
add("where_bcast_mask", "elementwise", {"a": N(4), "b": N(4)}, [st("y", "where", ["a", "b"], mask=[1, 0, 1, 0, 0, 0, 1, 1], mask_shape=[2, 1, 4])], jvp=True, second=True)
add("where_0d", "elementwise", {"a": N(3), "b": N()}, [st("y", "where", ["a", "b"], mask=[0, 1, 1], mask_shape=[3])], jvp=True)
add("where_nan_untaken", "nonfinite", {"a": np.array([1., nan, inf, 2.]), "b": np.array([nan, 3., 4., -inf])}, [st("y", "where", ["a", "b"], mask=[1, 0, 0, 1], mask_shape=[4])], jvp=True)
add("where_log_untaken", "nonfinite", {"a": np.array([1., 0., 4., -2.]), "b": N(4)}, [st("l", "log", "a"), st("y", "where", ["l", "b"], mask=[1, 0, 1, 0], mask_shape=[4])], cot={"y": np.ones(4)})
add("where_sqrt_safe", "nonfinite", {"a": np.array([1., 0., 4.]), "b": np.ones(3)}, [st("s", "where", ["a", "b"], mask=[1, 0, 1], mask_shape=[3]), st("l", "sqrt", "s"), st("z", "mul_scalar", "a", c=0), st("y", "where", ["l", "z"], mask=[1, 0, 1], mask_shape=[3])], second=True)
# reductions
for op in ["sum", "mean", "var", "std", "amax", "amin", "norm2", "logsumexp"]:
    at = {"correction": 1} if op in ("var", "std") else {}
    for j, (s, ax, kd) in enumerate([((5,), [0], False), ((5,), [-1], True), ((2, 3, 4), [1], False), ((2, 3, 4), [0, 1], True), ((2, 3, 4), [-1, 0], False), ((2, 3, 4), [0, 1, 2], False), ((2, 3, 4), [-2], True), ((2, 3, 1, 4, 2), [1, 3], False), ((2, 3, 4, 2), [0, 2], True), ((3, 4), None, False), ((33, 65), [0], False), ((33, 65), [1], False), ((2, 2, 2, 2, 2, 2), [1, 3, 5], False)]):
        if ax is None and op in ("logsumexp", "amax", "amin"): continue
        a = dict(at)
        if ax is not None: a["axes"] = ax
        if kd: a["keepdim"] = True
        add("red_%s_%d" % (op, j), "reduce", {"x": N(*s)}, [st("y", op, "x", **a)], jvp=True, second=True)
    if op not in ("var", "std"):
        add("red_%s_0d" % op, "reduce", {"x": N()}, [st("y", op, "x", **({"axes": [0]}))], jvp=True)
        add("red_%s_one" % op, "reduce", {"x": N(4, 1)}, [st("y", op, "x", axes=[1])], jvp=True, second=True)
    if op not in ("amax", "amin"):
        add("red_%s_empty" % op, "reduce", {"x": N(3, 0)}, [st("y", op, "x", axes=[1], **at)])
    add("red_%s_empty_other" % op, "reduce", {"x": N(0, 3)}, [st("y", op, "x", axes=[1], **at)])
    add("red_%s_nonfinite" % op, "nonfinite", {"x": np.array([[1., inf, 2.], [nan, 1., 2.], [-inf, -inf, -inf], [inf, inf, 1.], [-inf, 1., 2.]])}, [st("y", op, "x", axes=[1], **at)], cot={"y": np.ones(5)})
    add("red_%s_zero" % op, "edge", {"x": np.array([[0., 0., 0.], [1., 1., 1.]])}, [st("y", op, "x", axes=[1], **at)], cot={"y": np.ones(2)}, jvp=op not in ("std", "norm2"))
add("red_var_corr0", "reduce", {"x": N(3, 4, 2)}, [st("y", "var", "x", axes=[0, 2], correction=0, keepdim=True)], jvp=True, second=True)
add("red_var_corr2", "reduce", {"x": N(3, 4)}, [st("y", "var", "x", axes=[1], correction=2)], jvp=True, second=True)
add("red_var_single", "nonfinite", {"x": N(3, 1)}, [st("y", "var", "x", axes=[1], correction=1)], cot={"y": np.ones(3)})
add("red_std_all", "reduce", {"x": N(3, 4)}, [st("y", "std", "x", correction=0)], jvp=True, second=True)
add("red_std_const", "edge", {"x": np.full((2, 4), 3.)}, [st("y", "std", "x", axes=[1], correction=1)], cot={"y": np.ones(2)})
add("red_amax_ties_2d", "edge", {"x": np.array([[[1., 3.], [3., 1.]], [[2., 2.], [2., 2.]]])}, [st("y", "amax", "x", axes=[0, 2])], jvp=True)
add("red_amin_ties_all", "edge", {"x": np.array([[1., 3., 1.], [1., 2., 1.]])}, [st("y", "amin", "x", axes=[0, 1], keepdim=True)], jvp=True)
for j, (x, ax) in enumerate([(P(3, 5), 0), (N(2, 3, 4), -1), (np.array([[0., 2., 3.], [0., 0., 5.], [1., 0., 2.], [0., 0., 0.]]), 1), (N(7), 0), (N(1, 4), 0), (N(3, 0), 1), (N(), 0), (N(2, 3, 2, 3), 2)]):
    add("prod_%d" % j, "reduce", {"x": x}, [st("y", "prod", "x", axis=ax)], jvp=True, second=True)
    add("prod_keep_%d" % j, "reduce", {"x": x}, [st("y", "prod", "x", axis=ax, keepdim=True)])
for j, (s, ax) in enumerate([((5,), 0), ((4, 5), 0), ((2, 3, 4), 1), ((2, 3, 4), -3), ((1, 3), 0), ((), 0), ((3, 0), 1), ((100,), 0), ((2, 3, 2, 3, 2), -2)]):
    for op in ["cumsum", "softmax", "log_softmax"]:
        add("%s_ax_%d" % (op, j), "reduce", {"x": 2 * N(*s)}, [st("y", op, "x", axis=ax)], jvp=True, second=True)
add("cumsum_inf", "nonfinite", {"x": np.array([1., inf, 2., -inf, 3.])}, [st("y", "cumsum", "x", axis=0)], cot={"y": np.ones(5)})
for op in ["softmax", "log_softmax"]:
    add(op + "_inf", "nonfinite", {"x": np.array([[0., -inf, 1.], [-inf, -inf, -inf], [inf, 0., 1.], [nan, 0., 1.], [1e4, -1e4, 1e4]])}, [st("y", op, "x", axis=-1)], cot={"y": np.ones((5, 3))})
    add(op + "_mask", "nonfinite", {"x": np.array([[0., -inf, 1.], [-inf, 2., -inf]])}, [st("y", op, "x", axis=-1)], cot={"y": np.array([[1., 0, 2.], [0, 3., 0]])}, second=True, jvp=True)
    add(op + "_axis0_mask", "nonfinite", {"x": np.array([[0., -inf, 1.], [-inf, 2., -3.]])}, [st("y", op, "x", axis=0)], cot={"y": np.ones((2, 3))})
add("lse_mask", "nonfinite", {"x": np.array([[0., -inf, 1.], [-inf, -inf, -inf], [-inf, 2., -inf]])}, [st("y", "logsumexp", "x", axes=[1])], cot={"y": np.ones(3)})
add("lse_2axes", "reduce", {"x": 300 * N(3, 4, 5)}, [st("y", "logsumexp", "x", axes=[0, -1], keepdim=True)], jvp=True, second=True)
# matmul
for j, (a, b) in enumerate([((5,), (5,)), ((5,), (5, 3)), ((2, 4, 5), (5,)), ((5,), (2, 5, 3)), ((2, 1, 3, 4), (5, 4, 2)), ((3, 4), (2, 4, 5)), ((2, 3, 4), (1, 4, 5)), ((1, 3, 4), (6, 4, 2)), ((2, 3, 1, 4, 5), (3, 2, 5, 2)), ((1, 1), (1, 1)), ((3, 0), (0, 2)), ((0, 3), (3, 2)), ((64, 65), (65, 31)), ((2, 2, 3, 4), (4, 5)), ((3, 1), (1, 4)), ((1, 129), (129, 1)), ((2, 0, 3), (3, 4)), ((2, 3, 2, 3, 4), (2, 3, 2, 4, 1))]):
    add("mm_%d" % j, "matmul", {"a": N(*a), "b": N(*b)}, [st("y", "matmul", ["a", "b"])], jvp=True, second=True)
add("mm_aa", "matmul", {"a": N(4, 4)}, [st("t", "transpose", "a", d0=0, d1=1), st("y", "matmul", ["a", "t"]), st("z", "matmul", ["y", "a"])], jvp=True, second=True)
add("mm_inf", "nonfinite", {"a": np.array([[1., inf], [0., 2.]]), "b": np.array([[1., 2.], [3., 0.]])}, [st("y", "matmul", ["a", "b"])], cot={"y": np.ones((2, 2))})
for j, (x, w, b) in enumerate([((4,), (3, 4), (3,)), ((4,), (3, 4), None), ((2, 3, 2, 4), (5, 4), (5,)), ((0, 4), (3, 4), (3,)), ((6, 1), (1, 1), (1,)), ((2, 3, 4), (1, 4), (1,)), ((65, 33), (17, 33), (17,)), ((2, 2, 2, 2, 2, 3), (4, 3), None)]):
    ins = {"x": N(*x), "w": N(*w)}
    if b: ins["b"] = N(*b)
    add("lin_%d" % j, "matmul", ins, [st("y", "linear", list(ins))], jvp=True, second=True)
# shape
for j, (s, sh) in enumerate([((2, 6), [-1]), ((2, 6), [3, -1]), ((1,), []), ((), [1, 1]), ((2, 3, 4), [4, 3, 2]), ((0, 3), [3, 0]), ((2, 2, 2, 2, 2, 2), [8, -1])]):
    add("reshape_%d" % j, "shape", {"x": N(*s)}, [st("r", "reshape", "x", shape=sh), st("y", "square", "r")], jvp=True, second=True)
for j, (s, p) in enumerate([((2, 3), [1, 0]), ((2, 3, 4), [-1, 0, 1]), ((2, 3, 4, 5), [0, 2, 1, 3]), ((2, 3, 4, 2, 3), [4, 2, 0, 1, 3]), ((), []), ((3,), [0]), ((2, 1, 3, 2, 1, 2), [5, 4, 3, 2, 1, 0]), ((0, 2), [1, 0])]):
    add("permute_%d" % j, "shape", {"x": N(*s)}, [st("r", "permute", "x", axes=p), st("y", "square", "r")], jvp=True, second=True)
for j, (s, a, b) in enumerate([((2, 3), 0, -1), ((2, 3, 4), -1, -3), ((2, 3, 4, 5), 1, 2), ((4,), 0, 0), ((), 0, 0), ((), -1, 0)]):
    add("transpose_%d" % j, "shape", {"x": N(*s)}, [st("r", "transpose", "x", d0=a, d1=b), st("y", "square", "r")], jvp=True, second=True)
for j, (s, e) in enumerate([((3,), [2, 3]), ((3, 1), [-1, 4]), ((), [2, 2]), ((1,), [5]), ((2, 1, 3), [4, 2, 5, -1]), ((1, 1), [3, 0]), ((1, 3, 1), [2, 3, 4]), ((), [])]):
    add("expand_%d" % j, "shape", {"x": N(*s)}, [st("r", "expand", "x", shape=e), st("y", "square", "r")], jvp=True, second=True)
add("concat_many", "shape", {"x%d" % i: N(2, i + 1) for i in range(8)}, [st("c", "concat", ["x%d" % i for i in range(8)], axis=-1), st("y", "sin", "c")], jvp=True, second=True)
add("concat_empty", "shape", {"x": N(2, 3), "z": N(0, 3)}, [st("c", "concat", ["x", "z", "x"], axis=0), st("y", "sin", "c")], jvp=True, second=True)
add("concat_mid", "shape", {"x": N(2, 3, 2), "z": N(2, 1, 2)}, [st("c", "concat", ["x", "z"], axis=-2), st("y", "square", "c")], jvp=True, second=True)
add("concat_one", "shape", {"x": N(2, 3)}, [st("c", "concat", ["x"], axis=0), st("y", "square", "c")], jvp=True)
add("concat_legacy_empty", "shape", {"x": N(2, 3), "z": N(0)}, [st("c", "concat", ["x", "z"], axis=0), st("y", "square", "c")])
for ax in [0, 1, 2, -1, -2, -3]:
    add("stack_%d" % ax, "shape", {"x": N(3, 2), "z": N(3, 2), "w": N(3, 2)}, [st("c", "stack", ["x", "z", "w"], axis=ax), st("y", "square", "c")], jvp=True, second=True)
add("stack_0d", "shape", {"x": N(), "z": N()}, [st("c", "stack", ["x", "z", "x"], axis=0), st("y", "square", "c")], jvp=True, second=True)
for j, (s, ax, a, b, k) in enumerate([((7,), 0, 1, 6, 2), ((5, 4), -1, -3, -1, 1), ((5, 4), 0, 2, 100, 1), ((5, 4), 0, -100, 3, 2), ((5, 4), 1, 3, 1, 1), ((2, 9, 3), 1, 1, 9, 3), ((5,), 0, 4, 5, 7), ((2, 2, 3, 5, 2), 3, 1, 5, 2), ((6,), 0, 0, None, 2), ((6,), 0, None, -1, 1)]):
    at = dict(axis=ax, start=a, stop=b)
    if k != 1: at["step"] = k
    add("slice_%d" % j, "shape", {"x": N(*s)}, [st("s", "slice", "x", **at), st("y", "square", "s")], jvp=True, second=True)
add("gather_smaller", "shape", {"x": N(4, 5)}, [st("g", "gather", "x", axis=0, index=[3, 0, 0, 1, 1, 2], index_shape=[2, 3]), st("y", "square", "g")], jvp=True, second=True)
add("gather_neg_axis", "shape", {"x": N(2, 3, 4)}, [st("g", "gather", "x", axis=-2, index=list(map(int, R.integers(0, 3, 16))), index_shape=[2, 2, 4]), st("y", "exp", "g")], jvp=True, second=True)
add("gather_longer", "shape", {"x": N(3)}, [st("g", "gather", "x", axis=0, index=[2, 2, 1, 0, 2, 2, 1], index_shape=[7]), st("y", "square", "g")], jvp=True, second=True)
add("gather_0d", "shape", {"x": N()}, [st("g", "gather", "x", axis=0, index=[0], index_shape=[]), st("y", "square", "g")])
add("gather_empty", "shape", {"x": N(3, 2)}, [st("g", "gather", "x", axis=0, index=[], index_shape=[0, 2]), st("y", "square", "g")])
add("isel_neg", "shape", {"x": N(2, 3, 4)}, [st("g", "index_select", "x", axis=-1, index=[3, 0, 3, 1, 1]), st("y", "sin", "g")], jvp=True, second=True)
add("isel_mid", "shape", {"x": N(2, 5, 2)}, [st("g", "index_select", "x", axis=1, index=[4]), st("y", "sin", "g")], jvp=True, second=True)
add("isel_empty", "shape", {"x": N(2, 5)}, [st("g", "index_select", "x", axis=1, index=[]), st("y", "sin", "g")])
for j, (s, p) in enumerate([((1, 2, 3, 4), [1, 2, 0, 3]), ((2, 3), [1, 0, 2, 1]), ((2, 3, 3), [0, 0, 1, 1]), ((1, 1, 4, 4), [-1, 0, 0, -1]), ((1, 1, 4, 4), [-1, 2, 1, -2]), ((3,), [2, 1])]):
    add("pad_%d" % j, "shape", {"x": N(*s)}, [st("p", "pad2d", "x", pad=p), st("y", "square", "p")], jvp=True, second=True)
for j, (s, ax) in enumerate([((4,), [0]), ((2, 3, 4), [0, 2]), ((2, 3), [-1, 0]), ((2, 3), [])]):
    add("flip_%d" % j, "shape", {"x": N(*s)}, [st("f", "flip", "x", axes=ax), st("y", "mul", ["f", "x"])], jvp=True, second=True)
# layers
for j, (s, g) in enumerate([((3, 4), (4,)), ((2, 3, 4), (3, 4)), ((2, 3, 4, 5), (4, 5)), ((5,), (5,)), ((2, 3, 4), (2, 3, 4)), ((2, 1), (1,)), ((0, 4), (4,)), ((7, 65), (65,))]):
    add("ln_%d" % j, "layer", {"x": 3 + N(*s), "g": P(*g), "b": N(*g)}, [st("y", "layer_norm", ["x", "g", "b"], eps=1e-5)], jvp=True, second=j != 5)
add("ln_const", "layer", {"x": np.ones((2, 4)), "g": P(4), "b": N(4)}, [st("y", "layer_norm", ["x", "g", "b"], eps=1e-5)], jvp=True, second=True)
for j, s in enumerate([(3, 4), (2, 3, 4), (5,), (2, 3, 2, 1), (2, 65)]):
    add("rms_%d" % j, "layer", {"x": N(*s), "g": P(s[-1])}, [st("y", "rms_norm", ["x", "g"], eps=1e-6)], jvp=True, second=True)
add("rms_zero", "layer", {"x": np.zeros((2, 4)), "g": P(4)}, [st("y", "rms_norm", ["x", "g"], eps=1e-6)], jvp=True, second=True)
for j, (s, g) in enumerate([((2, 4, 3, 3), 4), ((2, 4, 3, 3), 1), ((3, 6), 3), ((2, 6, 5), 2), ((1, 4, 2, 2, 3), 2), ((2, 8, 1, 1), 4), ((2, 9, 4, 5), 3)]):
    add("gn_%d" % j, "layer", {"x": N(*s), "g": P(s[1]), "b": N(s[1])}, [st("y", "group_norm", ["x", "g", "b"], groups=g, eps=1e-5)], jvp=True, second=True)
for j, (s, w, at) in enumerate([((2, 3, 7, 5), (4, 3, 3, 2), dict(stride=1, padding=0)), ((2, 4, 6, 7), (6, 2, 3, 3), dict(stride=1, padding=1, groups=2)), ((1, 4, 6, 6), (4, 1, 3, 3), dict(stride=1, padding=1, groups=4)), ((1, 2, 9, 9), (3, 2, 3, 3), dict(stride=1, padding=2, dilation=2)), ((2, 2, 8, 9), (3, 2, 3, 2), dict(stride=[2, 3], padding=[1, 0], dilation=[1, 2])), ((1, 3, 5, 5), (2, 3, 5, 5), dict(stride=1, padding=0)), ((1, 3, 5, 5), (2, 3, 1, 1), dict(stride=2, padding=0)), ((1, 1, 4, 4), (1, 1, 2, 2), dict(stride=3, padding=1)), ((3, 4, 5, 6), (8, 2, 1, 3), dict(stride=[1, 2], padding=[0, 1], groups=2, dilation=[1, 1])), ((1, 2, 3, 3), (2, 2, 3, 3), dict(stride=1, padding=4)), ((2, 3, 10, 10), (5, 3, 3, 3), dict(stride=1, padding=[2, 1], dilation=[2, 1])), ((2, 6, 5, 4), (6, 1, 2, 3), dict(stride=2, padding=[1, 2], groups=6)), ((3, 5, 4), (2, 3, 2, 2), dict(stride=1, padding=0)), ((0, 2, 4, 4), (3, 2, 3, 3), dict(stride=1, padding=1)), ((1, 2, 6, 6), (3, 2, 3, 3), dict(stride=1, padding="same")), ((1, 2, 6, 7), (3, 2, 2, 4), dict(stride=1, padding="same", dilation=[1, 2])), ((1, 2, 6, 6), (3, 2, 3, 3), dict(stride=1, padding="valid"))]):
    for bias in [True, False]:
        ins = {"x": N(*s), "w": 0.4 * N(*w)}
        if bias: ins["b"] = N(w[0])
        add("c2_%d_%d" % (j, bias), "layer", ins, [st("y", "conv2d", list(ins), **at)], jvp=True, second=True)
for j, (s, w, at) in enumerate([((2, 3, 9), (4, 3, 5), dict(stride=2, padding=2)), ((2, 4, 9), (6, 2, 3), dict(stride=1, padding=1, groups=2)), ((1, 2, 12), (3, 2, 3), dict(stride=1, padding=2, dilation=3)), ((1, 4, 8), (4, 1, 4), dict(stride=3, padding=0, groups=4)), ((3, 8), (4, 3, 3), dict(stride=1, padding=1)), ((2, 3, 9), (4, 3, 5), dict(stride=[2], padding=[1], dilation=[1])), ((2, 3, 9), (4, 3, 4), dict(stride=1, padding="same")), ((1, 1, 3), (1, 1, 3), dict(stride=1, padding=0))]):
    for bias in [True, False]:
        ins = {"x": N(*s), "w": 0.4 * N(*w)}
        if bias: ins["b"] = N(w[0])
        add("c1_%d_%d" % (j, bias), "layer", ins, [st("y", "conv1d", list(ins), **at)], jvp=True, second=True)
OPS["conv_transpose2d"] = lambda a, x, w, *b: F.conv_transpose2d(x, w, *b, stride=a["stride"], padding=a["padding"], output_padding=a.get("output_padding", 0), dilation=a.get("dilation", 1), groups=a.get("groups", 1))
for j, (s, w, at) in enumerate([((1, 3, 3, 3), (3, 2, 4, 4), dict(stride=2, padding=1)), ((2, 3, 4, 5), (3, 2, 3, 2), dict(stride=[2, 3], padding=[1, 0])), ((1, 3, 3, 3), (3, 2, 3, 3), dict(stride=2, padding=1, output_padding=1)), ((1, 4, 3, 4), (4, 2, 3, 3), dict(stride=1, padding=1, groups=2)), ((1, 2, 4, 4), (2, 3, 3, 3), dict(stride=2, padding=1, dilation=2, output_padding=[1, 0])), ((1, 2, 1, 1), (2, 3, 3, 3), dict(stride=1, padding=0)), ((2, 3, 3), (2, 3, 2, 2), dict(stride=1, padding=0)), ((1, 1, 3, 3), (1, 1, 1, 1), dict(stride=1, padding=0)), ((1, 1, 5, 5), (1, 1, 3, 3), dict(stride=1, padding=2))]):
    for bias in [True, False]:
        ins = {"x": N(*s), "w": 0.4 * N(*w)}
        if bias: ins["b"] = N(w[1] * at.get("groups", 1))
        add("ct_%d_%d" % (j, bias), "layer", ins, [st("y", "conv_transpose2d", list(ins), **at)], jvp=True, second=True)
for j, (s, k, stv) in enumerate([((2, 3, 5, 7), 2, 2), ((2, 3, 5, 7), [2, 3], [1, 2]), ((1, 1, 4, 4), 3, 1), ((1, 2, 6, 6), 2, 3), ((2, 3, 4, 4), 4, 4), ((3, 4, 4), 2, 2), ((1, 1, 3, 3), 1, 1), ((1, 2, 7, 5), [3, 1], None)]):
    for op in ["avg_pool2d", "max_pool2d"]:
        add("%s_%d" % (op, j), "layer", {"x": N(*s)}, [st("y", op, "x", kernel=k, stride=stv)], jvp=True, second=True)
add("max_pool_ties", "edge", {"x": np.array([[[[1., 1., 0., 2.], [1., 0., 2., 2.], [3., 3., -1., -1.], [3., 3., -1., -1.]]]])}, [st("y", "max_pool2d", "x", kernel=2, stride=2)], jvp=True)
add("max_pool_ties_overlap", "edge", {"x": np.array([[[[1., 2., 2.], [2., 2., 1.], [0., 2., 2.]]]])}, [st("y", "max_pool2d", "x", kernel=2, stride=1)])
add("max_pool_inf", "nonfinite", {"x": np.array([[[[-inf, -inf, nan, 1.], [-inf, -inf, 2., 3.], [inf, 1., 0., -inf], [inf, 2., 0., nan]]]])}, [st("y", "max_pool2d", "x", kernel=2, stride=2)], cot={"y": np.ones((1, 1, 2, 2))})
add("avg_pool_inf", "nonfinite", {"x": np.array([[[[-inf, inf, nan, 1.], [0., 1., 2., 3.], [inf, 1., 0., 1.], [inf, 2., 0., 1.]]]])}, [st("y", "avg_pool2d", "x", kernel=2, stride=2)], cot={"y": np.ones((1, 1, 2, 2))})
for j, (s, k) in enumerate([((1, 2, 3, 3), 3), ((2, 1, 2, 3), [2, 3]), ((1, 1, 1, 1), 1), ((2, 2, 4, 5), 2)]):
    add("up_%d" % j, "layer", {"x": N(*s)}, [st("y", "upsample_nearest2d", "x", scale=k), st("z", "square", "y")], jvp=True, second=True)
# losses
for j, s in enumerate([(5,), (2, 3, 4), (), (1, 1), (3, 2, 2, 2)]):
    one = {"l": np.ones(())}
    add("mse_%d" % j, "loss", {"x": N(*s), "y": N(*s)}, [st("l", "mse_loss", ["x", "y"])], second=True, jvp=True)
    for d in [0.5, 1.0, 2.5]:
        add("huber_%d_%s" % (j, d), "loss", {"x": 2 * N(*s), "y": N(*s)}, [st("l", "huber_loss", ["x", "y"], delta=d)], second=True, jvp=True)
    add("bce_%d" % j, "loss", {"x": 3 * N(*s), "y": U(0, 1, *s)}, [st("l", "bce_with_logits", ["x", "y"])], second=True, jvp=True)
add("mse_bcast", "loss", {"x": N(3, 4), "y": N(4)}, [st("l", "mse_loss", ["x", "y"])], second=True)
add("huber_bound", "edge", {"x": np.array([1., -1., 0., 2.]), "y": np.zeros(4)}, [st("l", "huber_loss", ["x", "y"], delta=1.0)], second=True, jvp=True)
add("bce_large", "edge", {"x": np.array([1000., -1000., 50., -50., 0.]), "y": np.array([0., 1., 1., 0., 0.5])}, [st("l", "bce_with_logits", ["x", "y"])], second=True)
add("bce_inf", "nonfinite", {"x": np.array([inf, -inf]), "y": np.array([1., 0.])}, [st("l", "bce_with_logits", ["x", "y"])], cot={"l": np.ones(())}, nograd=["y"])
for j, (s, tg) in enumerate([((1, 1), [0]), ((4, 7), [6, 0, 6, 3]), ((100, 3), list(map(int, R.integers(0, 3, 100))))]):
    add("ce_%d" % j, "loss", {"x": 4 * N(*s)}, [st("l", "cross_entropy", "x", target=tg)], second=True, jvp=True)
add("ce_large", "edge", {"x": np.array([[1000., 0., -1000.], [-500., -1000., 500.]])}, [st("l", "cross_entropy", "x", target=[0, 1])], second=True)
add("ce_inf", "nonfinite", {"x": np.array([[1., -inf, 0.], [0., 1., -inf]])}, [st("l", "cross_entropy", "x", target=[0, 1])], cot={"l": np.ones(())})
add("ce_spatial", "loss", {"x": N(2, 3, 4)}, [st("l", "cross_entropy", "x", target=[[0, 1, 2, 1], [2, 2, 0, 0]])], second=True)
add("ce_1d", "loss", {"x": N(5)}, [st("l", "cross_entropy", "x", target=3)], second=True)
add("ce_ignore", "loss", {"x": N(4, 3)}, [st("l", "cross_entropy", "x", target=[0, -100, 2, -100])], second=True)
# compositions
s = [st("x0", "mul_scalar", "x", c=1.0)]
for i in range(20): s.append(st("x%d" % (i + 1), "add", ["x%d" % i, "x%d" % i]))
add("doubling20", "compose", {"x": N(2)}, s, jvp=True, second=True)
s = [st("x0", "mul_scalar", "x", c=0.5)]
for i in range(20): s += [st("m%d" % i, "mul", ["x%d" % i, "x%d" % i]), st("x%d" % (i + 1), "sin", "m%d" % i)]
add("squares20", "compose", {"x": N(2)}, s, jvp=True, second=True)
s = [st("x0", "tanh", "x")]
for i in range(30): s += [st("a%d" % i, "add", ["x%d" % i, "x%d" % i]), st("b%d" % i, "matmul", ["a%d" % i, "w"]), st("x%d" % (i + 1), "tanh", "b%d" % i)]
add("rnn30", "compose", {"x": N(2, 3), "w": 0.5 * N(3, 3)}, s, jvp=True, second=True)
B, T, D, H = 2, 5, 8, 2
at = {"x": N(B, T, D), "wq": .4 * N(D, D), "wk": .4 * N(D, D), "wv": .4 * N(D, D), "wo": .4 * N(D, D), "bq": N(D), "m": np.where(np.triu(np.ones((T, T)), 1) > 0, -inf, 0.)}
s = []
for n in "qkv":
    lin = ["x", "w" + n] + (["bq"] if n == "q" else [])
    s += [st(n, "linear", lin), st(n + "r", "reshape", n, shape=[B, T, H, D // H]), st(n + "p", "permute", n + "r", axes=[0, 2, 1, 3])]
s += [st("kt", "transpose", "kp", d0=-1, d1=-2), st("sc", "matmul", ["qp", "kt"]), st("s2", "mul_scalar", "sc", c=(D // H) ** -0.5), st("s3", "add", ["s2", "m"]), st("p", "softmax", "s3", axis=-1), st("o", "matmul", ["p", "vp"]), st("op", "permute", "o", axes=[0, 2, 1, 3]), st("or", "reshape", "op", shape=[B, T, D]), st("y", "linear", ["or", "wo"])]
add("mha_causal", "compose", at, s, nograd=["m"], jvp=True, second=True)
# Sinkhorn
n = 5
s = [st("k", "mul_scalar", "c", c=-4.0), st("f0", "mul_scalar", "f", c=1.0)]
for i in range(15):
    s += [st("u%d" % i, "add", ["k", "f%d" % i]), st("v%d" % i, "logsumexp", "u%d" % i, axes=[0], keepdim=True), st("g%d" % i, "neg", "v%d" % i),
          st("w%d" % i, "add", ["k", "g%d" % i]), st("z%d" % i, "logsumexp", "w%d" % i, axes=[1], keepdim=True), st("f%d" % (i + 1), "neg", "z%d" % i)]
s += [st("a", "add", ["k", "f15"]), st("b", "add", ["a", "g14"]), st("p", "exp", "b"), st("pc", "mul", ["p", "c"]), st("y", "sum", "pc")]
add("sinkhorn", "compose", {"c": P(n, n), "f": np.zeros((n, 1))}, s, jvp=True, second=True, nograd=["f"], cot={"y": np.ones(())})
# U-Net slice
ins = {"x": N(1, 2, 8, 8), "w1": .3 * N(4, 2, 3, 3), "b1": N(4), "g1": P(4), "n1": N(4), "w2": .3 * N(8, 4, 3, 3), "b2": N(8), "wt": .3 * N(8, 4, 2, 2), "bt": N(4), "w3": .3 * N(2, 8, 3, 3), "b3": N(2), "t": N(1, 4), "wt2": N(8, 4)}
s = [st("h1", "conv2d", ["x", "w1", "b1"], stride=1, padding=1), st("h1n", "group_norm", ["h1", "g1", "n1"], groups=2, eps=1e-5), st("h1a", "silu", "h1n"), st("d", "conv2d", ["h1a", "w2", "b2"], stride=2, padding=1), st("te", "linear", ["t", "wt2"]), st("te4", "reshape", "te", shape=[1, 8, 1, 1]), st("d2", "add", ["d", "te4"]), st("da", "gelu_tanh", "d2"), st("u", "conv_transpose2d", ["da", "wt", "bt"], stride=2, padding=0), st("cat", "concat", ["u", "h1a"], axis=1), st("o", "conv2d", ["cat", "w3", "b3"], stride=1, padding=1), st("mp", "max_pool2d", "o", kernel=2, stride=2), st("up", "upsample_nearest2d", "mp", scale=2), st("y", "sub", ["o", "up"])]
add("unet_slice", "compose", ins, s, jvp=True, second=True)
add("noop_output_is_input", "compose", {"x": N(3)}, [st("y", "square", "x")], outputs=["y", "x"])
add("two_out_shared", "compose", {"x": N(3, 2)}, [st("a", "tanh", "x"), st("b", "mul", ["a", "x"]), st("c", "sum", "b")], outputs=["a", "b", "c"], jvp=True, second=True)
add("grad_detached_all", "compose", {"x": N(3)}, [st("d", "stop_gradient", "x"), st("y", "square", "d")], second=True)
add("rank6", "compose", {"x": N(2, 1, 2, 1, 2, 2), "z": N(1, 2, 1, 3, 1, 2)}, [st("a", "mul", ["x", "z"]), st("b", "sum", "a", axes=[0, 2, 4]), st("c", "logsumexp", "a", axes=[1, 5]), st("d", "mean", "c", axes=[0, 3], keepdim=True)], outputs=["b", "d"], jvp=True, second=True)
rank = []
add("rank7", "compose", {"x": N(2, 1, 2, 1, 2, 1, 2), "z": N(1, 2, 1, 2, 1, 2, 1)}, [st("a", "mul", ["x", "z"]), st("b", "permute", "a", axes=[6, 5, 4, 3, 2, 1, 0]), st("y", "sum", "b", axes=[1, 3])], jvp=True, second=True)
add("rank8", "compose", {"x": N(2, 1, 2, 1, 2, 1, 2, 1)}, [st("b", "transpose", "x", d0=0, d1=-1), st("y", "square", "b")], jvp=True, second=True)

# Every operation at infinities, NaN, zeros of both signs, ones and subnormal numbers.
UNARY = [(op, {}) for op in "neg abs exp expm1 log log1p sqrt rsqrt square reciprocal sin cos tanh atan erf sigmoid logsigmoid relu selu silu gelu_erf gelu_tanh softplus mish".split()] + [
    ("leaky_relu", {"slope": 0.3}), ("leaky_relu", {"slope": 0.0}), ("elu", {"alpha": 0.7}), ("elu", {"alpha": 1.0}), ("clamp", {"min": -0.5}), ("clamp", {"max": 0.5}), ("mul_scalar", {"c": 0})] + [
    ("pow_scalar", {"p": p}) for p in (0, 1, 2, 3, 0.5, -0.5, 1.5, -1, -2)]
for i, (op, at) in enumerate(UNARY):
    for name, v in {"inf": [inf, -inf], "nan": [nan, 1.0], "zero": [0., -0.0], "one": [1., -1., 2., -2.], "tiny": [1e-40, -1e-40]}.items():
        add("nf_%d_%s_%s" % (i, op, name), "nonfinite", {"x": np.array(v)}, [st("y", op, "x", **at)], cot={"y": np.ones(len(v))}, jvp=True, second=True)
VALUES = [inf, -inf, nan, 0., -0., 1., -1., 2.]
for op in ["add", "sub", "mul", "div", "pow", "maximum", "minimum", "atan2"]:
    for i, a in enumerate(VALUES):
        for j, b in enumerate(VALUES):
            add("nf_%s_%d_%d" % (op, i, j), "nonfinite", {"a": np.array([a]), "b": np.array([b])}, [st("y", op, ["a", "b"])], cot={"y": np.ones(1)}, jvp=True, second=True)
ROWS = {"inf": [1., inf, 2.], "nan": [nan, 1., 2.], "masked": [-inf, -inf, -inf], "infs": [inf, inf, 1.], "mask": [-inf, 1., 2.], "zeros": [0., 0., 0.], "ties": [3., 3., 1.], "zero": [0., 1., 2.], "nans": [nan, nan, nan]}
for name, r in ROWS.items():
    x = np.array([r, [0.5, -1., 2.]])
    for op in ["sum", "mean", "var", "std", "amax", "amin", "norm2", "logsumexp", "prod", "cumsum", "softmax", "log_softmax"]:
        at = dict(axis=1) if op in ("prod", "cumsum", "softmax", "log_softmax") else dict(axes=[1])
        if op in ("var", "std"): at["correction"] = 1
        add("nf_%s_%s" % (op, name), "nonfinite", {"x": x}, [st("y", op, "x", **at)], cot={"y": np.array([[1., 0., 2.], [0., 3., 1.]]) if "softmax" in op or op == "cumsum" else np.ones(2)}, jvp=True, second=True)
    add("nf_max_pool_%s" % name, "nonfinite", {"x": x.reshape(1, 1, 2, 3)}, [st("y", "max_pool2d", "x", kernel=[2, 2], stride=1)], cot={"y": np.ones((1, 1, 1, 2))}, second=True, jvp=True)

# Windows with padding, and hanging over the end; interpolation. Their own numbers, so that those above stay.
R = np.random.default_rng(17)
for i in range(60):
    k, stride = [int(v) for v in R.integers(1, 5, 2)], [int(v) for v in R.integers(1, 5, 2)]
    at = dict(kernel=k, stride=stride, padding=[int(R.integers(0, v // 2 + 1)) for v in k], ceil_mode=bool(R.integers(2)))
    x = R.standard_normal((1, 2, *R.integers(2, 7, 2)))
    add("window_avg_%d" % i, "layer", {"x": x}, [st("y", "avg_pool2d", "x", **at, count_include_pad=bool(R.integers(2)))], jvp=True)
    add("window_max_%d" % i, "layer", {"x": x}, [st("z", "max_pool2d", "x", **at), st("y", "square", "z")], jvp=True, second=True)
    at = dict(size=[int(v) for v in R.integers(1, 9, 2)], align_corners=bool(R.integers(2)))
    add("bilinear_%d" % i, "layer", {"x": x}, [st("z", "upsample_bilinear2d", "x", **at), st("y", "square", "z")], jvp=True, second=True)

KEPT = re.compile(r"""^(window_(avg|max)_(1|3|9|12|31|41)|bilinear_[1-4]|nf_div_(1_3|0_1)|zero_(gelu_erf|mish|silu)|nonfinite_(relu|abs|exp|log|sqrt|maximum|div|pow|mul)|pow_scalar_(0|2|0.5)|pow_zero_base|bc_(mul|atan2|sub)_(4|8)|max_ties2|where_(bcast|nan_untaken|log_untaken|sqrt_safe)|red_(var|std|amax|logsumexp|norm2)_(6|9)|red_(var|logsumexp|amax|sum)_nonfinite|red_sum_0d|red_var_empty|prod_(2|7)|cumsum_ax_3|softmax_inf|log_softmax_mask|lse_mask|mm_(0|3|4|8|10)|lin_(1|2)|permute_4|expand_4|concat_many|stack_-2|slice_(1|7)|gather_(smaller|neg_axis)|pad_(3|4)|flip_2|ln_(1|2)|gn_(3|4)|rms_zero|c2_(4|8|9|14|15)_1|c1_(1|6)_0|ct_(2|4)_1|(avg|max)_pool2d_(1|5)|max_pool_(ties_overlap|inf)|up_1|huber_bound|bce_large|ce_(inf|spatial|ignore)|doubling20|squares20|rnn30|mha_causal|unet_slice|sinkhorn|rank7|nf_\d+_(silu|gelu_erf|gelu_tanh|selu|elu|relu|leaky_relu)_(inf|nan)|nf_\d+_pow_scalar_(inf|zero)|nf_(maximum_2_5|minimum_5_2|atan2_3_4|pow_3_3|pow_6_7|pow_3_6|div_3_5)|nf_(norm2|std)_zeros|nf_(prod|logsumexp|log_softmax)_(inf|masked|mask)|nf_max_pool_nans)$""")

if __name__ == "__main__":
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    for c in cases:
        if "--all" not in sys.argv and not KEPT.match(c.name):
            continue
        try:
            name, c.name = c.name, "harder_" + c.name
            write(c, out, 9, "PyTorch " + torch.__version__.split("+")[0] + ", CPU, float64")
        except Exception as e:
            print("left out", c.name, type(e).__name__, str(e).splitlines()[0][:110])
            if os.path.exists(os.path.join(out, c.name + ".json")):
                os.remove(os.path.join(out, c.name + ".json"))
