"""What a text costs a model: perplexity of a token and bits per byte, also where tokens are no text alone.

A token of bytes may be a part of a character. Decoded, it is U+FFFD, which has another length; so lengths are
taken from the bytes. Source: Gao et al. 2020 (The Pile), section 3.1 (bits per byte).
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Integer
from numpy.typing import NDArray

from gradschool.data.text.tokens.bpe import ByteBPE
from gradschool.data.text.tokens.characters import Characters
from gradschool.data.text.tokens.tokeniser import Tokeniser
from gradschool.errors import UserError
from gradschool.ops.sequence.counting import bits_per_byte


def token_sizes(tokeniser: Tokeniser) -> NDArray[np.int64]:
    """The bytes of UTF-8 that each token stands for; 0 for special tokens, which are no text.

    Raises:
        UserError: the tokens do not give back the text, so bytes cannot be counted.
    """
    if isinstance(tokeniser, ByteBPE):
        special = set(tokeniser.special.values())
        return np.array([0 if i in special else len(token) for i, token in enumerate(tokeniser.tokens)])
    if isinstance(tokeniser, Characters):
        return np.array([len(tokeniser.decode([i]).encode()) for i in range(len(tokeniser))])
    kind = tokeniser.facts()["kind"]
    raise UserError(f"tokens of the kind {kind} do not give back every text", "characters or byte pairs")


@dataclass(frozen=True)
class Cost:
    """The cost of a text.

    Args:
        nats: of all tokens.
        tokens: how many.
        text_nats: of the tokens that are text.
        size: bytes of the text.
    """

    nats: float
    tokens: int
    text_nats: float
    size: int

    @property
    def perplexity(self) -> float:
        """Of a token: it depends on how the text is cut into tokens."""
        return math.exp(self.nats / self.tokens)

    @property
    def bits_per_byte(self) -> float:
        """It does not: models with different tokens can be compared."""
        return float(bits_per_byte(self.text_nats, 1, self.size))


def cost(
    nats: Float[np.ndarray, " n"], tokens: Integer[np.ndarray, " n"], sizes: Int[np.ndarray, " v"]
) -> Cost:
    """Sum up what a model said.

    Args:
        nats: negative log-probability of each token.
        tokens: which ones.
        sizes: bytes of every token of the vocabulary, as `token_sizes` gives them.

    Raises:
        UserError: there is no text.
    """
    size = sizes[tokens]
    if not size.sum():
        raise UserError("there is no text to score", "a token that stands for a byte or more")
    wide = nats.astype(np.float64)
    return Cost(float(wide.sum()), len(tokens), float(wide[size > 0].sum()), int(size.sum()))
