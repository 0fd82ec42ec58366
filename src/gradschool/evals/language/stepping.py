"""A decoder with its cache as a function of tokens, which is what decoding and beam search ask for.

`evals.language.reading.Reader` reads texts of any length and models with a state, but its rows begin alike:
padding would move along as its window slides. Here rows begin where they like, and a text has to fit.
"""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from gradschool.ops.switch import unchecked


class CachedStep:
    """The `step(tokens, rows)` of `ops.decoding.search`: reads what is new, and the cache follows the rows.

    Prompts of different lengths are padded on the left; each text is then the same as alone.

    Args:
        model: a decoder, `model(x, valid=None, cache=None)` with `model.cache(rows, capacity)`, in eval mode.
        capacity: tokens of prompt and answer together, at most.
        valid: True at the tokens of the prompts, False at the padding before them; None: no padding.
    """

    def __init__(self, model: Any, capacity: int, valid: Bool[Tensor, "b t"] | None = None) -> None:
        self.model: nn.Module = model
        self.capacity, self.valid = capacity, valid
        self.cache: Any = None

    @torch.no_grad()
    def __call__(self, tokens: Int64[Tensor, "b t"], rows: Int64[Tensor, " b"]) -> Float[Tensor, "b v"]:
        """The logits of the next token of each row."""
        if self.cache is None:
            self.cache = self.model.cache(len(tokens), self.capacity)  # type: ignore[operator]
            return self.model(tokens, valid=self.valid, cache=self.cache)[:, -1].float()
        # Rows that stay where they are need no copy of the whole cache.
        here = torch.arange(len(self.cache.valid), device=rows.device)
        if not torch.equal(rows, here):
            self.cache.choose(rows)
        with unchecked():
            return self.model(tokens[:, self.cache.length :], cache=self.cache)[:, -1].float()
