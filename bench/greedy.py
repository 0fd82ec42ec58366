"""Greedy ensemble selection: all candidates at once from sums that are kept, against loops over candidates.

One hundred members, log-loss, the same choices on all sides (checked). The peers are the loop that averages
the chosen members and each candidate anew, the loop that keeps the sum but looks at all classes of each
candidate, and the same with scikit-learn's log_loss, as AutoML libraries have it. The goal is 10 times the
loop that averages anew.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from bench.common import compare, main
from gradschool.evals.classification.greedy import greedy
from gradschool.ops.practice.selection import LEAST

Array = NDArray[Any]


def members(count: int, examples: int, classes: int, seed: int = 0) -> tuple[Array, Array]:
    """Probabilities (m, n, k) of members that know something each, and labels."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, classes, examples)
    logits = draw.normal(size=(count, examples, classes))
    logits[:, np.arange(examples), labels] += draw.uniform(0.5, 2.5, size=(count, 1))
    shares = np.exp(logits - logits.max(2, keepdims=True))
    return shares / shares.sum(2, keepdims=True), labels


def known_loss(mean: Array, labels: Array) -> float:
    """Log-loss in the fewest operations of NumPy."""
    return float(-np.log(np.maximum(mean[np.arange(len(labels)), labels], LEAST)).mean())


def anew(probabilities: Array, labels: Array, steps: int) -> list[int]:
    """Every candidate's mean from all chosen members."""
    chosen: list[int] = []
    for _ in range(steps):
        losses = []
        for candidate in range(len(probabilities)):
            mean = np.mean(probabilities[[*chosen, candidate]], axis=0)
            losses.append(known_loss(mean, labels))
        chosen.append(int(np.argmin(losses)))
    return chosen


def kept(probabilities: Array, labels: Array, steps: int, loss: Callable[[Array, Array], float]) -> list[int]:
    """Every candidate added to the sum of the chosen members."""
    chosen: list[int] = []
    total = np.zeros_like(probabilities[0])
    for step in range(1, steps + 1):
        losses = [loss((total + each) / step, labels) for each in probabilities]
        chosen.append(int(np.argmin(losses)))
        total += probabilities[chosen[-1]]
    return chosen


def by_library(mean: Array, labels: Array) -> float:
    """scikit-learn's log_loss."""
    return float(log_loss(labels, mean, labels=np.arange(mean.shape[1])))


def run(
    repeats: int = 5, count: int = 100, examples: int = 2000, classes: int = 10, steps: int = 20
) -> dict[str, Any]:
    """Time a selection of so many steps."""
    shares, labels = members(count, examples, classes)
    ours_shares, ours_labels = torch.from_numpy(shares), torch.from_numpy(labels)
    ways: dict[str, Callable[[], list[int]]] = {
        "averaged anew for each candidate": lambda: anew(shares, labels, steps),
        "sum kept, one candidate at a time": lambda: kept(shares, labels, steps, known_loss),
        "sum kept, scikit-learn's log_loss": lambda: kept(shares, labels, steps, by_library),
    }
    # 1. The same choices: of all steps ours keeps the best, which here is one of the last.
    found = greedy(ours_shares, ours_labels, steps)
    for name, way in ways.items():
        chosen = way()[: int(found.sum())]
        assert np.bincount(chosen, minlength=count).tolist() == found.tolist(), name

    def timed(way: Callable[[], object]) -> Callable[[], float]:
        def work() -> float:
            way()
            return 1.0

        return work

    # 2. The times.
    about = {"members": count, "examples": examples, "classes": classes, "steps": steps, "goal": 10}
    peers = {name: timed(way) for name, way in ways.items()}
    result = compare(
        "greedy",
        "selections/s",
        timed(lambda: greedy(ours_shares, ours_labels, steps)),
        peers,
        repeats,
        about,
    )
    print("; ".join(f"{ratio:.1f} times as fast as {name}" for name, ratio in result["ratios"].items()))
    return result


if __name__ == "__main__":
    main(run)
