"""An agent that learns a game of two players by playing against itself, with tree search: AlphaZero."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from gradschool.errors import UserError
from gradschool.models.policy.agents import ActorCritic
from gradschool.rl.games.search import Search
from gradschool.runs.rl.agent import AgentRun, Probability, Spec
from gradschool.runs.run import Count, Positive
from gradschool.tasks.rl.agent import Stage
from gradschool.tasks.rl.self_play import Games, SelfPlay


@dataclass(frozen=True, kw_only=True)
class SelfPlayRun(AgentRun):
    """An agent that learns from games against itself."""

    kind: ClassVar[str] = "self_play"
    title: ClassVar[str] = "an agent that learns by self-play and tree search (AlphaZero)"

    worlds: Count = 64
    """Games that are played side by side."""
    batch_size: Count = 64 * 9
    """Moves of all games together before the agent learns from them, at most: nine of each game."""
    learning_rate: Positive = 2e-3
    """Base learning rate."""
    simulations: Count = 25
    """Positions that the search looks at for each move."""
    explore: Positive = 1.5
    """Weight of moves that the search has looked at little."""
    noise: Probability = 0.25
    """Share of noise in the probabilities of the first moves of a search, while learning."""
    memory: Count = 10_000
    """Positions that are remembered."""
    updates: Count = 32
    """Updates between two rounds of play."""
    minibatch: Count = 256
    """Positions of an update."""

    def refuse(self, spec: Spec) -> None:
        """Self-play needs a game whose rules are known.

        Raises:
            UserError: it is another environment.
        """
        if spec.env != "tic_tac_toe":
            what = f"{spec.env} is no game of two players, and {self.title} plays both"
            raise UserError(what, "tic_tac_toe", "Or use cartpole_ppo with this environment.")

    def network(self) -> str:
        """What learns, for people."""
        return f"policy and value, {'-'.join(map(str, self.hidden))}"

    def build(self, spec: Spec) -> nn.Module:
        """A freshly initialised network."""
        return ActorCritic(spec.shape, spec.count, spec.is_continuous, self.hidden)

    def agent(self, model: nn.Module, stage: Stage) -> SelfPlay:
        """Who learns."""
        learning = Search(self.simulations, self.explore, self.noise)
        tested = Search(self.simulations, self.explore)
        how = Games(
            self.worlds, learning, tested, memory=self.memory, updates=self.updates, minibatch=self.minibatch
        )
        return SelfPlay(model, stage, how)
