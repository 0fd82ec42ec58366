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


def has_state(model: nn.Module) -> bool:
    """Whether a model carries a state from one chunk to the next."""
    return bool(getattr(model, "has_state", True))


class Reader:
    """Reads rows of tokens, piece by piece.

    Args:
        model: in eval mode.
        context: tokens that a model without a state looks back.
    """

    def __init__(self, model: nn.Module, context: int) -> None:
        self.model, self.context = model, context
        self.state: Any = None
        self.seen: Tensor | None = None

    def __call__(self, tokens: Int64[Tensor, "b t"]) -> Float[Tensor, "b k"]:
        """Read on by some tokens; the logits of the next."""
        if has_state(self.model):
            logits, self.state = self.model(tokens, self.state)
        else:
            seen = tokens if self.seen is None else torch.cat([self.seen, tokens], 1)
            self.seen = seen[:, -self.context :]
            logits = self.model(self.seen)
        return logits[:, -1].float()


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
