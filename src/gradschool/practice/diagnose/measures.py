"""The numbers a diagnosis rests on: pure functions of tensors and of losses.

Sources: Glorot and Bengio 2010 (gradients of first and last layers); Karpathy 2019, A Recipe for Training
Neural Networks (relative updates, one batch); Wilson 1972 and Northcutt et al. 2021 (labels that neighbours
contradict).
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.ops.practice.labels import squared_distances


def dead_share(peaks: Float[Tensor, " units"]) -> float:
    """The share of units whose output was never above 0.

    Args:
        peaks: the highest output of each unit over all examples that were seen.
    """
    return float((peaks <= 0).float().mean()) if len(peaks) else 0.0


def first_to_last(sizes: Sequence[float]) -> float:
    """The gradient of the first layer as a multiple of the last one's.

    Args:
        sizes: of the gradient at each layer's output, in the order of the forward pass.

    Returns:
        0 to infinity; 1 for fewer than two layers. NaN where a size is not finite.
    """
    if any(not math.isfinite(size) for size in sizes):
        return math.nan
    if len(sizes) < 2:
        return 1.0
    return sizes[0] / sizes[-1] if sizes[-1] else (1.0 if not sizes[0] else math.inf)


def relative_change(before: Tensor, after: Tensor) -> float:
    """How far weights moved, as a share of their own length; 0 for weights that are all 0."""
    length = float(before.detach().float().norm())
    return float((after.detach() - before.detach()).float().norm()) / length if length else 0.0


def median(values: Sequence[float]) -> float:
    """The middle value (the lower of two); NaN of none."""
    return float(torch.tensor(list(values), dtype=torch.float64).median()) if values else math.nan


def ends(losses: Sequence[float], share: float = 0.2) -> tuple[float, float]:
    """The loss at the beginning and at the end: medians of the first three steps and of the last fifth.

    Args:
        losses: of each step, at least one.
        share: of the steps that are the end.
    """
    late = max(1, round(share * len(losses)))
    return median(losses[:3]), median(losses[-late:])


def rises(losses: Sequence[float], by: float = 0.1) -> bool:
    """Whether a loss became NaN or infinite, ended higher than it began, or shot up and stayed up.

    Args:
        losses: of each step.
        by: how much higher is higher, as a share of the first loss; beside what it varies from step to step.
    """
    if any(not math.isfinite(value) for value in losses):
        return True
    if len(losses) < 5:
        return False
    first, last = ends(losses)
    spread = variation(losses) if last < 2 * abs(first) else 0.0
    shot_up = max(losses) > first + abs(first) and not falls(losses)
    return shot_up or last > first + by * abs(first) + spread


def falls(losses: Sequence[float], by: float = 0.02) -> bool:
    """Whether a loss ended lower than it began by a share of its size and by more than it varies."""
    first, last = ends(losses)
    return last < first - by * abs(first) - variation(losses)


def variation(losses: Sequence[float]) -> float:
    """The median change of a loss from one step to the next; 0 for fewer than two steps."""
    return median([abs(b - a) for a, b in pairwise(losses)]) if len(losses) > 1 else 0.0


def neighbour_accuracy(x: Float[Tensor, "n d"], y: Int64[Tensor, " n"], k: int = 5) -> Int64[Tensor, " n"]:
    """The label that most of the k nearest other examples have, for every example."""
    near = squared_distances(x).fill_diagonal_(math.inf).topk(k, largest=False).indices
    return torch.nn.functional.one_hot(y[near], int(y.max()) + 1).sum(1).argmax(1)


def telling(columns: Tensor, y: Int64[Tensor, " n"]) -> list[int]:
    """The columns that equal the label but for the names of its values.

    Args:
        columns: features (n, d).
        y: labels; a column tells them if it has one value for each label, and another for another.

    Returns:
        Their numbers, in ascending order.
    """
    kinds = torch.unique(y).tolist()
    first = torch.stack([columns[(y == kind).nonzero()[0, 0]] for kind in kinds])  # (classes, d)
    places = torch.searchsorted(torch.tensor(kinds), y)
    same = (columns == first[places]).all(0)
    distinct = (first.sort(0).values.diff(dim=0) != 0).all(0)
    return (same & distinct).nonzero().flatten().tolist() if len(kinds) > 1 else []


def balanced_accuracy(said: Int64[Tensor, " n"], y: Int64[Tensor, " n"]) -> tuple[float, float]:
    """The mean over classes of the share of their examples that are right, and its standard error by chance.

    Args:
        said: predicted labels.
        y: true labels.

    Returns:
        (accuracy, error): 1 / classes is chance; the error is that of guessing at random.
    """
    kinds, counts = torch.unique(y, return_counts=True)
    right = torch.stack([(said[y == kind] == kind).float().mean() for kind in kinds])
    p = 1 / len(kinds)
    error = math.sqrt(float((p * (1 - p) / counts).sum())) / len(kinds)
    return float(right.mean()), error


def lower_bound(hits: int, n: int, z: float = 1.96) -> float:
    """The lower end of Wilson's interval of a share of `hits` among n."""
    if not n:
        return 0.0
    p = hits / n
    middle = p + z * z / (2 * n)
    return (middle - z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n)
