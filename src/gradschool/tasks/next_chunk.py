"""Predict the next token of long texts, chunk after chunk, with the state carried over: truncated
back-propagation through time.

A chunk begins with the state in which the chunk before it ended, so the network remembers further back than
the gradient reaches. The state is detached: what happened in earlier chunks is a constant.
Source: Williams and Peng 1990; Mikolov et al. 2010.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from gradschool.ops.language import perplexity
from gradschool.ops.loss import cross_entropy
from gradschool.ops.sequence.recurrent import detach_state

Batch = tuple[Tensor, ...]
State = Tensor | tuple[Tensor, ...]


class NextChunk:
    """Train a model that takes tokens and a state and returns logits and a state.

    A batch is (x, y, first): tokens (b, t), the tokens that follow them (b, t; -100 is not scored), and
    whether each row begins a new text (b). Row i of a batch goes on where row i of the batch before ended.

    `carried` is what goes from step to step: the state's tensors by number, batch first. The engine saves it
    in every checkpoint and puts it back, so a resumed run is the uninterrupted one.

    Args:
        model: `model(x, state)`, with `state` None at the very beginning, to (logits (b, t, k), state); the
            state is one tensor or several whose axis 1 counts the rows.
        held_out: the word before the scores, "val" or "test".
    """

    def __init__(self, model: nn.Module, held_out: str = "val") -> None:
        self.parts, self.held_out = {"model": model}, held_out
        self.carried: dict[str, Tensor] = {}
        self.reached: list[dict[str, Tensor]] = []

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """The mean negative log-likelihood of the true next tokens, in nats.

        Args:
            batch: x, y, first, and after them the tensors of the state, if there is one.

        Returns:
            "loss", the mean over all steps whose y is not -100. `rows_of` the state in which the chunk ended
            is appended to `self.reached`, detached: no later gradient may reach into this chunk.
        """
        x, y, first, *rows = batch
        # 1. Go on from the state in which the last chunk ended; zeros for rows that begin a new text.
        logits, state = self.parts["model"](x, restarted(rows, first))
        # 2. Keep the new state for the next chunk, without its history (truncated backpropagation).
        self.reached.append(rows_of(detach_state(state)))
        # 3. Every step of every row is one example.
        return {"loss": cross_entropy(logits.flatten(0, 1), y.flatten())}

    def step(self, batch: Batch, update: Callable[..., dict[str, Tensor]]) -> dict[str, Tensor]:
        """One step of the one part; the state of each row rides along with it into its micro-batch."""
        self.reached = []
        losses = update("model", (*batch, *ordered(self.carried)), self.loss)
        names = self.reached[0]
        self.carried = {name: torch.cat([each[name] for each in self.reached]) for name in names}
        return losses

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """Loss and perplexity over all tokens; the state is carried here as well, apart from training's.

        Returns:
            "val_loss" in nats a token and "val_perplexity" ("test_..." where `held_out` says so).
        """
        nats, count = summed(self.parts["model"], batches)
        mean = torch.tensor(nats / count, dtype=torch.float64)
        return {f"{self.held_out}_loss": mean.item(), f"{self.held_out}_perplexity": perplexity(mean).item()}


def summed(model: nn.Module, batches: Iterator[Batch]) -> tuple[float, int]:
    """The negative log-likelihood of all scored tokens, chunk after chunk, and their number.

    Logits are taken in float32, and sums are numbers of Python.
    """
    nats, count = 0.0, 0
    rows: list[Tensor] = []
    for x, y, first in batches:
        logits, state = model(x, restarted(rows, first))
        rows = ordered(rows_of(detach_state(state)))
        nats += cross_entropy(logits.float().flatten(0, 1), y.flatten(), reduction="sum").item()
        count += int((y != -100).sum())
    return nats, count


def rows_of(state: State) -> dict[str, Tensor]:
    """The tensors of a state by number, batch first."""
    several = (state,) if isinstance(state, Tensor) else state
    return {str(i): each.transpose(0, 1) for i, each in enumerate(several)}


def ordered(rows: dict[str, Tensor]) -> list[Tensor]:
    """The tensors in order."""
    return [rows[name] for name in sorted(rows)]


def restarted(rows: list[Tensor], first: Tensor) -> State | None:
    """The state that `rows_of` took apart, with zeros where a row begins a new text; None without one.

    Raises:
        ValueError: the batch before had another number of rows.
    """
    if not rows:
        return None
    if len(rows[0]) != len(first):
        raise ValueError(f"{len(first)} rows came after {len(rows[0])}, as many were wanted: each goes on")
    whole = []
    for each in rows:
        begins = first.view(-1, *[1] * (each.dim() - 1))
        whole.append(torch.where(begins, torch.zeros_like(each), each).transpose(0, 1))
    return whole[0] if len(whole) == 1 else tuple(whole)
