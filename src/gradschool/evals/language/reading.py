"""A language model that reads a text: what it expects next, and how surprised it is by what comes.

Recurrent models carry a state from token to token; others look at a window of the text. Here both are read
alike. A model says by `has_state = False` that it is `model(x)` to logits; else it is `model(x, state)` to
logits and the next state.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from gradschool.data.text.chunks import Tokens, in_chunks
from gradschool.ops.loss import cross_entropy

ROWS = 32  # parts of a long text that are read side by side
ALONE = 4096  # tokens up to which a text is read as one row


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


def logits_of(
    model: nn.Module, tokens: Tokens, context: int, rows: int
) -> Iterator[tuple[Float[Tensor, "b t k"], Int64[Tensor, "b t"]]]:
    """Logits and true tokens of a text, chunk after chunk as `in_chunks` cuts it."""
    state, place = None, next(model.parameters()).device
    for x, y, first in in_chunks(tokens, rows, context, has_state(model)):
        if not has_state(model):
            yield model(x.to(place)), y
            continue
        logits, state = model(x.to(place), None if first.all() else state)
        yield logits, y


@torch.inference_mode()
def surprisals(model: nn.Module, tokens: Tokens, context: int) -> Float[np.ndarray, " n-1"]:
    """The negative log-probability of every token but the first, in nats, in the order of the text.

    Args:
        model: in eval mode.
        tokens: (n,) with n >= 2.
        context: tokens of a chunk.
    """
    # 1. As the chunks come: rows side by side, then what is left over.
    rows = 1 if len(tokens) <= ALONE else ROWS
    pieces: dict[int, list[Tensor]] = {}
    for logits, y in logits_of(model, tokens, context, rows):
        nats = cross_entropy(logits.flatten(0, 1).float().cpu(), y.flatten(), reduction="none")
        pieces.setdefault(len(y), []).append(nats.view(y.shape))
    # 2. Row behind row. A remainder of one row stands behind all others.
    ordered = [torch.cat(pieces[wide], 1).flatten() for wide in sorted(pieces, reverse=True)]
    return torch.cat(ordered).numpy()
