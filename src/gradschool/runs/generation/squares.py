"""A VAE of squares of known place and size: does each number of its code stand for one cause?"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.data.vision.squares import square_splits, squares
from gradschool.evals.generation.latent import mutual_information_gap
from gradschool.evals.metric import Metric
from gradschool.runs.generation.autoencoding import all_codes
from gradschool.runs.generation.variational import VaeRun
from gradschool.runs.run import Pieces


@dataclass(frozen=True, kw_only=True)
class SquaresRun(VaeRun):
    """A VAE of pictures whose causes are known."""

    kind: ClassVar[str] = "vae_squares"
    metrics: ClassVar[tuple[Metric, ...]] = (
        *VaeRun.metrics,
        Metric("gap", "information gap", better="higher"),
    )

    def open(self, seed: int, data: str | None = None) -> Splits[Images]:
        """The squares; every seed has other test pictures."""
        return square_splits(seed)

    def measured(self, pieces: Pieces) -> dict[str, float]:
        """Besides the usual: by how much one number of the code tells more of a cause than the next."""
        pixels, factors = squares()
        with torch.inference_mode():
            batches = [pieces.pipeline.eval(pixels, factors[:, 2])]
            codes = all_codes(self, pieces.model.eval(), batches).numpy()
        return {**super().measured(pieces), "test_gap": mutual_information_gap(codes, factors.numpy())}
