"""What counting alone achieves: n-gram models, the baselines that a neural language model has to beat.

Sources: Shannon 1948, section 3 (n-grams); MacKay and Peto 1995 (interpolation by a Dirichlet prior).
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.ops.language import dirichlet_predictive

Counts = tuple[Int64[Tensor, " k"], Int64[Tensor, " k"]]
NAMES = ("unigram", "bigram", "trigram")
STRENGTHS = tuple(2.0**i for i in range(11))  # 1 to 1,024 observations


def baselines(
    train: Int64[Tensor, "m w"], val: Int64[Tensor, "v w"] | None, test: Int64[Tensor, "t w"], kinds: int
) -> dict[str, float]:
    """Mean negative log-likelihood of a token of the test part, in nats, under n-gram models.

    Args:
        train: windows of tokens, the last of each follows the others; all parts have windows of one width w.
        val: windows by which the interpolated model chooses the strength of its priors; without them it has
            that of add-one smoothing.
        test: windows whose last token is predicted.
        kinds: number of tokens.

    Returns:
        Unigram to trigram (or shorter, where windows are) with add-one smoothing, and the interpolated model
        of full width.
    """
    width = train.shape[1]
    # 1. Each order by itself, smoothed by a uniform prior.
    uniform, own = 1 / kinds, counted(train, test)
    found = {
        f"{name}, add-one": nats(
            dirichlet_predictive(*own[n], torch.full((len(test),), uniform), float(kinds))
        )
        for n, name in enumerate(NAMES[:width])
    }
    # 2. All orders together.
    strength = float(kinds)
    if val is not None:
        held = counted(train, val)
        strength = min(STRENGTHS, key=lambda s: nats(interpolated(held, kinds, s)))
    found[f"{width}-gram, interpolated"] = nats(interpolated(own, kinds, strength))
    return found


def counted(train: Int64[Tensor, "m w"], asked: Int64[Tensor, "k w"]) -> list[Counts]:
    """For every order n = 1 ... w and every window that is asked for: how often its last n tokens are the
    last n of a training window, and how often its history (the n - 1 before the last) is.
    """
    width, found = train.shape[1], []
    total = torch.full((len(asked),), len(train))
    for n in range(1, width + 1):
        seen = occurrences(train[:, -n:], asked[:, -n:])
        found.append((seen, total if n == 1 else occurrences(train[:, -n:-1], asked[:, -n:-1])))
    return found


def occurrences(rows: Int64[Tensor, "m n"], asked: Int64[Tensor, "k n"]) -> Int64[Tensor, " k"]:
    """How often each asked row is among the rows; no table of all possible rows is needed."""
    # 1. Equal rows get the same number, from 0 on.
    kinds, number = torch.unique(torch.cat([rows, asked]), dim=0, return_inverse=True)
    # 2. Count the numbers.
    return torch.bincount(number[: len(rows)], minlength=len(kinds))[number[len(rows) :]]


def interpolated(counts: list[Counts], kinds: int, strength: float) -> Float[Tensor, " k"]:
    """Probabilities of the last tokens: each order has the one below it as its prior, the first a uniform."""
    p = torch.full((len(counts[0][0]),), 1 / kinds)
    for seen, total in counts:
        p = dirichlet_predictive(seen, total, p, strength)
    return p


def nats(p: Float[Tensor, " k"]) -> float:
    """The mean negative log-likelihood."""
    return float(-p.double().log().mean())


def best(scores: Mapping[str, float]) -> tuple[str, float]:
    """The name and the nats of the best baseline."""
    return min(scores.items(), key=lambda item: item[1])
