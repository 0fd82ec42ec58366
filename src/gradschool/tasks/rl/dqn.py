"""Deep Q-learning: a network of action values learns from a memory of what was played.

Sources: Mnih et al. 2015; van Hasselt et al. 2016 (double); Schaul et al. 2016 (priorities); Hessel et al.
2018 (n steps). A time limit does not terminate an episode: the value of its final observation counts.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradschool.ops.control import q_target
from gradschool.ops.rl.replay import double_q_target, exploration_rate
from gradschool.rl.protocol import Thought
from gradschool.rl.replay import Memory, Replay, Transitions
from gradschool.tasks.rl.agent import Agent, Stage, mean_of, rounds
from gradschool.tasks.rl.on_policy import flattened
from gradschool.tasks.update import Batch, Update

FINE = 1_000_000  # parts of a run that exploration tells apart


@dataclass(frozen=True)
class Exploring:
    """How often a random action is tried.

    Args:
        first: its probability at the start, 0 to 1.
        last: from `share` of the run on.
        share: of the run in which it falls linearly, above 0 to 1.
    """

    first: float = 1.0
    last: float = 0.05
    share: float = 0.5

    def at(self, progress: float) -> float:
        """The probability when `progress` (0 to 1) of the run is done."""
        return exploration_rate(round(FINE * progress), self.first, self.last, round(FINE * self.share))


@dataclass(frozen=True)
class Learning:
    """How DQN learns from its memory.

    Args:
        steps: of a round in each world.
        updates: of a round.
        size: transitions of an update.
        warm: transitions in the memory before the first update.
        double: the network that learns chooses the action that the target network values.
        follow_every: updates between two moves of the target network.
        tau: how far it moves, 0 to 1 (a copy).
        beta: how far weights undo priorities at the start of the run; fully at its end.
    """

    steps: int
    updates: int
    size: int = 128
    warm: int = 1000
    double: bool = True
    follow_every: int = 250
    tau: float = 1.0
    beta: float = 0.4


class DQN(Agent):
    """A network of action values.

    Args:
        model: `models.policy.agents.WithTarget` around a network of action values.
        stage: where it plays.
        memory: what is kept.
        how: it learns from it.
        exploring: how often a random action is tried.
    """

    def __init__(
        self, model: nn.Module, stage: Stage, memory: Memory, how: Learning, exploring: Exploring
    ) -> None:
        super().__init__({"agent": model}, stage)
        self.how, self.exploring, self.learnt = how, exploring, 0
        observation = stage.player.observation
        self.replay = Replay(memory, observation, torch.zeros(len(observation), dtype=torch.int64))
        self.error = torch.zeros(0)

    @property
    def carried(self) -> dict[str, Tensor]:
        """Player, memory and how many updates were made."""
        kept = {f"replay.{name}": value for name, value in self.replay.state().items()}
        return self.player.state() | kept | {"learnt": torch.tensor([self.learnt])}

    @carried.setter
    def carried(self, saved: dict[str, Tensor]) -> None:
        self.player.load(saved)
        self.replay.load({name[7:]: value for name, value in saved.items() if name.startswith("replay.")})
        self.learnt = int(saved["learnt"])

    def best(self, observation: Tensor) -> Tensor:
        """The action of the largest value."""
        action: Tensor = self.parts["agent"](flattened(observation, 1)).argmax(-1)
        return action

    def think(self, observation: Tensor) -> Thought:
        """The values of all actions."""
        q: Tensor = self.parts["agent"](flattened(observation, 1))
        return Thought(q.argmax(-1), q, "value", q.amax(-1))

    @torch.no_grad()
    def explore(self, epsilon: float) -> None:
        """One step in every world: a random action with probability epsilon, else the best."""
        observation = self.player.observation
        q = self.parts["agent"](flattened(observation, 1))
        random = torch.randint(q.shape[-1], (len(q),))
        action = torch.where(torch.rand(len(q)) < epsilon, random, q.argmax(-1))
        self.replay.add(observation, action, self.player.act(action))

    @rounds
    def step(self, batch: Batch, update: Update) -> dict[str, Tensor]:
        """Play some steps, and then learn from the memory."""
        # 1. Play.
        epsilon = self.exploring.at(update.progress)
        for _ in range(self.how.steps):
            self.explore(epsilon)
        # 2. Learn, once there is enough to draw from.
        found = []
        for _ in range(self.how.updates if len(self.replay) >= self.how.warm else 0):
            found.append(self.learn(update))
        return {**mean_of(found), "epsilon": torch.tensor(epsilon), **self.player.recent()}

    def learn(self, update: Update) -> dict[str, Tensor]:
        """One update: of the network, of the priorities, and now and then of the target network."""
        # 1. Of the network.
        beta = self.how.beta + (1 - self.how.beta) * update.progress
        drawn = self.replay.draw(self.how.size, beta)
        found = update("agent", tuple(drawn), self.loss)
        # 2. Of the priorities.
        if self.replay.memory.alpha > 0:
            self.replay.learnt(drawn.place, self.error)
        # 3. Of the target network.
        self.learnt += 1
        if self.learnt % self.how.follow_every == 0:
            self.parts["agent"].follow(self.how.tau)
        return found

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Weighted Huber loss of the TD errors; beside it the mean "q" of the actions that were taken."""
        drawn = Transitions(*batch)
        q = self.parts["agent"](flattened(drawn.observation, 1))
        q = q.gather(-1, drawn.action[:, None]).squeeze(-1)
        target = self.target(drawn)
        self.error = (target - q).detach()
        loss = (drawn.weight * F.smooth_l1_loss(q, target, reduction="none")).mean()
        return {"loss": loss, "q": q.detach().mean()}

    @torch.no_grad()
    def target(self, drawn: Transitions) -> Tensor:
        """What q is moved towards: n rewards, and the value of the state after them."""
        network, later = self.parts["agent"], flattened(drawn.later, 1)
        nothing, next_q = torch.zeros_like(drawn.reward), network.target(later)
        # The value of the next state, 0 where it is terminal; it counts by a discount of its own.
        value = (
            double_q_target(nothing, network(later), next_q, drawn.terminated, 1.0)
            if self.how.double
            else q_target(nothing, next_q, drawn.terminated, 1.0)
        )
        return drawn.reward + drawn.discount * value
