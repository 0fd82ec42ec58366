"""Proximal policy optimisation: several passes over a rollout, none of which moves the policy far.

Source: Schulman et al. 2017, with details of Huang et al. 2022 (orthogonal initialisation, advantages
normalised by minibatch, a rate that falls). Deviation: values are not clipped (Andrychowicz et al. 2021).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gradschool.ops.rl.policy import ppo_loss
from gradschool.tasks.rl.agent import Stage, mean_of, minibatches, rounds
from gradschool.tasks.rl.on_policy import OnPolicy, Rewards, explained, flattened, losses_of, rows
from gradschool.tasks.update import Batch, Update


@dataclass(frozen=True)
class Proximal:
    """How PPO learns from a rollout.

    Args:
        passes: over each rollout.
        minibatches: of a pass.
        clip: how far the ratio of new and old probability counts, above 0.
        value: weight of the critic's loss.
        entropy: weight of the entropy.
        stop: a pass is the last when the KL divergence from the old policy has come to this, in nats; None:
            all passes are made.
    """

    passes: int = 4
    minibatches: int = 4
    clip: float = 0.2
    value: float = 0.5
    entropy: float = 0.0
    stop: float | None = None


class PPO(OnPolicy):
    """An actor and a critic.

    Args:
        model: as for `OnPolicy`.
        stage: where it plays.
        rewards: how they are counted.
        how: it learns from a rollout.
    """

    def __init__(self, model: nn.Module, stage: Stage, rewards: Rewards, how: Proximal) -> None:
        super().__init__(model, stage, rewards)
        self.how = how

    @rounds
    def step(self, batch: Batch, update: Update) -> dict[str, Tensor]:
        """Play a rollout and learn from it."""
        # 1. Play, and say how good each action was.
        played, about = self.collect()
        target = about["advantage"] + about["value"]
        columns = rows(
            flattened(played.observation, 2), played.action, about["log_prob"], about["advantage"], target
        )
        # 2. Learn from all of it, several times.
        found: list[dict[str, Tensor]] = []
        for _ in range(self.how.passes):
            for part in minibatches(columns, self.how.minibatches):
                found.append(update("agent", part, self.loss))
            if self.how.stop is not None and found[-1]["kl"] > self.how.stop:
                break
        return {**mean_of(found), "explained": explained(about["value"], target), **self.player.recent()}

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of a minibatch, and how far the policy has moved: "kl" in nats, and the "clipped" share."""
        observation, action, old, advantage, target = batch
        # 1. The policy. Advantages of a minibatch have mean 0 and deviation 1.
        parameters, value = self.agent(observation)
        choice = self.choice(parameters)
        log_prob = choice.log_prob(action)
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        policy = ppo_loss(log_prob, old, advantage, self.how.clip)
        # 2. The critic.
        named = {"policy": policy, "value": 0.5 * (value - target).square().mean()}
        named["entropy"] = choice.entropy().mean()
        # 3. How far it is from the policy that played (Schulman 2020, the estimator that is never negative).
        with torch.no_grad():
            change = log_prob - old
            named["kl"] = (change.exp() - 1 - change).mean()
            named["clipped"] = ((change.exp() - 1).abs() > self.how.clip).float().mean()
        return losses_of(named, self.how.value, self.how.entropy)
