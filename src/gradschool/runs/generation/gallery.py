"""A hook that asks a generator for the same pictures again and again while it trains."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from gradschool.engine.checkpoint import disk_errors
from gradschool.engine.run import RunFolder
from gradschool.engine.update import Stepper
from gradschool.evals.inference import evaluating
from gradschool.evals.pictures import save_grid
from gradschool.runs.generation.ask import columns_for


class Gallery:
    """Draws the same pictures at every look: a hook that watches a training run.

    Args:
        draw: the model to its pictures, the same noise each time.
        model: what is asked; its averaged weights are used where there are some.
        stepper: of the run.
        folder: of the run; sheets go to samples/step-00000100.png.
    """

    def __init__(
        self, draw: Callable[[nn.Module], Tensor], model: nn.Module, stepper: Stepper, folder: RunFolder
    ) -> None:
        self.draw, self.model, self.stepper, self.folder = draw, model, stepper, folder

    def __call__(self, line: dict[str, Any]) -> None:
        """Draw where a line holds scores of held-out pictures."""
        if not self.folder.writes or not any(name.startswith(("val_", "test_")) for name in line):
            return
        with self.stepper.averaged(), torch.inference_mode(), evaluating(self.model):
            pictures = self.draw(self.model)
        file = self.folder.path / "samples" / f"step-{line['step']:08d}.png"
        with disk_errors(self.folder.path):
            save_grid(file, pictures, columns_for(len(pictures)), 1)
