"""A classifier on an encoder that was learnt without labels: its features frozen (a linear probe), or all of
it trained on (fine-tuning), or the same network from random weights (labels only).

Sources: Chen et al. 2020, section 4.1 (linear evaluation, 1 and 10 % of the labels); He et al. 2022, appendix
A (batch normalisation without gains before the linear layer of a probe).
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from torch import nn

from gradschool import nn as layers
from gradschool.data.augment.pipeline import Pipeline
from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import Loader
from gradschool.engine.device import Machine
from gradschool.engine.log import Hook
from gradschool.engine.loop import HeldOut
from gradschool.engine.optim import Optim
from gradschool.engine.run import RunFolder
from gradschool.engine.task import Batches
from gradschool.engine.update import load_weights
from gradschool.engine.weights import read_weights
from gradschool.errors import UserError
from gradschool.nn.norm import BatchNorm1d
from gradschool.phrases import command
from gradschool.runs.classification.frozen import heads_alone
from gradschool.runs.classification.image import ImageRun
from gradschool.runs.run import Pieces, Positive
from gradschool.runs.settings import from_dict, to_dict
from gradschool.runs.vision.bodies import Headed, encoder

EXAMPLE = f"Train one first: {command('train digits_simclr')}. Then add --set start=RUN, its folder."


@dataclass(frozen=True, kw_only=True)
class LearntRun(ImageRun):
    """An image classifier on an encoder of a finished run."""

    kind: ClassVar[str] = "learnt"
    title: ClassVar[str] = "an image classifier on an encoder learnt without labels"
    places: ClassVar[tuple[str, ...]] = ("data", "start")

    start: str = ""
    """Folder of the run that learnt the encoder."""
    mode: Literal["finetune", "frozen", "scratch"] = "finetune"
    """Train all from the encoder's weights, train the head alone, or train all from random weights."""
    body_rate: Positive = 1.0
    """The encoder's learning rate in fine-tuning, as a share of the head's."""
    mean: tuple[float, ...] = ()
    """Of each channel, as the encoder was taught."""
    std: tuple[float, ...] = ()
    """The same."""

    @property
    def starts_learnt(self) -> bool:
        """Whether the encoder starts from learnt weights."""
        return self.mode != "scratch"

    def network(self) -> str:
        """The encoder's name and what is done with it."""
        return f"{super().network()}, {self.mode}"

    def notes(self) -> list[str]:
        """What a person should know before such a run."""
        if self.mode == "frozen":
            return ["The encoder runs once over all images as they are; then the head is trained alone."]
        return []

    def optim(self) -> Optim:
        """The head at the full rate, the encoder at its share of it."""
        rates = (("body.", self.body_rate),) if self.mode == "finetune" else ()
        return replace(super().optim(), rates=rates)

    def pipeline(self, images: Images) -> Pipeline:
        """Normalised as the encoder was taught.

        Raises:
            UserError: no encoder is named, or it was taught pictures of other channels.
        """
        if not self.start:
            raise UserError("start is not given", "the folder of an encoder's run", EXAMPLE)
        channels = images.pixels.shape[1]
        if channels != len(self.mean):
            what = f"the encoder of {self.start} has learnt from pictures of {len(self.mean)} channels"
            raise UserError(what, f"{channels}, as these have", "Learn one from such pictures.")
        return self.prepared(self.mean, self.std, len(images.classes))

    def build_model(self, classes: int, channels: int) -> nn.Module:
        """Encoder and head with random weights."""
        body, width = encoder(self.model, channels, self.model_options)
        head: nn.Module = layers.Linear(width, classes)
        if self.mode == "frozen":
            head = layers.Sequential(BatchNorm1d(width, affine=False), head)
        return Headed(body, head)

    def start_model(self, images: Images, pipeline: Pipeline) -> nn.Module:
        """Encoder and head, the encoder with what it has learnt."""
        model: Any = super().start_model(images, pipeline)
        if self.starts_learnt:
            kept = read_weights(Path(self.start) / "model.safetensors")
            prefix = "body."
            own = {name.removeprefix(prefix): v for name, v in kept.items() if name.startswith(prefix)}
            load_weights(model.body, own)
        started: nn.Module = model
        return started

    def feed(
        self, model: nn.Module, batches: Loader, held_out: HeldOut, machine: Machine
    ) -> tuple[nn.Module, Batches, HeldOut]:
        """A frozen run trains the head on features, computed here once; others train all on images."""
        if self.mode != "frozen":
            return model, batches, held_out
        return heads_alone(self, model, batches, held_out, machine)

    def watchers(self, pieces: Pieces, folder: RunFolder) -> list[Hook]:
        """None; but a run that is resumed has to find the encoder that it began with.

        Raises:
            UserError: the encoder's weights are others now.
        """
        if not self.starts_learnt:
            return []
        with (Path(self.start) / "model.safetensors").open("rb") as file:
            now = hashlib.file_digest(file, "sha256").hexdigest()
        if folder.read("start.json").get("sha256", now) != now:
            what = f"{self.start}, which {folder.path} started from, has other weights now"
            raise UserError(what, "those it began with", "Put them back, or train again.")
        folder.write("start.json", {"folder": self.start, "sha256": now})
        return []


def on_encoder(start: str, usual: LearntRun) -> LearntRun:
    """A classifier on the encoder of a finished run: its network, size, normalisation, data and changes of
    pictures.

    Args:
        start: folder of the run.
        usual: all other settings.

    Raises:
        UserError: there is no such run, it is not finished, or it learnt no encoder.
    """
    folder = RunFolder.open(Path(start).expanduser())
    config, facts = folder.read("config.json"), folder.read("model.json")
    if config.get("kind") not in ENCODERS:
        what = f"start is {folder.path}, a run of kind {config.get('kind')}"
        raise UserError(what, f"one that learnt an encoder ({', '.join(ENCODERS)})", EXAMPLE)
    if not facts or not (folder.path / "model.safetensors").is_file():
        advice = f"Go on with it first: {command('train --resume', folder.path)}"
        raise UserError(f"{folder.path} is not finished", "a finished run", advice)
    learnt = config["settings"]
    taken = {name: learnt[name] for name in TAKEN if name in learnt}
    own = {"sizes": [[0.0, facts["input"][-1]]], "mean": facts["mean"], "std": facts["std"]}
    return from_dict(LearntRun, to_dict(usual) | taken | own | {"start": str(folder.path.resolve())})


ENCODERS = ("simclr", "mae", "dino")  # kinds of runs
TAKEN = ("data", "model", "model_options", "image_size", "augment", "val", "threads")
