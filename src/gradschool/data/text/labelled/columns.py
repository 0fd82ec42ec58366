"""Which columns of a table hold the texts, their labels and, where there is one, the part of each row.

A person names them, or they are known by their names, or guessed from what they hold: texts are long, labels
repeat. What was guessed is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gradschool.data.text.labelled.tables import Table
from gradschool.errors import UserError
from gradschool.phrases import nearest

TEXTS = (
    "text", "review", "sentence", "comment", "tweet", "message", "content", "body", "document", "utterance",
    "phrase", "question", "title", "description", "x",
)  # fmt: skip
LABELS = (
    "label", "labels", "class", "category", "sentiment", "target", "rating", "stars", "score", "intent",
    "topic", "emotion", "tag", "polarity", "y",
)  # fmt: skip
PARTS = ("split", "part", "set", "partition", "subset", "fold")
SPELLINGS = {
    "train": "train", "training": "train", "test": "test", "testing": "test", "val": "val", "valid": "val",
    "validation": "val", "dev": "val", "eval": "val",
}  # fmt: skip
UNKNOWN = "?"  # the part of a row whose cell names none
JOINT = " · "  # between the values of several label columns


@dataclass(frozen=True)
class Row:
    """One example as it was read.

    Args:
        place: where it stands, e.g. "reviews.csv, line 12".
        part: "train", "val", "test", or "" where nobody has said.
        text: as it is.
        label: without space at its ends.
        group: of texts that belong together; "" where nobody has said.
    """

    place: str
    part: str
    text: str
    label: str
    group: str = ""


def rows_of(
    table: Table, text: str | None, label: str | None, part: str = "", group: str | None = None
) -> tuple[list[Row], list[str]]:
    """The rows of a table, and sentences about what was guessed.

    Args:
        table: as it was read.
        text: name of the column with the texts; None: guessed.
        label: name of the column with the labels, or several names with commas between them: their values
            together are the class; None: guessed.
        part: of all rows; "": a column of parts is looked for.
        group: name of the column that says which texts belong together; None: none does.

    Raises:
        UserError: there is no such column, or it cannot be guessed.
    """
    # 1. Names of the columns.
    names, body, notes = headed(table, [text, group, *(label.split(",") if label else [])])
    columns = list(zip(*(cells for _, cells in body), strict=True)) or [()] * len(names)
    lengths = [sum(map(len, column)) / max(1, len(column)) for column in columns]
    kinds = [len(set(column) - {""}) for column in columns]
    # 2. The columns. The longest that is left holds the texts, the one with the fewest different cells the
    #    labels.
    at_part = None if part else parted(names, columns)
    at_group = found(names, group, table.name, "group") if group else None
    free = [i for i in range(len(names)) if i not in (at_part, at_group)]
    at_labels = (
        [found(names, each.strip(), table.name, "label") for each in label.split(",")] if label else []
    )
    at_text = found(names, text, table.name, "text") if text else None
    if at_text is None:
        others = [i for i in free if i not in at_labels]
        at_text = known(names, TEXTS, others)
        at_text = max(others, key=lambda i: lengths[i], default=None) if at_text is None else at_text
    others = [i for i in free if i != at_text]
    if not at_labels:
        by_name = known(names, LABELS, others)
        at_labels = [by_name if by_name is not None else fewest(names, kinds, others, len(body), table.name)]
    if at_text is None or at_text in at_labels:
        raise UserError(f"{table.name} has one column for texts and labels", "a column for each", "")
    # 3. Rows, and what a person should know.
    if not (text and label):
        joint = " and ".join(repr(names[i]) for i in at_labels)
        notes.append(f"In {table.name} the texts are column {names[at_text]!r}, the labels {joint} "
                     "(guessed; --set text=NAME and --set label=NAME choose others).")  # fmt: skip
    if at_part is not None:
        notes.append(f"The parts are those of column {names[at_part]!r} of {table.name}.")
    made = []
    for place, cells in body:
        own = part or ("" if at_part is None else SPELLINGS.get(cells[at_part].strip().lower(), UNKNOWN))
        values = [cells[i].strip() for i in at_labels]
        together = "" if at_group is None else cells[at_group].strip()
        made.append(Row(place, own, cells[at_text], joined(values), together))
    return made, notes


def joined(values: Sequence[str]) -> str:
    """The values of several label columns as one; "" where one is missing."""
    return "" if any(is_missing(value) for value in values) else JOINT.join(values)


def is_missing(label: str) -> bool:
    """Whether a cell is how tables write that there is no label."""
    return label.strip().lower() in ("", "nan", "null", "none", "na", "n/a")


def headed(
    table: Table, named: Sequence[str | None]
) -> tuple[list[str], list[tuple[str, Sequence[str]]], list[str]]:
    """Names of the columns, each once, the rows below them, and a note where there are no names."""
    if table.columns:
        return unique(table.columns), list(table.rows), []
    first, rest = [cell.strip() for cell in table.rows[0][1]], list(table.rows[1:])
    usual = {*TEXTS, *LABELS, *PARTS, *(name.strip().lower() for name in named if name)}
    is_known = any(cell.lower() in usual for cell in first)
    columns = zip(*(cells for _, cells in rest), strict=True)
    # The name of a column whose cells repeat themselves is not among these cells.
    repeats = [(cell, [c.strip() for c in column]) for cell, column in zip(first, columns, strict=False)]
    is_alone = any(
        2 * len(set(below)) <= len(below) and cell and cell not in below for cell, below in repeats
    )
    if is_known or is_alone:
        return unique(first), rest, []
    names = [f"column {i}" for i in range(1, len(first) + 1)]
    note = f"The first line of {table.name} is read as an example: it seems to name no columns."
    return names, list(table.rows), [note]


def unique(names: Sequence[str]) -> list[str]:
    """Names on one line; an empty or repeated one gets its number."""
    found: list[str] = []
    for i, name in enumerate((" ".join(name.split()) for name in names), 1):
        found.append(name if name and name not in found else f"{name or 'column'} {i}")
    return found


def found(names: Sequence[str], wanted: str, file: str, setting: str) -> int:
    """The place of a column by its name, in any case.

    Raises:
        UserError: there is none; the nearest is named.
    """
    lower = [name.lower() for name in names]
    if wanted in names or wanted.lower() in lower:
        return names.index(wanted) if wanted in names else lower.index(wanted.lower())
    near = nearest(wanted, names)
    guess = f"Did you mean --set {setting}={near[0]}?" if near else ""
    shown = ", ".join(name[:40] for name in names)
    raise UserError(f"{file} has no column {wanted!r}", f"one of {shown}", guess)


def known(names: Sequence[str], usual: Sequence[str], free: Sequence[int]) -> int | None:
    """The first column that has a usual name, the most usual name first."""
    lower = {names[i].lower(): i for i in reversed(free)}
    return next((lower[name] for name in usual if name in lower), None)


def parted(names: Sequence[str], columns: Sequence[Sequence[str]]) -> int | None:
    """The column that says to which part a row belongs: all its cells are names of parts, or empty."""
    for i, column in enumerate(columns):
        cells = {cell.strip().lower() for cell in column} - {""}
        if names[i].lower() in PARTS and cells and cells <= SPELLINGS.keys():
            return i
    return None


def fewest(names: Sequence[str], kinds: Sequence[int], free: Sequence[int], rows: int, file: str) -> int:
    """The column with the fewest different cells, which must repeat themselves.

    Raises:
        UserError: none repeats itself, or two have equally few.
    """
    able = sorted((i for i in free if 2 <= kinds[i] <= max(2, rows // 2)), key=lambda i: kinds[i])
    if not able or (able[1:] and kinds[able[0]] == kinds[able[1]]):
        shown = ", ".join(names[i][:40] for i in free) or "no other column"
        raise UserError(f"{file} does not say which column holds the labels ({shown})", "its name",
                        "Name it: --set label=NAME")  # fmt: skip
    return able[0]
