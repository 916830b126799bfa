"""Harder problems in the layout of the reference folder: needs gcc with libquadmath, mpmath, SciPy, torchdiffeq, and lib_ode.py and
ode_problems.py of the reference folder's gen on the path.  python gen_hard.py OUT"""
import os, sys
import mpmath as mp
from lib_ode import *
from ode_problems import prob, kepler, lotka, lorenz, vdp, arenstorf, PI2
OUT = sys.argv[1]

def three_body(name, x, v, m, t1):
    n = len(m); X = lambda i: "y%d" % i; Y = lambda i: "y%d" % (n + i); let = []
    for i in range(n):
        for j in range(i + 1, n):
            let.append(["r%d%d" % (i, j), ["^", ["+", ["^", ["-", X(j), X(i)], 2.0], ["^", ["-", Y(j), Y(i)], 2.0]], 1.5]])
    acc = lambda C, i: ["+"] + [["/", ["*", float(m[j]), ["-", C(j), C(i)]], "r%d%d" % (min(i, j), max(i, j))] for j in range(n) if j != i]
    y0 = [p[0] for p in x] + [p[1] for p in x] + [p[0] for p in v] + [p[1] for p in v]
    return prob(name, y0, 0, t1, ["y%d" % (2 * n + k) for k in range(2 * n)] + [acc(X, i) for i in range(n)] + [acc(Y, i) for i in range(n)], {}, let)

def ring(n, c, t1):
    y0 = [((k * 7) % 5 - 2) / 2 for k in range(n)] + [0.0] * n
    rhs = ["y%d" % (n + i) for i in range(n)]
    for i in range(n):
        l, r = "y%d" % ((i - 1) % n), "y%d" % ((i + 1) % n)
        rhs.append(["-", ["*", "c", ["+", l, r, ["*", -2.0, "y%d" % i]]], ["^", "y%d" % i, 3.0]])
    return prob("ring_%d" % (2 * n), y0, 0, t1, rhs, {"c": c})

