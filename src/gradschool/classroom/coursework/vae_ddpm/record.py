"""All that is drawn and marked of the second coursework since 2025: three trained parts and a judge."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import Tensor, nn

from gradschool.classroom.coursework.vae_dcgan.record import Paper
from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.engine.run import RunFolder
from gradschool.runs.finish import rebuilt
from gradschool.runs.generation.latent import LatentNet
from gradschool.runs.generation.wanted import judge
from gradschool.runs.reopen import reopen

LIMIT = 1_000_000  # parameters of the VAE of digits
JUDGED = 36  # pictures that the classifier looks at


@dataclass(frozen=True)
class Trained:
    """A finished run with its network, ready to be asked.

    Args:
        folder: of the run.
    """

    folder: RunFolder

    @cached_property
    def run(self) -> Any:
        """Its settings, a run of its kind."""
        return reopen(self.folder)[0]

    @cached_property
    def model(self) -> nn.Module:
        """Its network on the CPU, in evaluation mode."""
        return rebuilt(self.folder, self.run)[0].eval()

    @cached_property
    def splits(self) -> Splits[Images]:
        """What it was trained on."""
        splits: Splits[Images] = self.run.open(self.folder.read("config.json")["seed"])
        return splits

    @cached_property
    def x(self) -> Tensor:
        """Test pictures as the network sees them."""
        images = self.splits.test
        x: Tensor = self.run.pipeline(images).eval(images.pixels[:], images.labels)[0]
        return x

    def log(self) -> list[dict[str, Any]]:
        """What was logged while it was trained."""
        return list(self.folder.metrics())


@dataclass(frozen=True)
class Parts:
    """All that is drawn and marked.

    Args:
        paper: the VAE of digits as a file, with the digits it is asked about.
        photos: the VAE of photographs.
        latent: diffusion in codes.
        label: the class of the photographs.
        classifier: the folder of a run, or a network of timm.
        seed: of every noise.
    """

    paper: Paper
    photos: Trained
    latent: Trained
    label: str
    classifier: str
    seed: int = 0

    @property
    def net(self) -> LatentNet:
        """First stage and denoiser."""
        assert isinstance(self.latent.model, LatentNet)
        return self.latent.model

    @cached_property
    def verdict(self) -> dict[str, Any]:
        """What the classifier says of pictures made for the purpose; also writes them to the run."""
        return judge(self.latent.folder, self.classifier, self.label, JUDGED, self.seed)
