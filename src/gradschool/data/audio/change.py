"""Random changes that leave a word what it is: of its wave shift, speed and noise, of its features masks.

Sources: Salamon and Bello 2017 (deformations of sound); Ko et al. 2015 (their use for speech); Park et al.
2019, "SpecAugment" (masks).
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float32, Int64
from pydantic import Field
from torch import Generator, Tensor


@dataclass(frozen=True)
class Change:
    """How far a training recording may be changed; 0 everywhere: not at all.

    Args:
        shift: seconds of silence that may be put before it, at most.
        stretch: it is played faster or slower by up to this share; pitch changes with it.
        noise: white noise is added whose level is up to this share of the recording's own.
        mask_time: neighbouring rows of features that are set to their mean, up to this share of them.
        mask_bands: neighbouring numbers of all rows that are set to their mean, up to this share.
    """

    shift: Annotated[float, Field(ge=0, le=2)] = 0.0
    stretch: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    noise: Annotated[float, Field(ge=0, le=1)] = 0.0
    mask_time: Annotated[float, Field(ge=0, lt=1)] = 0.0
    mask_bands: Annotated[float, Field(ge=0, lt=1)] = 0.0

    def __bool__(self) -> bool:
        return self.of_waves or self.of_features

    @property
    def of_waves(self) -> bool:
        """Whether waves are changed."""
        return bool(self.shift or self.stretch or self.noise)

    @property
    def of_features(self) -> bool:
        """Whether features are masked."""
        return bool(self.mask_time or self.mask_bands)


def changed(
    waves: Float32[Tensor, "b n"], lengths: Int64[Tensor, " b"], how: Change, rate: int, generator: Generator
) -> tuple[Float32[Tensor, "b m"], Int64[Tensor, " b"]]:
    """Each recording changed by draws of its own.

    Args:
        waves: from -1 to 1, silence behind the shorter ones.
        lengths: samples of each.
        how: what may be changed.
        rate: samples a second.
        generator: of all draws; the same one gives the same changes.
    """
    # 1. What happens to each; everything is drawn, whatever is used, so that draws do not depend on settings.
    late, speed, level = torch.rand(3, len(waves), generator=generator)
    starts = (late * how.shift * rate).long()
    speeds = 1 + how.stretch * (2 * speed - 1)
    # 2. Where each new sample lies in its old recording, between two samples.
    lengths = (lengths / speeds).long().clamp(min=1)
    at = torch.arange(int((starts + lengths).max()))[None] - starts[:, None]
    inside = (at >= 0) & (at < lengths[:, None])
    place = (at * speeds[:, None]).clamp(0, waves.shape[1] - 1)
    low = place.long()
    high = (low + 1).clamp(max=waves.shape[1] - 1)
    share = place - low
    found = (waves.gather(1, low) * (1 - share) + waves.gather(1, high) * share) * inside
    # 3. Noise over the whole of it, silence before the word as well.
    total = starts + lengths
    loud = (found.square().sum(1) / lengths).sqrt()
    hiss = torch.randn(found.shape, generator=generator) * (loud * how.noise * level)[:, None]
    return found + hiss * (torch.arange(found.shape[1]) < total[:, None]), total


def masked(
    x: Float32[Tensor, "b t d"], rows: Int64[Tensor, " b"], how: Change, generator: Generator
) -> Float32[Tensor, "b t d"]:
    """Each recording's features with a stretch of time and a stretch of its numbers set to 0, their mean.

    Args:
        x: standardised features.
        rows: rows of each recording.
        how: how wide the stretches may be.
        generator: of all draws; the same one gives the same masks.
    """
    # 1. Width and start of both stretches, uniform over what is allowed and what fits.
    draws = torch.rand(2, 2, len(x), generator=generator)
    numbers = torch.full_like(rows, x.shape[2])
    for axis, most, share in ((1, rows, how.mask_time), (2, numbers, how.mask_bands)):
        wide, start = draws[axis - 1]
        width = (wide * (share * most + 1)).long().minimum(most)
        first = (start * (most - width + 1)).long()
        # 2. Zeros from the start over the width.
        place = torch.arange(x.shape[axis])[None]
        hidden = (place >= first[:, None]) & (place < (first + width)[:, None]) & (share > 0)
        x = x.masked_fill(hidden.unsqueeze(3 - axis), 0.0)
    return x
