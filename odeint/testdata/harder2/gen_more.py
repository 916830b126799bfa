"""Harder problems still, in the layout of the reference folder: as gen_hard.py, whose bodies it borrows.  python gen_more.py OUT"""
import os, sys
import mpmath as mp
from lib_ode import *
from ode_problems import prob, kepler, lotka, lorenz, vdp, arenstorf, pleiades, PI2
from gen_hard import three_body, ring
OUT = sys.argv[1]

def pulse(name, at, width, t1, **kw):
    """y' = -y + a pulse that a long step walks over."""
    return prob(name, [1.0], 0, t1, [["-", ["exp", ["neg", ["^", ["/", ["-", "t", at], width], 2.0]]], ["*", 0.1, "y0"]]], **kw)

def chain(n, t1):
    y0 = [1.0 if k == 0 else 0.0 for k in range(n)]
    rhs = [["neg", "y0"]] + [["-", ["*", float(k), "y%d" % (k - 1)], ["*", float(k + 1), "y%d" % k]] for k in range(1, n)]
    return prob("chain_%d" % n, y0, 0, t1, rhs)

P = [
    kepler("kepler_e095_two_turns", 0.95, 2 * PI2),
    kepler("kepler_e0999", 0.999, 3.5),
    three_body("near_collision", [(1, 0), (-1, 0.05), (0, 3)], [(-0.4, 0), (0.4, 0), (0.3, -0.1)], [1, 1, 0.5], 4.0),
    three_body("lagrange", [(1, 0), (-0.5, 0.8660254037844386), (-0.5, -0.8660254037844386)],
               [(0, 0.7598356856515925), (-0.6580370064762462, -0.37991784282579627), (0.6580370064762462, -0.37991784282579627)], [1, 1, 1], 9.0),
    prob("scale_1e12", [1e12, 0.0], 0, 12, ["y1", ["neg", ["*", "y0", ["+", 1.0, ["*", 0.2, ["/", ["*", "y0", "y0"], 1e24]]]]]]),
    prob("mixed_scales", [1e12, 1e-9], 0, 5, [["neg", ["*", 0.3, "y0"]], ["*", "y1", ["-", 1.0, ["/", "y0", 1e12]]]]),
    pulse("pulse_narrow", 31.7, 0.02, 60), pulse("pulse_wide", 31.7, 0.5, 60),
    prob("blow_up_1e6", [1.0], 0, 0.999999, [["*", "y0", "y0"]]),
    prob("blow_up_cubed", [1.0], 0, 0.4999, [["^", "y0", 3.0]]),
    ring(16, 8.0, 12.0), chain(32, 4.0),
    prob("abs_spring", [1.0, 0.0], 0, 12, ["y1", ["neg", ["*", "y0", ["abs", "y0"]]]]),
    prob("chirp", [1.0], 0, 6, [["*", "y0", ["*", 3.0, "t", ["cos", ["*", 3.0, "t", "t"]]]]]),
    prob("backward_grow", [1.0, 1.0], 5, -5, [["*", 0.5, "y1"], ["neg", ["*", 2.0, "y0", ["+", 1.0, ["*", "y0", "y0"]]]]]),
    prob("long_forced", [0.0, 0.0], 0, 200, ["y1", ["-", ["cos", ["*", 1.7, "t"]], ["+", "y0", ["*", 0.05, "y1"]]]]),
    prob("tiny_span", [1.0, 2.0], 1.0, 1.000001, [["*", 1e6, "y1"], ["neg", ["*", 1e6, "y0"]]]),
    prob("late_start", [1.0, 0.0], 1e6, 1e6 + 20, ["y1", ["neg", "y0"]]),
    prob("brusselator_3", [1.0, 1.0, 0.5], 0, 15, [["+", 1.0, ["*", "y0", "y0", "y1"], ["neg", ["*", ["+", "y2", 1.0], "y0"]]], ["-", ["*", "y2", "y0"], ["*", "y0", "y0", "y1"]], ["-", 1.5, ["*", "y2", "y0"]]]),
    vdp("van_der_pol_500", 500.0, [2.0, 0.0], 5.0),
    lorenz("lorenz_16", [1.0, 1.0, 1.0], 16.0),
    prob("quintic", [0.1], 0, 8, [["-", ["*", 2.0, "y0"], ["^", "y0", 5.0]]]),
    prob("tanh_switch", [0.0], 0, 10, [["-", ["tanh", ["*", 50.0, ["sin", "t"]]], "y0"]]),
    prob("from_rest", [0.0, 0.0], 0, 10, [["^", "t", 4.0], ["*", "y0", ["sin", "t"]]]),
    prob("decay_to_zero", [1.0], 0, 40, [["neg", "y0"]]),
    lotka("lotka_extreme", [20.0, 10.0], 8.0),
]

