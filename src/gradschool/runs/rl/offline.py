"""Agents that learn from logged play, without acting: behaviour cloning and the decision transformer."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field
from torch import nn

from gradschool.errors import UserError
from gradschool.models.policy.agents import ActorCritic
from gradschool.models.policy.decision import DecisionTransformer
from gradschool.rl.logged import Logged, logged
from gradschool.rl.rules import rule_of
from gradschool.runs.rl.agent import AgentRun, Probability, Spec
from gradschool.runs.run import Count
from gradschool.tasks.rl.agent import Agent, Stage
from gradschool.tasks.rl.offline import Cloning, Deciding, Decision


@dataclass(frozen=True, kw_only=True)
class OfflineRun(AgentRun):
    """Settings of agents that learn from logged play."""

    takes: ClassVar[str] = "cartpole or mountain_car"

    episodes: Count = 200
    """Logged episodes of a hand-written player."""
    mistakes: Probability = 0.5
    """Share of random actions of the most careless player; the most careful one makes none."""
    worlds: Count = 1
    """Copies of the environment; nothing is played in them while learning."""
    timesteps: Count = 100_000
    """Logged steps that are learnt from, in an epoch."""
    batch_size: Count = 256
    """Logged steps of an update."""
    log_seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the logged play, which stays the same when the run's own seed changes."""

    def refuse(self, spec: Spec) -> None:
        """Somebody must have played.

        Raises:
            UserError: the environment has no hand-written player, or a common scale is asked for.
        """
        rule_of(spec.env)
        if self.standardise:
            what = "standardise is true for an agent that learns from logged play"
            raise UserError(what, "false: the log is as the environment gave it", "Leave it out.")

    def log(self, env: str) -> Logged:
        """What is learnt from."""
        return logged(env, self.episodes, self.log_seed, self.mistakes)


@dataclass(frozen=True, kw_only=True)
class CloningRun(OfflineRun):
    """An agent that imitates logged play."""

    kind: ClassVar[str] = "cloning"
    title: ClassVar[str] = "an agent that imitates logged play (behaviour cloning)"

    def network(self) -> str:
        """What learns, for people."""
        return f"actor and critic, {'-'.join(map(str, self.hidden))}"

    def build(self, spec: Spec) -> nn.Module:
        """A freshly initialised network."""
        return ActorCritic(spec.shape, spec.count, spec.is_continuous, self.hidden)

    def agent(self, model: nn.Module, stage: Stage) -> Agent:
        """Who learns."""
        return Cloning(model, stage, self.log(stage.env), self.batch_size)


@dataclass(frozen=True, kw_only=True)
class DecisionRun(OfflineRun):
    """A transformer that learns which actions brought which return."""

    kind: ClassVar[str] = "decision_transformer"
    title: ClassVar[str] = "an agent that continues logged play (decision transformer)"

    context: Count = 10
    """Steps that it sees."""
    batch_size: Count = 64 * 10
    """Logged steps of an update: windows of `context` steps."""
    wanted: float | None = None
    """Return that it is told to reach; None: the largest of the log."""
    width: Count = 64
    """Numbers of a token, a multiple of 4."""
    depth: Count = 2
    """Blocks of the transformer."""

    def network(self) -> str:
        """What learns, for people."""
        return f"transformer of {self.depth} blocks, width {self.width}, {self.context} steps"

    def build(self, spec: Spec) -> nn.Module:
        """A freshly initialised network."""
        return DecisionTransformer(spec.shape, spec.count, self.width, self.depth)

    def agent(self, model: nn.Module, stage: Stage) -> Agent:
        """Who learns."""
        log = self.log(stage.env)
        wanted = log.returns.max().item() if self.wanted is None else self.wanted
        how = Deciding(self.context, wanted, max(1, self.batch_size // self.context))
        return Decision(model, stage, log, how)
