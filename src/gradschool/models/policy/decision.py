"""A transformer that is told which return is wanted, and continues an episode by the action that brings it.

Source: Chen et al. 2021 (decision transformer). Deviations: rotary positions in place of a vector for every
time step; normalised before each layer.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool import nn
from gradschool.nn.attention.block import Block, PreNorm
from gradschool.nn.attention.feedforward import FeedForward
from gradschool.nn.attention.multihead import Attention

BASE = 10_000.0  # of the rotary positions


class DecisionTransformer(nn.Module):
    """Three tokens a step: the return that is still wanted, what is seen, what is done.

    Args:
        shape: of an observation.
        actions: how many there are to choose from.
        width: numbers of a token, a multiple of `heads`.
        depth: blocks.
        heads: of each attention.
    """

    def __init__(
        self, shape: Sequence[int], actions: int, width: int = 64, depth: int = 2, heads: int = 4
    ) -> None:
        super().__init__()
        self.wanted, self.seen = nn.Linear(1, width), nn.Linear(math.prod(shape), width)
        self.done = nn.Embedding(actions, width)
        self.blocks = nn.ModuleList(
            Block(
                PreNorm(nn.LayerNorm(width), Attention(width, heads, base=BASE)),
                PreNorm(nn.LayerNorm(width), FeedForward(width)),
            )
            for _ in range(depth)
        )
        self.norm, self.output = nn.LayerNorm(width), nn.Linear(width, actions)

    def forward(
        self, to_go: Float[Tensor, "b k"], observation: Float[Tensor, "b k o"], action: Int64[Tensor, "b k"]
    ) -> Float[Tensor, "b k a"]:
        # 1. Return, observation, action, return, observation, ...
        tokens = torch.stack((self.wanted(to_go[..., None]), self.seen(observation), self.done(action)), 2)
        h = tokens.flatten(1, 2)
        # 2. Each token looks back; an observation's token knows all before the action that it predicts.
        for block in self.blocks:
            h = block(h, causal=True)
        logits: Tensor = self.output(self.norm(h[:, 1::3]))
        return logits
