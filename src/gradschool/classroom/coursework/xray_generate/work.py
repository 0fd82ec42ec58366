"""The first ESE coursework of 2023: 300 X-ray-like pictures of 32x32 pixels by a VAE or a GAN.

There the set was 8,000 X-rays of hands and pictures were judged by eye. Here a machine counts files, and
measures closeness without any classifier: precision and recall (Kynkaanniemi et al. 2019) of the pixels
themselves, beside what real test pictures reach.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from gradschool.classroom.coursework.frame import Coursework, Desk, Outcome, Shown
from gradschool.classroom.coursework.xray_files import read_pictures, save_jpegs
from gradschool.classroom.coursework.xray_generate.marks import BY_HAND, COUNT, marks
from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.data.vision.standins import XRAYS, here
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.generation import generators
from gradschool.evals.pictures import grid
from gradschool.recipes import ask, find
from gradschool.runs.generation.ask import to_unit
from gradschool.runs.generation.generator import GenerativeRun
from gradschool.runs.generation.score import generated, spread
from gradschool.runs.reopen import reopen
from gradschool.runs.settings import override
from gradschool.runs.train import train

COMPARED = 2000  # real pictures at most
STEPS, QUICK = 2000, 400  # of training, unless epochs are given


@dataclass(frozen=True, kw_only=True)
class XrayGenerate(Coursework):
    """X-ray-like pictures by a VAE or a GAN: 300 files (ESE 2023, first coursework)."""

    data: str | None = None
    """The real pictures: a folder or zip of hand X-rays, a .npz, or a set; stand-ins if none is given."""
    model: Literal["vae", "gan"] = "gan"
    """Which generator is trained."""
    run: Path | None = None
    """A finished run of a generator, in place of training one."""
    hand_in: Path | None = None
    """A folder of 300 pictures to be marked, in place of ours."""

    def work(self, desk: Desk) -> Outcome:
        """Train, draw 300 files, count and measure."""
        # 1. The real pictures, and a run.
        run, folder = self.generator(desk)
        splits = run.open(self.seed)
        desk.say(f"real pictures: {splits.name}, {len(splits.train):,} train, {len(splits.test):,} test")
        real = reals(run, splits)
        # 2. What is handed in.
        place = self.hand_in or desk.folder / "hand-in"
        if self.hand_in is None:
            assert folder is not None, "without files there is a run"
            save_jpegs(place, generated(folder, run, COUNT, self.seed), f"{self.model}_xray")
            desk.say(f"{COUNT} files in {place}")
        handed = read_pictures(place)
        shape = run.shape(splits.train)
        made = handed.of_shape(shape)
        # 3. Figures and marks.
        facts = measured(made, *real) if len(made) > 10 else {}
        return Outcome(
            shown(made, *real), marks(handed, made, shape, facts), BY_HAND,
            {"data": splits.name, "run": str(folder), **facts}, [] if self.data else stand_in_note(),
        )  # fmt: skip

    def generator(self, desk: Desk) -> tuple[GenerativeRun, RunFolder | None]:
        """A finished run of a generator and its settings; only settings where files are handed in."""
        words = self.settings_of(self.model, (self.model,))
        if self.run is not None:
            folder = RunFolder.open(self.run)
            run, _ = reopen(folder)
            if not isinstance(run, GenerativeRun):
                raise UserError(f"{self.run} is no generator", "a run such as gan_xray", "")
            return run, folder
        run = prepared(self.model, self.data, words, self.quick)
        if self.hand_in is not None:
            return run, None
        steps = steps_for(words, self.quick)
        out = desk.folder / self.model
        request = ask(
            f"{self.model}_xray", seed=self.seed, steps=steps, device=self.device, out=out, mine=desk.mine
        )
        return run, train(run, request, desk.say)


def prepared(name: str, data: str | None, words: Sequence[str], is_quick: bool) -> GenerativeRun:
    """The run of a VAE or a GAN; a quick one has narrow networks and small batches."""
    run = find(f"{name}_xray")()
    assert isinstance(run, GenerativeRun)
    run = replace(run, data=data or run.data)
    if is_quick:
        run = replace(run, model_options=run.model_options | {"width": 16}, batch_size=64, evaluations=1)
    return override(run, words, f"{name}_xray")


def steps_for(words: Sequence[str], is_quick: bool) -> int | None:
    """Of training: as many whatever the number of pictures; None where epochs are given."""
    if any(word.startswith("epochs") for word in words):
        return None
    return QUICK if is_quick else STEPS


def reals(run: GenerativeRun, splits: Splits[Images]) -> tuple[Tensor, Tensor]:
    """Training and test pictures, as many of each, uint8 and of the size that the generator makes."""
    n = min(COMPARED, len(splits.test), len(splits.train))
    pipeline = run.pipeline(splits.train)
    found = []
    for part in (splits.train, splits.test):
        some = spread(part, n)
        x, _ = pipeline.eval(some.pixels, some.labels)
        found.append((to_unit(x, run.scale) * 255).round().to(torch.uint8))
    return found[0], found[1]


def features(pixels: UInt8[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
    """Pixels from 0 to 1; of pictures above 16 pixels, means over squares."""
    side = max(1, pixels.shape[-1] // 16)
    return torch.nn.functional.avg_pool2d(pixels.float() / 255, side).flatten(1)


def measured(made: Tensor, train: Tensor, test: Tensor) -> dict[str, Any]:
    """Precision and recall of made pictures, and of as many real ones; copies and repetitions."""
    ours, known, held = features(made), features(train), features(test)
    precision, recall = generators.precision_recall(held, ours)
    reached = generators.precision_recall(held, spread_rows(known, len(ours)))
    apart = generators.copies(ours, known, held)
    unique = len(torch.unique(made.flatten(1), dim=0))
    return {
        "n": len(made), "compared": len(test), "precision": precision, "recall": recall,
        "precision_of_real": reached[0], "recall_of_real": reached[1],
        "share": min(precision / max(reached[0], 1e-9), recall / max(reached[1], 1e-9)),
        "copied": apart.share, "unique": unique,
    }  # fmt: skip


def spread_rows(rows: Float[Tensor, "n d"], most: int) -> Float[Tensor, "m d"]:
    """At most so many rows, evenly spaced."""
    return rows[torch.linspace(0, len(rows) - 1, min(most, len(rows))).long()]


def shown(made: Tensor, train: Tensor, test: Tensor) -> list[Shown]:
    """100 of the pictures, real ones, and the nearest training pictures."""
    figures = [
        Shown("real", "Real pictures", "From the part that was not trained on.", grid(unit(test[:50]), 10), 3)
    ]
    if not len(made):
        return figures
    told = (
        "Evenly spaced among the files. Sharp ones that repeat themselves fall short, and so do blurred ones."
    )
    figures.insert(0, Shown("made", "Handed in", told, grid(unit(spread_rows(made, 100)), 10), 3))
    some = spread_rows(made, 12)
    _, place = generators.nearest(features(some), features(train))
    told = "Above 12 of the files, below the training picture that is nearest to each: twins would be copies."
    pair = grid(unit(torch.cat([some, train[place]])), len(some))
    return [*figures, Shown("nearest", "Nearest training pictures", told, pair, 3)]


def unit(pixels: Tensor) -> Tensor:
    """0 to 1."""
    return pixels.float() / 255


def stand_in_note() -> list[str]:
    """What a person should know of the pictures."""
    return [
        f"X-rays of hands are not passed on with the course: {here(*XRAYS)} stands in for them, one bright "
        "thing in shades of grey on black. With the real ones: --data FOLDER."
    ]
