"""Open labelled texts: a set by name, or a person's table, folder of tables, or folder or zip of class
folders.

Parts that the data bring along (train, test and val in names of files or folders, or in a column) are kept;
the others are cut out, with the same share of every class. No text is in two parts.
"""

import posixpath
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from gradschool.data.catalogue import resolve
from gradschool.data.encoding import decoded
from gradschool.data.examples import Splits
from gradschool.data.source import Source, open_source
from gradschool.data.splits import by_group, cut
from gradschool.data.text.labelled.classes import classes_of, cleaned, uneven
from gradschool.data.text.labelled.columns import SPELLINGS, Row, rows_of
from gradschool.data.text.labelled.labelled import LabelledTexts
from gradschool.data.text.labelled.labelledset import LabelledSet
from gradschool.data.text.labelled.tables import is_table, read_table
from gradschool.errors import UserError
from gradschool.phrases import counted

LEAST = 10  # different texts that can be cut into parts
WANTED = "a table (csv, tsv, JSON lines), or a folder or zip of class folders with .txt files"


@dataclass
class Found:
    """What was read so far."""

    rows: list[Row] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def open_labelled(
    name: str | Path, *, text: str | None = None, label: str | None = None, group: str | None = None,
    val: float = 0.1, test: float = 0.1, seed: int = 0,
) -> Splits[LabelledTexts]:  # fmt: skip
    """Open a set by name, or a table or folder by path.

    Args:
        name: of a set, or a path; a bare name that is both is the set.
        text: the column with the texts; None: the set's, or guessed.
        label: the column with the labels, or several with commas between; None: the set's, or guessed.
        group: the column that says which texts belong together; None: each is by itself.
        val: share of the training part held out to choose by, 0 to below 1, where the data bring no such
            part.
        test: share of all texts held out to test on, above 0, where the data bring no such part.
        seed: of what is held out to choose by. The test part is the same for every seed.

    Raises:
        UserError: it is not here, holds no labelled texts, or too few.
    """
    info, place = resolve(name)
    if info is not None and not isinstance(info, LabelledSet):
        raise UserError(f"{info.name} ({info.title}) holds no labelled texts", WANTED, "Try --data FILE.csv.")
    assert place is not None, "a set of texts lies in a file"
    found, title = Found(), info.name if info else place.name
    if info is not None:
        text, label = text or info.text, label or info.label
    read(place, text, label, group, found)
    names = info.names if info is not None and label == info.label else {}
    rows, notes = cleaned(found.rows, title)
    whole, parts, more = labelled(rows, names, title)
    splits = divided(whole, parts, title, val, test, seed)
    notes = [*found.notes, *notes, *more, *splits.notes]
    return Splits(title, splits.train, splits.val, splits.test, found.skipped, notes)


def read(place: Path, text: str | None, label: str | None, group: str | None, found: Found) -> None:
    """All rows of a table, or of whatever lies in a folder or zip.

    Raises:
        UserError: there is no table, several, or none with a column of groups.
    """
    if place.is_file() and place.suffix.lower() != ".zip":
        if not is_table(place.name):
            raise UserError(f"{place} is no table", WANTED, "Name it .csv, .tsv or .jsonl if it is one.")
        add_table(place, "", text, label, group, found)
        beside = [p.name for p in sorted(place.parent.iterdir()) if is_table(p.name) and part_of(p.name)]
        if part_of(place.name) and len(beside) > 1:
            others = ", ".join(name for name in beside if name != place.name)
            found.notes.append(f"Only {place.name} is read, not {others} "
                               "beside it: pass the folder to use all.")  # fmt: skip
        return
    tables = (
        [p for p in sorted(place.iterdir()) if is_table(p.name) and p.is_file()] if place.is_dir() else []
    )
    by_part = [p for p in tables if part_of(p.name)]
    chosen = by_part if any(part_of(p.name) == "train" for p in by_part) else tables
    if not chosen and group:
        raise UserError(f"group is {group!r}, and {place} holds no table", "a table with that column", "")
    if not chosen:
        add_folders(open_source(place), found)
        return
    if len(chosen) > 1 and not by_part:
        listed = ", ".join(p.name for p in tables[:5])
        raise UserError(
            f"{place} holds several tables ({listed})", "one, or train.csv and test.csv", "Name one."
        )
    for each in chosen:
        add_table(each, part_of(each.name) if chosen is by_part else "", text, label, group, found)
    if unused := [p.name for p in tables if p not in chosen]:
        found.notes.append(f"Not read: {', '.join(unused[:5])}.")


def part_of(name: str) -> str:
    """The part that a file's or folder's name says: train.csv, test; "" for any other."""
    return SPELLINGS.get(name.lower().partition(".")[0], "")


