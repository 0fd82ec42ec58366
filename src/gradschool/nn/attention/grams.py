"""Vectors for the last few tokens together, so that a network need not learn to spell before it can read.

The vector of a token says nothing about its neighbours; here each pair and each triple of tokens has one too.
Looking it up costs no arithmetic. There are more triples than rows, so several share a row.
Source: Huang et al. 2025, "Over-tokenized transformer", section 3.2 (hierarchical n-gram inputs).
"""

import torch
from torch import Tensor, nn

from gradschool.nn.attention.cache import KVCache
from gradschool.nn.embedding import Embedding

ROWS = 16_381  # of a table whose n-grams share rows; a prime, so that remainders depend on every token


class Grams(nn.Module):
    """The sum of a vector for the last two tokens, one for the last three, and so on up to `longest`.

    `forward(x, valid=None, texts=None, cache=None)` takes what a decoder takes and returns vectors
    (b, n, width), at first zeros. Padding and tokens of another text count as no token.

    Args:
        pieces: number of tokens.
        width: numbers of a vector.
        longest: tokens of the longest n-gram, >= 2.
    """

    def __init__(self, pieces: int, width: int, longest: int) -> None:
        super().__init__()
        self.nothing = pieces  # stands where there is no token
        sizes = [min((pieces + 1) ** n, ROWS) for n in range(2, longest + 1)]
        tables = [Embedding(size, width) for size in sizes]
        for each in tables:
            nn.init.zeros_(each.weight)
        self.sizes, self.tables = sizes, nn.ModuleList(tables)

    def forward(
        self, x: Tensor, valid: Tensor | None = None, texts: Tensor | None = None,
        cache: KVCache | None = None,
    ) -> Tensor:  # fmt: skip
        # 1. The tokens before x, from the cache where it has some.
        n, back = x.shape[1], len(self.tables)
        marked = x if valid is None else x.masked_fill(~valid, self.nothing)
        before = marked.new_full((x.shape[0], back), self.nothing)
        if cache is not None:
            before = torch.cat([before, cache.read(marked)], 1)[:, -back:]
        line = torch.cat([before, marked], 1)
        # 2. One table after the other: each key has one token more.
        key, found = marked, torch.zeros((), device=x.device)
        for i, (size, table) in enumerate(zip(self.sizes, self.tables, strict=True), 1):
            token = line[:, back - i : back - i + n]
            if texts is not None:
                own = torch.nn.functional.pad(texts, (i, 0), value=-1)[:, :n]
                token = token.masked_fill(own != texts, self.nothing)
            key = key * (self.nothing + 1) + token
            found = found + table(key.remainder(size))
        return found
