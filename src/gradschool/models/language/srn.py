"""The simple recurrent network: what it read so far is in a few hidden units, which a plot can show.

Source: Elman 1990. Deviations: trained by backpropagation through the whole string, with a softmax.
"""

from torch import Tensor
from torch.nn.functional import one_hot

from gradschool import nn
from gradschool.nn.sequence.recurrent import RNN


class SRN(nn.Module):
    """One-hot symbols, tanh units that see the symbol and their own last values, a logit for every answer.

    Args:
        symbols: that strings are made of.
        answers: to choose from after each symbol.
        hidden: tanh units.
    """

    def __init__(self, symbols: int, answers: int, hidden: int) -> None:
        super().__init__()
        self.symbols = symbols
        self.recurrent = RNN(symbols, hidden)
        self.readout = nn.Linear(hidden, answers)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Symbols (b, t) to logits (b, t, answers) and hidden units (b, t, hidden)."""
        hidden, _ = self.recurrent(one_hot(x, self.symbols).to(self.readout.weight.dtype))
        return self.readout(hidden), hidden


def srn(symbols: int, answers: int, hidden: int = 2) -> SRN:
    """43 parameters for Reber's seven symbols and two hidden units."""
    return SRN(symbols, answers, hidden)
