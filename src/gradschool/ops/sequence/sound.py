"""From a sound wave to features: frames, power spectrum, mel bands, logarithm, cepstrum.

Sources: Davis and Mermelstein 1980 (mel-frequency cepstral coefficients); Stevens, Volkmann and Newman 1937
(the mel scale); O'Shaughnessy 1987, p. 150 (its formula "htk"); Slaney 1998 (its formula "slaney").
"""

import math
from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.ops.switch import op

Scale = Literal["htk", "slaney"]
BEND, STEP = 1000.0, 200 / 3  # of Slaney's scale: linear up to 1,000 Hz, where a mel is 66.7 Hz wide
GROWTH = math.log(6.4) / 27  # above it 27 mels lie between 1,000 and 6,400 Hz
FLOOR = 1e-10  # power below which silence is silence: its logarithm stays finite


@op
def hann_window(size: int, dtype: torch.dtype = torch.float32) -> Float[Tensor, " size"]:
    """A raised cosine, 0 at its start and 1 in its middle, which fades a frame in and out.

    Without it the edges of a frame are jumps, and a jump has power at every frequency (leakage). The window
    is periodic: the value that would follow its last one is its first.

    Args:
        size: n samples, >= 1.
        dtype: of the result.
    """
    angle = 2 * math.pi * torch.arange(size, dtype=torch.float64) / size
    return (0.5 - 0.5 * torch.cos(angle)).to(dtype)


@op
def frames(x: Float[Tensor, "*b n"], size: int, hop: int) -> Float[Tensor, "*b t size"]:
    """Cut a wave into overlapping pieces: piece i begins at sample i * hop.

    Args:
        x: samples.
        size: samples in a frame, from 1 to n.
        hop: samples from the start of a frame to the start of the next, >= 1.

    Returns:
        1 + (n - size) // hop frames; samples after the last whole frame are left out.
    """
    # 1. How many frames fit.
    count = 1 + (x.shape[-1] - size) // hop
    # 2. The place of every sample of every frame: its frame's start plus its place in the frame.
    place = hop * torch.arange(count)[:, None] + torch.arange(size)
    return x[..., place.to(x.device)]


