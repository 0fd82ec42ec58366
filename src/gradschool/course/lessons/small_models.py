"""Small networks for small tasks: convolutions, attention and both; pictures of any size; a series."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate

SIDE = 16  # of the squares that images are brought to


class Attend(nn.Module):
    """A transformer block over the places of a feature map, each with a learned position."""

    def __init__(self, width: int, places: int, hidden: int) -> None:
        super().__init__()
        self.position = nn.Parameter(0.1 * torch.randn(places, width))
        self.block = nn.TransformerEncoderLayer(width, 4, hidden, 0.0, batch_first=True, norm_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """Feature maps to feature maps."""
        y: Tensor = self.block(x.flatten(2).transpose(1, 2) + self.position)
        return y.transpose(1, 2).view(x.shape)


class Mean(nn.Module):
    """Global average pooling."""

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, h, w) to (b, c)."""
        return x.mean((2, 3))


def conv(i: int, o: int, stride: int = 1) -> nn.Sequential:
    """A 3x3 convolution with normalisation and ReLU."""
    return nn.Sequential(nn.Conv2d(i, o, 3, stride, 1), nn.GroupNorm(4, o), nn.ReLU())


def kinds() -> dict[str, Callable[[], nn.Module]]:
    """Networks for 8x8 digits, about 10,000 weights each: convolutions, attention, one behind the other."""
    return {
        "convolutions": lambda: nn.Sequential(
            conv(1, 16), conv(16, 24, 2), conv(24, 24), Mean(), nn.Linear(24, 10)
        ),
        "both": lambda: nn.Sequential(
            conv(1, 16), conv(16, 24, 2), Attend(24, 16, 56), Mean(), nn.Linear(24, 10)
        ),
        "attention": lambda: nn.Sequential(
            nn.Conv2d(1, 24, 2, 2), Attend(24, 16, 48), Attend(24, 16, 48), Mean(), nn.Linear(24, 10)
        ),
    }  # fmt: skip


def learned(net: nn.Module, x: Tensor, y: Tensor, steps: int, seed: int, rate: float = 3e-3) -> nn.Module:
    """A network after so many steps of AdamW on batches of 32, the rate falling to 0."""
    source = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(net.parameters(), rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps)
    for _ in range(steps):
        places = torch.randint(len(x), (32,), generator=source)
        loss = cross_entropy(net(x[places]), y[places]) if not y.is_floating_point() else (
            (net(x[places]).squeeze(1) - y[places]).square().mean()
        )  # fmt: skip
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return net.eval()


@torch.no_grad()
def error(net: nn.Module, x: Tensor, y: Tensor) -> float:
    """The share of wrong answers."""
    return float((net(x).argmax(1) != y).float().mean())


def canvases(digits: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Each 8x8 digit on a canvas of 10 to 30 pixels a side, anywhere, with noise.

    Returns:
        Canvases (n, 1, 30, 30), whose rest is 0, and the height and width of each, (n, 2).
    """
    source = torch.Generator().manual_seed(seed)
    sides = torch.randint(10, 31, (len(digits), 2), generator=source)
    whole = torch.zeros(len(digits), 1, 30, 30)
    for i, (h, w) in enumerate(sides.tolist()):
        top, left = (int(torch.randint(side - 7, (), generator=source)) for side in (h, w))
        whole[i, 0, :h, :w] = 0.3 * torch.randn(h, w, generator=source)
        whole[i, 0, top : top + 8, left : left + 8] += digits[i].view(8, 8)
    return whole, sides


def squeezed(whole: Tensor, sides: Tensor) -> Tensor:
    """Every canvas resized to one square."""
    return torch.cat([interpolate(x[None, :, :h, :w], (SIDE, SIDE), mode="bilinear", antialias=True)
                      for x, (h, w) in zip(whole, sides.tolist(), strict=True)])  # fmt: skip


def cropped(whole: Tensor, sides: Tensor) -> Tensor:
    """The middle square of every canvas, filled up with 0 where the canvas is smaller."""
    found = torch.zeros(len(whole), 1, SIDE, SIDE)
    for i, (h, w) in enumerate(sides.tolist()):
        (top, y, rows), (left, x, columns) = middle(h), middle(w)
        found[i, :, y : y + rows, x : x + columns] = whole[i, :, top : top + rows, left : left + columns]
    return found


def middle(side: int) -> tuple[int, int, int]:
    """Where the middle begins on a side, where it is put, and how long it is."""
    length = min(side, SIDE)
    return (side - length) // 2, (SIDE - length) // 2, length


class Largest(nn.Module):
    """Global max pooling, whatever the size."""

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, h, w) to (b, c)."""
        return x.amax((2, 3))


def any_size() -> nn.Module:
    """A network without a layer that fixes the size of its input."""
    return nn.Sequential(conv(1, 16), conv(16, 24, 2), conv(24, 32), Largest(), nn.Linear(32, 10))


class Reader(nn.Module):
    """An LSTM over the last days, (b, days), that predicts how far the next one is from the last."""

    def __init__(self, hidden: int = 16) -> None:
        super().__init__()
        self.lstm, self.head = nn.LSTM(1, hidden, batch_first=True), nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(b, days) to (b, 1)."""
        y: Tensor = self.head(self.lstm((x - x[:, -1:])[..., None])[0][:, -1]) + x[:, -1:]
        return y
