"""Experiments of chapter 1."""

from itertools import product

import numpy as np
from scipy.optimize import linprog

from gradschool.scratch.neurons.limits import dichotomies, pocket
from gradschool.scratch.neurons.logic import truth_table
from gradschool.scratch.neurons.perceptron import predict, train, update
from gradschool.scratch.neurons.separability import separability


def spread(values) -> dict:
    """Number, median and quartiles."""
    lower, median, upper = np.quantile(values, [0.25, 0.5, 0.75]).tolist()
    return {"n": len(values), "lower": lower, "median": median, "upper": upper}


def novikoff() -> dict:
    """Mistakes of the perceptron on 50 points at least a gap from a line, and Novikoff's bound, 100 seeds."""
    result = {}
    for name, gap in (("wide", 0.4), ("middle", 0.1), ("narrow", 0.02)):
        mistakes, bounds = [], []
        for seed in range(100):
            rng = np.random.default_rng(seed)
            u = rng.normal(size=3) * (0.2, 1, 1)
            u /= np.linalg.norm(u)
            x = np.column_stack([np.ones(4000), rng.uniform(-1, 1, (4000, 2))])
            x = x[np.abs(x @ u) >= gap][:50]
            trace = train(x[:, 1:].tolist(), (x @ u > 0).astype(int).tolist(), (0, 0, 0), max_steps=200_000)
            mistakes.append(sum(row.action != "none" for row in trace.steps))
            bounds.append((np.linalg.norm(x, axis=1).max() / np.abs(x @ u).min()) ** 2)
        share = np.array(mistakes) / np.array(bounds)
        result[name] = {"gap": gap, "mistakes": spread(mistakes), "bound": spread(bounds)}
        result[name]["largest_share_of_bound"] = float(share.max())
    return result


def boolean() -> dict:
    """How many of all functions of two and of three logic inputs one perceptron computes, by trying all."""
    counts = {}
    for n in (2, 3):
        rows = truth_table(n).tolist()
        able = sum(separability(rows, labels).separable for labels in product((0, 1), repeat=2**n))
        counts[f"inputs{n}"] = {"able": able, "all": 2 ** (2**n)}
    return counts


def capacity() -> dict:
    """Share of 100 random labelings of n random points that a plane can make, by linear programming."""
    result = {}
    rng = np.random.default_rng(0)
    for d in (1, 5, 20):
        ratios, measured, exact = [0.5, 1.0, 1.5, 2.0, 2.5, 3.0], [], []
        for ratio in ratios:
            n, made = int(ratio * (d + 1)), 0
            for _ in range(100):
                x = np.column_stack([np.ones(n), rng.normal(size=(n, d))])
                sides = x * rng.choice([-1, 1], (n, 1))
                made += (
                    linprog(np.zeros(d + 1), A_ub=-sides, b_ub=-np.ones(n), bounds=(None, None)).status == 0
                )
            measured.append(made / 100)
            exact.append(dichotomies(n, d) / 2**n)
        result[f"d{d}"] = {"ratio": ratios, "measured": measured, "exact": exact, "labelings": 100}
    return result


def overlap() -> dict:
    """Share of mistakes of the last weights and of those in the pocket, on overlapping clouds, 50 seeds."""
    last, kept, best = [], [], []
    for seed in range(50):
        rng = np.random.default_rng(seed)
        targets = np.repeat([0, 1], 100)
        points = rng.normal(size=(200, 2)) + targets[:, None] * 1.5
        order = rng.integers(0, 200, 1000).tolist()
        w = np.zeros(3)
        for i in order:
            w = update(w, points[i], int(targets[i]))
        last.append(float((predict(w, points) != targets).mean()))
        kept.append(pocket(points, targets, np.zeros(3), order)[1] / 200)
        best.append(float((predict(np.array([-2.25, 1.5, 1.5]), points) != targets).mean()))
    return {"last": spread(last), "pocket": spread(kept), "bayes": spread(best)}
