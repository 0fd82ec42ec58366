"""What the ops of sound refuse; see gradschool.ops.sequence.sound."""

import torch
from torch import Tensor

from gradschool.ops.accepts.common import axes, floating, one_of

SCALES = ("htk", "slaney")


def hann_window(size: int, dtype: torch.dtype = torch.float32) -> None:
    """A window has at least one sample."""
    if size < 1:
        raise ValueError(f"size is {size}, 1 or more samples were wanted")


def frames(x: Tensor, size: int, hop: int) -> None:
    """At least one frame must fit, and the next one begins later."""
    axes("x", x, "(..., samples)", 1)
    floating(x=x)
    if not 1 <= size <= x.shape[-1]:
        raise ValueError(f"a frame has {size} samples and x {x.shape[-1]}, 1 up to so many were wanted")
    if hop < 1:
        raise ValueError(f"hop is {hop}, 1 or more samples were wanted")


def power_spectrum(x: Tensor) -> None:
    """A frame has at least one sample."""
    axes("x", x, "(..., samples)", 1)
    floating(x=x)
    if not x.shape[-1]:
        raise ValueError("a frame has 0 samples, 1 or more were wanted")


def spectrogram(x: Tensor, window: Tensor, hop: int) -> None:
    """As `frames`; one window for all."""
    axes("window", window, "(samples,)", 1, 1)
    floating(window=window)
    frames(x, len(window), hop)


def hz_to_mel(hz: Tensor, scale: str = "htk") -> None:
    """One of two scales."""
    floating(hz=hz)
    one_of("scale", scale, SCALES)


def mel_to_hz(mel: Tensor, scale: str = "htk") -> None:
    """One of two scales."""
    floating(mel=mel)
    one_of("scale", scale, SCALES)


def mel_filters(
    bands: int, size: int, rate: int, low: float = 0.0, high: float | None = None, scale: str = "htk",
    equal_area: bool = False,
) -> None:  # fmt: skip
    """At least one band, between two frequencies that the rate can hold."""
    one_of("scale", scale, SCALES)
    top = rate / 2 if high is None else high
    if bands < 1 or size < 1:
        raise ValueError(f"{bands} bands of frames of {size} samples, 1 or more of both were wanted")
    if not 0 <= low < top <= rate / 2:
        raise ValueError(
            f"bands from {low:g} to {top:g} Hz, 0 <= low < high <= {rate / 2:g} (half the rate) was wanted"
        )


def log_mel(power: Tensor, filters: Tensor, floor: float = 1e-10) -> None:
    """As many frequencies as the filters weigh."""
    axes("power", power, "(..., frequencies)", 1)
    axes("filters", filters, "(bands, frequencies)", 2, 2)
    if power.shape[-1] != filters.shape[1]:
        raise ValueError(f"power has {power.shape[-1]} frequencies, {filters.shape[1]} were wanted")
    if floor <= 0:
        raise ValueError(f"floor is {floor:g}, a number > 0 was wanted")


def mfcc(bands: Tensor, count: int) -> None:
    """No more coefficients than bands."""
    axes("bands", bands, "(..., bands)", 1)
    if not 1 <= count <= bands.shape[-1]:
        raise ValueError(f"{count} coefficients of {bands.shape[-1]} bands, 1 up to so many were wanted")


def slopes(x: Tensor, lengths: Tensor | None = None, reach: int = 2) -> None:
    """A length for each recording, and a neighbour at least."""
    axes("x", x, "(recordings, rows, numbers)", 3, 3)
    floating(x=x)
    if reach < 1:
        raise ValueError(f"reach is {reach}, 1 or more rows were wanted")
    if lengths is not None and len(lengths) != len(x):
        raise ValueError(f"{len(lengths)} lengths for {len(x)} recordings, one for each was wanted")