def add_table(
    file: Path, part: str, text: str | None, label: str | None, group: str | None, found: Found
) -> None:
    """The rows of one table."""
    table = read_table(file)
    rows, notes = rows_of(table, text, label, part, group)
    found.rows += rows
    found.skipped += table.skipped
    found.notes += [*table.notes, *notes]


def add_folders(source: Source, found: Found) -> None:
    """Every .txt file of class folders; the folder it lies in is its class, one above may be its part."""
    guesses: Counter[str] = Counter()
    first: dict[str, str] = {}
    for name in source.names:
        folders = posixpath.dirname(name).split("/")
        if not name.lower().endswith(".txt"):
            found.skipped.append((name, "no .txt file"))
        elif not folders[-1]:
            found.skipped.append((name, "lies in no class folder"))
        else:
            text, notes = decoded(source.read(name), posixpath.basename(name))
            for note in notes:
                kind = note.replace(posixpath.basename(name), "it")
                guesses[kind] += 1
                first.setdefault(kind, name)
            part = next((part_of(folder) for folder in folders[:-1] if part_of(folder)), "")
            found.rows.append(Row(name, part, text, folders[-1]))
    found.skipped += source.lost
    found.notes += source.notes()
    found.notes += [f"{count:,} files, the first is {first[kind]}: {kind}" for kind, count in guesses.items()]
    if not found.rows:
        raise UserError(f"{source.path} holds no .txt files in class folders", WANTED, "")


def labelled(
    rows: Sequence[Row], names: Mapping[str, str], title: str
) -> tuple[LabelledTexts, list[str], list[str]]:
    """All texts with their classes, the part of each, and sentences.

    Raises:
        UserError: there are too few texts, or no two classes.
    """
    to_class, classes, notes = classes_of([row.label for row in rows], title)
    if len(rows) < LEAST:
        raise UserError(f"{title} has {len(rows)} different texts with a label", f"{LEAST} or more", "")
    shown = [names.get(each, each) for each in classes]
    place = {each: i for i, each in enumerate(classes)}
    labels = torch.tensor([place[to_class[row.label]] for row in rows])
    counts = dict(zip(shown, labels.bincount(minlength=len(shown)).tolist(), strict=True))
    members = [row.group for row in rows]
    whole = LabelledTexts([row.text for row in rows], labels, tuple(shown), members if any(members) else ())
    return whole, [row.part for row in rows], [*notes, *uneven(counts, title)]


def divided(
    whole: LabelledTexts, parts: Sequence[str], title: str, val: float, test: float, seed: int
) -> Splits[LabelledTexts]:
    """The parts that the data bring along; what they do not bring is cut out of the training part.

    Raises:
        UserError: there is no training part, or nothing is left to test on.
    """

    # 1. What there is.
    def of(*names: str) -> LabelledTexts:
        return whole.take(torch.tensor([i for i, p in enumerate(parts) if p in names], dtype=torch.int64))

    train, tested, held, notes = of("train", ""), of("test"), of("val"), []
    if not len(train):
        raise UserError(f"{title} has no training part", "a part called train", "")
    # 2. What is missing, from seeds: the test part's never changes.
    if not len(tested):
        train, cut_out = cut_whole(train, test, 0)
        if any(parts):
            notes.append(f"{title} brings no test part: {100 * test:.0f} % of its training part is held out.")
        if cut_out is None:
            raise UserError(f"{title} has one text of each class", "several of each", "Merge some classes.")
        tested = cut_out
    if not len(held):
        train, kept = cut_whole(train, val, seed + 1)
    else:
        kept = held
    notes += across(train, kept, tested)
    # 3. Classes of which nothing is learnt.
    learnt = set(train.labels.tolist())
    if unseen := [name for i, name in enumerate(whole.classes) if i not in learnt]:
        notes.append(f"No training text is of class {', '.join(unseen[:5])}: what is of it cannot be found.")
    return Splits(title, train, kept, tested, notes=notes)


def cut_whole(texts: LabelledTexts, share: float, seed: int) -> tuple[LabelledTexts, LabelledTexts | None]:
    """Two parts, as `cut`; groups stay whole where there are some, so that the share is met about."""
    if not texts.members or not share:
        return cut(texts, share, seed)
    kept, held = by_group(texts.labels, texts.groups, share, seed)
    return texts.take(kept), texts.take(held)


def across(train: LabelledTexts, val: LabelledTexts | None, test: LabelledTexts) -> list[str]:
    """That groups lie in the training part and in another, which the data brought along, in a sentence."""
    learnt = {*train.members} - {""}
    shared = learnt & {*test.members, *(val.members if val else ())}
    if not shared:
        return []
    first, count = sorted(shared)[0], counted(len(shared), "group")
    return [f"{count} of texts in the training part and in another (first: {first}): scores are too good."]
