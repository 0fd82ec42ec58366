"""Random changes of waves that leave the word what it is: shift, level, noise.

Sources: Salamon and Bello 2017 (deformations of sound); Ko et al. 2015 (their use for speech).
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
    """

    shift: Annotated[float, Field(ge=0, le=2)] = 0.0
    stretch: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    noise: Annotated[float, Field(ge=0, le=1)] = 0.0

    def __bool__(self) -> bool:
        return bool(self.shift or self.stretch or self.noise)


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
