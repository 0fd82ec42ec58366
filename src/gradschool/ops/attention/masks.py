"""Masks: which query may look at which key. True where it may, as in torch's attention; `&` combines.

Sources: Vaswani et al. 2017, section 3.2.3 (causal); Beltagy et al. 2020, section 3.1 (windows). Positions of
n queries are counted from `offset`, the number of keys that a cache held before them.
"""

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from gradschool.ops.switch import op

Mask = Bool[Tensor, "n m"]


def places(
    n: int, m: int, offset: int, device: torch.device | None
) -> tuple[Int64[Tensor, "n 1"], Int64[Tensor, "1 m"]]:
    """Positions of the queries as a column and of the keys as a row."""
    return torch.arange(offset, offset + n, device=device)[:, None], torch.arange(m, device=device)[None]


@op
def causal_mask(n: int, m: int, offset: int = 0, device: torch.device | None = None) -> Mask:
    """Query i, at position offset + i, may look at keys 0 to offset + i: at itself and at what came before.

    Args:
        n: number of queries.
        m: number of keys; those beyond the last query are hidden from all.
        offset: keys before the first query, 0 without a cache.
        device: where the mask is made.
    """
    # 1. Positions of the queries as a column, of the keys as a row.
    i, j = places(n, m, offset, device)
    # 2. Keys that do not come later.
    return j <= i


@op
def window_mask(n: int, m: int, width: int, offset: int = 0, device: torch.device | None = None) -> Mask:
    """A query may look at keys less than `width` positions away, on both sides; width 1 is itself alone.

    With `causal_mask` it is the sliding window: the last `width` positions, the query's own included. After
    L layers a position has heard of L (width - 1) positions before it.

    Args:
        n: number of queries.
        m: number of keys.
        width: 1 or more.
        offset: as in `causal_mask`.
        device: where the mask is made.
    """
    i, j = places(n, m, offset, device)
    return (i - j).abs() < width


@op
def padding_mask(lengths: Int64[Tensor, " b"], t: int, left: bool = False) -> Bool[Tensor, "b t"]:
    """True at the tokens of rows of different lengths, False at their padding.

    Args:
        lengths: tokens of each row, 0 to t.
        t: tokens and padding together.
        left: the padding comes first, as in a batch of texts that are to be continued.
    """
    step = torch.arange(t, device=lengths.device)
    return step >= t - lengths[:, None] if left else step < lengths[:, None]


@op
def mask_of_keys(valid: Bool[Tensor, "b m"]) -> Bool[Tensor, "b 1 1 m"]:
    """A mask that hides the padding from every head and query."""
    return valid[:, None, None, :]


@op
def document_mask(documents: Int64[Tensor, "b t"]) -> Bool[Tensor, "b 1 t t"]:
    """Tokens of a packed row may look at their own document only.

    Args:
        documents: a number for each token, the same for all tokens of a document.

    Returns:
        Not causal: combine it with `causal_mask`, and hide padding with a number of its own.
    """
    return (documents[:, :, None] == documents[:, None, :]).unsqueeze(1)


@op
def combined(*masks: Bool[Tensor, "..."] | None) -> Bool[Tensor, "..."] | None:
    """Where all masks let a query look; None stands for one that hides nothing."""
    both: Tensor | None = None
    for mask in masks:
        if mask is not None:
            both = mask if both is None else both & mask
    return both


@op
def positions_of(valid: Bool[Tensor, "b t"]) -> Int64[Tensor, "b t"]:
    """The position of each token in its own text: 0, 1, 2 ... wherever its row begins.

    A text that is padded on the left keeps the positions that it has alone. Padding before the first token
    has position 0; padding after the last repeats the last.
    """
    # 1. How many tokens the row has up to here, this one included.
    count = valid.cumsum(1)
    # 2. The first token stands at position 0, as does all padding before it.
    return (count - 1).clamp(min=0)


@op
def positions_in_documents(documents: Int64[Tensor, "b t"]) -> Int64[Tensor, "b t"]:
    """The position of each token in its document, from 0 at each document's first token.

    Args:
        documents: as in `document_mask`; the tokens of a document are neighbours.
    """
    step = torch.arange(documents.shape[1], device=documents.device)
    # 1. Where a document begins: at its first token the step, elsewhere 0.
    begins = torch.ones_like(documents, dtype=torch.bool)
    begins[:, 1:] = documents[:, 1:] != documents[:, :-1]
    # 2. The largest so far is the start of the document that one is in.
    return step - (step * begins).cummax(1).values
