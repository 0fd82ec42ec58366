"""PPO on CartPole as CleanRL's ppo.py does it, written anew, as a peer that is timed.

CleanRL (Huang et al. 2022) is a script and no package, and is not copied here. What decides its speed is
kept: its published default settings, four environments of Gymnasium stepped one after the other, one step of
the network for four observations, advantages by a loop over time, four passes over four minibatches.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Categorical

ENVS, STEPS, PASSES, MINIBATCHES = 4, 128, 4, 4
RATE, GAMMA, LAMBDA, CLIP, ENTROPY, VALUE, NORM = 2.5e-4, 0.99, 0.95, 0.2, 0.01, 0.5, 0.5


def network(outputs: int, gain: float) -> nn.Sequential:
    """64-64 with tanh and orthogonal weights."""
    layers = [nn.Linear(4, 64), nn.Linear(64, 64), nn.Linear(64, outputs)]
    for layer in layers:
        nn.init.orthogonal_(layer.weight, gain if layer is layers[-1] else 2**0.5)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(layers[0], nn.Tanh(), layers[1], nn.Tanh(), layers[2])


class Actor(nn.Module):
    """Policy and value, two networks."""

    def __init__(self) -> None:
        super().__init__()
        self.policy, self.critic = network(2, 0.01), network(1, 1.0)

    def forward(self, seen: Tensor, action: Tensor | None = None) -> tuple[Tensor, ...]:
        chances = Categorical(logits=self.policy(seen))
        action = chances.sample() if action is None else action
        return action, chances.log_prob(action), chances.entropy(), self.critic(seen).squeeze(-1)


def advantages(reward: Tensor, done: Tensor, value: Tensor, last: Tensor) -> Tensor:
    """By a loop from the last step to the first; `done[t]` says that step t ended an episode."""
    found, later, following = torch.zeros_like(reward), torch.zeros(ENVS), last
    for t in reversed(range(STEPS)):
        goes_on = 1 - done[t]
        error = reward[t] + GAMMA * following * goes_on - value[t]
        later = error + GAMMA * LAMBDA * goes_on * later
        found[t], following = later, value[t]
    return found


def learn(actor: Actor, optimiser: torch.optim.Optimizer, rows: list[Tensor]) -> None:
    """Four passes over the rollout in minibatches."""
    seen, action, log_p, advantage, value = rows
    for _ in range(PASSES):
        for chosen in torch.randperm(len(seen)).chunk(MINIBATCHES):
            _, new, entropy, now = actor(seen[chosen], action[chosen])
            ratio, a, wanted = (
                (new - log_p[chosen]).exp(),
                advantage[chosen],
                (advantage + value)[chosen],
            )
            a = (a - a.mean()) / (a.std() + 1e-8)
            policy = torch.max(-a * ratio, -a * ratio.clamp(1 - CLIP, 1 + CLIP)).mean()
            near = value[chosen] + (now - value[chosen]).clamp(-CLIP, CLIP)
            error = 0.5 * torch.max((now - wanted) ** 2, (near - wanted) ** 2).mean()
            loss = policy - ENTROPY * entropy.mean() + VALUE * error
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(actor.parameters(), NORM)
            optimiser.step()


def train(steps: int) -> float:
    """Train from scratch; the steps that were played."""
    import gymnasium

    torch.manual_seed(0)
    made: list[Any] = [
        lambda: gymnasium.wrappers.RecordEpisodeStatistics(gymnasium.make("CartPole-v1"))
    ] * ENVS
    world, actor = gymnasium.vector.SyncVectorEnv(made), Actor()
    optimiser = torch.optim.Adam(actor.parameters(), RATE, eps=1e-5)
    now, rounds = torch.tensor(world.reset(seed=0)[0]), steps // (ENVS * STEPS)
    for i in range(rounds):
        optimiser.param_groups[0]["lr"] = RATE * (1 - i / rounds)
        kept: list[tuple[Tensor, ...]] = []
        for _ in range(STEPS):
            with torch.no_grad():
                action, log_p, _, value = actor(now)
            after, earned, ended, cut, _ = world.step(action.numpy())
            done = torch.tensor(ended | cut, dtype=torch.float32)
            kept.append((now, action, log_p, torch.tensor(earned, dtype=torch.float32), done, value))
            now = torch.tensor(after)
        seen, action, log_p, reward, done, value = map(torch.stack, zip(*kept, strict=True))
        with torch.no_grad():
            last = actor(now)[3]
        gained = advantages(reward, done, value, last)
        learn(actor, optimiser, [x.flatten(0, 1) for x in (seen, action, log_p, gained, value)])
    return float(rounds * ENVS * STEPS)


if __name__ == "__main__":
    print(train(4096))
