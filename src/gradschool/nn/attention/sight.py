"""What each token of a decoder may look at, and the position it has in its own text.

A text gets the same numbers alone, in a batch that is padded on the left, beside other texts in a packed row,
and read in pieces into a cache.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gradschool.nn.attention.cache import KVCache
from gradschool.nn.inputs import WrongInput
from gradschool.ops.attention.masks import (
    causal_mask,
    combined,
    document_mask,
    mask_of_keys,
    padding_mask,
    positions_in_documents,
    positions_of,
)


@dataclass(frozen=True)
class Sight:
    """What the attention of every layer is told.

    Args:
        positions: of the tokens, (n), or (b, n) where rows differ.
        mask: True where a token may look, spreading to (b, heads, n, m); None: `causal` says it all.
        causal: whether a token may look at itself and at what came before, and there is no mask.
    """

    positions: Tensor
    mask: Tensor | None = None
    causal: bool = False


def look_back(
    x: Tensor, valid: Tensor | None = None, texts: Tensor | None = None, cache: KVCache | None = None
) -> Sight:
    """Each token may look at itself and at the tokens before it in its own text.

    Args:
        x: tokens (b, n).
        valid: (b, n), False at padding; None: all are tokens.
        texts: (b, n), a number for each token, the same in one text; neighbours; None: a row is a text.
        cache: what was read before x; x's own positions are noted in it.

    Raises:
        WrongInput: shapes do not fit, or packed texts with a cache.
    """
    # 1. Refuse what does not fit.
    if x.dim() != 2:
        raise WrongInput(f"input has shape {tuple(x.shape)}, (batch, steps) tokens were wanted")
    for name, each in (("valid", valid), ("texts", texts)):
        if each is not None and each.shape != x.shape:
            raise WrongInput(f"{name} has shape {tuple(each.shape)}, that of the tokens was wanted")
    if cache is not None and texts is not None:
        raise WrongInput("packed texts came with a cache, one text a row was wanted")
    n, before = x.shape[1], 0 if cache is None else cache.length
    known = valid if cache is None else cache.note(n, valid)
    # 2. Nothing is hidden but the future: the quick case.
    counted = torch.arange(before, before + n, device=x.device)
    if known is None and texts is None:
        if before == 0:
            return Sight(counted, causal=True)
        return Sight(counted, None if n == 1 else causal_mask(n, before + n, before, x.device))
    # 3. Padding and other texts are hidden, and do not count.
    if texts is not None:
        positions = positions_in_documents(texts)
    else:
        assert known is not None
        positions = positions_of(known)[:, before:]
    return Sight(
        positions,
        combined(
            causal_mask(n, before + n, before, x.device),
            None if known is None else mask_of_keys(known),
            None if texts is None else document_mask(texts),
        ),
    )


def look_around(valid: Tensor | None) -> Tensor | None:
    """The mask (b, 1, 1, n) of an encoder, which hides the padding alone: where `valid` (b, n) is False."""
    return None if valid is None else mask_of_keys(valid)


def look_inside(number: Tensor) -> Tensor:
    """The mask (b, 1, n, n) of an encoder's packed rows: what has one number (b, n) looks at itself alone."""
    return document_mask(number)


def up_to(lengths: Tensor | None, steps: int) -> Tensor | None:
    """True at the first `lengths` (b) steps of each row, (b, steps); None where all are valid."""
    return None if lengths is None else padding_mask(lengths, steps)


def through(
    blocks: Iterable[nn.Module], h: Tensor, sight: Sight, cache: KVCache | None = None, **given: Any
) -> Tensor:
    """Run vectors (b, n, width) through a decoder's blocks, each with its own part of the cache.

    Args:
        blocks: of the decoder.
        h: vectors of its tokens.
        sight: what these may look at.
        cache: of all blocks, if there is one.
        given: to every block besides.
    """
    for index, block in enumerate(blocks):
        layer = None if cache is None else cache.layers[index]
        h = block(h, mask=sight.mask, causal=sight.causal, positions=sight.positions, cache=layer, **given)
    return h
