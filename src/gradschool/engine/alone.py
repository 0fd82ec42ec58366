"""One process in float32: nothing is shared and nothing scaled, so Accelerate has nothing to do.

It would take longer than the step of a small network; this stands in for as much of it as the engine uses.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from torch import Tensor, nn

T = TypeVar("T")


class Alone:
    """What `accelerate.Accelerator` does in a process without others; methods and names are its own."""

    num_processes, process_index = 1, 0
    scaler = None

    def prepare(self, what: T) -> T:
        """A module or an optimiser, as it is."""
        return what

    def no_sync(self, module: nn.Module) -> AbstractContextManager[Any]:
        """Nobody waits for these gradients."""
        return nullcontext()

    def backward(self, loss: Tensor) -> None:
        """Gradients of a loss."""
        loss.backward()

    def clip_grad_norm_(self, parameters: Iterable[Tensor], max_norm: float) -> Tensor:
        """Scale gradients down to a norm."""
        return nn.utils.clip_grad_norm_(parameters, max_norm)

    def reduce(self, what: T, how: str) -> T:
        """The mean over one process."""
        return what

    def gather(self, rows: Tensor) -> Tensor:
        """The rows of one process."""
        return rows

    def wait_for_everyone(self) -> None:
        """There is nobody else."""
