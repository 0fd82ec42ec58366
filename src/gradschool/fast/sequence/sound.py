"""torch-native windows and spectra, with the names and arguments of gradschool.ops.sequence.sound."""

import torch
from torch import Tensor


def hann_window(size: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """See ops.sequence.sound.hann_window."""
    return torch.hann_window(size, periodic=True, dtype=dtype)


def frames(x: Tensor, size: int, hop: int) -> Tensor:
    """See ops.sequence.sound.frames; a view, without a copy."""
    return x.unfold(-1, size, hop)


def power_spectrum(x: Tensor) -> Tensor:
    """See ops.sequence.sound.power_spectrum."""
    return torch.view_as_real(torch.fft.rfft(x)).square().sum(-1)


def spectrogram(x: Tensor, window: Tensor, hop: int) -> Tensor:
    """See ops.sequence.sound.spectrogram."""
    rows = x.reshape(-1, x.shape[-1])
    found = torch.stft(rows, len(window), hop, window=window, center=False, return_complex=True)
    power = torch.view_as_real(found).square().sum(-1).mT
    return power.reshape(*x.shape[:-1], *power.shape[1:])
