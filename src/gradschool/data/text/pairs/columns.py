"""Pairs of texts as they were read: two columns of a table, or two files with a text on every line.

A person names the two sides. Where there are exactly two they are known without a name, and this is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gradschool.data.text.decode import read_text
from gradschool.data.text.labelled.columns import PARTS, SPELLINGS, UNKNOWN, found, parted, unique
from gradschool.data.text.labelled.tables import Table, lines_of, read_table
from gradschool.errors import UserError

WORDS = 2.0  # mean number of words from which on the cells below a first line of single words are texts


@dataclass(frozen=True)
class Pair:
    """One pair as it was read.

    Args:
        place: where it stands, e.g. "pairs.csv, line 12".
        part: "train", "val", "test", or "" where nobody has said.
        source: the text to read.
        target: its translation.
    """

    place: str
    part: str
    source: str
    target: str


@dataclass
class Found:
    """What was read so far: pairs, what was left out and why, sentences, and the names of the two sides."""

    pairs: list[Pair] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    languages: tuple[str, str] = ("source", "target")


def add_table(file: Path, part: str, source: str | None, target: str | None, into: Found) -> None:
    """The pairs of two columns of a table.

    Raises:
        UserError: a column is not there, or it is not clear which two are meant.
    """
    # 1. Names of the columns, and the column of parts if there is one.
    table = read_table(file)
    names, body = headed(table, source, target, into.notes)
    at_part = None if part else parted(names, list(zip(*(cells for _, cells in body), strict=True)))
    # 2. Both sides.
    at = sides(names, at_part, source, target, table.name)
    if not (source and target):
        first, second = names[at[0]], names[at[1]]
        into.notes.append(
            f"In {table.name} the sources are column {first!r}, the targets {second!r} "
            "(guessed; --set source=NAME and --set target=NAME choose others)."
        )
    if at_part is not None:
        into.notes.append(f"The parts are those of column {names[at_part]!r} of {table.name}.")
    # 3. Rows.
    for place, cells in body:
        own = part or ("" if at_part is None else SPELLINGS.get(cells[at_part].strip().lower(), UNKNOWN))
        into.pairs.append(Pair(place, own, cells[at[0]], cells[at[1]]))
    into.languages = names[at[0]], names[at[1]]
    into.skipped += table.skipped
    into.notes += table.notes


def headed(
    table: Table, source: str | None, target: str | None, notes: list[str]
) -> tuple[list[str], Sequence[tuple[str, Sequence[str]]]]:
    """Names of the columns and the rows below them.

    The first line names columns if it holds a name that was asked for or is usual, or if its cells are single
    words above texts.
    """
    if table.columns:
        return unique(table.columns), table.rows
    first, rest = [cell.strip() for cell in table.rows[0][1]], table.rows[1:]
    usual = {*PARTS, "source", "target", *(name.lower() for name in (source, target) if name)}
    words = [len(cell.split()) for _, cells in rest for cell in cells]
    are_words = all(len(cell.split()) == 1 for cell in first) and len(set(first)) == len(first)
    if usual & {cell.lower() for cell in first} or (are_words and words and sum(words) >= WORDS * len(words)):
        return unique(first), rest
    notes.append(f"The first line of {table.name} is read as a pair: it seems to name no columns.")
    return [f"column {i}" for i in range(1, len(first) + 1)], table.rows


def sides(
    names: Sequence[str], at_part: int | None, source: str | None, target: str | None, file: str
) -> tuple[int, int]:
    """The places of the two columns.

    Raises:
        UserError: there is no such column, both are the same, or it is not clear which are meant.
    """
    free = [i for i in range(len(names)) if i != at_part]
    at_source = found(names, source, file, "source") if source else None
    at_target = found(names, target, file, "target") if target else None
    left = [i for i in free if i not in (at_source, at_target)]
    missing = (at_source is None) + (at_target is None)
    if len(left) != missing and missing:
        shown = ", ".join(names[i][:40] for i in free)
        raise UserError(f"{file} does not say which columns hold the pairs ({shown})", "the names of two",
                        "Name them: --set source=NAME --set target=NAME")  # fmt: skip
    at_source = left.pop(0) if at_source is None else at_source
    at_target = left.pop(0) if at_target is None else at_target
    if at_source == at_target:
        raise UserError(f"source and target are both column {names[at_source]!r}", "two columns", "")
    return at_source, at_target


def add_lines(files: tuple[Path, Path], part: str, into: Found) -> None:
    """The pairs of two files: line i of one is the translation of line i of the other.

    Raises:
        UserError: they have not equally many lines.
    """
    both = []
    for file in files:
        text, notes = read_text(file)
        both.append(lines_of(text.removesuffix("\n").removesuffix("\r")))
        into.notes += notes
    sources, targets = both
    first, second = files
    if len(sources) != len(targets):
        what = f"{first.name} has {len(sources):,} lines and {second.name} {len(targets):,}"
        raise UserError(what, "equally many: a line and its translation have the same number", "")
    pairs = zip(sources, targets, strict=True)
    into.pairs += [Pair(f"{first.name}, line {i}", part, s, t) for i, (s, t) in enumerate(pairs, 1)]
