"""All ways to cut a text into pieces, as a lattice: the best of them, and the sum of all of them.

Sources: Viterbi 1967; the forward-backward algorithm: Baum et al. 1970; pieces of words: Kudo 2018.
Probabilities are logarithms, so that no text is too long.
"""

import math
from collections.abc import Mapping, Sequence

Edge = tuple[int, int, str]  # from, to, and the piece between


def edges(text: str, pieces: Mapping[str, float], longest: int) -> list[Edge]:
    """All places in a text where a piece fits, ordered by where they end.

    Args:
        text: any.
        pieces: every piece.
        longest: characters of the longest piece.
    """
    # 1. For every end, every start that is near enough.
    return [
        (start, end, piece)
        for end in range(1, len(text) + 1)
        for start in range(max(end - longest, 0), end)
        if (piece := text[start:end]) in pieces
    ]


def viterbi(lattice: Sequence[Edge], length: int, pieces: Mapping[str, float]) -> list[str]:
    """The most probable way to cut a text into pieces.

    Args:
        lattice: where pieces fit, as (from, to, piece), ordered by where they end.
        length: of the text, characters, >= 0.
        pieces: the log-probability of every piece, at most 0; those of a cut add up.

    Returns:
        The pieces, from left to right; empty if there is no way. Of equally probable ways it is any.
    """
    # 1. The best score with which each place can be reached, and the piece that came last.
    best, last = [0.0] + [-math.inf] * length, [""] * (length + 1)
    for start, end, piece in lattice:
        score = best[start] + pieces[piece]
        if score > best[end]:
            best[end], last[end] = score, piece
    # 2. Back from the end. A place that cannot be reached has no last piece.
    found, at = [], length
    while last[at]:
        found.append(last[at])
        at -= len(last[at])
    return found[::-1]


def expected_uses(
    lattice: Sequence[Edge], length: int, pieces: Mapping[str, float]
) -> tuple[float, list[float]]:
    """How often each piece is used over all ways to cut a text, each way weighted by its probability.

    There are exponentially many ways; the forward-backward algorithm sums them along the lattice.

    Args:
        lattice: where pieces fit, ordered by where they end.
        length: of the text, characters.
        pieces: the log-probability of every piece.

    Returns:
        The log-probability of the text, and for every edge the probability that a cut uses it.
    """
    # 1. Forward: the log-probability of all ways from the start to each place.
    forward, backward = [0.0] + [-math.inf] * length, [-math.inf] * length + [0.0]
    for start, end, piece in lattice:
        forward[end] = log_add(forward[end], forward[start] + pieces[piece])
    # 2. Backward: of all ways from each place to the end. Edges that leave later places come first.
    for start, end, piece in sorted(lattice, key=lambda edge: -edge[0]):
        backward[start] = log_add(backward[start], backward[end] + pieces[piece])
    # 3. An edge's share of all ways.
    whole = forward[length]
    return whole, [math.exp(forward[i] + pieces[piece] + backward[j] - whole) for i, j, piece in lattice]


def log_add(a: float, b: float) -> float:
    """Logarithm of e^a + e^b, for logarithms of any size."""
    if a < b:
        a, b = b, a
    return a if b == -math.inf else a + math.log1p(math.exp(b - a))
