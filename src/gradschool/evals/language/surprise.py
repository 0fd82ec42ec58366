"""Which words and passages of a text surprise a language model, and which it knows by heart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from gradschool.data.text.tokens.tokeniser import Tokeniser


@dataclass(frozen=True)
class Word:
    """A word of a text and its negative log-probability, the sum over its tokens, in nats."""

    text: str
    nats: float


@dataclass(frozen=True)
class Passage:
    """A piece of text: its tokens as text, and the nats of each."""

    tokens: Sequence[str]
    nats: Float[np.ndarray, " n"]

    @property
    def mean(self) -> float:
        """Nats a token."""
        return float(self.nats.mean())


def words_of(tokeniser: Tokeniser, tokens: NDArray[np.integer], nats: Float[np.ndarray, " n"]) -> list[Word]:
    """The words of a text: tokens that no space stands between.

    Args:
        tokeniser: of the tokens.
        tokens: (n,).
        nats: of each.
    """
    # 1. A word begins after a space and at one; where tokens are words, each is one.
    apart = tokeniser.facts()["kind"] == "words"
    found: list[tuple[str, float]] = []
    before = " "
    for token, cost in zip(tokens.tolist(), nats.tolist(), strict=True):
        text = tokeniser.decode([token])
        if apart or before[-1:].isspace() or text[:1].isspace():
            found.append((text, cost))
        else:
            found[-1] = found[-1][0] + text, found[-1][1] + cost
        before = text
    # 2. Spaces alone are no words.
    return [Word(text.strip(), cost) for text, cost in found if text.strip()]


def extremes(
    tokeniser: Tokeniser, tokens: NDArray[np.integer], nats: Float[np.ndarray, " n"], length: int, each: int
) -> tuple[list[Passage], list[Passage]]:
    """The most and the least surprising passages of a text, none of which overlap.

    Args:
        tokeniser: of the tokens.
        tokens: (n,).
        nats: of each.
        length: tokens of a passage; of a shorter text all of it.
        each: how many of both.
    """
    # 1. The text in pieces, from the one of the largest mean to that of the smallest.
    length = min(length, len(nats))
    count = len(nats) // length
    means = nats[: count * length].reshape(count, length).mean(1)
    order = np.argsort(-means, kind="stable")
    # 2. Both ends.
    most, least = order[: min(each, count)], order[::-1][: min(each, count // 2)]
    return tuple(  # type: ignore[return-value]
        [
            Passage(
                [tokeniser.decode([token]) for token in tokens[i * length : (i + 1) * length].tolist()],
                nats[i * length : (i + 1) * length],
            )
            for i in places
        ]
        for places in (most, least)
    )
