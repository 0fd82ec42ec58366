"""Open sequences of labelled words by the name of a set or by path: always parts without a sequence in
common.
"""

import re
from pathlib import Path

import torch

from gradschool.data.catalogue import resolve
from gradschool.data.examples import Splits
from gradschool.data.setinfo import SetInfo
from gradschool.data.text.decode import read_text
from gradschool.data.text.labelled.columns import SPELLINGS
from gradschool.data.text.labelled.tagged import (
    Pairs,
    TaggedTexts,
    collected,
    columns,
    json_sequences,
    windows,
)
from gradschool.errors import UserError

LEAST = 10  # sequences that can be cut into parts
COLUMNS = (".conll", ".iob", ".bio", ".tsv", ".iob2")
WANTED = "a text (.txt, .md), a file of two columns (.conll, .tsv), or JSON lines with words and labels"
CODE = re.compile(
    r"```.*?```|\$\$.*?\$\$|`[^`\n]*`|\$[^$\n]*\$|^[ \t]*[|#>:][^\n]*$|!?\[([^\]\n]*)\]\([^)\n]*\)",
    re.S | re.M,
)


def is_restoring(name: str | Path) -> bool:
    """Whether the labels are what a plain text loses: its capitals and marks."""
    info, place = resolve(name)
    return info is not None or (
        place is not None
        and (place.is_dir() or place.suffix.lower() in (".txt", ".md", ".gz"))
        and not parts_in(place)
    )


def open_tagged(name: str | Path, *, val: float = 0.1, test: float = 0.1) -> Splits[TaggedTexts]:
    """Open a set, a file, or a folder with files of parts (train, val, test) or of plain texts.

    Args:
        name: of a set, or a path.
        val: share of the training part held out to choose by, its end, where the data bring no such part.
        test: share of everything held out to test on, its end, where the data bring no such part.
            Neighbouring sequences tell each other's words, so that parts are cut and not drawn.

    Raises:
        UserError: it is not here, or holds no sequences.
    """
    info, place = resolve(name)
    assert place is not None, "a text lies in a file or folder"
    if info is not None and type(info) is not SetInfo and not hasattr(info, "prose"):
        raise UserError(f"{info.name} ({info.title}) holds no running text", WANTED, "")
    title = info.name if info else place.name
    # 1. What the data bring along.
    parts = parts_in(place)
    pairs: Pairs = []
    sizes: dict[str, int] = {}
    notes: list[str] = []
    for part, file in (parts or {"": place}).items():
        found, told = sequences(file)
        pairs += found
        sizes[part] = len(found)
        notes += told
    whole = collected(pairs, title, LEAST)
    # 2. Places of each part; what is missing is cut off the end.
    at: dict[str, range] = {}
    start = 0
    for part, size in sizes.items():
        at[part or "train"] = range(start, start + size)
        start += size
    if "train" not in at:
        raise UserError(f"{title} has no training part", "a file called train", "")
    for part, share in (("test", test), ("val", val)):
        if part not in at and share > 0:
            have = at["train"]
            cut = max(1, round(share * len(have)))
            at["train"], at[part] = have[:-cut], have[-cut:]
    made = {part: whole.take(torch.tensor(list(places), dtype=torch.int64)) for part, places in at.items()}
    if not len(made["train"]):
        raise UserError(f"{title} has {len(whole)} sequences, none of them to train on", "more", "")
    return Splits(title, made["train"], made.get("val"), made["test"], notes=notes)


def parts_in(place: Path) -> dict[str, Path]:
    """The files of a folder that are named for a part; {} where there is none called train."""
    files = sorted(place.iterdir()) if place.is_dir() else []
    found = {SPELLINGS[p.stem.lower()]: p for p in files if p.is_file() and p.stem.lower() in SPELLINGS}
    return found if "train" in found else {}


def sequences(place: Path) -> tuple[Pairs, list[str]]:
    """The sequences of a file, or of all plain texts of a folder."""
    if place.is_dir():
        files = sorted([*place.rglob("*.txt"), *place.rglob("*.md")])
        if not files:
            raise UserError(f"{place} holds no .txt or .md files", WANTED, "")
        read = [sequences(file) for file in files]
        return [pair for pairs, _ in read for pair in pairs], [note for _, notes in read for note in notes]
    text, notes = read_text(place)
    ending = Path(place.name.lower().removesuffix(".gz")).suffix
    if ending in COLUMNS:
        found, told = columns(text, place.name)
    elif ending in (".jsonl", ".ndjson"):
        found, told = json_sequences(text, place.name)
    else:
        found, told = windows(CODE.sub(r" \1 ", text) if ending == ".md" else text), []
    return found, [*notes, *told]
