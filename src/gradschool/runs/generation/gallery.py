"""A hook that asks a generator for the same pictures again and again while it trains."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from gradschool.engine.checkpoint import disk_errors
from gradschool.engine.run import RunFolder
from gradschool.engine.update import Stepper
from gradschool.evals.inference import evaluating
from gradschool.evals.pictures import save_grid
from gradschool.runs.generation.generator import GenerativeRun, ask_for, columns_for


class Gallery:
    """Draws the same pictures at every look: a hook that watches a training run.

    Args:
        run: knows how to ask.
        model: what is asked; its averaged weights are used where there are some.
        stepper: of the run.
        classes: their names.
        folder: of the run; sheets go to samples/step-00000100.png.
    """

    def __init__(
        self,
        run: GenerativeRun,
        model: nn.Module,
        stepper: Stepper,
        classes: Sequence[str],
        folder: RunFolder,
    ) -> None:
        self.run, self.model, self.stepper, self.classes, self.folder = run, model, stepper, classes, folder

    def __call__(self, line: dict[str, Any]) -> None:
        """Draw where a line holds scores of held-out pictures."""
        if not self.folder.writes or not any(name.startswith(("val_", "test_")) for name in line):
            return
        ask = ask_for(self.run, self.run.shown, 0, self.classes)
        with self.stepper.averaged(), torch.inference_mode(), evaluating(self.model):
            pictures = self.run.generate(self.model, ask)
        file = self.folder.path / "samples" / f"step-{line['step']:08d}.png"
        with disk_errors(self.folder.path):
            save_grid(file, pictures, columns_for(self.run.shown), 1)
