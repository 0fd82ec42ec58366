"""Observations and rewards on a common scale, by the mean and variance of all that has been seen so far.

Source: Welford 1962; Chan, Golub and LeVeque 1983 for whole batches at once. Rewards are divided by the
standard deviation of the discounted return and not shifted, for a shift would change which policy is best.
A checkpoint holds the statistics: without them a trained policy sees other numbers than it learnt from.
"""

import torch
from torch import Tensor

from gradschool.rl.protocol import Step, World

FARTHEST = 10.0  # standard deviations: what lies beyond is cut
SMALL = 1e-8  # added to variances


class Running:
    """Mean and variance of everything that `update` was given, in float64.

    Args:
        shape: of one example.
        device: where the statistics lie.
    """

    def __init__(self, shape: tuple[int, ...] = (), device: torch.device | str = "cpu") -> None:
        self.count = torch.zeros((), dtype=torch.float64, device=device)
        self.mean = torch.zeros(shape, dtype=torch.float64, device=device)
        self.squares = torch.zeros(shape, dtype=torch.float64, device=device)  # of deviations, summed

    @property
    def variance(self) -> Tensor:
        """Of what was seen, 1 before anything was."""
        return torch.where(self.count > 0, self.squares / self.count.clamp(min=1), 1.0)

    def update(self, batch: Tensor) -> None:
        """Count a batch (n, ...) in.

        Source: Chan et al. 1983, eq. 2.1.
        """
        # 1. Count, mean and squared deviations of the batch.
        batch = batch.to(self.mean.dtype)
        n, mean = len(batch), batch.mean(0)
        squares = (batch - mean).square().sum(0)
        # 2. Both together: what the two means differ by counts as deviation too.
        total, apart = self.count + n, mean - self.mean
        self.mean = self.mean + apart * n / total
        self.squares = self.squares + squares + apart.square() * self.count * n / total
        self.count = total

    def state(self) -> dict[str, Tensor]:
        """Count, mean and squares, each with an axis in front: a checkpoint holds rows."""
        return {"count": self.count[None], "mean": self.mean[None], "squares": self.squares[None]}

    def load(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` returned."""
        device = self.mean.device
        self.count, self.mean, self.squares = (
            state[key][0].to(device) for key in ("count", "mean", "squares")
        )


def standardised(observation: Tensor, seen: Running) -> Tensor:
    """Observations (n, ...) with mean 0 and standard deviation 1, by what has been seen."""
    wide = (seen.variance + SMALL).sqrt()
    return ((observation - seen.mean) / wide).clamp(-FARTHEST, FARTHEST).float()


class NormalisedWorld:
    """A world whose observations and rewards are on a common scale; it is a world itself.

    `earned` holds the rewards of the last step as they were; returns are counted from them.

    Args:
        world: any.
        gamma: discount of the return that rewards are scaled by, 0 to 1.
        observations: whether they are normalised.
        rewards: the same for rewards.
    """

    def __init__(
        self, world: World, gamma: float = 0.99, observations: bool = True, rewards: bool = True
    ) -> None:
        self.world, self.gamma = world, gamma
        self.count, self.shape, self.actions, self.limit = (
            world.count,
            world.shape,
            world.actions,
            world.limit,
        )
        self.observations, self.rewards = observations, rewards
        self.learning = True  # False: statistics stay as they are, for tests
        first = world.reset()
        self.seen, self.gains = Running(self.shape, first.device), Running((), first.device)
        self.running = torch.zeros(self.count, dtype=torch.float64, device=first.device)
        self.earned = torch.zeros(self.count, device=first.device)

    def reset(self, generator: torch.Generator | None = None) -> Tensor:
        """Begin an episode in every copy; statistics go on."""
        self.running = torch.zeros_like(self.running)
        return self.scaled(self.counted(self.world.reset(generator)))

    def counted(self, observation: Tensor) -> Tensor:
        """The same observation, once it has been counted in."""
        if self.learning and self.observations:
            self.seen.update(observation)
        return observation

    def scaled(self, observation: Tensor) -> Tensor:
        """Observations with mean 0 and standard deviation 1."""
        return standardised(observation, self.seen) if self.observations else observation

    def alike(self, world: World) -> "NormalisedWorld":
        """Another world, seen by the same statistics, which it leaves as they are; its rewards stay too."""
        found = NormalisedWorld(world, self.gamma, self.observations, rewards=False)
        found.seen, found.learning = self.seen, False
        return found

    def step(self, actions: Tensor) -> Step:
        """Act in every copy."""
        step = self.world.step(actions)
        self.earned = step.reward
        # 1. Statistics first, so that the very first step has a scale.
        self.counted(step.observation)
        self.running = self.gamma * self.running + step.reward
        if self.learning and self.rewards:
            self.gains.update(self.running)
        self.running = self.running.masked_fill(step.terminated | step.truncated, 0.0)
        # 2. Both observations on the same scale.
        reward = step.reward
        if self.rewards:
            wide = (self.gains.variance + SMALL).sqrt()
            reward = (reward / wide).clamp(-FARTHEST, FARTHEST).float()
        observation, final = self.scaled(step.observation), self.scaled(step.final)
        return Step(observation, reward, step.terminated, step.truncated, final)

    def parts(self) -> dict[str, World | Running]:
        """What has a state, by name."""
        return {"world": self.world, "seen": self.seen, "gains": self.gains}

    def state(self) -> dict[str, Tensor]:
        """The world's state, the statistics, and the returns so far."""
        found = {"running": self.running}
        for name, part in self.parts().items():
            found |= {f"{name}.{key}": value for key, value in part.state().items()}
        return found

    def load(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` returned."""
        self.running = state["running"].to(self.running.device)
        for name, part in self.parts().items():
            start = f"{name}."
            part.load({key.removeprefix(start): each for key, each in state.items() if key.startswith(start)})

    def close(self) -> None:
        """Close the world."""
        self.world.close()
