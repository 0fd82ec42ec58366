"""Two views of every picture: the same picture, changed at random twice.

Source: Chen et al. 2020 (SimCLR), section 3: which changes are made decides what is learnt, crops
with changes of colour above all.
"""

from dataclasses import dataclass

from jaxtyping import Float, Int64, UInt8
from torch import Generator, Tensor

from gradschool.data.augment.pipeline import Pipeline
from gradschool.errors import UserError


@dataclass(frozen=True)
class TwoViews(Pipeline):
    """A pipeline whose training batches are two views in place of pictures and labels; arguments as before.

    Raises:
        UserError: mixup or CutMix is on, which mix pictures that are to be told apart.
    """

    def __post_init__(self) -> None:
        if self.augment.is_mixing:
            raise UserError("mixup or cutmix is on", "neither: a view shows one picture", "Set both to 0.")
        super().__post_init__()

    def train(
        self,
        pixels: UInt8[Tensor, "n c h w"],
        labels: Int64[Tensor, " n"],
        generator: Generator,
        progress: float,
    ) -> tuple[Float[Tensor, "n c out_h out_w"], Float[Tensor, "n c out_h out_w"]]:
        """Two views of each picture, normalised; labels are not looked at."""
        first, _ = super().train(pixels, labels, generator, progress)
        second, _ = super().train(pixels, labels, generator, progress)
        return first, second
