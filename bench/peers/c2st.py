#!/usr/bin/env python3
"""Accuracies of sbibm's two-sample test by scikit-learn's MLPClassifier, for cfm/metric/testdata/c2st.json.

    c2st.py > cfm/metric/testdata/c2st.json

The settings are those of sbibm 1.1.0, metrics/c2st.py: both samples scaled by the first one's mean and deviation, two hidden layers of ten units a
dimension, Adam, five shuffled folds; but at most 60 epochs instead of 1000, since samples as small as these are learned by heart after that. Each pair
of samples is judged by five seeds. "epochs" is how many the rule to stop takes of its own on points that are far apart.
"""
import json
import sys
import warnings

import numpy as np
import sklearn
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neural_network import MLPClassifier


EPOCHS = 60
warnings.filterwarnings("ignore")


def c2st(x, y, seed):
    mean, sd = x.mean(0), x.std(0, ddof=1)
    rows, label = np.concatenate([(x - mean) / sd, (y - mean) / sd]), np.repeat([0, 1], [len(x), len(y)])
    net = MLPClassifier(activation="relu", hidden_layer_sizes=(10 * x.shape[1],) * 2, max_iter=EPOCHS, solver="adam", random_state=seed)
    return cross_val_score(net, rows, label, cv=KFold(5, shuffle=True, random_state=seed), scoring="accuracy").mean()


def ring(r, n, noise):
    a = r.uniform(0, 2 * np.pi, n)
    return np.stack([np.cos(a), np.sin(a)], 1) * (1 + noise * r.standard_normal((n, 1)))


def main():
    r, n = np.random.default_rng(3), 500
    normal = lambda *s: r.standard_normal(s)
    cases = []
    for name, x, y in (("equal", normal(n, 3), normal(n, 3)), ("wider", normal(n, 2), 1.4 * normal(n, 2)), ("shifted", normal(n, 5), normal(n, 5) + 0.2),
                       ("ring", ring(r, n, 0.05), ring(r, n, 0.12))):
        x, y = np.round(x, 3), np.round(y, 3)
        scores = [c2st(x, y, seed) for seed in range(5)]
        print(name, scores, file=sys.stderr, flush=True)
        cases.append({"name": name, "dim": x.shape[1], "x": x.ravel().tolist(), "y": y.ravel().tolist(), "accuracy": scores})
    x, y = np.round(normal(n, 2), 3), np.round(normal(n, 2) + 4, 3)
    rows, label = np.concatenate([x, y]), np.repeat([0, 1], n)
    stop = [MLPClassifier(hidden_layer_sizes=(20, 20), max_iter=1000, random_state=s).fit(rows, label).n_iter_ for s in range(5)]
    print("epochs", stop, file=sys.stderr)
    cases.append({"name": "far", "dim": 2, "x": x.ravel().tolist(), "y": y.ravel().tolist(), "epochs": stop})
    json.dump({"source": f"scikit-learn {sklearn.__version__}, bench/peers/c2st.py", "cases": cases}, sys.stdout, separators=(",", ":"))


main()
