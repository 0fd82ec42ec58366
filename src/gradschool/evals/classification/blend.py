"""Several classifiers as one: how their answers are mixed, and how the weights of a mixture are found.

Sources: Lakshminarayanan et al. 2017 (the plain mean of probabilities); Caruana et al. 2004 (greedy
selection); Wolpert 1992 (stacking). SciPy finds the best point of the simplex, scikit-learn fits the stack.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Int64
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from gradschool.evals.classification.greedy import greedy
from gradschool.ops.practice.selection import LEAST

Mixing = Literal["probabilities", "logits", "stack"]
UNSEEN = -20.0  # what a stack says of a class that it was never shown, beside 0 for a usual one


@dataclass(frozen=True)
class Blend:
    """A rule that makes one answer of several.

    Args:
        mixing: the mean of probabilities, the mean of logits, or a linear layer on log-probabilities.
        weights: of the m members, (m,), summing to 1; of a stack the sizes of its parts, to be shown.
        layer: of a stack, (k, m k).
        bias: of a stack, (k,).
    """

    mixing: Mixing
    weights: Float[Tensor, " m"]
    layer: Float[Tensor, "k mk"] | None = None
    bias: Float[Tensor, " k"] | None = None

    def __call__(self, logits: Float[Tensor, "m n k"]) -> Float[Tensor, "n k"]:
        """The log-probabilities of the ensemble from the logits of its members."""
        logits, weights = logits.double(), self.weights.double().view(-1, 1, 1)
        if self.mixing == "logits":
            return (weights * logits).sum(0).log_softmax(1)
        if self.mixing == "stack":
            assert self.layer is not None and self.bias is not None
            return (features(logits) @ self.layer.double().T + self.bias.double()).log_softmax(1)
        # A weight of 0 has the logarithm -inf, which leaves the member out.
        return (logits.log_softmax(2) + weights.log()).logsumexp(0)


def features(logits: Float[Tensor, "m n k"]) -> Float[Tensor, "n mk"]:
    """The log-probabilities of all members beside each other, what a stack sees of an example."""
    told = logits.double().log_softmax(2).clamp(min=float(np.log(LEAST)))
    return told.transpose(0, 1).flatten(1)


def even(logits: Float[Tensor, "m n k"], labels: Int64[Tensor, " n"] | None = None) -> Blend:
    """The plain mean of probabilities, which has nothing to fit."""
    return Blend("probabilities", torch.full((len(logits),), 1 / len(logits), dtype=torch.float64))


def even_logits(logits: Float[Tensor, "m n k"], labels: Int64[Tensor, " n"] | None = None) -> Blend:
    """The mean of the members' log-probabilities up to a constant: their normalised geometric mean."""
    return Blend("logits", even(logits).weights)


def chosen(logits: Float[Tensor, "m n k"], labels: Int64[Tensor, " n"]) -> Blend:
    """Weights by greedy selection with replacement."""
    counts = greedy(logits.double().softmax(2), labels).double()
    return Blend("probabilities", counts / counts.sum())


def on_simplex(logits: Float[Tensor, "m n k"], labels: Int64[Tensor, " n"]) -> Blend:
    """The weights, none negative and summing to 1, whose mixture has the lowest log-loss.

    The loss is convex in the weights, so that the one minimum is found from the plain mean (SciPy's SLSQP).
    """
    known = logits.double().softmax(2)[:, torch.arange(len(labels)), labels].clamp(min=LEAST).numpy()

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        mixed = np.maximum(weights @ known, LEAST)
        return float(-np.log(mixed).mean()), -(known / mixed).mean(1)

    members = len(known)
    sums_to_one = {"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones_like(w)}
    found = minimize(
        loss, np.full(members, 1 / members), jac=True, method="SLSQP", bounds=[(0, 1)] * members,
        constraints=[sums_to_one], options={"maxiter": 300, "ftol": 1e-10},
    )  # fmt: skip
    weights = np.clip(found.x, 0, None)
    return Blend("probabilities", torch.from_numpy(weights / weights.sum()))


def stacked(logits: Float[Tensor, "m n k"], labels: Int64[Tensor, " n"], strength: float = 1.0) -> Blend:
    """A logistic regression on the log-probabilities of all members.

    Args:
        logits: of the members.
        labels: true classes, two different ones at least.
        strength: scikit-learn's C, the inverse of the L2 penalty.

    Source: Wolpert 1992; scikit-learn's LogisticRegression.
    """
    members, _, classes = logits.shape
    found = LogisticRegression(C=strength, max_iter=2000).fit(features(logits).numpy(), labels.numpy())
    layer = torch.zeros(classes, members * classes, dtype=torch.float64)
    bias = torch.full((classes,), UNSEEN, dtype=torch.float64)
    # Of two classes scikit-learn keeps one row, the difference of both.
    rows, ends = torch.from_numpy(found.coef_), torch.from_numpy(found.intercept_)
    if len(found.classes_) == 2:
        rows, ends = torch.cat([-rows, rows]) / 2, torch.cat([-ends, ends]) / 2
    layer[found.classes_], bias[found.classes_] = rows, ends
    sizes = layer.view(classes, members, classes).norm(dim=(0, 2))
    return Blend("stack", sizes / sizes.sum().clamp(min=1e-300), layer, bias)


FITS: dict[str, Callable[[Tensor, Any], Blend]] = {
    "mean": even, "logits": even_logits, "greedy": chosen, "simplex": on_simplex, "stack": stacked,
}  # fmt: skip
"""Every way to mix answers by its name; those that have nothing to fit take None for the labels."""
