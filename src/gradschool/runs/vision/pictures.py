"""What all runs on pictures share: where the pictures come from, their size, their batches."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from gradschool.data.augment.pipeline import Pipeline
from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.data.vision.leaks import warning
from gradschool.data.vision.loader import Loader, evaluation_batches
from gradschool.data.vision.open import open_set
from gradschool.engine.device import Machine
from gradschool.engine.loop import HeldOut
from gradschool.runs.request import Request
from gradschool.runs.run import Count, Run, share_of_processes


@dataclass(frozen=True, kw_only=True)
class PictureRun(Run):
    """A run on a set of pictures, or on a folder or zip of class folders."""

    examples: ClassVar[str] = "images"
    takes: ClassVar[str] = "a folder or zip of class folders"

    image_size: Count | None = None
    """Side in pixels to which images are decoded; their own where they all agree, else 64."""

    def side(self) -> int | None:
        """Pixels to which image files are decoded; None keeps them where they all agree."""
        return self.image_size

    def open(self, seed: int, data: str | None = None) -> Splits[Images]:
        """The pictures; `data` says where they lie now, if they moved."""
        return self.opened(seed, self.val, data)

    def opened(self, seed: int, val: float, data: str | None = None) -> Splits[Images]:
        """The pictures with such a share of the training part held out, where there is no validation part."""
        return open_set(data or self.data, size=self.side(), val=val, seed=seed)

    def loader(
        self, splits: Splits[Images], pipeline: Pipeline, request: Request, machine: Machine
    ) -> Loader:
        """Training batches; several processes share every batch."""
        share = share_of_processes()
        return Loader(
            splits.train, self.batch_size, request.seed, pipeline, share=share, device=machine.device
        )

    def paced(self, batches: Loader, steps: int) -> Loader:
        """The same batches for a run of so many steps: sizes and changes may depend on its progress."""
        return batches.for_steps(steps)

    def evaluation(self, splits: Splits[Images], pipeline: Pipeline) -> HeldOut:
        """Makes the batches to look at while training: the validation part, or the test part without one."""
        return partial(evaluation_batches, splits.val or splits.test, pipeline, 2 * self.batch_size)

    def warnings(self, splits: Splits[Images]) -> list[str]:
        """Pictures of one part that lie in another, too; published sets are what they are."""
        leak = warning(splits) if splits.train.names else ""
        return [leak] if leak else []

    def contents(self, splits: Splits[Images]) -> str:
        """Name, classes, size and counts of a set in half a line."""
        _, channels, height, width = splits.train.pixels.shape
        counts = " / ".join(f"{len(part):,} {name}" for name, part in splits.parts.items())
        kind = "grey" if channels == 1 else "colour"
        classes = len(splits.train.classes)
        known = f"{classes} class{'es' if classes != 1 else ''}"
        return f"{splits.name}, {known}, {width}x{height} {kind} · {counts}"
