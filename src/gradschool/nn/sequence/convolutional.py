"""An LSTM whose states are images and whose products are convolutions, for films and maps over time.

Source: Shi et al. 2015, eq. 3. Deviation: gates do not see the cell state (no peepholes).
"""

import torch
from torch import Tensor, nn

from gradschool.nn.conv import Conv2d
from gradschool.ops.sequence.recurrent import lstm_cell

Pair = tuple[Tensor, Tensor]


class ConvLSTM(nn.Module):
    """One layer of convolutional LSTM cells.

    `forward(x, state=None)` takes films (b, t, channels, height, width) and returns the hidden states
    (b, t, hidden, height, width) and the last pair (h, c) of maps (b, hidden, height, width).

    Args:
        channels: of each picture of a film.
        hidden: channels of the states.
        kernel_size: side of the filters, odd.
    """

    def __init__(self, channels: int, hidden: int, kernel_size: int = 3) -> None:
        super().__init__()
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size is {kernel_size}, an odd number was wanted: the size must stay")
        self.channels, self.hidden = channels, hidden
        self.of_input = Conv2d(channels, 4 * hidden, kernel_size, padding=kernel_size // 2)
        self.of_state = Conv2d(hidden, 4 * hidden, kernel_size, padding=kernel_size // 2, bias=False)

    def forward(self, x: Tensor, state: Pair | None = None) -> tuple[Tensor, Pair]:
        if x.dim() != 5 or x.shape[2] != self.channels:
            wanted = f"(batch, steps, {self.channels}, height, width) was wanted"
            raise ValueError(f"input has shape {tuple(x.shape)}, {wanted}")
        b, t, _, height, width = x.shape
        # 1. The input's part of all gates, as if all pictures were one batch.
        u = self.of_input(x.flatten(0, 1)).unflatten(0, (b, t)).unbind(1)
        # 2. Picture by picture.
        zeros = x.new_zeros(b, self.hidden, height, width)
        h, c = (zeros, zeros) if state is None else state
        outputs = []
        for u_t in u:
            h, c = lstm_cell(u_t, self.of_state(h), c)
            outputs.append(h)
        return torch.stack(outputs, 1), (h, c)
