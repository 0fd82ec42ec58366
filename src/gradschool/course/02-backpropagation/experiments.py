"""Experiments of chapter 2: how often small nets learn hard tables, and gradients in deep nets."""

import numpy as np

from gradschool.scratch.backpropagation.mlp import RELU, SIGMOID, TANH, init, loss_and_gradients
from gradschool.scratch.neurons.many import PLAIN, SHORTCUTS, Nets, train
from gradschool.scratch.neurons.plane import fractal_cross, polar, twin_spirals
from gradschool.scratch.neurons.xor import XorRuns, success_rate

RUNS = 20


def xor() -> dict:
    """Share of 1000 runs of a 2-2-1 net that learn XOR within 10,000 epochs, in five settings."""
    runs, found = 1000, {}
    settings = {
        "slow": XorRuns(0.1, 0.0, 1.0),
        "small": XorRuns(0.1, 0.0, 0.01),
        "large": XorRuns(0.1, 0.9, 1.0),
        "momentum": XorRuns(0.1, 0.9, 0.01),
        "unbiased": XorRuns(0.1, 0.9, 0.01, bias_size=0.0),
    }
    for name, setting in settings.items():
        share = success_rate(setting, runs, np.random.default_rng(0))
        found[name] = {"n": runs, "seed": 0, "share": share} | interval(share, runs)
    return found


def polarnet() -> dict:
    """PolarNet on the twin spirals: share of 20 runs that have all 194 points right within 20,000 epochs."""
    x, t = twin_spirals()
    return {f"h{h}": counted(Nets(PLAIN, (h,), 0.3), polar(x), t) for h in (5, 6, 7, 8, 10, 12, 16)}


def rawnet() -> dict:
    """RawNet on the twin spirals: two equal hidden layers on x and y, as above."""
    x, t = twin_spirals()
    return {f"h{h}": counted(Nets(PLAIN, (h, h), 0.3), x, t) for h in (8, 10, 12, 16)}


def shortnet() -> dict:
    """ShortNet on the twin spirals: two equal hidden layers with shortcuts, as above."""
    x, t = twin_spirals()
    return {f"h{h}": counted(Nets(SHORTCUTS, (h, h), 0.3), x, t) for h in (6, 7, 8, 10, 12)}


def first_weights() -> dict:
    """ShortNet with 10 + 10 units and first weights of different sizes, as above."""
    x, t = twin_spirals()
    sizes = {"small": 0.01, "middle": 0.3, "large": 1.0}
    return {name: counted(Nets(SHORTCUTS, (10, 10), size), x, t) for name, size in sizes.items()}


def fractal() -> dict:
    """Full3Net, Full4Net and DenseNet of several sizes on 256 points of a cross of crosses, 10,000 epochs."""
    x, t = fractal_cross()
    kinds = {  # type: dict[str, tuple]
        "full3": (PLAIN, [(h, h) for h in (6, 8, 10, 14)]),
        "full4": (PLAIN, [(h, h, h) for h in (5, 6, 8, 10)]),
        "dense": (SHORTCUTS, [(h, h) for h in (5, 6, 8, 10)]),
    }
    return {
        name: {f"h{h[0]}": counted(Nets(form, h, 0.3, 0.01, 256, 10_000), x, t) for h in sizes}
        for name, (form, sizes) in kinds.items()
    }


def depth() -> dict:
    """Norm of the bias gradient in each of 20 hidden layers of 50 units over that of the last; 20 seeds."""
    settings = {  # activation function, and the factor on weights of variance 1 / inputs
        "sigmoid": (SIGMOID, 1.0),
        "small": (TANH, 0.5),
        "tanh": (TANH, 1.0),
        "relu": (RELU, 2**0.5),
        "large": (RELU, 3.0),
    }
    found = {}
    for name, (activation, factor) in settings.items():
        runs = []
        for seed in range(RUNS):
            rng = np.random.default_rng(seed)
            layers = [(factor * w, b) for w, b in init([50] * 21 + [10], rng)]
            x, labels = rng.normal(size=(64, 50)), rng.integers(0, 10, 64)
            _, gradients = loss_and_gradients(layers, x, labels, activation)
            norms = np.array([np.linalg.norm(db) for _, db in gradients[:-1]])
            runs.append(norms / norms[-1])
        lower, median, upper = np.quantile(runs, [0.25, 0.5, 0.75], axis=0)
        first = {"lower": float(lower[0]), "median": float(median[0]), "upper": float(upper[0])}
        found[name] = {"n": RUNS, "factor": factor, "first": first, "layers": median.tolist()}
    return found


def pictures() -> dict:
    """Weights of one solved net of each kind, for drawing."""
    x, t = twin_spirals()
    kinds = {
        "polar": (Nets(PLAIN, (8,), 0.3), polar(x)),
        "raw": (Nets(PLAIN, (12, 12), 0.3), x),
        "short": (Nets(SHORTCUTS, (8, 8), 0.3), x),
    }
    found = {}
    for name, (nets, table) in kinds.items():
        epochs, weights = train(nets, table, t, 6, np.random.default_rng(1))
        run = int(np.argmax(epochs > 0))
        found[name] = {"epoch": int(epochs[run]), "weights": [w[run].round(5).tolist() for w in weights]}
    return found


def counted(nets: Nets, x: np.ndarray, t: np.ndarray) -> dict:
    """How many of 20 runs get there, how soon, with how many parameters."""
    epochs, _ = train(nets, x, t, RUNS, np.random.default_rng(0))
    solved = epochs[epochs > 0]
    share = len(solved) / RUNS
    found = {"n": RUNS, "seed": 0, "solved": len(solved), "share": share, "parameters": nets.parameters(2)}
    if len(solved):
        found["epochs"] = dict(  # type: ignore[assignment]
            zip(("lower", "median", "upper"), np.quantile(solved, [0.25, 0.5, 0.75]).tolist(), strict=True)
        )
    return found | interval(share, RUNS)


def interval(share: float, n: int, z: float = 1.96) -> dict:
    """Wilson's 95 % interval of a share of n runs."""
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return {"from": float(max(middle - half, 0)), "to": float(min(middle + half, 1))}
