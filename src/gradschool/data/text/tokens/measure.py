"""How good a tokeniser is: bytes per token, and a loss that does not depend on the tokeniser.

Nats per token cannot be compared between vocabularies: longer tokens are fewer and harder. Per byte of the text
they can. Source: Gao et al. 2020 (The Pile), section 3.1.
"""

import math

from gradschool.data.text.tokens.tokeniser import Tokeniser
from gradschool.errors import UserError


def bytes_per_token(tokeniser: Tokeniser, text: str) -> float:
    """Compression: how many bytes of UTF-8 a token stands for on average, 1 or more for byte-level tokens.

    Args:
        tokeniser: any.
        text: not empty; one that the tokeniser was not trained on tells more.

    Raises:
        UserError: the text has no token.
    """
    tokens = len(tokeniser.encode(text))
    if not tokens:
        raise UserError("the text has no token", "a text of one character or more")
    return len(text.encode("utf-8", "surrogateescape")) / tokens


def bits_per_byte(nats_per_token: float, tokens: int, size: int) -> float:
    """A loss in bits per byte of text.

    Args:
        nats_per_token: mean cross-entropy, >= 0.
        tokens: how many were predicted.
        size: bytes of the text that they stand for, >= 1: of its UTF-8, not its characters.
    """
    # 1. All nats of the text; a nat is 1 / ln 2 bits.
    bits = nats_per_token * tokens / math.log(2)
    # 2. Spread over its bytes.
    return bits / size
