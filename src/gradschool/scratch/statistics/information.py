"""Information: entropy, Kullback-Leibler divergence, Huffman's code, and the divergence of two Gaussians.

Sources: Shannon 1948; Kullback and Leibler 1951; Huffman 1952. Of tables in bits unless another base is asked
for; of Gaussians in nats, as losses are.
"""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from math import log

import numpy as np

from gradschool.scratch.arrays import Array
from gradschool.scratch.statistics.probability import log_density


def entropy(p: Array, base: float = 2.0) -> Array:
    """Entropy of a distribution: the mean surprise, the sum of p log(1 / p).

    Args:
        p: probabilities, (..., k), summing to 1 over the last axis. An outcome of probability 0 adds nothing.
        base: of the logarithm, > 1: 2 for bits, math.e for nats.

    Returns:
        (...), from 0, where one outcome is certain, to log k, where all k are equally probable.

    Source: Shannon 1948, section 6.
    """
    p = np.asarray(p, float)
    # 1. The surprise of each outcome; where p is 0, put 1 in its place: any finite surprise would do.
    surprise = np.log(1 / np.where(p > 0, p, 1)) / log(base)
    # 2. Its mean under p.
    mean: Array = (p * surprise).sum(axis=-1)
    return mean


def kl(p: Array, q: Array, base: float = 2.0) -> float:
    """KL divergence of p from q: the mean extra cost of the model q where p is true.

    It is the mean under p of log(p / q): never negative, 0 only for p = q, and not symmetric.

    Args:
        p, q: probabilities, (k,), each summing to 1. Outcomes with p = 0 add nothing. If q = 0 where p > 0,
            the divergence is infinite.
        base: of the logarithm, > 1: 2 for bits, math.e for nats.

    Source: Kullback and Leibler 1951, eq. 2.4.
    """
    p, q = np.asarray(p, float), np.asarray(q, float)
    # 1. Only outcomes that can happen count.
    happens = p > 0
    p, q = p[happens], q[happens]
    # 2. The mean of log p - log q under p.
    with np.errstate(divide="ignore"):
        return float((p * (np.log(p) - np.log(q))).sum() / log(base))


def huffman_lengths(p: Sequence[float]) -> list[int]:
    """Word lengths of a Huffman code, the shortest code in which no word begins with another.

    Begin with one group for each symbol. Join the two least probable groups: one bit distinguishes them, so
    each of their symbols needs one bit more. Repeat until one group is left.

    Args:
        p: probabilities of k >= 1 symbols, summing to 1.

    Returns:
        Length of each symbol's word in bits, in the order of p; a single symbol needs 0 bits. Ties may be
        broken either way: the mean length is the same, at least the entropy and less than 1 bit above it.

    Source: Huffman 1952.
    """
    lengths = [0] * len(p)
    # 1. A heap of groups, the least probable first: probability, a number that breaks ties, symbols.
    heap = [(weight, i, [i]) for i, weight in enumerate(p)]
    heapify(heap)
    # 2. k - 1 times, join the two least probable groups; each of their symbols gets one bit more.
    for number in range(len(p), 2 * len(p) - 1):
        (less, _, some), (more, _, others) = heappop(heap), heappop(heap)
        for i in some + others:
            lengths[i] += 1
        heappush(heap, (less + more, number, some + others))
    return lengths


def codewords(lengths: Sequence[int]) -> list[str]:
    """Words of the given lengths, none the beginning of another: counted up, shortest first.

    Args:
        lengths: in bits; the sum of 2^-length is at most 1 (Kraft's inequality), or there is no such code.

    Returns:
        Strings of 0 and 1 in the order of the lengths.

    Source: canonical Huffman codes, Schwartz and Kallick 1964.
    """
    words, number, before = [""] * len(lengths), 0, 0
    # 1. From the shortest to the longest: the next number, with zeros behind where words grow.
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        number <<= lengths[i] - before
        words[i] = f"{number:0{lengths[i]}b}" if lengths[i] else ""
        number, before = number + 1, lengths[i]
    return words


def kl_gaussians(mean0: Array, covariance0: Array, mean1: Array, covariance1: Array) -> float:
    """KL divergence of Gaussian 0 from Gaussian 1, in nats.

        1/2 [ trace(C1^-1 C0) + (m1 - m0)' C1^-1 (m1 - m0) - d + log(det C1 / det C0) ]

    Here ' is the transpose. Determinants of large matrices over- and underflow; their logarithm,
    `np.linalg.slogdet(c)[1]`, does not.

    Args:
        mean0, mean1: m0 and m1, (d,).
        covariance0, covariance1: C0 and C1, (d, d), symmetric and positive definite; d may be hundreds.

    Source: Rasmussen and Williams 2006, eq. A.23.
    """
    # 1. Width of the first and distance of the means, both measured with the second covariance.
    wide = np.trace(np.linalg.solve(covariance1, covariance0))
    off = mean1 - mean0
    far = off @ np.linalg.solve(covariance1, off)
    # 2. The logarithm of the ratio of determinants.
    log_ratio = np.linalg.slogdet(covariance1)[1] - np.linalg.slogdet(covariance0)[1]
    # 3. Put together; if the two are equal, the trace is d and the result 0.
    return float(0.5 * (wide + far - len(mean0) + log_ratio))


def kl_sampled(
    first: tuple[Array, Array], second: tuple[Array, Array], n: int, rng: np.random.Generator
) -> tuple[float, float]:
    """The same divergence by Monte Carlo: the mean of log p0(x) - log p1(x) over n points of Gaussian 0.

    Args:
        first, second: mean (d,) and covariance (d, d) of each Gaussian.
        n: how many points, >= 2.
        rng: draws them.

    Returns:
        The estimate in nats and its standard error, which falls as 1 / sqrt(n).
    """
    # 1. Points of the first Gaussian.
    x = rng.multivariate_normal(*first, size=n)
    # 2. How much more probable each is under it than under the second.
    gain = log_density(x, *first) - log_density(x, *second)
    return float(gain.mean()), float(gain.std(ddof=1) / n**0.5)
