"""How much a tokeniser compresses: bytes of text per token."""

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
