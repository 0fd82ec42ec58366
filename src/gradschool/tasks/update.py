"""What the engine hands to a task's step, as tasks see it: they import no engine."""

from collections.abc import Callable
from typing import Any, Protocol

from torch import Tensor

Batch = tuple[Tensor, ...]


class Update(Protocol):
    """As `engine.task.Update`: one optimiser step of a part, the share of the run that is done (0 to 1), and
    the learning rate now.
    """

    progress: float

    @property
    def rate(self) -> float:
        """The learning rate of this step."""
        ...

    def __call__(
        self, part: str, batch: Batch, loss_of: Callable[[Any], dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        """Step the optimiser of `part`; the mean of each loss over the batch."""
        ...
