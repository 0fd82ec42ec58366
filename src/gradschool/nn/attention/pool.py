"""One vector of a sequence: a mean whose weights are learned.

Source: Hassani et al. 2021, section 3.2 (sequence pooling).
"""

from torch import Tensor, nn

from gradschool.nn.linear import Linear
from gradschool.ops.attention.biased import weights_of


class SequencePool(nn.Module):
    """A score for each position, softmax over the valid ones, the mean under these weights.

    `forward(x, valid=None)` takes (b, n, width) and (b, n), False at padding, and returns (b, width).

    Args:
        width: numbers of a position.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = Linear(width, 1)

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        mask = None if valid is None else valid.unsqueeze(1)
        return (weights_of(self.score(x).transpose(1, 2), mask) @ x).squeeze(1)
