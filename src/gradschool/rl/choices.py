"""Policies as distributions over actions: among a few (categorical), or real numbers (Gaussian).

A network gives the numbers that a distribution is made of: a logit for each action, or means and logarithms
of standard deviations, one after the other along the last axis.
"""

import math
from typing import NamedTuple, Protocol

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.ops.rl.policy import gaussian_log_prob, policy_entropy

NORMAL_ENTROPY = 0.5 * math.log(2 * math.pi * math.e)  # of a Gaussian with deviation 1


class Choice(Protocol):
    """A distribution over actions for each of many observations."""

    def draw(self) -> Tensor:
        """An action each, from torch's own generator."""
        ...

    def best(self) -> Tensor:
        """The most probable action each."""
        ...

    def log_prob(self, action: Tensor) -> Tensor:
        """The logarithm of the probability (density) of an action each."""
        ...

    def entropy(self) -> Tensor:
        """In nats."""
        ...


class Categorical(NamedTuple):
    """One of a few actions; `logits` (..., a) need not be normalised."""

    logits: Float[Tensor, "*b a"]

    def draw(self) -> Int64[Tensor, "*b"]:
        """Exponential waiting times whose rates are the probabilities: the first to come is drawn."""
        waiting = torch.empty_like(self.logits).exponential_().log_()
        return (self.logits - waiting).argmax(-1)

    def best(self) -> Int64[Tensor, "*b"]:
        """The action of the largest logit."""
        return self.logits.argmax(-1)

    def log_prob(self, action: Int64[Tensor, "*b"]) -> Float[Tensor, "*b"]:
        """Of the actions taken."""
        return self.logits.log_softmax(-1).gather(-1, action[..., None]).squeeze(-1)

    def entropy(self) -> Float[Tensor, "*b"]:
        """In nats."""
        return policy_entropy(self.logits)


class Gaussian(NamedTuple):
    """Real numbers, independent of each other; `parameters` (..., 2a): means, logarithms of deviations."""

    parameters: Float[Tensor, "*b a2"]

    def draw(self) -> Float[Tensor, "*b a"]:
        """Mean plus deviation times noise."""
        mean, log_std = self.parameters.chunk(2, -1)
        return mean + log_std.exp() * torch.randn_like(mean)

    def best(self) -> Float[Tensor, "*b a"]:
        """The mean."""
        return self.parameters.chunk(2, -1)[0]

    def log_prob(self, action: Float[Tensor, "*b a"]) -> Float[Tensor, "*b"]:
        """A density, summed over the numbers of an action."""
        return gaussian_log_prob(action, *self.parameters.chunk(2, -1))

    def entropy(self) -> Float[Tensor, "*b"]:
        """In nats."""
        return (self.parameters.chunk(2, -1)[1] + NORMAL_ENTROPY).sum(-1)
