"""Policy gradients with a baseline: one update for every rollout, from actions that the policy has drawn.

Sources: Williams 1992 (REINFORCE); Mnih et al. 2016 (A2C). REINFORCE plays whole episodes and counts what
they earned; A2C cuts rollouts anywhere and lets the critic say what would have come.
"""

import torch
from torch import Tensor, nn

from gradschool.ops.rl.policy import reinforce_loss
from gradschool.ops.rl.returns import returns_to_go
from gradschool.rl.rollout import Rollout
from gradschool.tasks.rl.agent import Stage, rounds
from gradschool.tasks.rl.on_policy import OnPolicy, Rewards, explained, flattened, losses_of, rows
from gradschool.tasks.update import Batch, Update


class A2C(OnPolicy):
    """Advantage actor-critic.

    Args:
        model: as for `OnPolicy`.
        stage: where it plays.
        rewards: how they are counted.
        value: weight of the critic's loss.
        entropy: weight of the entropy.
    """

    def __init__(
        self, model: nn.Module, stage: Stage, rewards: Rewards, value: float = 0.5, entropy: float = 0.0
    ) -> None:
        super().__init__(model, stage, rewards)
        self.value, self.entropy = value, entropy

    def returns(self, played: Rollout, about: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """What came after each action, and which actions are learnt from (t, n): here all of them."""
        return about["advantage"] + about["value"], torch.ones_like(played.ended)

    @rounds
    def step(self, batch: Batch, update: Update) -> dict[str, Tensor]:
        """Play a rollout and learn from it once."""
        # 1. Play, and say what came after each action.
        played, about = self.collect()
        returns, counted = self.returns(played, about)
        columns = rows(flattened(played.observation, 2), played.action, returns, about["value"], counted)
        # 2. Learn from actions whose returns are known.
        *learnt, counted = columns
        kept = tuple(column[counted] for column in learnt)
        found = update("agent", kept, self.loss) if len(kept[0]) > 1 else {}
        told = {"explained": explained(kept[3], kept[2])} if len(kept[0]) > 1 else {}
        return {**found, **told, **self.player.recent()}

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of the policy and of the baseline."""
        observation, action, returns, baseline = batch
        parameters, value = self.agent(observation)
        choice = self.choice(parameters)
        named = {"policy": reinforce_loss(choice.log_prob(action), returns, baseline)}
        named["value"] = 0.5 * (value - returns).square().mean()
        named["entropy"] = choice.entropy().mean()
        return losses_of(named, self.value, self.entropy)


class Reinforce(A2C):
    """REINFORCE with a baseline: a return is what was earned to the end of the episode, nothing is guessed.

    Actions of episodes that the rollout cuts off have no known return and are not learnt from. Every rollout
    begins with new episodes, so that it should be as long as the longest.
    """

    def returns(self, played: Rollout, about: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Rewards to the end of the episode, and which episodes have ended within the rollout."""
        returns = returns_to_go(self.rewards.scale * played.reward, played.ended, self.rewards.gamma)
        # An end at this step or later: counted from the last step to the first.
        counted = played.ended.flip(0).cummax(0).values.flip(0)
        return returns, counted

    @rounds
    def step(self, batch: Batch, update: Update) -> dict[str, Tensor]:
        """Begin new episodes, play them, and learn from those that have ended."""
        self.player.restart()
        return super().step(batch, update)
