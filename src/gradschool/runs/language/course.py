"""What a language model writes while it learns: one text an evaluation, always after the same beginning."""

import json
from typing import Any

from gradschool.engine.checkpoint import disk_errors
from gradschool.engine.run import RunFolder
from gradschool.runs.language.ask import beginning
from gradschool.runs.language.generate import Drawing, drawn
from gradschool.runs.run import Pieces

FILE = "texts.jsonl"
LENGTH = 200  # tokens of a text


class Course:
    """A hook that draws a text with the averaged weights whenever the model has been evaluated.

    Args:
        pieces: of the run.
        folder: where the texts go, one line each.
        context: tokens that a model without a state looks back.
    """

    def __init__(self, pieces: Pieces, folder: RunFolder, context: int) -> None:
        self.pieces, self.folder, self.context = pieces, folder, context

    def __call__(self, line: dict[str, Any]) -> None:
        """Look at one line of the journal."""
        score = next((value for name, value in line.items() if name.endswith("_loss")), None)
        if score is None or not self.folder.writes:
            return
        # 1. The same draws every time; no randomness of the training is touched.
        model, tokeniser = self.pieces.model, self.pieces.pipeline
        was = model.training
        model.eval()
        with self.pieces.stepper.averaged():
            start = beginning(tokeniser, "")
            tokens = [int(t) for t in drawn(model, start, 1, LENGTH, Drawing(), self.context)]
        model.train(was)
        # 2. One line a text.
        told = {"step": line["step"], "loss": score, "text": tokeniser.decode(tokens)}
        with disk_errors(self.folder.path), (self.folder.path / FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\n")
