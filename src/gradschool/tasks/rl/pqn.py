"""Q-learning without a memory and without a target network: many worlds, layer normalisation, lambda returns.

Source: Gallici et al. 2024 (PQN). Deviation: values of a rollout are computed once after it, with the weights
that played it.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gradschool.ops.rl.returns import lambda_returns
from gradschool.rl.protocol import Thought
from gradschool.rl.rollout import rollout
from gradschool.tasks.rl.agent import Agent, Stage, mean_of, minibatches, rounds
from gradschool.tasks.rl.dqn import Exploring
from gradschool.tasks.rl.on_policy import Rewards, explained, flattened, rows
from gradschool.tasks.update import Batch, Update


@dataclass(frozen=True)
class Passes:
    """How PQN learns from a rollout.

    Args:
        passes: over each rollout.
        minibatches: of a pass.
    """

    passes: int = 2
    minibatches: int = 8


class PQN(Agent):
    """A network of action values that learns from rollouts.

    Args:
        model: action values for observations.
        stage: where it plays.
        rewards: how they are counted.
        how: passes over a rollout, and minibatches of a pass.
        exploring: how often a random action is tried.
    """

    def __init__(
        self, model: nn.Module, stage: Stage, rewards: Rewards, how: Passes, exploring: Exploring
    ) -> None:
        super().__init__({"agent": model}, stage)
        self.rewards, self.how, self.exploring = rewards, how, exploring

    @property
    def q(self) -> Any:
        """The network."""
        return self.parts["agent"]

    def best(self, observation: Tensor) -> Tensor:
        """The action of the largest value."""
        action: Tensor = self.q(flattened(observation, 1)).argmax(-1)
        return action

    def think(self, observation: Tensor) -> Thought:
        """The values of all actions."""
        q: Tensor = self.q(flattened(observation, 1))
        return Thought(q.argmax(-1), q, "value", q.amax(-1))

    @torch.no_grad()
    def collect(self, epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
        """Play a rollout; its observations, actions and lambda returns."""

        def choose(observation: Tensor) -> Tensor:
            q = self.q(flattened(observation, 1))
            random = torch.randint(q.shape[-1], (len(q),))
            return torch.where(torch.rand(len(q)) < epsilon, random, q.argmax(-1))

        # 1. Play.
        played = rollout(self.player, self.rewards.steps, choose)
        # 2. What comes after each step is worth as much as the best action there.
        next_value = self.q(flattened(played.final, 2)).amax(-1)
        # 3. Returns: a terminal state is worth nothing, a time limit stops the sum but not the value.
        reward, gamma, lam = self.rewards.scale * played.reward, self.rewards.gamma, self.rewards.lam
        target = lambda_returns(reward, next_value, played.terminated, played.ended, gamma, lam)
        return flattened(played.observation, 2), played.action, target

    @rounds
    def step(self, batch: Batch, update: Update) -> dict[str, Tensor]:
        """Play a rollout and learn from it."""
        epsilon = self.exploring.at(update.progress)
        columns, found = rows(*self.collect(epsilon)), []
        for _ in range(self.how.passes):
            for part in minibatches(columns, self.how.minibatches):
                found.append(update("agent", part, self.loss))
        return {**mean_of(found), "epsilon": torch.tensor(epsilon), **self.player.recent()}

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Half the squared error of the values of the actions that were taken, and how much they explain."""
        observation, action, target = batch
        q = self.q(observation).gather(-1, action[:, None]).squeeze(-1)
        told = {"q": q.detach().mean(), "explained": explained(q.detach(), target)}
        return {"loss": 0.5 * (q - target).square().mean(), **told}
