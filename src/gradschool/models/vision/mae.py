"""A masked autoencoder: a vision transformer reads the patches that are shown, a small one draws the others.

Source: He et al. 2022, section 3. Deviations: the encoder's output for a picture is the mean over its patches
(no class token), positions are sinusoids as in `PlainViT`, the decoder has one block where the paper has
eight.
"""

from typing import Any

import torch
from torch import Tensor

from gradschool import nn
from gradschool.nn.attention.block import block
from gradschool.nn.attention.feedforward import FeedForward
from gradschool.nn.attention.patches import on_grid
from gradschool.ops.practice.masking import shown_patches, with_mask_tokens


class MaskedAutoencoder(nn.Module):
    """Pictures (b, channels, height, width) and what is hidden (b, n) to the pixels of all patches (b, n, p).

    Args:
        body: the encoder, such as `PlainViT`: it has `channels`, `patch`, `embed` and `read`.
        reads: numbers of a vector of the encoder.
        width: numbers of a vector of the decoder, a multiple of 4.
        depth: blocks of the decoder.
        heads: of each attention of the decoder.
    """

    def __init__(self, body: Any, reads: int, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.body = body
        self.narrow = nn.Linear(reads, width)
        self.token = nn.Parameter(0.02 * torch.randn(width))
        self.blocks = nn.Sequential(*[block(width, heads, FeedForward(width)) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.pixels = nn.Linear(width, body.channels * body.patch**2)

    def forward(self, x: Tensor, hidden: Tensor) -> Tensor:
        # 1. The encoder sees the shown patches alone: at three quarters hidden, a quarter of its work.
        shown = self.body.read(shown_patches(self.body.embed(x), hidden))
        # 2. All places again, mask tokens at the hidden ones; then where each is.
        h = with_mask_tokens(self.narrow(shown), self.token, hidden)
        h = on_grid(h.view(len(x), x.shape[2] // self.body.patch, -1, h.shape[2])).flatten(1, 2)
        # 3. What each patch shows.
        return self.pixels(self.norm(self.blocks(h)))
