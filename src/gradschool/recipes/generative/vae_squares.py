"""A variational autoencoder of squares: does each number of its code stand for one cause?"""

from dataclasses import dataclass

import torch

from gradschool.data.examples import Splits
from gradschool.data.vision.squares import square_splits, squares
from gradschool.evals.generation.latent import mutual_information_gap
from gradschool.models.generative.vae import mlp_vae
from gradschool.runs.generation.autoencoding import all_codes
from gradschool.runs.generation.variational import VaeRun
from gradschool.runs.run import Pieces


@dataclass(frozen=True, kw_only=True)
class SquaresRun(VaeRun):
    """A VAE of pictures whose causes are known."""

    def open(self, seed: int, data: str | None = None) -> Splits:
        """The squares; every seed has other test pictures."""
        return square_splits(seed)

    def measured(self, pieces: Pieces) -> dict[str, float]:
        """Besides the usual: by how much one number of the code tells more of a cause than the next."""
        pixels, factors = squares()
        with torch.inference_mode():
            batches = [pieces.pipeline.eval(pixels, factors[:, 2])]
            codes = all_codes(self, pieces.model.eval(), batches).numpy()
        return {**super().measured(pieces), "test_gap": mutual_information_gap(codes, factors.numpy())}


def vae_squares() -> SquaresRun:
    """Squares of known place and size; try --set beta=4 and look at the information gap."""
    return SquaresRun(
        data="squares", model=mlp_vae, model_options={"hidden": 256, "latent": 6, "depth": 2}, epochs=300,
        batch_size=64, optimizer="adam", learning_rate=1e-3, schedule="constant", evaluations=5, threads=1,
        precision="fp32",
    )  # fmt: skip
