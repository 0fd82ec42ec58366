"""A world whose copies are rows of tensors: one step of all of them is a handful of tensor operations.

A world of this kind says how episodes begin, how a state changes and what is seen of it; time limits, the
reset of ended episodes and checkpoints are the same for all and stand here.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from gradschool.rl.protocol import Continuous, Discrete, Step


class Axis(NamedTuple):
    """A component of the state: its name, and between which bounds it is drawn."""

    name: str
    low: float
    high: float


class TensorWorld(ABC):
    """`count` copies of an environment as rows of a tensor.

    Args:
        count: copies, at least 1.
        seed: of all that is random.
        device: where the tensors lie.
        dtype: of states, observations and rewards.
        limit: steps after which an episode is cut off; None: the environment's own limit.
    """

    shape: tuple[int, ...]
    actions: Discrete | Continuous
    steps: ClassVar[int]
    names: ClassVar[tuple[str, ...]] = ()
    """What its actions are called, one after the other."""
    plane: ClassVar[tuple[Axis, ...]] = ()
    """The two components of a state that has no more, for a chart of values."""
    autoreset = True
    """Whether an ended episode begins anew in the same step; else it stays as it ended until `reset`."""

    def __init__(
        self,
        count: int,
        seed: int = 0,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        limit: int | None = None,
    ) -> None:
        self.count, self.dtype, self.limit = count, dtype, limit or self.steps
        self.device = torch.device(device)
        self.generator = torch.Generator(self.device).manual_seed(seed)
        self.reset()

    @abstractmethod
    def begin(self) -> Tensor:
        """The first states of `count` episodes, drawn from `self.generator`."""

    @abstractmethod
    def advance(self, state: Tensor, action: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The next states, the rewards, and which states are terminal."""

    def look(self, state: Tensor) -> Tensor:
        """What is seen of states: here all of them."""
        return state

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Random numbers between two bounds, drawn from the world's generator."""
        chance = torch.empty(shape, device=self.device, dtype=self.dtype)
        return chance.uniform_(low, high, generator=self.generator)

    def reset(self, generator: torch.Generator | None = None) -> Tensor:
        """Begin an episode in every copy; `generator`, if given, seeds the world's own."""
        if generator is not None:
            seed = torch.randint(2**62, (), generator=generator, device=generator.device)
            self.generator.manual_seed(int(seed))
        self.at = self.begin()
        self.elapsed = torch.zeros(self.count, dtype=torch.int64, device=self.device)
        return self.look(self.at)

    def step(self, actions: Tensor) -> Step:
        """Act in every copy, and begin anew where an episode has ended."""
        # 1. The rules of the environment, and the time limit.
        reached, reward, terminated = self.advance(self.at, actions)
        self.elapsed = self.elapsed + 1
        truncated = (self.elapsed >= self.limit) & ~terminated
        final = self.look(reached)
        # 2. Begin anew. A GPU would have to wait to say whether any has ended; there all draw new starts.
        ended, self.at, seen = terminated | truncated, reached, final
        if self.autoreset and (self.device.type != "cpu" or ended.any()):
            wide = ended.reshape(-1, *[1] * (reached.ndim - 1))
            self.at = torch.where(wide, self.begin(), reached)
            self.elapsed = self.elapsed.masked_fill(ended, 0)
            seen = self.look(self.at)
        return Step(seen, reward, terminated, truncated, final)

    def state(self) -> dict[str, Tensor]:
        """States, steps since the last reset, and the state of the generator."""
        return {"at": self.at, "elapsed": self.elapsed, "generator": self.generator.get_state()}

    def load(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` returned."""
        self.at = state["at"].to(self.device, self.at.dtype)
        self.elapsed = state["elapsed"].to(self.device)
        self.generator.set_state(state["generator"].cpu())

    def close(self) -> None:  # noqa: B027
        """Nothing is held."""