P = [
    kepler("kepler_e09", 0.9, PI2),
    kepler("kepler_e099", 0.99, PI2),
    three_body("figure_eight", [(-0.97000436, 0.24308753), (0, 0), (0.97000436, -0.24308753)],
               [(0.4662036850, 0.4323657300), (-0.93240737, -0.86473146), (0.4662036850, 0.4323657300)], [1, 1, 1], 6.3),
    three_body("pythagorean", [(1, 3), (-2, -1), (1, -1)], [(0, 0)] * 3, [3, 4, 5], 8.0),
    prob("tiny_scale", [1e-9, 0.0], 0, 20, ["y1", ["neg", ["sin", ["*", 1e9, "y0", 1e-9]]]]),
    prob("huge_scale", [1e12, 2e12], 0, 6, [["*", "y0", ["-", 1.5, ["/", "y1", 1e12]]], ["*", "y1", ["-", ["/", "y0", 1e12], 3.0]]]),
    prob("pulse", [0.0], 0, 100, [["*", 1.0, ["exp", ["neg", ["*", 400.0, ["^", ["-", "t", 61.37], 2.0]]]]]]),
    prob("near_blow_up", [1.0], 0, 0.999, [["*", "y0", "y0"]]),
    prob("tan_blow_up", [0.0], 0, 1.57, [["+", 1.0, ["*", "y0", "y0"]]]),
    ring(16, 2.0, 8.0),
    lorenz("lorenz_12", [1.0, 1.0, 1.0], 12.0),
    vdp("van_der_pol_100", 100.0, [2.0, 0.0], 20),
    prob("backward", [1.0, 0.5], 10, 0, ["y1", ["neg", ["+", "y0", ["*", 0.1, "y1"]]]]),
    prob("stiff_source", [0.0], 0, 3, [["*", "k", ["-", ["sin", "t"], "y0"]]], {"k": 50.0}),
    prob("sqrt_growth", [1e-6], 0, 5, [["sqrt", ["abs", "y0"]]]),
    prob("many_ops", [0.3, 1.2], 0, 6, [["-", ["tanh", "y1"], ["/", "y0", ["+", 1.0, ["abs", "y1"]]]], ["-", ["log", ["+", 2.0, ["*", "y0", "y0"]]], ["*", "y1", ["cos", ["*", 2.0, "t"]]]]]),
]
if __name__ == "__main__":
    res = []
    for p in P:
        try:
            res.append(solve_problem(p, [1e-3, 1e-5, 1e-7, 1e-9], quiet=True, td=p["dim"] < 20, tolq="1e-25" if p["name"] in ("pythagorean",) else "1e-27"))
        except Exception as e:
            print("left out", p["name"], type(e).__name__, e, flush=True)
    dump(os.path.join(OUT, "problems.json"), {"source": VER, "err_rule": "max_i |y_i - truth_i| / (1 + |truth_i|)", "problems": res})
    mp.mp.dps = 40
    ev = []
    ball = prob("ball", [1e-3, 0.0], 0, 0.2, ["y1", ["neg", "g"]], {"g": 9.81, "e": 0.9})
    g = mp.mpf(9.81); h = mp.mpf(1e-3); e = mp.mpf(0.9); t = mp.sqrt(2 * h / g); v = g * t; ts = []
    while t < mp.mpf(0.2):
        ts.append(t); v *= e; t += 2 * v / g
    ev.append(event_case("small_bounces", ball, "y0", -1, False, ts, None, reset=["y0", ["neg", ["*", "e", "y1"]]]))
    lin = prob("line", [0.0], 0, 10, [1.0])
    w = mp.mpf(50)
    ev.append(event_case("many_in_one_step", lin, ["sin", ["*", 50.0, "y0"]], 0, False, [k * mp.pi / w for k in range(1, 160) if k * mp.pi / w < 10]))
    ev.append(event_case("two_close", lin, ["*", ["-", "y0", 3.0], ["-", "y0", 3.001]], 0, False, [mp.mpf(3), mp.mpf(3.001)]))
    ev.append(event_case("close_rising", lin, ["*", ["-", "y0", 3.0], ["-", "y0", 3.001]], 1, False, [mp.mpf(3.001)]))
    ev.append(event_case("near_miss", lin, ["+", ["^", ["-", "y0", 3.0], 2.0], 1e-9], 0, False, []))
    ev.append(event_case("on_time", lin, ["-", "t", 7.25], 1, True, [mp.mpf(7.25)]))
    back = prob("line_back", [10.0], 10, 0, [1.0])
    ev.append(event_case("backward_falling", back, ["-", "y0", 4.0], -1, True, [mp.mpf(4)]))
    saw = prob("saw", [0.0], 0, 10, [1.0])
    ev.append(event_case("reset_saw", saw, ["-", "y0", 0.7], 1, False, [mp.mpf(0.7) * k for k in range(1, 15) if mp.mpf(0.7) * k < 10], None, reset=[0.0]))
    fire = prob("fire", [0.0, 0.0], 0, 6, [["-", 1.5, "y0"], 1.0])
    T = mp.log(mp.mpf(1.5) / mp.mpf(0.5))
    ev.append(event_case("integrate_and_fire", fire, ["-", "y0", 1.0], 1, False, [T * k for k in range(1, 6) if T * k < 6], None, reset=[0.0, "y1"]))
    p = kepler("kepler", 0.9, 13.0)
    ev.append(event_case("kepler_peri", p, ["+", ["*", "y0", "y2"], ["*", "y1", "y3"]], 1, False, [2 * mp.pi, 4 * mp.pi]))
    start = prob("start", [0.0, 1.0], 0, 10, ["y1", ["neg", "y0"]])
    ev.append(event_case("root_at_start", start, "y0", 0, False, [mp.pi, 2 * mp.pi, 3 * mp.pi]))
    dump(os.path.join(OUT, "events.json"), {"source": VER, "cases": ev})
    gr = []
    for p, w, k in [(prob("contracting", [1.0], 0, 3, [["*", "k", ["-", ["sin", "t"], "y0"]]], {"k": 12.0}), [1.0], ["k"]),
                    (prob("contracting_2", [1.0, -1.0], 0, 3, [["*", "k", ["-", "y1", "y0"]], ["-", ["neg", ["*", "k", "y1"]], ["^", "y0", 3.0]]], {"k": 10.0}), [1.0, 2.0], ["k"]),
                    (dict(vdp("vdp_20", 20.0, [2.0, 0.0], 10)), [1.0, 0.0], ["mu"]),
                    (dict(kepler("kepler_e09", 0.9, 5.0)), [1.0, 0.5, 0.0, 0.1], []),
                    (lorenz("lorenz_4", [1.0, 1.0, 1.0], 4.0), [1.0, 0.0, 0.0], ["sigma", "rho", "beta"]),
                    (prob("power", [0.7], 0, 2, [["-", ["*", "a", ["^", "y0", "b"]], "y0"]], {"a": 1.3, "b": 0.6}), [1.0], ["a", "b"])]:
        try:
            gr.append(gradient_case(p, w, k))
        except Exception as e:
            print("left out", p["name"], type(e).__name__, e, flush=True)
    dump(os.path.join(OUT, "gradients.json"), {"source": VER, "rule": "as in the reference folder", "cases": gr})
