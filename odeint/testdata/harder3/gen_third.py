"""A third set of harder cases in the layout of the reference folder, drawn by a seed: needs what gen_hard.py needs, and that beside it.
python gen_third.py OUT [problems|events|gradients …]"""
import os, random, sys
import mpmath as mp
from lib_ode import *
from ode_problems import prob, kepler, lotka, lorenz, vdp, PI2
from gen_hard import three_body

OUT = sys.argv[1]
R = random.Random(20261128)
u = lambda a, b: round(R.uniform(a, b), 4)

def orbit(name, e, turns, scale=1.0, gm=1.0, angle=0.0):
    """A Kepler orbit of semi-major axis scale about a mass gm, from its near point, turned by an angle."""
    r, v = scale * (1 - e), math.sqrt(gm / scale * (1 + e) / (1 - e))
    c, s = math.cos(angle), math.sin(angle)
    return prob(name, [r * c, r * s, -v * s, v * c], 0, turns * PI2 * math.sqrt(scale ** 3 / gm),
                ["y2", "y3", ["neg", ["/", ["*", "gm", "y0"], "r3"]], ["neg", ["/", ["*", "gm", "y1"], "r3"]]], {"gm": gm},
                [["r3", ["^", ["+", ["*", "y0", "y0"], ["*", "y1", "y1"]], 1.5]]])

def bodies(name, n, t1, spread=1.0):
    x = [(u(-1, 1) + 2.2 * math.cos(PI2 * k / n), u(-1, 1) + 2.2 * math.sin(PI2 * k / n)) for k in range(n)]
    v = [(u(-spread, spread), u(-spread, spread)) for _ in range(n)]
    return three_body(name, x, v, [u(0.3, 3) for _ in range(n)], t1)

def pulse(name, at, width, t1, form, back):
    x = ["/", ["-", "t", at], width]
    bump = {"gauss": ["exp", ["neg", ["*", x, x]]], "lorentz": ["/", 1.0, ["+", 1.0, ["*", x, x, x, x]]],
            "tanh": ["-", 1.0, ["*", ["tanh", x], ["tanh", x]]]}[form]
    return prob(name, [0.0 if back == 0 else 1.0], 0, t1, [["-", ["*", 2.0, bump], ["*", back, "y0"]]])

def ring(name, n, f, t1, y0, **par):
    Y = lambda i: "y%d" % (i % n)
    return prob(name, y0, 0, t1, [f(i, Y) for i in range(n)], par)

