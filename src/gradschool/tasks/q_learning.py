"""Q-learning: an agent plays episodes, and after every transition it moves one number of its table.

Source: Watkins 1989; Sutton and Barto 2018, section 6.5. A time limit cuts an episode off but does not
terminate it, so the last target still counts what would have come (Pardo et al. 2018).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gradschool.ops.control import epsilon_greedy, q_target, td_loss
from gradschool.rl.gridworld import Gridworld
from gradschool.rl.play import chance, play
from gradschool.tasks.update import Batch, Update


@dataclass(frozen=True)
class Playing:
    """How an agent plays.

    Args:
        gamma: discount, 0 to 1.
        epsilon: probability of a random action at the start and at the end of the run; linear between them.
        limit: steps after which an episode is cut off.
    """

    gamma: float = 1.0
    epsilon: tuple[float, float] = (0.1, 0.1)
    limit: int = 200

    def epsilon_at(self, progress: float) -> float:
        """The probability of a random action when `progress` (0 to 1) of the run is done."""
        first, last = self.epsilon
        return first + (last - first) * progress


class QLearning:
    """Learn action values by playing.

    Args:
        table: states (b,) to the values of their actions (b, a); its `visit` counts updates.
        world: in which to play.
        playing: how.
        held_out: the word before the scores, "val" or "test".
    """

    def __init__(self, table: nn.Module, world: Gridworld, playing: Playing, held_out: str = "val") -> None:
        self.parts: dict[str, Any] = {"table": table}
        self.world, self.playing, self.held_out = world, playing, held_out

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Half the squared TD error of transitions."""
        state, action, reward, next_state, terminated = batch
        table = self.parts["table"]
        q = table(state).gather(1, action[:, None]).squeeze(1)
        with torch.no_grad():
            target = q_target(reward, table(next_state), terminated, self.playing.gamma)
        return {"loss": td_loss(q, target)}

    def step(self, batch: Batch, update: Update) -> dict[str, Tensor]:
        """Play one episode for each number in the batch, one after the other, and learn on the way.

        Returns:
            "return", "length" and "td_error" (its mean size), each a mean over the episodes.
        """
        (numbers,) = batch
        world, epsilon = self.world.to(numbers.device), self.playing.epsilon_at(update.progress)
        played = [self.episode(world, epsilon, update) for _ in range(len(numbers))]
        return {name: torch.stack([each[name] for each in played]).mean() for name in played[0]}

    def episode(self, world: Gridworld, epsilon: float, update: Update) -> dict[str, Tensor]:
        """Play one episode, with one update for every transition; chance is torch's own, which the engine
        seeds at every step.
        """
        table, gamma = self.parts["table"], self.playing.gamma
        state, total, losses = world.begin(1), torch.zeros(1, device=world.land.device), []
        for time in range(self.playing.limit):
            # 1. Act: mostly as the table says.
            with torch.no_grad():
                action = torch.multinomial(epsilon_greedy(table(state), epsilon), 1).squeeze(1)
            # 2. See what comes of it.
            next_state, reward, terminated = world.step(state, action, None)
            # 3. Learn from it: a step of SGD with the rate alpha is Q-learning's rule.
            losses.append(update("table", (state, action, reward, next_state, terminated), self.loss)["loss"])
            table.visit(state, action)
            # 4. Go on from there.
            total, state = total + gamma**time * reward, next_state
            if terminated.item():
                break
        # 5. A loss is half a squared TD error.
        td_errors = (2 * torch.stack(losses)).sqrt()
        length = torch.tensor(float(len(losses)), device=total.device)
        return {"return": total.squeeze(0), "length": length, "td_error": td_errors.mean()}

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """Play held-out episodes with the greedy policy; the first number of a batch seeds its chance.

        Args:
            batches: numbers of episodes.

        Returns:
            "val_return" and "val_goal" ("test_..." where `held_out` says so): the mean return, and the share
            of episodes that reach a goal within the limit.
        """
        # 1. The policy that the table stands for.
        policy = epsilon_greedy(self.parts["table"].values, 0.0)
        world = self.world.to(policy.device)
        # 2. Sums over episodes, batch after batch.
        total = goals = count = 0.0
        for (numbers,) in batches:
            played = play(world, policy, len(numbers), self.playing.limit, chance(numbers))
            total += played.returns(self.playing.gamma).sum().item()
            goals += played.terminated.sum().item()
            count += len(numbers)
        # 3. Means over episodes, under their names.
        return {f"{self.held_out}_return": total / count, f"{self.held_out}_goal": goals / count}
