"""The layer between two attentions: every position by itself, widened and narrowed again.

Sources: Vaswani et al. 2017, equation 2 (with ReLU); Hendrycks and Gimpel 2016 (GELU); So et al. 2021,
section 4.1 (squared ReLU); Shazeer 2020, equation 6 (SwiGLU).
"""

from torch import Tensor, nn

from gradschool.nn.activation import GELU
from gradschool.nn.linear import Linear
from gradschool.ops.activation import relu_squared
from gradschool.ops.gate import swiglu


class SquaredReLU(nn.Module):
    """max(x, 0)^2."""

    def forward(self, input: Tensor) -> Tensor:
        return relu_squared(input)


class FeedForward(nn.Module):
    """W2 act(W1 x + b1) + b2.

    Args:
        width: numbers of a position.
        hidden: units between; None: four times the width.
        act: the activation; None: GELU.
        bias: whether there are b1 and b2.
    """

    def __init__(
        self, width: int, hidden: int | None = None, act: nn.Module | None = None, bias: bool = True
    ) -> None:
        super().__init__()
        hidden = 4 * width if hidden is None else hidden
        self.widen, self.act = Linear(width, hidden, bias), GELU() if act is None else act
        self.output = Linear(hidden, width, bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.act(self.widen(x)))


class SwiGLU(nn.Module):
    """W2 (silu(W1 x) * V x): one projection opens and closes the other.

    Args:
        width: numbers of a position.
        hidden: units between; None: the multiple of 32 next to 8/3 of the width, which makes three matrices
            as large as two of `FeedForward`.
        bias: whether the projections have biases.
    """

    def __init__(self, width: int, hidden: int | None = None, bias: bool = False) -> None:
        super().__init__()
        hidden = max(1, round(width / 12)) * 32 if hidden is None else hidden
        self.gate, self.widen = Linear(width, hidden, bias), Linear(width, hidden, bias)
        self.output = Linear(hidden, width, bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(swiglu(self.widen(x), self.gate(x)))