P = [
    orbit("orbit_e095_turned", 0.95, 1.5, angle=1.1), orbit("orbit_e0995", 0.995, 1.2, angle=2.3),
    orbit("orbit_si", 0.3, 2.1, scale=1.496e11, gm=1.327e20), orbit("orbit_tiny", 0.8, 1.3, scale=1e-9, gm=1e-27),
    bodies("three_bodies_a", 3, 6.0, 0.5), bodies("three_bodies_b", 3, 8.0, 0.3), bodies("four_bodies", 4, 4.0, 0.6),
    three_body("head_on", [(1, 0.02), (-1, 0), (0, 4)], [(-0.7, 0), (0.7, 0), (0, -0.2)], [1, 1, 0.1], 3.5),
    three_body("moon", [(0, 0), (1, 0), (1.02, 0)], [(0, 0), (0, 1), (0, 1.3)], [1, 1e-3, 1e-8], 3.0),
    prob("lotka_1e-9", [1e-9, 2e-9], 0, 8, [["*", 1.1, "y0", ["-", 1.0, ["/", "y1", 1.5e-9]]], ["*", "y1", ["-", ["/", "y0", 1e-9], 1.3]]]),
    prob("duffing_1e12", [1e12, 0.0], 0, 15, ["y1", ["-", ["*", 0.5, "y0"], ["*", "y0", ["^", ["/", "y0", 1e12], 2.0]]]]),
    prob("vdp_1e12", [2e12, 0.0], 0, 12, ["y1", ["-", ["*", 3.0, "y1", ["-", 1.0, ["^", ["/", "y0", 1e12], 2.0]]], "y0"]]),
    prob("decay_1e12", [1e12, 1e-9, 1.0], 0, 10, [["neg", ["*", 2.0, "y0"]], ["*", 1.5, "y1"], ["-", ["*", 1e-12, "y0"], "y2"]]),
    prob("logistic_1e-9", [1e-9], 0, 40, [["*", "y0", ["-", 1.0, "y0"]]]),
    pulse("pulse_late", u(80, 90), 0.03, 100, "gauss", 0.05),
    pulse("pulse_lorentz", u(20, 30), 0.05, 80, "lorentz", 0.0),
    prob("pulse_kick", [1.0, 0.0], 0, 60, ["y1", ["-", ["*", 50.0, ["exp", ["neg", ["^", ["/", ["-", "t", u(20, 30)], 0.004], 2.0]]]], "y0"]]),
    prob("blow_up_square", [1.0], 0, 0.99999, [["*", "y0", "y0"]]),
    prob("blow_up_tan", [0.5], 0, 1.107, [["+", 1.0, ["*", "y0", "y0"]]]),
    prob("blow_up_15", [1.0], 0, 1.999, [["^", "y0", 1.5]]),
    prob("blow_up_weierstrass", [1.0, 2.0], 0, 0.9999, ["y1", ["*", 6.0, "y0", "y0"]]),
    prob("blow_up_two", [1.0, 0.5], 0, 0.6, [["*", "y0", ["+", "y0", "y1"]], ["-", ["*", "y0", "y1"], "y1"]]),
    ring("lorenz96_32", 32, lambda i, Y: ["+", ["*", ["-", Y(i + 1), Y(i - 2)], Y(i - 1)], ["neg", Y(i)], 8.0], 2.0, [8.0 + 0.01 * (k == 7) for k in range(32)]),
    ring("kuramoto_32", 32, lambda i, Y: ["+", 0.1 * i, ["*", 0.8, ["+", ["sin", ["-", Y(i + 1), Y(i)]], ["sin", ["-", Y(i - 1), Y(i)]]]]], 12.0, [u(0, 6) for _ in range(32)]),
    ring("heat_32", 32, lambda i, Y: ["*", 20.0, ["+", Y(i + 1), Y(i - 1), ["*", -2.0, Y(i)]]], 3.0, [u(-1, 1) for _ in range(32)]),
    prob("toda_32", [u(-0.5, 0.5) for _ in range(16)] + [0.0] * 16, 0, 10, ["y%d" % (16 + i) for i in range(16)] +
         [["-", ["exp", ["-", "y%d" % ((i - 1) % 16), "y%d" % i]], ["exp", ["-", "y%d" % i, "y%d" % ((i + 1) % 16)]]] for i in range(16)]),
    vdp("van_der_pol_8", 8.0, [1.0, 0.5], 40.0), vdp("van_der_pol_200", 200.0, [2.0, 0.0], 30.0),
    prob("contracting_cos", [3.0], 0, 12, [["*", -20.0, ["-", "y0", ["cos", "t"]]]]),
    prob("rossler", [1.0, 1.0, 0.0], 0, 40, [["-", ["neg", "y1"], "y2"], ["+", "y0", ["*", 0.2, "y1"]], ["+", 0.2, ["*", "y2", ["-", "y0", 5.7]]]]),
    prob("oregonator", [1.0, 2.0, 3.0], 0, 30, [["*", 7.727, ["+", "y1", ["*", "y0", ["-", ["-", 1.0, ["*", 8.375e-3, "y0"]], "y1"]]]], ["/", ["-", "y2", ["*", ["+", 1.0, "y0"], "y1"]], 7.727], ["*", 0.161, ["-", "y0", "y2"]]]),
    prob("backward_stiffening", [1.0, 0.0], 3, -3, ["y1", ["neg", ["*", ["exp", ["neg", "t"]], "y0"]]]),
    prob("spiral_fast", [1.0, 0.0], 0, 4, [["-", ["*", -0.5, "y0"], ["*", 40.0, "y1"]], ["-", ["*", 40.0, "y0"], ["*", 0.5, "y1"]]]),
    prob("sign_drive", [0.0, 1.0], 0, 9, [["-", ["sign", ["sin", ["*", 2.0, "t"]]], "y0"], ["-", "y0", ["*", 0.3, "y1"]]]),
    prob("airy", [0.355, -0.2588], -20, 3, ["y1", ["*", "t", "y0"]]),
    lotka("lotka_long", [0.2, 6.0], 40.0),
]
KEEP = ("orbit_si", "orbit_tiny", "three_bodies_b", "moon", "lotka_1e-9", "vdp_1e12", "decay_1e12", "pulse_late", "pulse_lorentz", "pulse_kick",
        "blow_up_tan", "blow_up_weierstrass", "blow_up_two", "heat_32", "toda_32", "contracting_cos", "oregonator", "backward_stiffening", "sign_drive", "airy")
