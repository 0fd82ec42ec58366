"""The first ESE coursework of 2024: restore the missing lines of 100 scans of 64x64 pixels.

There test_set.npy held brains without their truth, and training pictures came from a diffusion model that was
handed out. Here --data takes such pictures; squares of membranes stand in, of which the truth is known.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gradschool.classroom.coursework.frame import Coursework, Desk, Outcome, Shown
from gradschool.classroom.coursework.lines_restore.marks import BY_HAND, likeness, marks
from gradschool.data.vision.stacks import load
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.dense.smooth import smooth_filling
from gradschool.evals.pictures import grid
from gradschool.phrases import counted
from gradschool.recipes import ask, find
from gradschool.runs.dense.gaps import Gapped, GapsRun, fill, read_gaps, with_gaps
from gradschool.runs.generation.score import spread
from gradschool.runs.settings import override
from gradschool.runs.train import train

COUNT = 100  # pictures of the stand-in, as in the coursework
QUICK = 200  # steps
HELD = 10  # pictures in the figure


@dataclass(frozen=True, kw_only=True)
class LinesRestore(Coursework):
    """Missing lines of 100 scans restored, handed in as test_set_nogaps.npy (ESE 2024, first coursework)."""

    data: str | None = None
    """Whole pictures to learn from: a .npy (n, 64, 64), a folder, or a set; membranes if none is given."""
    gaps: Path | None = None
    """The pictures to restore, e.g. test_set.npy: NaN in the gaps, or 0."""
    truth: Path | None = None
    """What stood in the gaps, if you have it: a .npy of the same shape."""
    run: Path | None = None
    """A finished run of restore_lines, in place of training one."""
    hand_in: Path | None = None
    """A test_set_nogaps.npy to be marked, in place of ours."""

    def work(self, desk: Desk) -> Outcome:
        """Train, restore, compare with what is known."""
        # 1. What is to be restored.
        run = self.settings()
        source, truth_file = self.sources(run, desk)
        given = read_gaps(source)
        truth = None if truth_file is None else stack(truth_file, given)
        share = float(given.mask.float().mean())
        pictures = counted(len(given.pictures), "picture")
        desk.say(f"{pictures} in {source}, {100 * share:.1f} % of their pixels are missing")
        # 2. What is handed in.
        place = self.hand_in or desk.folder / "test_set_nogaps.npy"
        if self.hand_in is None:
            np.save(place, fill(self.trained(run, desk), given))
            desk.say(f"restored {place}")
        answer = load(place)
        # 3. Figures and marks.
        facts = {"n": len(given.pictures), "missing": share} | ({} if truth is None else scores(given, truth))
        items, found = marks(given, answer, truth, facts)
        fits = isinstance(answer, np.ndarray) and answer.shape == given.pictures.shape
        figures = [figure(given, answer, truth)] if fits else []
        return Outcome(figures, items, BY_HAND, facts | found, self.notes())

    def settings(self) -> GapsRun:
        """Of the run; gaps are learned from the file that is to be restored."""
        run = find("restore_lines")()
        run = replace(run, data=self.data or run.data, gaps=str(self.gaps.resolve()) if self.gaps else "")
        run = replace(run, model_options={"width": 8}, evaluations=1) if self.quick else run
        found = override(run, self.settings_of("lines", ("lines",)), "restore_lines")
        assert isinstance(found, GapsRun)
        return found

    def sources(self, run: GapsRun, desk: Desk) -> tuple[Path, Path | None]:
        """The file to restore and its truth; made of the test part where none was given."""
        if self.gaps is not None:
            return self.gaps, self.truth
        if self.truth is not None:
            raise UserError(f"--truth {self.truth} was given alone", "--gaps as well", "")
        pixels = spread(run.open(self.seed).test, COUNT).pixels
        gapped, truth = with_gaps(run, pixels, self.seed)
        for name, array in (("test_set", gapped), ("truth", truth)):
            np.save(desk.folder / f"{name}.npy", array)
        return desk.folder / "test_set.npy", desk.folder / "truth.npy"

    def trained(self, run: GapsRun, desk: Desk) -> RunFolder:
        """The run that was given, or one trained now."""
        if self.run is not None:
            return RunFolder.open(self.run)
        steps = QUICK if self.quick else None
        out = desk.folder / "lines"
        folder = train(
            run,
            ask("restore_lines", seed=self.seed, steps=steps, device=self.device, out=out, mine=desk.mine),
            desk.say,
        )
        desk.say(run.conclusion(folder.read("result.json"), ""))
        return folder

    def notes(self) -> list[str]:
        """What a person should know of the pictures."""
        if self.gaps and not self.truth:
            return ["What stood in the gaps is not known, so closeness is not marked: see the run's scores."]
        if self.data or self.gaps:
            return []
        told = (
            "The brains are not passed on with the course: squares of membranes stand in for them, finer and "
        )
        return [told + "noisier. With the real ones: --data FILE --gaps test_set.npy."]


def stack(path: Path, given: Gapped) -> Tensor:
    """The truth, (n, 1, h, w) in 0 to 1.

    Raises:
        UserError: its shape is another than that of the pictures with gaps.
    """
    found = load(path)
    if not isinstance(found, np.ndarray) or found.shape != given.pictures.shape:
        what = f"{path} has the shape {getattr(found, 'shape', 'of several arrays')}"
        raise UserError(what, f"{given.pictures.shape}, as the pictures with gaps", "")
    return torch.from_numpy(found.astype(np.float32) / given.scale)[:, None]


def scores(given: Gapped, truth: Tensor) -> dict[str, Any]:
    """What needs no network: gaps left at 0, and filled smoothly from what is around them."""
    smooth = smooth_filling(given.damaged, given.mask)
    ways = {"damaged": given.damaged, "smooth": smooth}
    return {name: likeness(way, truth, given.mask) for name, way in ways.items()}


def figure(given: Gapped, answer: NDArray[Any], truth: Tensor | None) -> Shown:
    """Ten pictures with gaps, restored, and as they were."""
    places = torch.linspace(0, len(answer) - 1, min(HELD, len(answer))).long()
    restored = torch.from_numpy(answer.astype(np.float32) / given.scale)[:, None].nan_to_num().clamp(0, 1)
    smooth = smooth_filling(given.damaged[places], given.mask[places])
    rows = [given.damaged[places], smooth, restored[places]] + ([] if truth is None else [truth[places]])
    told = "Above: given. Then: gaps filled smoothly, without a network. Then: handed in."
    told += "" if truth is None else " Below: the truth."
    return Shown("restored", "Restored", told, grid(torch.cat(rows), len(places)), 2)
