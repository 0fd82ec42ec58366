"""Networks of agents: who acts (actor), and what a state or an action is worth (critic).

Sources: Mnih et al. 2015; Wang et al. 2016 (dueling); Gallici et al. 2024 (PQN); Haarnoja et al. 2018 (SAC).
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool import nn
from gradschool.nn.init import orthogonal_
from gradschool.nn.rl.pixels import Pixels, is_picture
from gradschool.ops.rl.replay import dueling, polyak_update

LOG_STD = (-5.0, 2.0)  # narrowest and widest Gaussian of SAC, as logarithms


def layers(sizes: Sequence[int], activation: type[nn.Module], norm: bool = False) -> nn.Sequential:
    """Linear maps, each followed by layer normalisation, where asked for, and an activation."""
    found: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        found += [nn.Linear(fan_in, fan_out), *([nn.LayerNorm(fan_out)] if norm else []), activation()]
    return nn.Sequential(*found)


def body(
    shape: Sequence[int], hidden: Sequence[int], activation: type[nn.Module], norm: bool = False
) -> tuple[nn.Sequential, int]:
    """Layers from an observation to features, and how many features; pictures pass convolutions first."""
    front = [Pixels(shape)] if is_picture(shape) else []
    sizes = (front[0].features if front else math.prod(shape), *hidden)
    return nn.Sequential(*front, *layers(sizes, activation, norm)), sizes[-1]


class ActorCritic(nn.Module):
    """A policy and the value of a state, two networks that share nothing.

    Args:
        shape: of an observation.
        actions: how many there are to choose from, or how many numbers one action has.
        continuous: actions are real numbers; the deviations are parameters of their own.
        hidden: units of each hidden layer.
    """

    def __init__(
        self, shape: Sequence[int], actions: int, continuous: bool, hidden: Sequence[int] = (64, 64)
    ) -> None:
        super().__init__()
        (actor, width), (critic, _) = (body(shape, hidden, nn.Tanh) for _ in range(2))
        self.policy = nn.Sequential(*actor, nn.Linear(width, actions))
        self.critic = nn.Sequential(*critic, nn.Linear(width, 1))
        self.log_std = nn.Parameter(torch.zeros(actions)) if continuous else None
        # At first all actions are about equally probable, so that all are tried.
        orthogonal_(self, math.sqrt(2))
        orthogonal_(self.policy[-1], 0.01)
        orthogonal_(self.critic[-1], 1.0)

    def act(self, observation: Float[Tensor, "*b o"]) -> Float[Tensor, "*b a"]:
        """Logits, or means followed by logarithms of deviations."""
        found: Tensor = self.policy(observation)
        return found if self.log_std is None else torch.cat((found, self.log_std.expand_as(found)), -1)

    def value(self, observation: Float[Tensor, "*b o"]) -> Float[Tensor, "*b"]:
        """What the state is worth."""
        found: Tensor = self.critic(observation)
        return found.squeeze(-1)

    def forward(self, observation: Float[Tensor, "*b o"]) -> tuple[Tensor, Tensor]:
        return self.act(observation), self.value(observation)


class QNetwork(nn.Module):
    """The values of all actions.

    Args:
        shape: of an observation.
        actions: how many.
        hidden: units of each hidden layer.
        duel: the value of the state and the advantages of its actions are computed apart.
        norm: layer normalisation after every hidden layer.
    """

    def __init__(
        self, shape: Sequence[int], actions: int, hidden: Sequence[int] = (120, 84), duel: bool = False,
        norm: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.body, width = body(shape, hidden, nn.ReLU, norm)
        self.advantage = nn.Linear(width, actions)
        self.value = nn.Linear(width, 1) if duel else None

    def forward(self, observation: Float[Tensor, "*b o"]) -> Float[Tensor, "*b a"]:
        features = self.body(observation)
        q: Tensor = self.advantage(features)
        return q if self.value is None else dueling(self.value(features), q)


class WithTarget(nn.Module):
    """A network and a copy of it that follows slowly and gets no gradients; `forward` asks the network.

    Args:
        online: the network that learns.
        target: another one made alike; it begins as a copy.
    """

    def __init__(self, online: nn.Module, target: nn.Module) -> None:
        super().__init__()
        self.online, self.target = online, target
        self.target.load_state_dict(online.state_dict())
        self.target.requires_grad_(False)

    def forward(self, *inputs: Tensor) -> Tensor:
        found: Tensor = self.online(*inputs)
        return found

    def follow(self, tau: float) -> None:
        """Move the copy by the share `tau` of the way, 0 (stay) to 1 (copy)."""
        polyak_update(list(self.target.parameters()), list(self.online.parameters()), tau)


class GaussianActor(nn.Module):
    """Mean and logarithm of the deviation of an action before it is squashed, both functions of the state."""

    def __init__(self, shape: Sequence[int], actions: int, hidden: Sequence[int]) -> None:
        super().__init__()
        below, width = body(shape, hidden, nn.ReLU)
        self.body = nn.Sequential(*below, nn.Linear(width, 2 * actions))

    def forward(self, observation: Float[Tensor, "*b o"]) -> tuple[Tensor, Tensor]:
        mean, wide = self.body(observation).chunk(2, -1)
        low, high = LOG_STD
        return mean, low + (high - low) / 2 * (wide.tanh() + 1)


class TwinQ(nn.Module):
    """Two networks that value the same state and action; they are one stack of matrices, so as fast as one.

    Args:
        shape: of an observation.
        actions: numbers of an action.
        hidden: units of each hidden layer.
    """

    def __init__(self, shape: Sequence[int], actions: int, hidden: Sequence[int]) -> None:
        super().__init__()
        sizes = (math.prod(shape) + actions, *hidden, 1)
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for fan_in, fan_out in pairwise(sizes):
            bound = 1 / math.sqrt(fan_in)
            self.weights.append(torch.empty(2, fan_in, fan_out).uniform_(-bound, bound))
            self.biases.append(torch.empty(2, 1, fan_out).uniform_(-bound, bound))

    def forward(
        self, observation: Float[Tensor, "b o"], action: Float[Tensor, "b a"]
    ) -> Float[Tensor, "2 b"]:
        x = torch.cat((observation, action), -1).expand(2, -1, -1)
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x.relu() if i else x, weight)
        return x.squeeze(-1)


class Temperature(nn.Module):
    """One number above 0, kept as its logarithm: how much entropy is worth."""

    def __init__(self, first: float = 1.0) -> None:
        super().__init__()
        self.log = nn.Parameter(torch.tensor([math.log(first)]))

    def forward(self) -> Float[Tensor, " 1"]:
        return self.log.exp()


class SoftActorCritic(nn.Module):
    """All that soft actor-critic learns: an actor, two critics with slow copies, and the temperature.

    Args:
        shape: of an observation.
        actions: numbers of an action.
        hidden: units of each hidden layer.
    """

    def __init__(self, shape: Sequence[int], actions: int, hidden: Sequence[int]) -> None:
        super().__init__()
        self.actor = GaussianActor(shape, actions, hidden)
        self.critic = WithTarget(*(TwinQ(shape, actions, hidden) for _ in range(2)))
        self.temperature = Temperature()
