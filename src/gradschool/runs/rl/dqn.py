"""Agents that learn action values from a memory of what they played: DQN and what was added to it."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field
from torch import nn

from gradschool.errors import UserError
from gradschool.models.policy.agents import QNetwork, WithTarget
from gradschool.phrases import counted
from gradschool.rl.replay import Memory
from gradschool.runs.rl.agent import AgentRun, Probability, Spec
from gradschool.runs.run import Count, Positive
from gradschool.tasks.rl.agent import Stage
from gradschool.tasks.rl.dqn import DQN, Exploring, Learning

Share = Annotated[float, Field(gt=0, le=1)]


@dataclass(frozen=True, kw_only=True)
class ActionValueRun(AgentRun):
    """Settings of agents that learn the values of a few actions."""

    epsilon_start: Probability = 1.0
    """Probability of a random action at the start."""
    epsilon_end: Probability = 0.05
    """The same at the end."""
    exploration: Share = 0.5
    """Share of the run in which it falls."""
    normalise: bool = False
    """Layer normalisation after every hidden layer, which keeps the values from running away."""

    def refuse(self, spec: Spec) -> None:
        """Action values need a few actions to choose from.

        Raises:
            UserError: actions are real numbers.
        """
        if spec.is_continuous:
            one = f"an action in {spec.env} is {counted(spec.count, 'real number')}"
            what = f"{one}, and {self.title} chooses among a few"
            raise UserError(what, "an environment such as cartpole", "Or use pendulum_sac, or cartpole_ppo.")

    def exploring(self) -> Exploring:
        """How often a random action is tried."""
        return Exploring(self.epsilon_start, self.epsilon_end, self.exploration)


@dataclass(frozen=True, kw_only=True)
class DQNRun(ActionValueRun):
    """An agent that learns by deep Q-learning."""

    kind: ClassVar[str] = "dqn"
    title: ClassVar[str] = "an agent that learns by deep Q-learning (DQN)"

    worlds: Count = 16
    """Copies of the environment that are played side by side."""
    batch_size: Count = 256
    """Steps in all worlds together that are played before the agent learns from them."""
    hidden: tuple[Count, ...] = (128, 128)
    """Units of each hidden layer."""
    learning_rate: Positive = 1e-3
    """Base learning rate."""
    clip: Positive | None = 10.0
    """Largest gradient norm."""
    memory: Count = 50_000
    """Transitions that are remembered."""
    updates: Count = 64
    """Updates between two rounds of play."""
    minibatch: Count = 128
    """Transitions of an update."""
    warm: Count = 1_000
    """Transitions in the memory before the first update."""
    steps_ahead: Count = 1
    """Rewards that are summed before a value counts (n-step)."""
    double: bool = True
    """Choose the next action with the network that learns (double DQN)."""
    duel: bool = False
    """Compute the value of a state and the advantages of its actions apart (dueling)."""
    priority: Probability = 0.0
    """How much transitions with large errors are preferred (prioritised replay); 0 not at all."""
    follow_every: Count = 250
    """Updates between two moves of the target network."""
    follow: Share = 1.0
    """How far it moves: 1 is a copy."""

    def network(self) -> str:
        """What learns, for people."""
        told = {
            "layer norm": self.normalise, "double": self.double, "dueling": self.duel,
            "prioritised": self.priority > 0,
        }  # fmt: skip
        extras = [name for name, wanted in told.items() if wanted]
        steps = [f"{self.steps_ahead} steps"] if self.steps_ahead > 1 else []
        return ", ".join([f"Q-network {'-'.join(map(str, self.hidden))}", *extras, *steps])

    def build(self, spec: Spec) -> nn.Module:
        """A freshly initialised network with its target."""
        sizes = (spec.shape, spec.count, self.hidden)
        return WithTarget(*(QNetwork(*sizes, self.duel, self.normalise) for _ in range(2)))

    def agent(self, model: nn.Module, stage: Stage) -> DQN:
        """Who learns."""
        memory = Memory(self.memory, self.gamma, self.steps_ahead, self.priority)
        warm = max(self.warm, self.steps_ahead * self.worlds, self.minibatch)
        how = Learning(
            self.rollout, self.updates, self.minibatch, warm, self.double, self.follow_every, self.follow
        )
        return DQN(model, stage, memory, how, self.exploring())
