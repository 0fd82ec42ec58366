"""How probable a model finds whole lines: the fewer nats per character, the more a line is like its data."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.data.text.contexts import Contexts
from gradschool.data.text.read import read_lines
from gradschool.errors import UserError, WorkFailed
from gradschool.ops.loss import cross_entropy

Model = Callable[[Int64[Tensor, "m c"]], Float[Tensor, "m k"]]
AT_ONCE = 256  # lines that are scored together


@dataclass(frozen=True)
class Scored:
    """A line of a file and the mean negative log-likelihood of its tokens, the end token among them."""

    file: Path
    number: int
    text: str
    nats: float

    def line(self) -> str:
        """For a terminal."""
        return f"{self.nats:6.3f} nats per character  {self.text}"

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {"file": self.file, "line": self.number, "text": self.text, "nats_per_character": self.nats}


def scores(model: Model, contexts: Contexts, texts: Sequence[str]) -> list[float]:
    """Nats per character of each text; the end token counts as a character.

    Args:
        model: contexts to logits, in eval mode.
        contexts: as the model was trained with.
        texts: lines of known characters.
    """
    x, y = contexts.of(texts)
    with torch.inference_mode():
        loss = cross_entropy(model(x).float().cpu(), y, reduction="none")
    return [float(part.mean()) for part in torch.split(loss, [len(text) + 1 for text in texts])]


def scored_files(
    model: Model, contexts: Contexts, files: Sequence[Path], progress: Callable[[int, int], None],
    skip: Callable[[Path, str], None],
) -> Iterator[Scored]:  # fmt: skip
    """Score every line of some text files.

    Args:
        model: contexts to logits, in eval mode.
        contexts: as the model was trained with.
        files: text files, and folders whose .txt files are taken.
        progress: called with (lines done, lines in all).
        skip: called with (file, reason) for each file or line that is left out.

    Raises:
        WorkFailed: nothing could be scored.
    """
    # 1. All lines that the model knows all characters of.
    found = []
    for file in listed(files):
        try:
            lines = [(file, i, text) for i, text in enumerate(read_lines(file), 1) if text]
        except UserError as error:
            skip(file, error.what)
            continue
        for _, number, text in lines:
            if unknown := set(text) - set(contexts.vocabulary.characters):
                signs = " ".join(sorted(unknown))
                skip(file, f"line {number} ({text}) has characters that the run has never seen: {signs}")
            else:
                found.append((file, number, text))
    if not found:
        raise WorkFailed("no line could be scored", "lines of characters that the run was trained on", "")
    # 2. Some lines at a time.
    for start in range(0, len(found), AT_ONCE):
        part = found[start : start + AT_ONCE]
        values = scores(model, contexts, [text for _, _, text in part])
        yield from (Scored(*one, value) for one, value in zip(part, values, strict=True))
        progress(start + len(part), len(found))


def listed(files: Sequence[Path]) -> list[Path]:
    """All files named, and all .txt files in the folders named, each once.

    Raises:
        UserError: a folder holds none.
    """
    found = [sorted(file.rglob("*.txt")) if file.is_dir() else [file] for file in files]
    if empty := next((file for file, part in zip(files, found, strict=True) if not part), None):
        raise UserError(f"{empty} holds no file that ends in .txt", "text files, or a folder of them")
    return list(dict.fromkeys(file for part in found for file in part))