P = [p for p in P if p["name"] in KEEP]
SLOW = ("three_bodies_a", "three_bodies_b", "four_bodies", "head_on", "moon", "sign_drive")

def problem(p):
    small = p["name"] in ("orbit_tiny", "lotka_1e-9", "logistic_1e-9")
    return solve_problem(p, [1e-3, 1e-5, 1e-7, 1e-9], quiet=True, td=p["dim"] < 20 and p["name"] not in ("van_der_pol_200", "spiral_fast"),
                         ratio=1e-9 if small else 1.0, tolq="1e-25" if p["name"] in SLOW else "1e-27")

def events():
    mp.mp.dps = 40
    ev = []
    osc = lambda a=1.0, t1=10: prob("osc", [a, 0.0], 0, t1, ["y1", ["neg", "y0"]])
    line = prob("line", [0.0], 0, 10, [1.0])
    def case(name, p, e, d, term, ts, reset=None, rtol=1e-10, atol=1e-12, **kw):
        c = event_case(name, p, e, d, term, ts, None, reset=reset, **kw)
        c["solve_with"] = {"rtol": rtol, "atol": atol}
        ev.append(c)
    M = mp.mpf
    for k, (c, gap) in enumerate([(5.0, 1e-2), (5.0, 1e-3), (7.3, 1e-4), (2.1, 3e-4), (6.6, 1e-5)]):
        r = [c, c + gap, c + 2 * gap]
        case("three_%g" % gap, line, ["*"] + [["-", "y0", x] for x in r], 0, False, [M(x) for x in r])
    for c, gap in [(4.4, 1e-4), (8.2, 1e-5), (1.7, 1e-6)]:
        case("two_%g" % gap, line, ["*", ["-", "y0", c], ["-", "y0", c + gap]], 0, False, [M(c), M(c + gap)])
    r = sorted(u(0.5, 9.5) for _ in range(7))
    case("seven", line, ["*"] + [["-", "y0", x] for x in r], 0, False, [M(x) for x in r])
    case("seven_rising", line, ["*"] + [["-", "y0", x] for x in r], 1, False, [M(x) for x in r[::2]])
    case("seven_terminal", line, ["*"] + [["-", "y0", x] for x in r], -1, True, [M(r[1])])
    for k in (7.0, 33.0, 110.0):
        case("sines_%g" % k, line, ["sin", ["*", k, "y0"]], 0, False, [j * mp.pi / M(k) for j in range(1, 400) if j * mp.pi / M(k) < 10])
    case("two_sines", line, ["*", ["sin", ["*", 11.0, "y0"]], ["sin", ["*", 17.3, "y0"]]], 0, False,
         sorted([j * mp.pi / 11 for j in range(1, 40) if j * mp.pi / 11 < 10] + [j * mp.pi / M(17.3) for j in range(1, 60) if j * mp.pi / M(17.3) < 10]))
    case("window", line, ["-", ["abs", ["-", "y0", 3.7]], 0.002], 0, False, [M(3.7) - M(0.002), M(3.7) + M(0.002)])
    case("jump", line, ["-", ["sign", ["-", "y0", 4.123]], 0.5], 1, False, [M(4.123)])
    case("steep", line, ["tanh", ["*", 1e6, ["-", "y0", 2.71828]]], 0, False, [M(2.71828)])
    case("flat", line, ["^", ["-", "y0", 6.5], 5.0], 1, True, [M(6.5)], tol=1e-7)
    zero = [mp.pi / 2 + j * mp.pi for j in range(6) if mp.pi / 2 + j * mp.pi < 10]
    case("osc_1e-9", osc(1e-9), "y0", 0, False, zero, atol=1e-21)
    case("osc_1e-9_turn", osc(1e-9), "y1", 0, False, [j * mp.pi for j in (1, 2, 3)], atol=1e-21)
    case("osc_1e12", osc(1e12), "y0", -1, False, zero[::2])
    case("osc_1e12_level", osc(1e12), ["-", "y0", 5e11], 1, False, [2 * mp.pi - mp.pi / 3])
    case("decay_to_1e-9", prob("decay", [1.0], 0, 30, [["neg", "y0"]]), ["-", "y0", 1e-9], -1, True, [-mp.log(M(1e-9))], atol=1e-21)
    case("graze", osc(), ["-", "y0", 0.9999], 0, False, sorted(t for j in (0, 1) for s in (1, -1) for t in [2 * mp.pi * j + s * mp.acos(M(0.9999))] if 0 < t < 10))
    case("graze_close", osc(), ["-", "y0", 0.999999], 0, False, sorted(t for j in (0, 1) for s in (1, -1) for t in [2 * mp.pi * j + s * mp.acos(M(0.999999))] if 0 < t < 10))
    g, e = M(9.81), M(0.6)
    t = mp.sqrt(2 * M(2.5) / g); v = g * t; ts = []
    while len(ts) < 14:
        ts.append(t); v *= e; t += 2 * v / g
    case("ball_06", prob("ball", [2.5, 0.0], 0, float(ts[-1]) + 1e-4, ["y1", ["neg", "g"]], {"g": 9.81, "e": 0.6}), "y0", -1, False, ts, reset=[0.0, ["neg", ["*", "e", "y1"]]])
    case("walls", prob("free", [0.0, 3.0], 0, 5, ["y1", 0.0]), ["-", ["*", "y0", "y0"], 1.0], 1, False, [M(1) / 3 + M(2) / 3 * k for k in range(7)], reset=["y0", ["neg", "y1"]])
    case("saw_many", prob("saw", [0.0], 0, 9.99, [1.0]), ["-", "y0", 0.0625], 1, False, [M(k) / 16 for k in range(1, 160)], reset=[0.0])
    case("fire_1e-9", prob("fire", [0.0], 0, 6, [["-", 1.5e-9, "y0"]]), ["-", "y0", 1e-9], 1, False, [mp.log(3) * k for k in range(1, 6)], reset=[0.0], atol=1e-21)
    case("swap", osc(1.0, 7), ["-", "y0", "y1"], 0, False, [3 * mp.pi / 4, 7 * mp.pi / 4], reset=None)
    case("kick", osc(1.0, 9), "y0", -1, False, [mp.pi / 2, mp.pi / 2 + 2 * mp.pi], reset=["y0", ["*", 2.0, "y1"]])
    case("double_time", prob("double", [1.0], 0, 6, ["y0"]), ["-", "y0", 2.0], 1, False, [mp.log(2) * k for k in range(1, 9) if mp.log(2) * k < 6], reset=[1.0])
    case("backward_saw", prob("saw_b", [0.0], 5, 0, [1.0]), ["+", "y0", 0.7], -1, False, [M(5) - M(0.7) * k for k in range(1, 8)], reset=[0.0])
    case("backward_sines", prob("line_b", [10.0], 10, 0, [1.0]), ["sin", ["*", 21.0, "y0"]], 0, False, [j * mp.pi / 21 for j in range(66, 0, -1)])
    o = orbit("orbit", 0.9, 1.9, angle=0.4)
    a = (1 - M(0.9))  # from the near point: far at pi, near at 2 pi
    case("orbit_radial", o, ["+", ["*", "y0", "y2"], ["*", "y1", "y3"]], 0, False, [mp.pi, 2 * mp.pi, 3 * mp.pi])
    for name, p, e, d in [("lorenz_zero", lorenz("lor", [1.0, 1.0, 1.0], 6.0), "y0", 0), ("vdp_8_speed", vdp("v", 8.0, [2.0, 0.0], 30.0), "y1", 0)]:
        tt, ss = find_events(p, e, d, grid=1500)
        ev.append(event_case(name, p, e, d, False, tt, ss, method="bisection in 113-bit floats"))
    return ev

