"""The network that published Frechet distances are measured with: Inception v3 of 2015, by torch-fidelity.

Its weights are a file that the user brings; nothing is fetched. They are known by their checksum, which is
compared before the file is opened, and it is opened for tensors only. Source: Heusel et al. 2017, section 3.
"""

import hashlib
import os
from pathlib import Path
from unittest import mock

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from gradschool.errors import UserError
from gradschool.evals.classifier import Classifier
from gradschool.parts import need

WEIGHTS = "weights-inception-2015-12-05-6726825d.pth"
CHECKSUM = "6726825d"  # how the SHA-256 begins, as the file's name says
FEATURES, CLASSES = 2048, 1008


class Inception(nn.Module):
    """Maps pictures (uint8, three channels, any size) to logits without their bias, as inception scores take
    them; the inputs of the last layer are the 2048 features.
    """

    def __init__(self, weights: Path) -> None:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

        super().__init__()
        with mock.patch.dict(os.environ, {"TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1"}):
            self.body = FeatureExtractorInceptionV3("inception", ["2048"], str(weights))
        self.last = nn.Linear(FEATURES, CLASSES, bias=False)
        self.last.weight = self.body.fc.weight

    def forward(self, x: UInt8[Tensor, "b 3 h w"]) -> Float[Tensor, "b k"]:
        """Logits of 1008 classes; the picture is brought to 299x299 as TensorFlow 1 did."""
        return self.last(self.body(x)[0])


def inception(height: int, width: int, folder: Path) -> Classifier:
    """The network for pictures of one size.

    Args:
        height: of the pictures, in pixels.
        width: likewise.
        folder: where the file of weights lies.
    Raises:
        UserError: torch-fidelity is not installed, or the file is not there or another one.
    """
    need("torch_fidelity", "peers", "Inception")
    weights = folder / WEIGHTS
    if not weights.is_file():
        advice = f"Bring it from torch-fidelity's releases and put it into {folder}"
        raise UserError(f"{WEIGHTS} is not there", "the weights of Inception", advice)
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(CHECKSUM):
        advice = "Bring it again: it was damaged on its way, or is another file."
        raise UserError(f"{weights} has checksum {found[:8]}", CHECKSUM, advice)
    names = [str(number) for number in range(CLASSES)]
    return Classifier(Inception(weights).eval(), names, torch.Tensor.contiguous, 3, height, width)
