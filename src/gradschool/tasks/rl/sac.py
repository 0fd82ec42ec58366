"""Soft actor-critic: real-valued actions, learnt from a memory; entropy is rewarded by a learnt weight.

Source: Haarnoja et al. 2018 and 2018b (the temperature). Two critics are asked and the lower answer counts.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gradschool.ops.rl.policy import squashed_gaussian_log_prob
from gradschool.rl.protocol import Thought
from gradschool.rl.replay import Memory, Replay, Transitions
from gradschool.rl.world import Continuous
from gradschool.tasks.rl.agent import Agent, Stage, mean_of, rounds
from gradschool.tasks.rl.on_policy import flattened
from gradschool.tasks.update import Batch, Update


@dataclass(frozen=True)
class Soft:
    """How SAC learns from its memory.

    Args:
        steps: of a round in each world.
        updates: of a round, of critics, actor and temperature each.
        size: transitions of an update.
        warm: transitions in the memory, of random actions, before the first update.
        tau: how far the target critics move at every update, 0 to 1.
        scale: rewards are multiplied by it.
    """

    steps: int
    updates: int
    size: int = 256
    warm: int = 1000
    tau: float = 0.005
    scale: float = 1.0


class SAC(Agent):
    """An actor, two critics with their slow copies, and the temperature.

    Args:
        model: `models.policy.agents.SoftActorCritic`.
        stage: where it plays; actions are real numbers within bounds.
        memory: what is kept.
        how: it learns from it.
    """

    def __init__(self, model: Any, stage: Stage, memory: Memory, how: Soft) -> None:
        parts: dict[str, nn.Module] = {
            "critic": model.critic,
            "actor": model.actor,
            "temperature": model.temperature,
        }
        super().__init__(parts, stage)
        actions = stage.player.world.actions
        assert isinstance(actions, Continuous), "the run has refused other actions"
        self.centre, self.reach = (actions.high + actions.low) / 2, (actions.high - actions.low) / 2
        # As much entropy as a Gaussian of about a third of the range has: minus one nat for each number.
        self.how, self.wanted = how, -float(actions.low.numel())
        observation = stage.player.observation
        first = torch.zeros(len(observation), *actions.low.shape)
        self.replay = Replay(memory, observation, first)

    @property
    def carried(self) -> dict[str, Tensor]:
        """Player and memory."""
        kept = {f"replay.{name}": value for name, value in self.replay.state().items()}
        return self.player.state() | kept

    @carried.setter
    def carried(self, saved: dict[str, Tensor]) -> None:
        self.player.load(saved)
        self.replay.load({name[7:]: value for name, value in saved.items() if name.startswith("replay.")})

    def best(self, observation: Tensor) -> Tensor:
        """The mean, squashed into the bounds of the world."""
        mean, _ = self.parts["actor"](flattened(observation, 1))
        return self.centre + self.reach * mean.tanh()

    def think(self, observation: Tensor) -> Thought:
        """The action, and what the lower critic says of it."""
        action = self.best(observation)
        inner = (action - self.centre) / self.reach
        value = self.parts["critic"](flattened(observation, 1), inner).amin(0)
        return Thought(action, action, "action", value)

    def drawn(self, observation: Tensor) -> tuple[Tensor, Tensor]:
        """Actions from -1 to 1 and their log-probabilities; gradients flow through both."""
        mean, log_std = self.parts["actor"](observation)
        u = mean + log_std.exp() * torch.randn_like(mean)
        return u.tanh(), squashed_gaussian_log_prob(u, mean, log_std)

    @torch.no_grad()
    def explore(self) -> None:
        """One step in every world: at random until the memory is warm, then as the actor draws."""
        observation = self.player.observation
        if len(self.replay) < self.how.warm:
            action = 2 * torch.rand(len(observation), *self.centre.shape) - 1
        else:
            action, _ = self.drawn(flattened(observation, 1))
        self.replay.add(observation, action, self.player.act(self.centre + self.reach * action))

    @rounds
    def step(self, batch: Batch, update: Update) -> dict[str, Tensor]:
        """Play some steps, and then learn from the memory."""
        # 1. Play.
        for _ in range(self.how.steps):
            self.explore()
        # 2. Learn, once there is enough to draw from.
        is_warm = len(self.replay) >= self.how.warm
        found = [self.learn(update) for _ in range(self.how.updates if is_warm else 0)]
        return {**mean_of(found), **self.player.recent()}

    def learn(self, update: Update) -> dict[str, Tensor]:
        """One update of everything."""
        # 1. Critics, from the memory.
        drawn = tuple(self.replay.draw(self.how.size))
        critic = update("critic", drawn, self.critic_loss)
        # 2. The actor, by what the critics say of its actions, and the temperature, by its entropy.
        actor = update("actor", drawn[:1], self.actor_loss)
        heat = update("temperature", (actor["each"],), self.temperature_loss)
        # 3. The slow copies.
        self.parts["critic"].follow(self.how.tau)
        told = {"entropy": actor["entropy"], "temperature": heat["temperature"]}
        return {**critic, "actor": actor["loss"], **told}

    def critic_loss(self, batch: Batch) -> dict[str, Tensor]:
        """Half the squared TD errors of both critics."""
        t = Transitions(*batch)
        # 1. The target: reward, and the soft value of what comes next: the lower one, plus entropy.
        with torch.no_grad():
            later = flattened(t.later, 1)
            action, log_prob = self.drawn(later)
            soft = self.parts["critic"].target(later, action).amin(0) - self.parts["temperature"]() * log_prob
            target = self.how.scale * t.reward + t.discount * soft.masked_fill(t.terminated, 0.0)
        # 2. Both critics move towards it.
        q = self.parts["critic"](flattened(t.observation, 1), t.action)
        return {"loss": 0.5 * (q - target).square().mean(1).sum(), "q": q.detach().mean()}

    def actor_loss(self, batch: Batch) -> dict[str, Tensor]:
        """What the actor's own actions cost: temperature times log-probability, minus the lower value."""
        (observation,) = batch
        observation = flattened(observation, 1)
        action, log_prob = self.drawn(observation)
        critic = self.parts["critic"]
        # The critics judge; they do not learn here, so no gradient of their weights is computed.
        critic.online.requires_grad_(False)
        q = critic(observation, action).amin(0)
        critic.online.requires_grad_(True)
        with torch.no_grad():
            temperature = self.parts["temperature"]()
        loss = (temperature * log_prob - q).mean()
        return {"loss": loss, "entropy": -log_prob.detach().mean(), "each": log_prob.detach()}

    def temperature_loss(self, batch: Batch) -> dict[str, Tensor]:
        """Its gradient raises the temperature while there is less entropy than is wanted."""
        (log_prob,) = batch
        temperature = self.parts["temperature"]
        loss = -(temperature.log * (log_prob + self.wanted)).mean()
        return {"loss": loss, "temperature": temperature().detach().mean()}
