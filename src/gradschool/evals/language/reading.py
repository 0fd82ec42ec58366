"""A language model that reads a text: what it expects next, and how surprised it is by what comes.

Recurrent models carry a state from token to token; others look at a window of the text. Here both are read
alike. A model says by `has_state = False` that it is `model(x)` to logits; else it is `model(x, state)` to
logits and the next state.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from gradschool.data.text.running.chunks import UNSCORED, Tokens, in_chunks, rows_for
from gradschool.ops.loss import cross_entropy
from gradschool.ops.switch import unchecked


def has_state(model: nn.Module) -> bool:
    """Whether a model carries a state from one chunk to the next."""
    return bool(getattr(model, "has_state", True))


class Reader:
    """Reads rows of tokens, piece by piece.

    A model with a cache of keys and values (`model.cache(rows, capacity)`) reads each token once. Where its
    window of `context` tokens is full, the later half of it is read anew and the rest is forgotten: a long
    text costs two readings a token at most.

    Args:
        model: in eval mode.
        context: tokens that a model without a state looks back, >= 1.
        cached: use the model's cache; False reads the whole window at every call, to the same logits.
    """

    def __init__(self, model: nn.Module, context: int, cached: bool = True) -> None:
        self.model, self.context = model, context
        self.by_halves = not has_state(model) and hasattr(model, "cache")
        self.cached = cached and self.by_halves
        self.state: Any = None
        self.cache: Any = None
        self.seen: Tensor | None = None

    def __call__(self, tokens: Int64[Tensor, "b t"]) -> Float[Tensor, "b k"]:
        """Read on by some tokens; the logits of the next."""
        return self.read(tokens)[:, -1]

    @torch.inference_mode()
    def read(self, tokens: Int64[Tensor, "b t"]) -> Float[Tensor, "b n k"]:
        """Read on by some tokens; the logits after each of them that is in the window."""
        if has_state(self.model):
            logits, self.state = self.model(tokens, self.state)
            return logits.float()
        # 1. What the window holds now; tokens that a cache has read stay in it.
        seen = tokens if self.seen is None else torch.cat([self.seen, tokens], 1)
        full = seen.shape[1] > self.context
        if full:
            seen = seen[:, -(max(self.context // 2, 1) if self.by_halves else self.context) :]
        self.seen = seen
        # 2. All of it is read, or what is new.
        if not self.cached:
            logits = self.model(seen)
        elif full or self.cache is None:
            self.cache = self.model.cache(len(seen), self.context)  # type: ignore[operator]
            logits = self.model(seen, cache=self.cache)
        else:
            with unchecked():
                logits = self.model(tokens, cache=self.cache)
        return logits[:, -tokens.shape[1] :].float()

    def back(self, n: int) -> None:
        """Forget the last n tokens; for models with a cache, which keep what came before them."""
        if n > 0 and self.seen is not None:
            self.seen = self.seen[:, :-n]
            if self.cached:
                self.cache.back(n)

    def choose(self, rows: Int64[Tensor, " b"]) -> None:
        """Go on with these rows instead; a row may be taken more than once."""
        if self.state is not None:
            parts = self.state if isinstance(self.state, tuple) else (self.state,)
            kept = tuple(part.index_select(1, rows) for part in parts)
            self.state = kept if isinstance(self.state, tuple) else kept[0]
        if self.seen is not None and not torch.equal(rows, torch.arange(len(self.seen), device=rows.device)):
            self.seen = self.seen[rows]
            if self.cached:
                self.cache.choose(rows)


@torch.inference_mode()
def surprisals(model: nn.Module, tokens: Tokens, context: int) -> Float[np.ndarray, " m"]:
    """The negative log-probability of every token but the first, in nats, in the order of the text.

    Args:
        model: in eval mode.
        tokens: (n,) with n >= 2.
        context: tokens of a chunk.
    """
    place, state, pieces = next(model.parameters()).device, None, []
    # 1. Chunk after chunk, rows side by side.
    for x, y, _ in in_chunks(tokens, rows_for(tokens), context, has_state(model)):
        if has_state(model):
            logits, state = model(x.to(place), state)
        else:
            logits = model(x.to(place))
        nats = cross_entropy(logits.flatten(0, 1).float().cpu(), y.flatten(), reduction="none")
        pieces.append(nats.view(y.shape)[:, (y != UNSCORED).any(0)])
    # 2. Row behind row; what stands beyond the end of the text comes last.
    return torch.cat(pieces, 1).flatten()[: len(tokens) - 1].numpy()


class Forgetful(nn.Module):
    """A model without a state, called as one that has an empty one: `model(x, state)` to logits and nothing.

    Args:
        model: `model(x)` to logits.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Logits, and no state."""
        return self.model(x), ()
