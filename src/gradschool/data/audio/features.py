"""How waves become what a network of sound is fed: rows of log-mel bands or cepstra, one row a frame.

Taken out is what says nothing about words: the mean of each recording (its level and its microphone; Atal
1974), its deviation if asked for (Viikki and Laurila 1998), and both of the training part. Each row may be
followed by its slope in time (Furui 1986).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from gradschool.data.audio.recordings import Recordings
from gradschool.ops.sequence import sound
from gradschool.ops.sequence.lengths import valid_steps

Kind = Literal["log_mel", "mfcc"]
QUIET = 1e-6  # power below which nothing is told apart: 1/4 of the power of 16-bit rounding in a frame of 256
LEAST = 0.3  # deviation, in nats, that a number which hardly moves in a recording counts as
AT_ONCE = 256  # recordings whose features are in memory at a time while statistics are taken


@dataclass(frozen=True)
class Features:
    """From waves to rows of numbers.

    Args:
        rate: samples a second.
        kind: log-mel bands, or cepstral coefficients of them.
        bands: mel bands.
        coefficients: cepstral coefficients that are kept; of kind "mfcc".
        window: seconds in a frame.
        hop: seconds from frame to frame.
        centred: subtract the mean over each recording from each of its rows.
        levelled: subtract the mean of all bands over each recording: how loud it is, and no more.
        scaled: divide by the deviation over each recording as well.
        slopes: add the slope of each number over five rows, which doubles a row.
        mean: of each number over the training part, and
        std: its deviation; () before they are learnt.
    """

    rate: int
    kind: Kind = "log_mel"
    bands: int = 24
    coefficients: int = 13
    window: float = 0.032
    hop: float = 0.016
    centred: bool = True
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    levelled: bool = False
    scaled: bool = False
    slopes: bool = False

    @property
    def size(self) -> int:
        """Numbers in a row."""
        own = self.bands if self.kind == "log_mel" else self.coefficients
        return 2 * own if self.slopes else own

    @property
    def frame(self) -> int:
        """Samples in a frame."""
        return max(2, round(self.window * self.rate))

    @property
    def step(self) -> int:
        """Samples from frame to frame."""
        return max(1, round(self.hop * self.rate))

    def rows(self, lengths: Int64[Tensor, " b"]) -> Int64[Tensor, " b"]:
        """How many frames recordings of so many samples give, one at least."""
        return 1 + (lengths - self.frame).clamp(min=0) // self.step

    def filters(self) -> Float32[Tensor, "bands k"]:
        """The mel filters, on Slaney's scale, each of height 1."""
        return sound.mel_filters(self.bands, self.frame, self.rate, scale="slaney").float()

    def log_mel(
        self, waves: Float32[Tensor, "b n"], lengths: Int64[Tensor, " b"]
    ) -> tuple[Float32[Tensor, "b t bands"], Int64[Tensor, " b"]]:
        """Log-mel bands of padded waves, and how many rows of each are its own."""
        short = self.frame - waves.shape[1]
        waves = torch.nn.functional.pad(waves, (0, short)) if short > 0 else waves
        window = sound.hann_window(self.frame)
        power = sound.spectrogram(waves, window, self.step)
        return sound.log_mel(power, self.filters(), QUIET), self.rows(lengths)

    def raw(
        self, waves: Float32[Tensor, "b n"], lengths: Int64[Tensor, " b"]
    ) -> tuple[Float32[Tensor, "b t d"], Int64[Tensor, " b"]]:
        """The features before the training part's statistics; rows behind a recording's end are 0."""
        # 1. Bands or coefficients.
        x, rows = self.log_mel(waves, lengths)
        own, count = valid_steps(rows, x.shape[1])[:, :, None], rows[:, None, None]
        if self.levelled:
            x = x - (x * own).sum((1, 2), keepdim=True) / (count * x.shape[2])
        x = sound.mfcc(x, self.coefficients) if self.kind == "mfcc" else x
        x = torch.cat([x, sound.slopes(x, rows)], 2) if self.slopes else x
        # 2. Means and deviations over the rows of each recording alone.
        if self.centred:
            x = x - (x * own).sum(1, keepdim=True) / count
        if self.scaled:
            mean = (x * own).sum(1, keepdim=True) / count
            x = x / (((x - mean) * own).square().sum(1, keepdim=True) / count + LEAST**2).sqrt()
        return x * own, rows

    def of(
        self, waves: Float32[Tensor, "b n"], lengths: Int64[Tensor, " b"]
    ) -> tuple[Float32[Tensor, "b t d"], Int64[Tensor, " b"]]:
        """What a network is fed: standardised rows, zeros behind each recording's end; and its rows.

        Args:
            waves: from -1 to 1, silence behind the shorter ones.
            lengths: samples of each.
        """
        x, rows = self.raw(waves, lengths)
        own = valid_steps(rows, x.shape[1])[:, :, None]
        return (x - torch.tensor(self.mean)) / torch.tensor(self.std) * own, rows

    def learnt(self, train: Recordings) -> "Features":
        """With the mean and the deviation of each number over all frames of the training part."""
        total, squares, count = torch.zeros(self.size).double(), torch.zeros(self.size).double(), 0
        for index in torch.split(torch.arange(len(train)), AT_ONCE):
            x, rows = self.raw(*train.padded(index))
            total, squares = total + x.double().sum((0, 1)), squares + x.double().square().sum((0, 1))
            count += int(rows.sum())
        mean = total / max(count, 1)
        std = (squares / max(count, 1) - mean**2).clamp(min=1e-6).sqrt()
        return replace(self, mean=tuple(mean.tolist()), std=tuple(std.tolist()))


def summaries(features: Features, part: Recordings, pieces: int = 1) -> Float32[Tensor, "n d"]:
    """One row a recording for models without a notion of time: mean log-mel bands of equal pieces of it.

    The mean over all bands and pieces is taken off, since level says nothing about words.

    Args:
        features: say how bands are made; `centred` and the statistics do not matter.
        part: recordings.
        pieces: how many equal pieces of time each recording is cut into; those of a short one overlap.
    """
    means = in_pieces(features.log_mel, part, pieces, features.bands)
    return means - means.mean(1, keepdim=True)


def shortened(features: Features, part: Recordings, pieces: int) -> Float32[Tensor, "n d"]:
    """One row a recording: what the network is fed, as means of equal pieces of time."""
    return in_pieces(features.of, part, pieces, features.size)


def in_pieces(
    rows_of: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], part: Recordings, pieces: int, size: int
) -> Float32[Tensor, "n d"]:
    """Means of equal pieces of each recording, side by side; `rows_of` gives rows of `size` numbers."""
    found: list[Tensor] = []
    for index in torch.split(torch.arange(len(part)), AT_ONCE):
        x, rows = rows_of(*part.padded(index))
        for each, count in zip(x, rows.tolist(), strict=True):
            found.append(torch.cat([each[a:b].mean(0) for a, b in stretches(count, pieces)]))
    return torch.stack(found) if found else torch.zeros(0, size * pieces)


def stretches(rows: int, pieces: int) -> Iterable[tuple[int, int]]:
    """Equal pieces of so many rows, of one row at least."""
    for i in range(pieces):
        start = i * rows // pieces
        yield start, max(start + 1, (i + 1) * rows // pieces)
