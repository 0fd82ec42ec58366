"""Experiments of chapter 3."""

from math import inf

import numpy as np
from scipy.optimize import minimize
from scipy.spatial import cKDTree

from gradschool.scratch.statistics.dimensions import contrast, nearest
from gradschool.scratch.statistics.information import kl_gaussians, kl_sampled
from gradschool.scratch.statistics.probability import coin, gaussian_mle, map_weights
from gradschool.scratch.statistics.shift import effective_size, fit_weighted, importance_weights


def spread(values) -> dict:
    """Number, median and quartiles."""
    lower, median, upper = np.quantile(values, [0.25, 0.5, 0.75]).tolist()
    return {"n": len(values), "lower": lower, "median": median, "upper": upper}


def around(values) -> dict:
    """Number, mean and its standard error."""
    values = np.asarray(values, float)
    error = float(values.std(ddof=1) / len(values) ** 0.5)
    return {"n": len(values), "mean": float(values.mean()), "error": error}


def estimates() -> dict:
    """Share of the true variance that the MLE finds; errors of three estimates of coins from Beta(2, 2)."""
    rng = np.random.default_rng(0)
    variance = {}
    for n in (2, 5, 20):
        found = [gaussian_mle(rng.normal(size=(n, 1)))[1].item() for _ in range(10_000)]
        variance[f"n{n}"] = around(found)
    coins = {}
    for tosses in (3, 30, 300):
        p = rng.beta(2, 2, 10_000)
        heads = rng.binomial(tosses, p).tolist()
        guesses = np.array([coin(h, tosses - h, 2, 2) for h in heads])
        off = np.sqrt(((guesses - p[:, None]) ** 2).mean(axis=0))
        coins[f"n{tosses}"] = {"coins": 10_000} | dict(zip(("mle", "map", "mean"), off.tolist(), strict=True))
    return {"variance": variance, "coins": coins}


def straight(rng, n=20, noise=0.5):
    """Points about the line 1 + 2x: rows (1, x), and y."""
    x = np.column_stack([np.ones(n), rng.uniform(-1, 1, n)])
    return x, x @ np.array([1.0, 2.0]) + rng.normal(size=n) * noise


def climbed(x, y, s):
    """The weights at the top of the likelihood for noise s, by a general optimiser."""
    return minimize(lambda w: ((y - x @ w) ** 2).sum() / (2 * s**2), np.zeros(2), tol=1e-9).x


def sigma() -> dict:
    """Slopes by maximising the likelihood for three assumed sigmas, with a prior and without; 1000 seeds."""
    apart, slopes, plain, weighted = [], {"0.1": [], "0.5": [], "2.0": []}, [], []  # type: ignore
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        x, y = straight(rng)
        # 1. Without a prior: a general optimiser on the likelihood itself, for each sigma.
        tops = [climbed(x, y, s) for s in (0.1, 0.5, 2.0)]
        apart.append(float(np.ptp(tops, axis=0).max()))
        # 2. With a prior of width 1 on both weights.
        for s, found in slopes.items():
            found.append(float(map_weights(x, y, float(s), 1.0)[1]))
        # 3. A sigma that differs from point to point does not drop out.
        noise = np.where(np.arange(20) % 2, 2.0, 0.2)
        x, y = straight(rng, noise=noise)
        plain.append(float(fit_weighted(x, y, np.ones(20))[1]) - 2)
        weighted.append(float(fit_weighted(x, y, noise**-2.0)[1]) - 2)
    # 4. The most probable sigma itself, from what is left over.
    rng, share = np.random.default_rng(1000), []
    for _ in range(20_000):
        x, y = straight(rng)
        share.append(float(((y - x @ map_weights(x, y, 1.0, inf)) ** 2).mean()) / 0.25)
    return {
        "largest_difference": max(apart),
        "data_sets": len(apart),
        "with_prior": {name.replace(".", "_"): around(found) for name, found in slopes.items()},
        "variance_share": around(share),
        "unlike": {"plain": spread(np.abs(plain)), "weighted": spread(np.abs(weighted))},
    }


def gaussian(d, rng):
    """A mean and a full covariance."""
    root = rng.normal(size=(d, d)) / d**0.5
    return rng.normal(size=d) / d**0.5, root @ root.T + 0.5 * np.eye(d)


def gaussians() -> dict:
    """Monte Carlo estimates of the divergence of two Gaussians against the closed form, 40 seeds each."""
    result = {}
    for d in (1, 5, 20):
        rng = np.random.default_rng(d)
        first, second = gaussian(d, rng), gaussian(d, rng)
        exact = kl_gaussians(*first, *second)
        sizes, off, told, inside = [100, 1000, 10_000, 100_000], [], [], []
        for n in sizes:
            found = np.array(
                [kl_sampled(first, second, n, np.random.default_rng(1000 + s)) for s in range(40)]
            )
            off.append(float(np.sqrt(((found[:, 0] - exact) ** 2).mean())))
            told.append(float(found[:, 1].mean()))
            inside.append(int((np.abs(found[:, 0] - exact) < 2 * found[:, 1]).sum()))
        result[f"d{d}"] = {
            "exact": exact, "last": float(found[:, 0].mean()), "points": sizes, "seeds": 40,
            "error": off, "standard_error": told, "within_two": inside,
        }  # fmt: skip
    return result


