"""Blocks of selective state-space models, each with a gate, a normalisation and a residual connection.

Source: Gu and Dao 2024, section 3.4. Deviations: no short convolution before the scan, the step sizes from a
full matrix instead of one of low rank, no widening inside a block.
"""

import math

import torch
from torch import Tensor, nn

from gradschool.nn.linear import Linear
from gradschool.nn.norm import RMSNorm
from gradschool.ops.activation import silu, softplus
from gradschool.ops.linear import dropout
from gradschool.ops.sequence.lengths import valid_steps
from gradschool.ops.sequence.statespace import selective_scan

SHORTEST, LONGEST = 1e-3, 1e-1  # step sizes at the beginning, spread evenly in their logarithm


class SelectiveBlock(nn.Module):
    """One block: every channel is a linear system with `size` states that the input steers.

    Args:
        hidden: channels.
        size: states of each channel.
    """

    def __init__(self, hidden: int, size: int) -> None:
        super().__init__()
        self.hidden, self.size = hidden, size
        self.norm = RMSNorm(hidden)
        self.into, self.out = Linear(hidden, 2 * hidden), Linear(hidden, hidden)
        self.step = Linear(hidden, hidden)
        self.steer = Linear(hidden, 2 * size, bias=False)
        # The n-th state of a channel begins with rate -n.
        rates = torch.arange(1, size + 1, dtype=torch.get_default_dtype())
        self.log_rate = nn.Parameter(rates.log().expand(hidden, size).clone())
        self.skip = nn.Parameter(torch.ones(hidden))
        delta = torch.exp(torch.empty(hidden).uniform_(math.log(SHORTEST), math.log(LONGEST)))
        with torch.no_grad():
            self.step.bias.copy_(torch.log(torch.expm1(delta)))  # softplus gives delta back

    def forward(self, x: Tensor, state: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
        # 1. What runs through the systems, and the gate on what comes out.
        u, gate = self.into(self.norm(x)).chunk(2, 2)
        # 2. The input decides how long each step takes, how it enters and how the states are read. A step at
        #    the padding takes no time.
        delta = softplus(self.step(u))
        delta = delta if valid is None else delta * valid
        enters, reads = self.steer(u).chunk(2, 2)
        y, state = selective_scan(u, delta, -torch.exp(self.log_rate), enters, reads, state)
        # 3. The input itself besides, the gate, and back onto the residual path.
        return x + self.out((y + self.skip * u) * silu(gate)), state


class StateSpace(nn.Module):
    """Selective state-space blocks above each other.

    `forward(x, state=None, lengths=None)` as in `Stack`; the state is (layers, b, hidden, size). The first
    layer is a linear map from `inputs` to `hidden`.

    Args:
        inputs: features of a step.
        hidden: channels of each block.
        layers: blocks.
        dropout: probability of silence between blocks in training, 0 to 1.
        size: states of each channel.
    """

    directions = 1

    def __init__(
        self, inputs: int, hidden: int, layers: int = 1, dropout: float = 0.0, size: int = 8
    ) -> None:
        super().__init__()
        self.inputs, self.hidden, self.layers = inputs, hidden, layers
        self.dropout, self.size = dropout, size
        self.enter = Linear(inputs, hidden)
        self.blocks = nn.ModuleList(SelectiveBlock(hidden, size) for _ in range(layers))

    def forward(
        self, x: Tensor, state: Tensor | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        if x.dim() != 3 or x.shape[2] != self.inputs:
            wanted = f"(batch, steps, {self.inputs}) was wanted"
            raise ValueError(f"input has shape {tuple(x.shape)}, {wanted}")
        valid = None if lengths is None else valid_steps(lengths, x.shape[1]).unsqueeze(2)
        shape = (self.layers, len(x), self.hidden, self.size)
        state = x.new_zeros(shape) if state is None else state
        if state.shape != shape:
            raise ValueError(f"state has shape {tuple(state.shape)}, {shape} was wanted")
        # 1. Block after block.
        x, reached = self.enter(x), []
        for index, block in enumerate(self.blocks):
            x = dropout(x, self.dropout, self.training) if index else x
            x, last = block(x, state[index], valid)
            reached.append(last)
        # 2. Outputs are 0 at the padding.
        return x if valid is None else x * valid, torch.stack(reached)

    def extra_repr(self) -> str:
        """What print shows."""
        return f"{self.inputs}, {self.hidden}, layers={self.layers}, size={self.size}"
