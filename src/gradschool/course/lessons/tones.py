"""Words made of three tones, whose order is what matters."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gradschool.ops.sequence.sound import frames, hann_window, log_mel, mel_filters, power_spectrum


def word(order: Sequence[int], source: torch.Generator) -> Tensor:
    """Three tones in an order, each gliding a little, of drawn pitches, lengths and loudness, in noise."""
    base = 300 * 2 ** (torch.rand((), generator=source) - 0.5)
    parts = []
    for which in order:
        n = int(900 + 900 * torch.rand((), generator=source))
        pitch = base * 1.8**which * (1 + 0.1 * torch.rand((), generator=source))
        glide = torch.linspace(1, 1.1, n) * pitch
        wave = torch.sin(2 * torch.pi * torch.cumsum(glide, 0) / 8000) * torch.hann_window(n)
        parts += [wave * (0.5 + torch.rand((), generator=source)), torch.zeros(200)]
    whole = torch.cat(parts)
    return whole + 0.05 * torch.randn(len(whole), generator=source)


def features(wave: Tensor) -> Tensor:
    """Its log-mel spectrogram: frames of 32 ms, 16 bands."""
    power = power_spectrum(frames(wave, 256, 128) * hann_window(256))
    return (log_mel(power, mel_filters(16, 256, 8000), 1e-4) + 3) / 3


ORDERS = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]


def words(n: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Padded features of n words, their lengths, and which of the six orders each has."""
    source = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 6
    rows = [features(word(ORDERS[i], source)) for i in labels.tolist()]
    return nn.utils.rnn.pad_sequence(rows, True), torch.tensor([len(row) for row in rows]), labels
