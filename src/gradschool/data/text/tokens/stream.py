"""Tokens as text while they come, one after the other, without halves of characters.

A token of bytes may end within a character. What is shown waits until the character is whole.
"""

import codecs
from collections.abc import Iterable, Iterator

from gradschool.data.text.tokens.bpe import ByteBPE
from gradschool.data.text.tokens.tokeniser import Tokeniser


def streamed(tokeniser: Tokeniser, ids: Iterable[int]) -> Iterator[str]:
    """The text of tokens, piece by piece; joined, the pieces are what `decode` makes of all tokens.

    Args:
        tokeniser: of the tokens.
        ids: read one at a time, so a model may still be drawing them.

    Yields:
        Text that no later token changes; never an empty piece. Bytes that are no UTF-8 become U+FFFD, at the
        end of the text as well.
    """
    return of_bytes(tokeniser, ids) if isinstance(tokeniser, ByteBPE) else of_text(tokeniser, ids)


def of_bytes(tokeniser: ByteBPE, ids: Iterable[int]) -> Iterator[str]:
    """Tokens that are bytes: the decoder keeps the beginning of a character until it is whole."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for token in ids:
        if piece := decoder.decode(tokeniser.decode_bytes([token])):
            yield piece
    if piece := decoder.decode(b"", final=True):
        yield piece


def of_text(tokeniser: Tokeniser, ids: Iterable[int]) -> Iterator[str]:
    """Tokens that are text: what each adds to the one before it, perhaps with a space between them."""
    before: list[int] = []
    for token in ids:
        if piece := tokeniser.decode([*before, token])[len(tokeniser.decode(before)) :]:
            yield piece
        before = [token]
