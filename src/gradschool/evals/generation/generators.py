"""How good is a generator? Scores of n generated pictures against real ones, over features of a network.

KID is Binkowski et al. 2018, section 4 (cubic kernel, unbiased); precision and recall Kynkaanniemi et al.
2019, eq. 1 and 2; the inception score Salimans et al. 2016, section 4. Nothing here knows what network the
features come from; whoever reports a score says it.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

Features = Float[Tensor, "n d"]
AT_ONCE = 1024  # rows of a table of distances that are in memory at a time


@dataclass(frozen=True)
class Score:
    """A score with what it spreads: `value`, and from `low` to `high` (95 %)."""

    value: float
    low: float
    high: float


def cubic_kernel(x: Features, y: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
    """(x.y / d + 1)^3 of all pairs."""
    return (x @ y.T / x.shape[1] + 1) ** 3


def squared_mmd(x: Features, y: Float[Tensor, "m d"]) -> Float[Tensor, ""]:
    """Unbiased estimate of how far two distributions are apart under the cubic kernel; it may be negative.

    Args:
        x: features of one set, n >= 2.
        y: features of the other, m >= 2.

    Source: Gretton et al. 2012, lemma 6.
    """
    n, m = len(x), len(y)
    # 1. Within each set, every pair of two different pictures.
    within_x, within_y = cubic_kernel(x, x), cubic_kernel(y, y)
    own = (within_x.sum() - within_x.trace()) / (n * (n - 1))
    other = (within_y.sum() - within_y.trace()) / (m * (m - 1))
    # 2. Between the sets, every pair.
    return own + other - 2 * cubic_kernel(x, y).mean()


def kernel_distance(
    real: Features, made: Float[Tensor, "m d"], generator: Generator, subsets: int = 100, size: int = 1000
) -> Score:
    """KID: the mean of `squared_mmd` over subsets, and the 95 % interval of that mean.

    Args:
        real: features of real pictures.
        made: features of generated ones.
        generator: draws the subsets.
        subsets: how many, 2 or more.
        size: pictures of each, at most as many as there are.
    """
    size = min(size, len(real), len(made))
    found = []
    for _ in range(subsets):
        x, y = (part[torch.randperm(len(part), generator=generator)[:size]] for part in (real, made))
        found.append(squared_mmd(x.double(), y.double()))
    values = torch.stack(found)
    mean, half = float(values.mean()), 1.96 * float(values.std()) / subsets**0.5
    return Score(mean, mean - half, mean + half)


def nearest(
    x: Features, known: Float[Tensor, "m d"], k: int = 1, skip_self: bool = False
) -> tuple[Tensor, Tensor]:
    """Distance to the k-th nearest of the known pictures, (n,), and which one it is, (n,).

    Args:
        x: features of what is looked up.
        known: features of what is searched.
        k: 1 is the nearest.
        skip_self: x is `known` itself, and a picture is no neighbour of its own.
    """
    distances, places = [], []
    for piece in torch.split(x, AT_ONCE):
        # Exact differences: multiplying out would lose the distances of near copies.
        table = torch.cdist(piece, known, compute_mode="donot_use_mm_for_euclid_dist")
        best = table.topk(k + skip_self, largest=False)
        distances.append(best.values[:, -1])
        places.append(best.indices[:, -1])
    return torch.cat(distances), torch.cat(places)


def share_inside(x: Features, known: Float[Tensor, "m d"], radii: Float[Tensor, " m"]) -> float:
    """The share of x that lies within the ball of at least one known picture."""
    inside = [(torch.cdist(piece, known) <= radii).any(1) for piece in torch.split(x, AT_ONCE)]
    return float(torch.cat(inside).float().mean())


def precision_recall(real: Features, made: Float[Tensor, "m d"], k: int = 3) -> tuple[float, float]:
    """How many generated pictures look real, and how much of what is real is generated; both 0 to 1.

    Each set is widened to balls that reach to every picture's k-th neighbour in it.
    """
    around_real, _ = nearest(real, real, k, skip_self=True)
    around_made, _ = nearest(made, made, k, skip_self=True)
    return share_inside(made, real, around_real), share_inside(real, made, around_made)


def inception_score(probabilities: Float[Tensor, "n k"], generator: Generator, resamples: int = 200) -> Score:
    """The exponential of the mean of KL(p(y|x) || p(y)): 1 to k, high where each picture is clear
    and all differ.

    Args:
        probabilities: of the classes, for each picture.
        generator: draws the resamples.
        resamples: of the pictures with replacement; their middle 95 % are the interval (bootstrap).
    """

    def score(p: Float[Tensor, "n k"]) -> float:
        # 1. Entropies of the mean and of each: their difference is the mean divergence, with 0 log 0 = 0.
        mean = p.mean(0)
        return float((torch.special.entr(mean).sum() - torch.special.entr(p).sum(1).mean()).exp())

    p = probabilities.double()
    again = [score(p[torch.randint(len(p), (len(p),), generator=generator)]) for _ in range(resamples)]
    low, high = torch.tensor(again).quantile(torch.tensor([0.025, 0.975])).tolist()
    return Score(score(p), low, high)


def covered(probabilities: Float[Tensor, "n k"], least: float = 0.1) -> int:
    """How many classes are generated: those that get at least `least` of an equal share of the pictures."""
    n, k = probabilities.shape
    counts = probabilities.argmax(1).bincount(minlength=k)
    return int((counts >= least * n / k).sum())


@dataclass(frozen=True)
class Copies:
    """What the check for memorised pictures found.

    Args:
        distance: of each generated picture to its nearest training picture, (n,).
        place: which training picture that is, (n,).
        share: of generated pictures that are nearer to a training picture than 99 % of the test pictures are;
            a generator that has learned has about 0.01, one that copies 1.
    """

    distance: Float[Tensor, " n"]
    place: Tensor
    share: float


def copies(made: Features, train: Float[Tensor, "m d"], test: Float[Tensor, "l d"]) -> Copies:
    """Look for training pictures that were learned by heart.

    Args:
        made: features of generated pictures.
        train: features of what was trained on.
        test: features of pictures of the same kind that were not: they say what distance is usual.
    """
    usual, _ = nearest(test, train)
    distance, place = nearest(made, train)
    share = float((distance < usual.quantile(0.01)).float().mean())
    return Copies(distance, place, share)
