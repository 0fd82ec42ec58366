"""Agents that learn action values from what they play now: PQN."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from gradschool.engine.schedule import Kind as ScheduleKind
from gradschool.models.policy.agents import QNetwork
from gradschool.runs.rl.agent import Probability, Spec
from gradschool.runs.rl.dqn import ActionValueRun, Share
from gradschool.runs.run import Count, Positive
from gradschool.tasks.rl.agent import Stage
from gradschool.tasks.rl.on_policy import Rewards
from gradschool.tasks.rl.pqn import PQN, Passes


@dataclass(frozen=True, kw_only=True)
class PQNRun(ActionValueRun):
    """An agent that learns action values from rollouts, without a memory."""

    kind: ClassVar[str] = "pqn"
    title: ClassVar[str] = "an agent that learns by parallel Q-learning (PQN)"

    lam: Probability = 0.85
    """Lambda of the returns: 0 trusts the values, 1 the rewards."""
    exploration: Share = 0.3
    """Share of the run in which the probability of a random action falls."""
    passes: Count = 3
    """Passes over each rollout."""
    minibatches: Count = 8
    """Minibatches of a pass."""
    normalise: bool = True
    """Layer normalisation after every hidden layer, which keeps the values from running away."""
    reward_scale: Positive = 1.0
    """Rewards are multiplied by it while learning."""
    learning_rate: Positive = 2e-3
    """Base learning rate."""
    schedule: ScheduleKind = "linear"
    """Course of the learning rate."""
    clip: Positive | None = 10.0
    """Largest gradient norm."""

    def network(self) -> str:
        """What learns, for people."""
        return f"Q-network {'-'.join(map(str, self.hidden))}{', layer norm' if self.normalise else ''}"

    def build(self, spec: Spec) -> nn.Module:
        """A freshly initialised network."""
        return QNetwork(spec.shape, spec.count, self.hidden, norm=self.normalise)

    def agent(self, model: nn.Module, stage: Stage) -> PQN:
        """Who learns."""
        rewards = Rewards(self.rollout, self.gamma, self.lam, self.reward_scale)
        return PQN(model, stage, rewards, Passes(self.passes, self.minibatches), self.exploring())