@op
def power_spectrum(x: Float[Tensor, "*b n"]) -> Float[Tensor, "*b k"]:
    """How much power each frequency has: the squared magnitude of the discrete Fourier transform.

    Args:
        x: frames of n samples, >= 1.

    Returns:
        k = n // 2 + 1 numbers: entry i belongs to i whole waves in a frame, which is i * rate / n Hz. The
        other half of the transform of real numbers mirrors these.
    """
    # 1. The angle that wave i has reached at sample j, (k, n). i * j is taken modulo n: cosines of small
    #    angles are more exact.
    n = x.shape[-1]
    turns = torch.arange(n // 2 + 1)[:, None] * torch.arange(n) % n
    angle = (2 * math.pi / n * turns.double()).to(x.device)
    # 2. Inner products of the frame with a cosine and with a sine wave of each frequency.
    real, imaginary = (x @ wave.to(x.dtype).mT for wave in (angle.cos(), angle.sin()))
    # 3. The squared length of the two together does not depend on where in the frame the wave begins.
    return real**2 + imaginary**2


@op
def spectrogram(
    x: Float[Tensor, "*b n"], window: Float[Tensor, " size"], hop: int
) -> Float[Tensor, "*b t k"]:
    """The power spectrum of every frame (the short-time Fourier transform, squared).

    Args:
        x: samples, at least as many as the window has.
        window: weight of each sample of a frame, e.g. `hann_window(256)`.
        hop: samples from frame to frame, >= 1.

    Returns:
        Frames in rows; k = size // 2 + 1 frequencies from 0 to half the sampling rate.
    """
    return power_spectrum(frames(x, len(window), hop) * window)


@op
def hz_to_mel(hz: Float[Tensor, "*n"], scale: Scale = "htk") -> Float[Tensor, "*n"]:
    """Frequency as it is heard: equal steps in mel sound equally far apart.

    Args:
        hz: >= 0.
        scale: "htk": 2595 log10(1 + f / 700); "slaney": linear up to 1,000 Hz, logarithmic above.
    """
    if scale == "htk":
        return 2595 * torch.log10(1 + hz / 700)
    above = BEND / STEP + torch.log(hz.clamp(min=BEND) / BEND) / GROWTH
    return torch.where(hz < BEND, hz / STEP, above)


@op
def mel_to_hz(mel: Float[Tensor, "*n"], scale: Scale = "htk") -> Float[Tensor, "*n"]:
    """The inverse of `hz_to_mel`."""
    if scale == "htk":
        return 700 * (10 ** (mel / 2595) - 1)
    above = BEND * torch.exp(GROWTH * (mel - BEND / STEP).clamp(min=0))
    return torch.where(mel < BEND / STEP, mel * STEP, above)


@op
def mel_filters(
    bands: int, size: int, rate: int, low: float = 0.0, high: float | None = None, scale: Scale = "htk",
    equal_area: bool = False,
) -> Float[Tensor, "bands k"]:  # fmt: skip
    """Overlapping triangles that sum the power of neighbouring frequencies, wider ones for higher pitches.

    Args:
        bands: triangles, >= 1.
        size: samples of a frame; the power spectrum has k = size // 2 + 1 entries.
        rate: samples a second.
        low: where the first triangle begins, in Hz.
        high: where the last one ends, in Hz; half the rate if not given.
        scale: of `hz_to_mel`.
        equal_area: divide each triangle by its area in Hz over 1 Hz, so that white noise gives equal bands;
            otherwise each has height 1.

    Returns:
        A row for each band, float64, to be multiplied with a power spectrum. A triangle narrower than the
        distance of two entries may be all zeros.
    """
    # 1. Corners at equal distances in mel, back in Hz; neighbouring triangles share two of their three.
    high = rate / 2 if high is None else high
    first, last = hz_to_mel(torch.tensor([low, high], dtype=torch.float64), scale).tolist()
    corners = mel_to_hz(torch.linspace(first, last, bands + 2, dtype=torch.float64), scale)
    left, middle, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    # 2. Each triangle is the lower of two lines, and nothing where that is below zero.
    hz = torch.arange(size // 2 + 1, dtype=torch.float64) * rate / size
    rising, falling = (hz - left) / (middle - left), (right - hz) / (right - middle)
    triangles = torch.minimum(rising, falling).clamp(min=0)
    return triangles * 2 / (right - left) if equal_area else triangles


@op
def log_mel(
    power: Float[Tensor, "*b k"], filters: Float[Tensor, "bands k"], floor: float = FLOOR
) -> Float[Tensor, "*b bands"]:
    """The logarithm of the power in each mel band: loudness is heard by ratios.

    Args:
        power: a power spectrum or spectrogram, >= 0.
        filters: of `mel_filters`.
        floor: smaller powers count as this one, > 0.

    Returns:
        Natural logarithms.
    """
    return (power @ filters.to(power.dtype).mT).clamp(min=floor).log()


@op
def dct(x: Float[Tensor, "*b n"]) -> Float[Tensor, "*b n"]:
    """The discrete cosine transform (type II, orthonormal): how much of each cosine wave a row holds.

    Neighbouring mel bands overlap and rise and fall together; in the basis of cosines the numbers are nearly
    uncorrelated, and the first few hold the outline of the spectrum.

    Source: Ahmed, Natarajan and Rao 1974.
    """
    # 1. Cosine waves with 0, 1, ... half turns over the row, sampled in the middle of each entry, (n, n).
    n = x.shape[-1]
    at = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    waves = torch.cos(math.pi * torch.arange(n, dtype=torch.float64)[:, None] * at)
    # 2. Each of length 1: the transform is a rotation, and keeps lengths.
    waves = waves / waves.norm(dim=1, keepdim=True)
    return x @ waves.to(x).mT


@op
def mfcc(bands: Float[Tensor, "*b bands"], count: int) -> Float[Tensor, "*b count"]:
    """Mel-frequency cepstral coefficients: the first entries of the cosine transform of log-mel bands.

    Args:
        bands: of `log_mel`.
        count: how many to keep, from 1 to the number of bands; the first one is the level.
    """
    return dct(bands)[..., :count]


@op
def slopes(
    x: Float[Tensor, "b t d"], lengths: Int64[Tensor, " b"] | None = None, reach: int = 2
) -> Float[Tensor, "b t d"]:
    """How fast each number rises at each row: the slope of the line of least squares through its neighbours.

    Args:
        x: features, a row a frame.
        lengths: rows of each recording, 1 to t; None: all are t long.
        reach: rows before and after that count, >= 1; the first and the last row stand for those beyond them.

    Returns:
        Change a row. What stands behind a recording's end is of no meaning.

    Source: Furui 1986, "Speaker-independent isolated word recognition using dynamic features of speech
        spectrum", equation 1.
    """
    # 1. The row k places on, of each row, within the recording.
    last = (lengths if lengths is not None else torch.full((len(x),), x.shape[1]).to(x.device)) - 1
    place = torch.arange(x.shape[1], device=x.device)
    rows = torch.arange(len(x), device=x.device)[:, None]

    def moved(k: int) -> Tensor:
        return x[rows, (place + k).clamp(min=0).minimum(last[:, None])]

    # 2. The slope through 2 * reach + 1 equally distant points: sum of k x_k over sum of k^2.
    steps = range(1, reach + 1)
    rise = torch.stack([k * (moved(k) - moved(-k)) for k in steps]).sum(0)
    return rise / (2 * sum(k * k for k in steps))
