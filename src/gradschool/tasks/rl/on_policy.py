"""What actor-critic agents share: they play with the policy that learns, and learn from nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gradschool.ops.rl.returns import gae
from gradschool.rl.protocol import Thought
from gradschool.rl.rollout import Rollout, rollout
from gradschool.rl.world import Continuous
from gradschool.tasks.rl.agent import Agent, Stage, choice_for
from gradschool.tasks.update import Batch


@dataclass(frozen=True)
class Rewards:
    """How rewards are played for and counted.

    Args:
        steps: of a rollout in each world.
        gamma: discount, 0 to 1.
        lam: lambda of generalised advantage estimation, 0 to 1.
        scale: rewards are multiplied by it, so that values are of the order of 1.
    """

    steps: int = 32
    gamma: float = 0.99
    lam: float = 0.95
    scale: float = 1.0


class OnPolicy(Agent):
    """An actor and a critic that learn from rollouts.

    Args:
        model: with `act`, the numbers of a policy, and `value`, of states.
        stage: where it plays.
        rewards: how they are counted.
    """

    def __init__(self, model: nn.Module, stage: Stage, rewards: Rewards) -> None:
        super().__init__({"agent": model}, stage)
        self.rewards, self.choice = rewards, choice_for(stage.player.world)
        actions = stage.player.world.actions
        self.bounds = (actions.low, actions.high) if isinstance(actions, Continuous) else None

    @property
    def agent(self) -> Any:
        """The network."""
        return self.parts["agent"]

    def best(self, observation: Tensor) -> Tensor:
        """The most probable actions."""
        return self.allowed(self.choice(self.agent.act(flattened(observation, 1))).best())

    def think(self, observation: Tensor) -> Thought:
        """The probabilities of all actions, or the mean of one that is made of real numbers."""
        parameters, value = self.agent(flattened(observation, 1))
        action = self.allowed(self.choice(parameters).best())
        if self.bounds is not None:
            return Thought(action, action, "action", value)
        return Thought(action, parameters.softmax(-1), "probability", value)

    def allowed(self, action: Tensor) -> Tensor:
        """Actions within the bounds of the world; those between them stay."""
        return action if self.bounds is None else action.clamp(*self.bounds)

    @torch.no_grad()
    def collect(self) -> tuple[Rollout, dict[str, Tensor]]:
        """Play a rollout; beside it "log_prob" of each action, "value" of each state, and "advantage"."""
        # 1. Play. What was drawn is kept as it was; the world is given what it allows.
        log_probs, drawn = [], []

        def choose(observation: Tensor) -> Tensor:
            choice = self.choice(self.agent.act(flattened(observation, 1)))
            action = choice.draw()
            drawn.append(action)
            log_probs.append(choice.log_prob(action))
            return self.allowed(action)

        played = rollout(self.player, self.rewards.steps, choose)
        played = played._replace(action=torch.stack(drawn))
        # 2. Values of all states at once. What follows a step is what was seen before any reset.
        value = self.agent.value(flattened(played.observation, 2))
        next_value = self.agent.value(flattened(played.final, 2))
        # 3. Advantages: a terminal state is worth nothing, a time limit stops the sum but not the value.
        reward, gamma, lam = self.rewards.scale * played.reward, self.rewards.gamma, self.rewards.lam
        advantage = gae(reward, value, next_value, played.terminated, played.ended, gamma, lam)
        return played, {"log_prob": torch.stack(log_probs), "value": value, "advantage": advantage}


def flattened(observation: Tensor, leading: int) -> Tensor:
    """Observations as rows of numbers, behind so many leading axes."""
    return observation.flatten(leading) if observation.dim() > leading + 1 else observation


def rows(*columns: Tensor) -> Batch:
    """Time and worlds as one axis: a row for each step that was taken."""
    return tuple(column.flatten(0, 1) for column in columns)


def explained(value: Tensor, target: Tensor) -> Tensor:
    """The share of the variance of returns that the values explain: 1 is perfect, 0 no better than a mean."""
    return 1 - (target - value).var() / target.var().clamp(min=1e-8)


def losses_of(named: Mapping[str, Tensor], value_weight: float, entropy_weight: float) -> dict[str, Tensor]:
    """The sum that is minimised, "loss", before its parts "policy", "value" and "entropy"."""
    loss = named["policy"] + value_weight * named["value"] - entropy_weight * named["entropy"]
    return {"loss": loss, **named}
