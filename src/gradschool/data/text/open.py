"""Open a set of lines by name, or a text file by path: always three parts, and no line is in two of them."""

from pathlib import Path

import torch

from gradschool.data.catalogue import resolve
from gradschool.data.examples import Splits
from gradschool.data.splits import stratified
from gradschool.data.text.lines import Lines
from gradschool.data.text.read import distinct, read_lines
from gradschool.data.text.textset import TextSet
from gradschool.data.text.vocabulary import Vocabulary
from gradschool.errors import UserError

LEAST = 10  # different lines that can be cut into three parts


def open_lines(name: str | Path, *, val: float = 0.1, test: float = 0.1, seed: int = 0) -> Splits[Lines]:
    """Open a set by name, or a text file by path.

    Args:
        name: of a set, or a path; a bare name that is both is the set.
        val: share of the remaining lines held out to choose by, 0 to below 1.
        test: share of all lines held out to test on, above 0 and below 1.
        seed: of what is held out to choose by. The test part is the same for every seed, so that runs with
            different seeds can be compared.

    Raises:
        UserError: it is not here, holds no lines, or too few.
    """
    info, place = resolve(name)
    if info is not None and not isinstance(info, TextSet):
        wanted = "a set of lines such as names, or a text file with one item a line"
        raise UserError(f"{info.name} ({info.title}) holds no lines of text", wanted, "Try --data FILE.txt.")
    assert place is not None, "a set of lines lies in a file"
    # 1. Every line once, so that none can get into two parts.
    texts, notes = distinct(read_lines(place), place.name)
    if len(texts) < LEAST:
        raise UserError(f"{place} has {len(texts)} different lines", f"{LEAST} or more, one item a line")
    # 2. Three parts.
    whole = Lines(texts, Vocabulary.of(texts))
    rest, tested = cut(whole, test, 0)
    train, held = cut(rest, val, seed + 1) if val else (rest, None)
    return Splits(info.name if info else place.name, train, held, tested, notes=notes)


def cut(lines: Lines, share: float, seed: int) -> tuple[Lines, Lines]:
    """Lines kept and lines held out, each in their old order."""
    kept, held = stratified(torch.zeros(len(lines), dtype=torch.int64), share, seed)
    return lines.take(kept), lines.take(held)
