"""Learning from logged play alone: imitate what was done (behaviour cloning), or what brought a given return.

Sources: Pomerleau 1989 (behaviour cloning); Chen et al. 2021 (decision transformer).
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradschool.rl.logged import Logged
from gradschool.rl.protocol import Thought, World
from gradschool.tasks.rl.agent import LONGEST, Agent, Stage, mean_of, rounds
from gradschool.tasks.rl.on_policy import flattened
from gradschool.tasks.update import Batch, Update


class Cloning(Agent):
    """A classifier of actions; beside it a critic that learns what came after each state.

    Args:
        model: with logits of actions and values of states.
        stage: where it is tested.
        log: what is imitated.
        rows: steps of the log in a round.
    """

    def __init__(self, model: nn.Module, stage: Stage, log: Logged, rows: int) -> None:
        super().__init__({"agent": model}, stage)
        self.rows = rows
        self.columns = tuple(each[log.valid] for each in (log.observation, log.action, log.to_go))

    def best(self, observation: Tensor) -> Tensor:
        """The action that was most probable in the log."""
        action: Tensor = self.parts["agent"].act(flattened(observation, 1)).argmax(-1)
        return action

    def think(self, observation: Tensor) -> Thought:
        """The probabilities of all actions in the log, and what came after such states."""
        logits, value = self.parts["agent"](flattened(observation, 1))
        return Thought(logits.argmax(-1), logits.softmax(-1), "probability", value)

    @rounds
    def step(self, batch: Batch, update: Update) -> dict[str, Tensor]:
        """Learn from a minibatch of the log."""
        chosen = torch.randint(len(self.columns[0]), (self.rows,))
        return update("agent", tuple(column[chosen] for column in self.columns), self.loss)

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy of the actions; the critic's squared error in units of the variance of returns."""
        observation, action, to_go = batch
        logits, value = self.parts["agent"](flattened(observation, 1))
        policy = F.cross_entropy(logits, action)
        critic = (value - to_go).square().mean() / to_go.var().clamp(min=1e-8)
        agreement = (logits.argmax(-1) == action).float().mean()
        return {"loss": policy + 0.5 * critic, "policy": policy, "value": critic, "agreement": agreement}


@dataclass(frozen=True)
class Deciding:
    """How a decision transformer learns and acts.

    Args:
        context: steps that it sees.
        wanted: the return that it is told to reach.
        rows: windows of the log in a round.
    """

    context: int
    wanted: float
    rows: int


class Decision(Agent):
    """A decision transformer.

    Args:
        model: `models.policy.decision.DecisionTransformer`.
        stage: where it is tested.
        log: what it learns from.
        how: it learns and acts.
    """

    def __init__(self, model: nn.Module, stage: Stage, log: Logged, how: Deciding) -> None:
        super().__init__({"agent": model}, stage)
        self.log, self.how = log, how
        self.scale = log.returns.abs().max().clamp(min=1.0)  # returns are told as shares of the largest

    @property
    def model(self) -> Any:
        """The network."""
        return self.parts["agent"]

    def windows(self) -> Batch:
        """Some steps in a row from random places of random episodes: what is seen, done, to go, and valid."""
        # 1. Places, each step of the log as probable as any other.
        flat = self.log.valid.flatten().nonzero().squeeze(1)
        place = flat[torch.randint(len(flat), (self.how.rows,))]
        steps = self.log.valid.shape[1]
        episode, first = place // steps, place % steps
        # 2. The steps behind them; what lies behind an episode's end is not valid.
        time = first[:, None] + torch.arange(self.how.context)
        valid = self.log.valid[episode[:, None], time.clamp(max=steps - 1)] & (time < steps)
        at = episode[:, None], time.clamp(max=steps - 1)
        log = self.log
        return flattened(log.observation[at], 2), log.action[at], log.to_go[at] / self.scale, valid

    @rounds
    def step(self, batch: Batch, update: Update) -> dict[str, Tensor]:
        """Learn from windows of the log."""
        return mean_of([update("agent", self.windows(), self.loss)])

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy of the actions, given what had been seen and done and which return followed."""
        observation, action, to_go, valid = batch
        logits = self.model(to_go, observation, action)[valid]
        agreement = (logits.argmax(-1) == action[valid]).float().mean()
        return {"loss": F.cross_entropy(logits, action[valid]), "agreement": agreement}

    def best(self, observation: Tensor) -> Tensor:
        """The action without anything before it, as at the start of an episode."""
        return self.think(observation).action

    def think(self, observation: Tensor) -> Thought:
        """Probabilities of actions at the start of an episode, and the return that is wanted."""
        wanted = torch.full((len(observation), 1), self.how.wanted)
        nothing = torch.zeros(len(observation), 1, dtype=torch.int64)
        logits = self.model(wanted / self.scale, flattened(observation, 1)[:, None], nothing)[:, -1]
        return Thought(logits.argmax(-1), logits.softmax(-1), "probability", wanted[:, 0])

    def recall(self) -> Callable[[Tensor, Tensor], Thought]:
        """What thinks with the last steps before it; what is earned is no longer wanted."""
        past: deque[tuple[Tensor, ...]] = deque(maxlen=self.how.context)

        def think(observation: Tensor, earned: Tensor) -> Thought:
            # 1. The last steps, with an action yet to come in the last.
            wanted = self.how.wanted - earned
            now = wanted / self.scale, flattened(observation, 1)
            past.append((*now, torch.zeros(len(observation), dtype=torch.int64)))
            # 2. The action that continues them.
            to_go, seen, done = (torch.stack(each, 1) for each in zip(*past, strict=True))
            logits = self.model(to_go, seen, done)[:, -1]
            past[-1] = (*now, logits.argmax(-1))
            return Thought(logits.argmax(-1), logits.softmax(-1), "probability", wanted)

        return think

    def tested(self, world: World) -> tuple[Tensor, Tensor]:
        """Return and length of an episode in every copy."""
        observation, think = world.reset(None), self.recall()
        earned, length = torch.zeros(world.count), torch.zeros(world.count)
        playing = torch.ones(world.count, dtype=torch.bool)
        for _ in range(world.limit or LONGEST):
            # What follows an episode's end is the next one's.
            step = world.step(think(observation, earned).action)
            observation = step.observation
            earned, length = earned + step.reward * playing, length + playing
            playing = playing & ~(step.terminated | step.truncated)
            if not playing.any():
                break
        return earned, length
