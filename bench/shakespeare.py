"""What several benches of language models share: tiny Shakespeare as tensors, its batches, and kept rows.

The split is that of the recipes: the first 1,003,854 characters to train on, the last 55,690 to test on, and
what lies between to choose by. Rows are kept in the result file as soon as they are there, so that a bench
that was interrupted goes on where it was.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench import common
from gradschool.data.rows import seeded
from gradschool.evals.language.reading import surprisals
from gradschool.ops.loss import cross_entropy

TRAINED, TESTED = 1_003_854, 55_690  # characters


def characters(file: Path | None = None) -> tuple[Tensor, Tensor, Tensor, int]:
    """Training, validation and test part as numbers of characters, and how many different ones there are.

    Args:
        file: the text; None: that of the data pack.
    """
    if file is None:
        file = Path(os.environ["GRADSCHOOL_DATA"]) / "text" / "tinyshakespeare.txt"
    text = file.read_text(encoding="utf-8")
    number = {character: i for i, character in enumerate(sorted(set(text)))}
    tokens = torch.tensor([number[character] for character in text])
    test = min(TESTED, len(tokens) // 20)
    train = min(TRAINED, len(tokens) - 2 * test)
    return tokens[:train], tokens[train:-test], tokens[-test:], len(number)


def windows(tokens: Tensor, rows: int, length: int, *seed: int | str) -> tuple[Tensor, Tensor]:
    """Random windows and the tokens that follow each of theirs; the same for the same seed."""
    starts = torch.randint(len(tokens) - length, (rows, 1), generator=seeded(*seed))
    found = tokens[starts + torch.arange(length + 1)]
    return found[:, :-1], found[:, 1:]


def nats(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Mean loss of a batch."""
    return cross_entropy(model(x).flatten(0, 1).float(), y.flatten())


def scored(model: nn.Module, tokens: Tensor, context: int) -> Tensor:
    """Nats of every token but the first, in eval mode; the model's mode is put back."""
    was = model.training
    model.eval()
    found = torch.from_numpy(surprisals(model, tokens.numpy().astype(np.uint16), context))
    model.train(was)
    return found


class Kept:
    """A result file that grows row by row.

    Args:
        name: of the result.
        about: the settings; a file that was made with others is begun anew.
    """

    def __init__(self, name: str, about: dict[str, Any]) -> None:
        self.path, self.about = common.RESULTS / f"{name}.json", {"name": name, **about}
        before = json.loads(self.path.read_text()) if self.path.exists() else {}
        same = all(before.get(key) == value for key, value in json.loads(json.dumps(self.about)).items())
        self.rows: dict[str, Any] = before.get("rows", {}) if same else {}

    def row(self, key: str, work: Callable[[], Any]) -> Any:
        """A row that is there already, or what the work returns, which is written down at once."""
        if key not in self.rows:
            self.rows[key] = json.loads(json.dumps(work()))
            self.write({})
        return self.rows[key]

    def write(self, summary: dict[str, Any]) -> dict[str, Any]:
        """Write everything with a summary and the machine."""
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        found = self.about | summary | {"rows": self.rows, "load": load, "machine": common.machine()}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(found, indent=1) + "\n")
        return found
