"""What the loop needs from a task and from a source of batches: two protocols, nothing more."""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from torch import Tensor, nn

Batch = tuple[Tensor, ...]
Losses = Mapping[str, Tensor]
LossOf = Callable[[Batch], Losses]


class Update(Protocol):
    """What the engine hands to a task's step: one optimiser step, wherever it runs.

    `progress` is the share of the run that is done, 0 to 1, for what changes as it goes on.
    """

    progress: float

    @property
    def rate(self) -> float:
        """The learning rate of this step, for a task that moves weights itself."""
        ...

    def __call__(self, part: str, batch: Batch, loss_of: LossOf) -> dict[str, Tensor]:
        """Step the optimiser of `part` down the gradient of `loss_of(batch)["loss"]`, a mean over the batch.

        The batch may be cut into micro-batches (accumulation); the values returned are means over the
        whole batch.
        """
        ...


class Task(Protocol):
    """What is being optimised. A task owns its step; a GAN's calls `update` once for each part.

    A task may have `carried` besides, a dictionary of tensors that go from step to step, such as the state
    of a recurrent network. Their first axis counts the rows of the batch. They are saved in every checkpoint
    (of all processes) and put back when the run is resumed.
    """

    parts: dict[str, nn.Module]

    def step(self, batch: Batch, update: Update) -> dict[str, Tensor]:
        """One training step: call `update` for each part in turn and return what to log."""
        ...

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """Scores over held-out batches, e.g. {"val_loss": ...}; parts are in eval mode."""
        ...


class Batches(Protocol):
    """A source of training batches that is a function of (epoch, position): resuming needs no state."""

    def __len__(self) -> int:
        """Steps in an epoch."""
        ...

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of epoch `number` from position `start` on."""
        ...