G = [
    (prob("contract_cos", [2.0], 0, 6, [["*", "k", ["-", ["cos", "t"], "y0"]]], {"k": 20.0}), [1.0], ["k"]),
    (prob("contract_forced", [2.0, -1.0], 0, 5, [["-", ["*", "a", "y1"], ["*", "k", "y0"]], ["-", ["sin", ["*", 3.0, "t"]], ["*", "k", "y1"]]], {"a": 3.0, "k": 8.0}), [1.0, 0.5], ["a", "k"]),
    (prob("contract_cubic", [1.5], 0, 8, [["-", ["-", ["*", "a", ["cos", "t"]], ["*", "b", "y0", "y0", "y0"]], ["*", 5.0, "y0"]]], {"a": 4.0, "b": 3.0}), [1.0], ["a", "b"]),
    (prob("contract_net", [0.5, -0.3, 0.9], 0, 5, [["-", ["tanh", ["+", ["*", "a", "y1"], ["*", "b", "y2"]]], ["*", 7.0, "y0"]], ["-", ["tanh", ["+", ["*", "b", "y0"], "t"]], ["*", 7.0, "y1"]], ["-", ["tanh", ["*", "a", ["+", "y0", "y1"]]], ["*", 7.0, "y2"]]], {"a": 3.2, "b": -2.7}), [1.0, 1.0, -0.5], ["a", "b"]),
    (vdp("vdp_5", 5.0, [2.0, 0.0], 8.0), [1.0, 0.0], ["mu"]), (vdp("vdp_3", 3.0, [2.0, 0.0], 12.0), [1.0, 0.2], ["mu"]), (vdp("vdp_8", 8.0, [1.0, 1.0], 20.0), [1.0, 0.0], ["mu"]),
    (prob("damped", [1.0, 0.0], 0, 3, ["y1", ["-", ["neg", ["*", "w", "y0"]], ["*", "c", "y1"]]], {"w": 9.0, "c": 6.0}), [1.0, 1.0], ["w", "c"]),
    (prob("scale", [1e-9, 1e12], 0, 3, [["*", "a", "y0"], ["neg", ["*", "b", "y1"]]], {"a": 1.2, "b": 0.7}), [1e9, 1e-12], ["a", "b"]),
    (prob("logistic_far", [0.01], 0, 14, [["*", "r", "y0", ["-", 1.0, ["/", "y0", "K"]]]], {"r": 2.0, "K": 3.0}), [1.0], ["r", "K"]),
    (prob("gene", [0.1, 2.0], 0, 20, [["-", ["/", "a", ["+", 1.0, ["^", "y1", 2.0]]], "y0"], ["-", ["/", "a", ["+", 1.0, ["^", "y0", 2.0]]], "y1"]], {"a": 4.0}), [1.0, 1.0], ["a"]),
]

def gradient(k):
    d = gradient_case(*G[k])
    nonfinite(d)
    return d

if __name__ == "__main__":
    import multiprocessing, time
    want = sys.argv[2:] or ["problems", "events", "gradients"]
    pool = multiprocessing.Pool(3)
    limit = time.time() + 3000
    def gather(jobs):
        out = []
        for name, r in jobs:
            try:
                out.append(r.get(max(1, limit - time.time())))
                print("made", name, flush=True)
            except Exception as e:
                print("left out", name, type(e).__name__, e, flush=True)
        return out
    if "events" in want:
        dump(os.path.join(OUT, "events.json"), {"source": VER, "cases": events()})
    gr = [(G[k][0]["name"], pool.apply_async(gradient, (k,))) for k in range(len(G))] if "gradients" in want else []
    pr = [(p["name"], pool.apply_async(problem, (p,))) for p in P] if "problems" in want else []
    if gr:
        dump(os.path.join(OUT, "gradients.json"), {"source": VER, "rule": "as in the reference folder", "cases": gather(gr)})
    if pr:
        dump(os.path.join(OUT, "problems.json"), {"source": VER, "err_rule": "max_i |y_i - truth_i| / (1 + |truth_i|)", "problems": gather(pr)})
    pool.terminate()
