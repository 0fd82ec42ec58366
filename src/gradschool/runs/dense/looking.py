"""A trained segmenter on pictures of any size: in tiles, in several views where a picture has no up."""

from functools import partial

from torch import Tensor, nn

from gradschool.engine.device import Machine
from gradschool.evals.dense.tiles import tiled
from gradschool.evals.dense.views import over_views
from gradschool.evals.inference import evaluating


class Looking(nn.Module):
    """A trained network that takes pictures of any size.

    Args:
        model: pictures to scores of every pixel.
        machine: where it computes.
        tile: larger pictures are cut into tiles of this side.
        overlap: of neighbouring tiles.
        turning: whether answers are means over a picture's eight views.
    """

    def __init__(
        self, model: nn.Module, machine: Machine, tile: int, overlap: int, turning: bool = False
    ) -> None:
        super().__init__()
        self.model, self.machine, self.tile, self.overlap = model, machine, tile, overlap
        self.turning = turning

    def forward(self, x: Tensor) -> Tensor:
        """Float32 scores."""
        with evaluating(self.model), self.machine.autocast():
            look = partial(tiled, self.model, tile=self.tile, overlap=self.overlap)
            x = self.machine.place(x)
            return over_views(look, x) if self.turning else look(x)