def curve(x):
    """What is to be learned from x, by a straight line that cannot be right everywhere."""
    return x**3 - x


def line(x):
    """Rows (1, x)."""
    return np.column_stack([np.ones(len(x)), x])


def shifted(source, target, seed, ratio=None):
    """Target errors of four lines, what the weights are worth, and what they promise.

    Args:
        source, target: draw(rng, n).
        seed: of all that is drawn.
        ratio: the true ratio of densities, where there is one.
    """
    rng = np.random.default_rng(seed)
    xs, xt, test = source(rng, 200), target(rng, 200), target(rng, 2000)
    ys, yt = curve(xs) + 0.3 * rng.normal(size=200), curve(xt) + 0.3 * rng.normal(size=200)
    weights = importance_weights(np.column_stack([xs, xs**2]), np.column_stack([xt, xt**2]))
    plain = fit_weighted(line(xs), ys, np.ones(200))
    fits = {"unweighted": plain, "reweighted": fit_weighted(line(xs), ys, weights)}
    fits["target"] = fit_weighted(line(xt), yt, np.ones(200))
    if ratio:
        fits["true_ratio"] = fit_weighted(line(xs), ys, ratio(xs))
    errors = {name: float(((line(test) @ w - curve(test)) ** 2).mean()) + 0.09 for name, w in fits.items()}
    promised = float((weights * (line(xs) @ plain - ys) ** 2).sum() / weights.sum())
    return errors | {"effective": effective_size(weights), "promised": promised}


def shift() -> dict:
    """Mean squared error at the target of a line fitted elsewhere, with weights and without; 100 seeds."""

    def ratio(x):
        return np.exp(-0.5 * (x / 0.3) ** 2 + 0.5 * ((x - 0.5) / 0.5) ** 2) * 0.5 / 0.3

    cases = {
        "common": (
            lambda rng, n: rng.normal(0.5, 0.5, n), lambda rng, n: rng.normal(0, 0.3, n), ratio,
        ),
        "apart": (
            lambda rng, n: rng.uniform(0.6, 1.4, n), lambda rng, n: rng.uniform(-0.4, 0.4, n), None,
        ),
    }  # fmt: skip
    result = {}
    for name, (source, target, true) in cases.items():
        runs = [shifted(source, target, seed, true) for seed in range(100)]
        result[name] = {key: spread([run[key] for run in runs]) for key in runs[0]}
        result[name]["better"] = sum(run["reweighted"] < run["unweighted"] for run in runs)
    return result


def curse() -> dict:
    """Contrast of distances and error of the nearest neighbour among 1000 points of a cube; 20 seeds."""
    dimensions, result = [1, 2, 3, 5, 10, 20, 50, 100, 200], {}  # type: ignore
    sharp, off = [], []
    for d in dimensions:
        contrasts, errors = [], []
        for seed in range(20):
            rng = np.random.default_rng(seed)
            x, queries = rng.uniform(size=(1000, d)), rng.uniform(size=(200, d))
            contrasts.append(contrast(x, queries))
            answers, truth = (np.sin(2 * np.pi * v[:, 0]) for v in (x[nearest(x, queries)], queries))
            errors.append(float(((answers - truth) ** 2).mean()))
        sharp.append(spread(contrasts))
        off.append(spread(errors))
    result |= {"dimensions": dimensions, "contrast": sharp, "error": off}
    result["first_contrast"], result["last_contrast"] = sharp[0]["median"], sharp[-1]["median"]
    # Distances to the nearest neighbour, with as many points as on a line and with as many to its power d.
    result["spacing"] = {f"d{d}": spacing(d) for d in (1, 2, 3, 10)}
    # Random points of a cube in its ball.
    x = np.random.default_rng(0).uniform(-1, 1, (200_000, 20))
    squares = np.cumsum(x**2, axis=1)
    result["in_ball"] = {f"d{d}": int((squares[:, d - 1] < 1).sum()) for d in (2, 3, 5, 10, 20)}
    return result


def spacing(d) -> dict:
    """Mean distance to the nearest of the other points, of 100 points and of 100^d, mean of 3 seeds."""
    found = {}
    for name, n in (("hundred", 100), ("power", 100**d if d <= 3 else 0)):
        runs = []
        for seed in range(3 if n else 0):
            x = np.random.default_rng(seed).uniform(size=(n, d))
            runs.append(cKDTree(x).query(x[:2000], k=2)[0][:, 1].mean())
        if runs:
            found[name] = {"points": n, "mean": float(np.mean(runs)), "spread": float(np.ptp(runs))}
    return found
