"""Matrix products and elementwise functions: the twins of bench/kernels.go, in numpy, torch and JAX."""
import numpy as np

from clock import Job

SHAPES = [(64, 64, 64), (128, 128, 128), (256, 256, 256), (512, 512, 512), (1024, 1024, 1024), (2048, 2048, 2048),
          (256, 64, 64), (256, 512, 512), (4096, 256, 256)]  # batch, in, out
FORMS = ("nn", "nt", "tn")


def operands(form, batch, inp, out, dtype):
    """A, B as arrays to be multiplied, transposed where the form says so, and the shape of C."""
    r = np.random.default_rng(1)
    x, w, dy = (r.normal(size=s).astype(dtype) for s in ((batch, inp), (out, inp), (batch, out)))
    return {"nt": (x, w.T, (batch, out)), "nn": (dy, w, (batch, inp)), "tn": (dy.T, x, (out, inp))}[form]


def each(prefix):
    for b, i, o in SHAPES:
        for form in FORMS:
            yield f"{prefix}/{b}x{i}x{o}-{form}", form, b, i, o


def gflop(b, i, o):
    return 2 * b * i * o / 1e9


def numpy_products():
    jobs = {}
    for prefix, dtype in (("gemm", "f4"), ("gemm64", "f8")):
        for name, form, b, i, o in each(prefix):
            def make(form=form, b=b, i=i, o=o, dtype=dtype):
                x, y, shape = operands(form, b, i, o, dtype)
                c = np.empty(shape, dtype)
                return Job(lambda: np.matmul(x, y, out=c), gflop(b, i, o), "GFLOP")
            jobs[name] = make
    return jobs


def openblas_products():
    """OpenBLAS without Python's price for a call: numpy is asked for a stack of the same product many times over."""
    jobs = {}
    for prefix, dtype in (("gemm", "f4"), ("gemm64", "f8")):
        for name, form, b, i, o in each(prefix):
            def make(form=form, b=b, i=i, o=o, dtype=dtype):
                x, y, shape = operands(form, b, i, o, dtype)
                times = max(1, int(2e7 / (b * i * o)))
                stack = lambda a: np.lib.stride_tricks.as_strided(a, (times,) + a.shape, (0,) + a.strides, writeable=True)
                c = np.empty(shape, dtype)
                xs, ys, cs = stack(x), stack(y), stack(c)
                np.matmul(xs, ys, out=cs)
                assert np.allclose(c, x @ y, atol=1e-3)
                return Job(lambda: np.matmul(xs, ys, out=cs), times * gflop(b, i, o), "GFLOP")
            jobs[name] = make
    return jobs


def torch_products():
    import torch
    jobs = {}
    for prefix, dtype in (("gemm", "f4"), ("gemm64", "f8")):
        for name, form, b, i, o in each(prefix):
            def make(form=form, b=b, i=i, o=o, dtype=dtype):
                x, y, shape = operands(form, b, i, o, dtype)
                x, y, c = torch.from_numpy(x), torch.from_numpy(y), torch.from_numpy(np.empty(shape, dtype))
                return Job(lambda: torch.mm(x, y, out=c), gflop(b, i, o), "GFLOP")
            jobs[name] = make
    return jobs


def jax_products():
    import jax
    import jax.numpy as jnp
    jobs = {}
    multiply = {"nn": lambda a, b: a @ b, "nt": lambda a, b: a @ b.T, "tn": lambda a, b: a.T @ b}
    for name, form, b, i, o in each("gemm"):
        def make(form=form, b=b, i=i, o=o):
            x, y, _ = operands(form, b, i, o, "f4")
            # Held untransposed, as a program holds its weights; the transposition is XLA's affair.
            x, y = jnp.asarray(x.T if form == "tn" else x), jnp.asarray(y.T if form == "nt" else y)
            f = jax.jit(multiply[form])
            return Job(lambda: f(x, y).block_until_ready(), gflop(b, i, o), "GFLOP")
        jobs[name] = make
    return jobs


SIZES = (("", 1 << 20), ("-64Ki", 1 << 16))
NAMES = ("tanh", "exp", "silu", "gelu", "gelutanh", "selu", "normal")


def elementwise(functions):
    """Jobs of functions(x), a table name -> (run, sync), at both sizes."""
    jobs = {}
    for suffix, n in SIZES:
        for name in NAMES:
            def make(name=name, n=n):
                x = np.random.default_rng(0).normal(size=n).astype("f4")
                run = functions(x).get(name)
                return run and Job(run, n / 1e9, "Gelem")
            jobs[f"elem/{name}{suffix}"] = make
    return jobs


def numpy_elementwise():
    def functions(x):
        o, p, r = np.empty_like(x), np.empty_like(x), np.random.default_rng(0)

        def silu():
            np.negative(x, out=p)
            np.exp(p, out=p)
            np.add(p, np.float32(1), out=p)
            return np.divide(x, p, out=o)

        def selu():
            np.minimum(x, np.float32(0), out=p)
            np.expm1(p, out=p)
            np.multiply(p, np.float32(1.7580993408473766), out=p)
            np.maximum(x, np.float32(0), out=o)
            np.multiply(o, np.float32(1.0507009873554805), out=o)
            return np.add(o, p, out=o)

        return {"tanh": lambda: np.tanh(x, out=o), "exp": lambda: np.exp(x, out=o), "silu": silu, "selu": selu,
                "normal": lambda: r.standard_normal(dtype="f4", out=o)}
    jobs = elementwise(functions)
    return {k: v for k, v in jobs.items() if "gelu" not in k}


def torch_elementwise():
    import torch
    aten = torch.ops.aten

    def functions(x):
        x = torch.from_numpy(x)
        o = torch.empty_like(x)
        return {
            "tanh": lambda: torch.tanh(x, out=o), "exp": lambda: torch.exp(x, out=o), "silu": lambda: aten.silu.out(x, out=o),
            "gelu": lambda: aten.gelu.out(x, out=o), "gelutanh": lambda: aten.gelu.out(x, approximate="tanh", out=o),
            "selu": lambda: aten.elu.out(x, 1.6732632423543772, 1.0507009873554805, 1, out=o),
            "normal": lambda: o.normal_(),
        }
    return elementwise(functions)


def jax_elementwise():
    import jax
    import jax.numpy as jnp
    nn = jax.nn
    table = {"tanh": jnp.tanh, "exp": jnp.exp, "silu": nn.silu, "selu": nn.selu,
             "gelu": lambda v: nn.gelu(v, approximate=False), "gelutanh": lambda v: nn.gelu(v, approximate=True)}

    def functions(x):
        x = jnp.asarray(x)
        runs = {}
        for name, f in table.items():
            g = jax.jit(f)
            runs[name] = lambda g=g: g(x).block_until_ready()
        draw, key = jax.jit(lambda k: jax.random.normal(k, x.shape)), [jax.random.PRNGKey(0)]

        def normal():
            key[0] = jax.random.fold_in(key[0], 1)
            return draw(key[0]).block_until_ready()
        runs["normal"] = normal
        return runs
    return elementwise(functions)