def work(p):
    td = p["dim"] < 20 and p["name"] not in ("van_der_pol_500", "late_start", "long_forced", "lorenz_16")
    return solve_problem(p, [1e-3, 1e-5, 1e-7, 1e-9], quiet=True, td=td, 
                         tolq="1e-25" if p["name"] in ("near_collision", "lorenz_16") else "1e-27")

if __name__ == "__main__":
    res = []
    for p in P:
        try:
            res.append(work(p))
        except Exception as e:
            print("left out", p["name"], type(e).__name__, e, flush=True)
    dump(os.path.join(OUT, "problems.json"), {"source": VER, "err_rule": "max_i |y_i - truth_i| / (1 + |truth_i|)", "problems": res})
    mp.mp.dps = 40
    ev = []
    osc = prob("osc", [1.0, 0.0], 0, 10, ["y1", ["neg", "y0"]])
    def cases(name, p, e, d, term, ts, reset=None, states=None, **kw):
        ev.append(event_case(name, p, e, d, term, ts, states, reset=reset, **kw))
    cases("osc_fast_event", osc, ["sin", ["*", 40.0, "y0"]], 0, False,
          sorted(t for k in range(-12, 13) if abs(k * mp.pi / 40) < 1 for j in range(-2, 3) for s in (1, -1) for t in [2 * mp.pi * j + s * mp.acos(k * mp.pi / 40)] if 0 < t < 10))
    cases("grazing", osc, ["-", "y0", 0.9999999], 0, False, sorted(t for j in range(0, 3) for s in (1, -1) for t in [2 * mp.pi * j + s * mp.acos(mp.mpf(0.9999999))] if 0 < t < 10), tol=1e-6)
    cases("grazing_miss", osc, ["-", "y0", 1.0000001], 0, False, [])
    cases("triple_cube", prob("line", [0.0], 0, 10, [1.0]), ["^", ["-", "y0", 5.0], 3.0], 0, True, [mp.mpf(5)])
    cases("back_both", prob("osc_b", [1.0, 0.0], 10, 0, ["y1", ["neg", "y0"]]), "y0", 0, False, [10 - mp.pi / 2, 10 - 3 * mp.pi / 2, 10 - 5 * mp.pi / 2])
    cases("back_rising", prob("osc_b", [1.0, 0.0], 10, 0, ["y1", ["neg", "y0"]]), "y0", 1, False, [10 - 3 * mp.pi / 2])
    cases("at_end", prob("line", [0.0], 0, 10, [1.0]), ["-", "y0", 9.999999], 1, False, [mp.mpf(9.999999)])
    g, e = mp.mpf(9.81), mp.mpf(0.5)
    t = mp.sqrt(2 * mp.mpf(1) / g); v = g * t; ts = []
    while t < 1.3 and len(ts) < 12:
        ts.append(t); v *= e; t += 2 * v / g
    cases("ball_half", prob("ball", [1.0, 0.0], 0, float(mp.mpf(ts[-1])) + 1e-5, ["y1", ["neg", "g"]], {"g": 9.81, "e": 0.5}), "y0", -1, False, [x for x in ts], reset=[0.0, ["neg", ["*", "e", "y1"]]])
    dose = prob("dose", [1.0], 0, 10, [["neg", "y0"]])
    T = mp.log(4)
    cases("dosing", dose, ["-", "y0", 0.25], -1, False, [T * k for k in range(1, 8) if T * k < 10], reset=[1.0])
    cases("dosing_time", dose, ["sin", "t"], 0, False, [mp.pi, 2 * mp.pi, 3 * mp.pi], reset=[["+", "y0", 1.0]])
    p = kepler("kepler", 0.95, 13.0)
    cases("kepler_e095_apsides", p, ["+", ["*", "y0", "y2"], ["*", "y1", "y3"]], 0, False, [mp.pi, 2 * mp.pi, 3 * mp.pi, 4 * mp.pi])
    p = vdp("vdp", 20.0, [2.0, 0.0], 60.0)
    tt, ss = find_events(p, "y0", 0)
    ev.append(event_case("van_der_pol_20_zero", p, "y0", 0, False, tt, ss, method="bisection in 113-bit floats"))
    p = lorenz("lor", [1.0, 1.0, 1.0], 5.0)
    tt, ss = find_events(p, ["-", "y2", 27.0], 1, grid=2000)
    ev.append(event_case("lorenz_section", p, ["-", "y2", 27.0], 1, False, tt, ss, method="bisection in 113-bit floats"))
    dump(os.path.join(OUT, "events.json"), {"source": VER, "cases": ev})
    gr = []
    for p, w, k in [(prob("contracting", [1.0], 0, 3, [["*", "k", ["-", ["sin", "t"], "y0"]]], {"k": 12.0}), [1.0], ["k"]),
                    (prob("contracting_30", [1.0], 0, 3, [["*", "k", ["-", ["sin", "t"], "y0"]]], {"k": 30.0}), [1.0], ["k"]),
                    (prob("contracting_2", [1.0, -1.0], 0, 3, [["*", "k", ["-", "y1", "y0"]], ["-", ["neg", ["*", "k", "y1"]], ["^", "y0", 3.0]]], {"k": 10.0}), [1.0, 2.0], ["k"]),
                    (prob("tanh_net", [0.5, -0.3], 0, 4, [["-", ["tanh", ["+", ["*", "a", "y0"], ["*", "b", "y1"]]], ["*", 4.0, "y0"]], ["-", ["tanh", ["+", ["*", "c", "y0"], ["*", "d", "y1"], "t"]], ["*", 5.0, "y1"]]], {"a": 1.2, "b": -0.7, "c": 2.0, "d": 0.4}), [1.0, 1.0], ["a", "b", "c", "d"]),
                    (vdp("vdp_20", 20.0, [2.0, 0.0], 10), [1.0, 0.0], ["mu"]),
                    (kepler("kepler_e09", 0.9, 5.0), [1.0, 0.5, 0.0, 0.1], []),
                    (lorenz("lorenz_4", [1.0, 1.0, 1.0], 4.0), [1.0, 0.0, 0.0], ["sigma", "rho", "beta"]),
                    (prob("power", [0.7], 0, 2, [["-", ["*", "a", ["^", "y0", "b"]], "y0"]], {"a": 1.3, "b": 0.6}), [1.0], ["a", "b"]),
                    (prob("blow", [1.0], 0, 0.99, [["*", "a", "y0", "y0"]], {"a": 1.0}), [1.0], ["a"]),
                    (prob("backward_t", [1.0, 0.5], 4, 0, ["y1", ["neg", ["+", "y0", ["*", "c", "y1"]]]], {"c": 0.3}), [1.0, -1.0], ["c"])]:
        try:
            gr.append(gradient_case(p, w, k))
        except Exception as e:
            print("left out", p["name"], type(e).__name__, e, flush=True)
    dump(os.path.join(OUT, "gradients.json"), {"source": VER, "rule": "as in the reference folder", "cases": gr})
