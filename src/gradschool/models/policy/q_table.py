"""Action values as a table: one number for every state and action, so there is nothing to generalise.

Source: Watkins 1989, chapter 7. Deviation: the table is the parameter of a module, so that it is trained,
saved and taken up again as any network is.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool import nn


class QTable(nn.Module):
    """Values of all actions in all states, 0 at first, and how often each has been updated.

    Args:
        states: how many.
        actions: how many.
    """

    visits: Tensor

    def __init__(self, states: int, actions: int) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.zeros(states, actions))
        self.register_buffer("visits", torch.zeros(states, actions, dtype=torch.int64))

    def forward(self, state: Int64[Tensor, " b"]) -> Float[Tensor, "b a"]:
        return self.values[state]

    def visit(self, state: Int64[Tensor, " b"], action: Int64[Tensor, " b"]) -> None:
        """Count an update of each of these values."""
        self.visits[state, action] += 1
