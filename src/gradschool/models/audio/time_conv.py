"""A convolutional network over time, to compare recurrent ones with: it sees a word piece by piece at once.

Sources: Waibel et al. 1989 (time-delay networks); Peddinti et al. 2015 (dilation that grows with depth).
Deviations: layer normalisation of every row, so that padding changes nothing; the mean over time at the end.
"""

from torch import Tensor

from gradschool import nn
from gradschool.nn.inputs import WrongInput
from gradschool.ops.sequence.lengths import mean_over_steps, valid_steps

WIDTH = 5  # rows that a filter covers


class TimeConv(nn.Module):
    """Convolutions over time, each with a residual connection; the mean over the recording is classified.

    Its input are rows (b, t, features) and how many of each recording are valid (None: all).

    Args:
        features: numbers in a row of the input.
        classes: number of logits.
        hidden: filters of each layer.
        layers: convolutions; the i-th (from 0) skips 2^i - 1 rows between those that it sees.
        dropout: probability of silence before the last layer, in training, 0 to below 1.
    """

    def __init__(self, features: int, classes: int, hidden: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.features = features
        self.inputs = nn.Linear(features, hidden)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(layers))
        # A row of numbers is an image one pixel wide, with a channel for each number.
        self.convolutions = nn.ModuleList(
            nn.Conv2d(hidden, hidden, (WIDTH, 1), padding=(WIDTH // 2 * 2**i, 0), dilation=(2**i, 1))
            for i in range(layers)
        )
        self.activation, self.dropout = nn.ReLU(), nn.Dropout(dropout)
        self.head = nn.Linear(hidden, classes)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        if x.dim() != 3 or x.shape[2] != self.features:
            raise WrongInput(f"input has shape {tuple(x.shape)}, (batch, rows, {self.features}) was wanted")
        own = 1 if lengths is None else valid_steps(lengths, x.shape[1])[:, :, None]
        x = self.inputs(x)
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            seen = self.activation(norm(x)) * own  # zeros behind the end, as before the beginning
            x = x + convolution(seen.mT[..., None])[..., 0].mT
        return self.head(self.dropout(mean_over_steps(x, lengths)))


def time_conv(bands: int, classes: int, hidden: int = 32, layers: int = 3, dropout: float = 0.2) -> TimeConv:
    """Three layers, which see 29 rows: about 17,000 parameters for 24 bands and 10 classes."""
    return TimeConv(bands, classes, hidden, layers, dropout)
