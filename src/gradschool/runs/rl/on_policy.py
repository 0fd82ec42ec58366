"""Agents that learn from what they play now, and from nothing else: PPO, A2C and REINFORCE."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field
from torch import nn

from gradschool.engine.schedule import Kind as ScheduleKind
from gradschool.models.policy.agents import ActorCritic
from gradschool.runs.rl.agent import AgentRun, Probability, Spec
from gradschool.runs.run import Count, Positive
from gradschool.tasks.rl.agent import Stage
from gradschool.tasks.rl.on_policy import Rewards
from gradschool.tasks.rl.policy_gradient import A2C, Reinforce
from gradschool.tasks.rl.ppo import PPO, Proximal

Weight = Annotated[float, Field(ge=0)]


@dataclass(frozen=True, kw_only=True)
class ActorCriticRun(AgentRun):
    """Settings of agents with an actor and a critic."""

    lam: Probability = 0.95
    """Lambda of generalised advantage estimation: 0 trusts the critic, 1 the rewards."""
    reward_scale: Positive = 1.0
    """Rewards are multiplied by it while learning."""
    value_weight: Weight = 0.5
    """Weight of the critic's loss."""
    entropy_weight: Weight = 0.0
    """Weight of the entropy, which keeps the policy from settling too early."""
    clip: Positive | None = 0.5
    """Largest gradient norm."""

    def network(self) -> str:
        """What learns, for people."""
        return f"actor and critic, {'-'.join(map(str, self.hidden))}"

    def build(self, spec: Spec) -> nn.Module:
        """A freshly initialised actor and critic."""
        return ActorCritic(spec.shape, spec.count, spec.is_continuous, self.hidden)

    def rewards(self) -> Rewards:
        """How rewards are counted."""
        return Rewards(self.rollout, self.gamma, self.lam, self.reward_scale)


@dataclass(frozen=True, kw_only=True)
class PPORun(ActorCriticRun):
    """An agent that learns by proximal policy optimisation; actions of both kinds."""

    kind: ClassVar[str] = "ppo"
    title: ClassVar[str] = "an agent that learns by proximal policy optimisation (PPO)"

    passes: Count = 4
    """Passes over each rollout."""
    minibatches: Count = 4
    """Minibatches of a pass."""
    clip_ratio: Positive = 0.2
    """How far the ratio of new and old probability counts."""
    stop_kl: Positive | None = None
    """Make no further pass when the policy has moved so far, in nats."""
    learning_rate: Positive = 1e-3
    """Base learning rate."""
    schedule: ScheduleKind = "linear"
    """Course of the learning rate."""

    def agent(self, model: nn.Module, stage: Stage) -> PPO:
        """Who learns."""
        how = Proximal(
            self.passes,
            self.minibatches,
            self.clip_ratio,
            self.value_weight,
            self.entropy_weight,
            self.stop_kl,
        )
        return PPO(model, stage, self.rewards(), how)


@dataclass(frozen=True, kw_only=True)
class PolicyGradientRun(ActorCriticRun):
    """An agent that learns by policy gradients, with one update for every rollout."""

    kind: ClassVar[str] = "policy_gradient"
    title: ClassVar[str] = "an agent that learns by policy gradients (REINFORCE, A2C)"

    batch_size: Count = 512
    """Steps in all worlds together that are played before the agent learns from them."""
    whole_episodes: bool = False
    """Learn from whole episodes and what they earned (REINFORCE), not from the critic's estimates (A2C)."""
    learning_rate: Positive = 3e-3
    """Base learning rate."""
    lam: Probability = 1.0
    """Lambda of generalised advantage estimation, for A2C: 0 trusts the critic, 1 the rewards."""

    def agent(self, model: nn.Module, stage: Stage) -> A2C:
        """Who learns."""
        kind = Reinforce if self.whole_episodes else A2C
        return kind(model, stage, self.rewards(), self.value_weight, self.entropy_weight)
