"""What a space of codes is like: maps of it and how far to trust them, paths through it, and whether single
numbers stand for single causes.

Sources: van der Maaten and Hinton 2008 (t-SNE); Venna and Kaski 2006 (trustworthiness); Chen et al. 2018
(mutual information gap).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import mean

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

Codes = Float[np.ndarray, "n d"]
Map = Float[np.ndarray, "n 2"]
LEAST = 4  # pictures that can be mapped
ITERATIONS = 500  # of t-SNE, half of them after the early exaggeration


def tsne(codes: Codes, perplexity: float = 30.0, seed: int = 0) -> Map:
    """A flat map in which neighbours stay neighbours; distances between groups mean little.

    Args:
        codes: of n >= 4 pictures.
        perplexity: about how many neighbours count; it is cut to what n allows.
        seed: of the start.

    Raises:
        ValueError: there are fewer than 4 pictures.
    """
    from sklearn.manifold import TSNE

    if len(codes) < LEAST:
        raise ValueError(f"{len(codes)} codes, at least {LEAST} were wanted; take more pictures")
    perplexity = min(perplexity, (len(codes) - 1) / 3)
    placed: Map = TSNE(
        2, perplexity=perplexity, init="random", random_state=seed, max_iter=ITERATIONS
    ).fit_transform(codes)
    return placed


def neighbours(points: Float[np.ndarray, "n d"], k: int) -> Int[np.ndarray, "n k"]:
    """The k nearest other points of every point."""
    from sklearn.neighbors import NearestNeighbors

    found: np.ndarray = NearestNeighbors(n_neighbors=k).fit(points).kneighbors(return_distance=False)
    return found


def overlap(a: Int[np.ndarray, "n k"], b: Int[np.ndarray, "n k"]) -> float:
    """Mean share of neighbours that two lists of k neighbours have in common, 0 to 1."""
    return float(np.mean([len(np.intersect1d(x, y)) / len(x) for x, y in zip(a, b, strict=True)]))


@dataclass(frozen=True)
class Stability:
    """How far maps of one perplexity can be trusted.

    Args:
        perplexity: of the maps.
        trustworthiness: 1 where neighbours on the map are neighbours among the codes.
        seeds_agree: share of neighbours that maps of two seeds have in common.
        chance: what that share would be if maps had nothing in common.
    """

    perplexity: float
    trustworthiness: float
    seeds_agree: float
    chance: float


def stability(
    codes: Codes, perplexities: Sequence[float] = (5, 30, 50), seeds: Sequence[int] = (0, 1), k: int = 10
) -> list[Stability]:
    """Map the codes at every perplexity from every seed and compare neighbours.

    Args:
        codes: of n pictures, n > 2 k.
        perplexities: to try.
        seeds: two or more.
        k: neighbours compared.
    """
    from sklearn.manifold import trustworthiness

    found = []
    for perplexity in perplexities:
        maps = [tsne(codes, perplexity, seed) for seed in seeds]
        near = [neighbours(placed, k) for placed in maps]
        agree = mean(overlap(a, b) for a, b in combinations(near, 2))
        trust = mean(trustworthiness(codes, placed, n_neighbors=k) for placed in maps)
        found.append(Stability(perplexity, trust, agree, k / (len(codes) - 1)))
    return found


def straight(a: Tensor, b: Tensor, steps: int) -> Float[Tensor, "steps d"]:
    """Codes on the straight line from a to b, both included."""
    share = torch.linspace(0, 1, steps, device=a.device)[:, None]
    return a * (1 - share) + b * share


def circle(a: Float[Tensor, "n d"], b: Float[Tensor, "n d"], steps: int) -> list[Float[Tensor, "n d"]]:
    """A walk from a through b and back that never leaves N(0, 1) if a and b come from it: at every angle
    cos a + sin b has their distribution.
    """
    angles = [2 * torch.pi * i / steps for i in range(steps)]
    return [np.cos(angle) * a + np.sin(angle) * b for angle in angles]


def mutual_information(x: Int[np.ndarray, " n"], y: Int[np.ndarray, " n"]) -> float:
    """What two columns of whole numbers say of each other, in nats, from their counts."""
    joint = np.zeros((int(x.max()) + 1, int(y.max()) + 1))
    np.add.at(joint, (x, y), 1 / len(x))
    apart = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    seen = joint > 0
    return float((joint[seen] * np.log(joint[seen] / apart[seen])).sum())


def mutual_information_gap(codes: Codes, factors: Int[np.ndarray, "n f"], bins: int = 20) -> float:
    """By how much the best number of the code beats the second best at telling a factor, 0 to 1.

    Args:
        codes: of n pictures.
        factors: what the pictures were made from, as whole numbers from 0.
        bins: of equal counts into which each number of the code is cut.

    Source: Chen et al. 2018, eq. 6, with binned means of codes.
    """
    # 1. Each number of the code as its bin.
    ranks = codes.argsort(0).argsort(0)
    binned = ranks * bins // len(codes)
    # 2. For each factor the two numbers that say most, in units of what there is to say.
    gaps = []
    for factor in factors.T:
        said = sorted((mutual_information(column, factor) for column in binned.T), reverse=True)
        second = said[1] if len(said) > 1 else 0.0
        gaps.append((said[0] - second) / max(mutual_information(factor, factor), 1e-12))
    return float(np.mean(gaps))
