"""Agents whose actions are real numbers, learnt from a memory: soft actor-critic."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field
from torch import nn

from gradschool.errors import UserError
from gradschool.models.policy.agents import SoftActorCritic
from gradschool.phrases import counted
from gradschool.rl.replay import Memory
from gradschool.runs.rl.agent import AgentRun, Spec
from gradschool.runs.run import Count, Positive
from gradschool.tasks.rl.agent import Stage
from gradschool.tasks.rl.sac import SAC, Soft


@dataclass(frozen=True, kw_only=True)
class SACRun(AgentRun):
    """An agent that learns by soft actor-critic."""

    kind: ClassVar[str] = "sac"
    title: ClassVar[str] = "an agent that learns by soft actor-critic (SAC)"

    worlds: Count = 8
    """Copies of the environment that are played side by side."""
    batch_size: Count = 64
    """Steps in all worlds together that are played before the agent learns from them."""
    learning_rate: Positive = 1e-3
    """Base learning rate of actor, critics and temperature."""
    memory: Count = 50_000
    """Transitions that are remembered."""
    updates: Count = 32
    """Updates between two rounds of play."""
    minibatch: Count = 256
    """Transitions of an update."""
    warm: Count = 1_000
    """Transitions of random actions before the first update."""
    follow: Annotated[float, Field(gt=0, le=1)] = 0.005
    """How far the target critics move at every update: 1 is a copy."""
    steps_ahead: Count = 1
    """Rewards that are summed before a value counts (n-step)."""
    reward_scale: Positive = 1.0
    """Rewards are multiplied by it while learning."""

    def refuse(self, spec: Spec) -> None:
        """Actions have to be real numbers within bounds.

        Raises:
            UserError: they are not.
        """
        if not spec.is_continuous:
            few = f"{spec.env} has {counted(spec.count, 'action')} to choose from"
            what = f"{few}, and {self.title} acts by real numbers"
            raise UserError(what, "an environment such as pendulum", "Or use cartpole_ppo or cartpole_dqn.")

    def network(self) -> str:
        """What learns, for people."""
        return f"actor and two critics, {'-'.join(map(str, self.hidden))}"

    def build(self, spec: Spec) -> nn.Module:
        """Freshly initialised networks."""
        return SoftActorCritic(spec.shape, spec.count, self.hidden)

    def agent(self, model: nn.Module, stage: Stage) -> SAC:
        """Who learns."""
        warm = max(self.warm, self.minibatch, self.steps_ahead * self.worlds)
        how = Soft(self.rollout, self.updates, self.minibatch, warm, self.follow, self.reward_scale)
        return SAC(model, stage, Memory(self.memory, self.gamma, self.steps_ahead), how)
