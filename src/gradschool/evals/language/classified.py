"""What a classifier of texts says: of the lines of files, of a table's column of texts, of texts that are
typed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gradschool.data.text.buckets import rectangle
from gradschool.data.text.decode import read_text
from gradschool.data.text.labelled.columns import TEXTS as USUAL
from gradschool.data.text.labelled.columns import found, headed, known
from gradschool.data.text.labelled.tables import is_table, lines_of, read_table
from gradschool.data.text.labelled.words import PADDING, TextReading
from gradschool.errors import UserError, WorkFailed
from gradschool.evals.inference import device_of, evaluating

AT_ONCE, MOST = 256, 32_768  # texts a batch, padded tokens a batch
SHOWN = 60  # characters of a text on a line of the terminal
Told = Callable[[int, int], None]
Skip = Callable[[Path, str], None]


@dataclass(frozen=True)
class Opinion:
    """The most probable classes of one text, best first, each with its probability in [0, 1].

    Args:
        text: as it was read.
        top: (class, probability).
        file: where it stands; None for a text that was typed.
        place: which line or row of the file.
    """

    text: str
    top: Sequence[tuple[str, float]]
    file: Path | None = None
    place: str = ""

    def line(self) -> str:
        """For a terminal."""
        best = "  ".join(f"{name} {100 * share:.1f} %" for name, share in self.top)
        text = " ".join(self.text.split())
        return f"{best}  | {text if len(text) <= SHOWN else text[: SHOWN - 3] + '...'}"

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        told = {"text": self.text, "top": [{"class": c, "probability": p} for c, p in self.top]}
        return told if self.file is None else {"file": self.file, "place": self.place, **told}


@torch.no_grad()
def each_logits(model: nn.Module, tokens: Sequence[Sequence[int]]) -> list[Float[Tensor, "..."]]:
    """The float32 logits of each text, in their order; texts of like length go through the model together.

    Args:
        model: tokens (b, t) and lengths (b) to logits, (b, k) of texts or (b, t, k) of their tokens.
        tokens: of each text, one or more.

    Returns:
        (k,) for each text, or (t, k) with its own number of tokens t.
    """
    # 1. The longest first, so that what memory is needed is needed at once.
    order = sorted(range(len(tokens)), key=lambda i: -len(tokens[i]))
    numbers, device = torch.arange(len(tokens)), device_of(model)
    found: list[Tensor] = []
    with evaluating(model):
        while len(found) < len(order):
            longest = len(tokens[order[len(found)]])
            chosen = order[len(found) :][: max(1, min(AT_ONCE, MOST // longest))]
            x, lengths, _ = rectangle(tokens, numbers, chosen, PADDING)
            logits = model(x.to(device), lengths.to(device)).float().cpu()
            own = lengths.tolist()
            found += [row if row.dim() == 1 else row[:n] for row, n in zip(logits, own, strict=True)]
    # 2. Back into the order of the texts.
    place = dict(zip(order, found, strict=True))
    return [place[i] for i in range(len(tokens))]


def logits_of(model: nn.Module, tokens: Sequence[Sequence[int]]) -> Float[Tensor, "n k"]:
    """The float32 logits of texts; arguments as above, at least one text."""
    return torch.stack(each_logits(model, tokens))


def opinions(
    model: nn.Module, reading: TextReading, classes: Sequence[str], texts: Sequence[str], top: int
) -> list[Opinion]:
    """The most probable classes of each text.

    Args:
        model: as for `logits_of`.
        reading: how texts become tokens.
        classes: in label order.
        texts: at least one.
        top: how many classes of each, >= 1.
    """
    best = logits_of(model, reading.of(texts)).softmax(1).topk(min(top, len(classes)), 1)
    rows = zip(texts, best.indices.tolist(), best.values.tolist(), strict=True)
    return [Opinion(text, [(classes[i], p) for i, p in zip(at, ps, strict=True)]) for text, at, ps in rows]


def texts_in(file: Path, column: str | None) -> list[tuple[str, str]]:
    """(place, text) of all texts of a file that are not empty: a table's column, or one text a line.

    Args:
        file: a table or a text file.
        column: the name that the column had in training, if it had one.
    """
    if not is_table(file.name):
        lines = enumerate(lines_of(read_text(file)[0]), 1)
        return [(f"line {number}", line) for number, line in lines if line.strip()]
    table = read_table(file)
    names, rows, _ = headed(table, [column])
    at = (
        found(names, column, table.name, "text")
        if column in names
        else known(names, USUAL, range(len(names)))
    )
    if at is None:
        lengths = [sum(len(cells[i]) for _, cells in rows) for i in range(len(names))]
        at = lengths.index(max(lengths))
    return [(place.partition(", ")[2], cells[at]) for place, cells in rows if cells[at].strip()]


def classified_files(
    ask: Callable[[Sequence[str]], list[Opinion]], column: str | None, files: Sequence[Path], progress: Told,
    skip: Skip,
) -> Iterator[Opinion]:  # fmt: skip
    """What is said of every text of some files.

    Args:
        ask: texts to opinions.
        column: the name that the column of texts had in training, if it had one.
        files: tables, text files, and folders whose .txt files are taken.
        progress: called with (texts done, texts in all).
        skip: called with (file, reason) for each file that is left out.

    Raises:
        WorkFailed: there is no text.
    """
    # 1. All texts.
    named = [sorted(file.rglob("*.txt")) if file.is_dir() else [file] for file in files]
    texts: list[tuple[Path, str, str]] = []
    for file in dict.fromkeys(file for part in named for file in part):
        try:
            inside = [(file, place, text) for place, text in texts_in(file, column)]
        except UserError as error:
            skip(file, error.what)
            continue
        texts += inside
        if not inside:
            skip(file, "holds no text")
    if not texts:
        raise WorkFailed("no text could be read", "text files with one text a line, or tables", "")
    # 2. Some at a time.
    for start in range(0, len(texts), AT_ONCE):
        part = texts[start : start + AT_ONCE]
        said = ask([text for _, _, text in part])
        for (file, place, _), one in zip(part, said, strict=True):
            yield Opinion(one.text, one.top, file, place)
        progress(start + len(part), len(texts))
