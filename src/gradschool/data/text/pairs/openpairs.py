"""Open pairs of texts: a set by name, or a person's table, or a folder with tables or files of lines.

Parts that the data bring along are kept; the others are drawn. No pair is in two parts, and what is left out
is told with a count.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch

from gradschool.data.catalogue import resolve
from gradschool.data.examples import Splits
from gradschool.data.rows import seeded
from gradschool.data.text.labelled.columns import SPELLINGS, UNKNOWN
from gradschool.data.text.labelled.tables import is_table
from gradschool.data.text.pairs.columns import Found, Pair, add_lines, add_table
from gradschool.data.text.pairs.pairs import TextPairs
from gradschool.data.text.pairs.pairset import PairSet
from gradschool.errors import UserError
from gradschool.phrases import counted

LEAST = 10  # different pairs that can be cut into parts
ORDER = {"test": 0, "val": 1, "train": 2, "": 2}  # of two equal pairs, the one of the earlier part stays
WANTED = (
    "a table with a column for each language, or a folder with two files of lines such as train.de, train.en"
)


def open_pairs(
    name: str | Path, *, source: str | None = None, target: str | None = None, val: float = 0.1,
    test: float = 0.1, longest: int = 500, seed: int = 0,
) -> Splits[TextPairs]:  # fmt: skip
    """Open a set by name, or a table or folder by path.

    Args:
        name: of a set, or a path.
        source: the column, or the ending of the files, with the texts to read; None: guessed where there are
            two.
        target: the same of the translations.
        val: share of the training part held out to choose by, 0 to below 1, where the data bring no such
            part.
        test: share of all pairs held out to test on, above 0, where the data bring no such part.
        longest: characters of a text to train on at most.
        seed: of what is held out to choose by. The test part is the same for every seed.

    Raises:
        UserError: it is not here, holds no pairs, or too few.
    """
    info, place = resolve(name)
    if info is not None and not isinstance(info, PairSet):
        raise UserError(f"{info.name} ({info.title}) holds no translations", WANTED, "Try --data FILE.csv.")
    assert place is not None, "a set of translations lies in a file"
    title = info.name if info else place.name
    found = info.read(place, source, target) if info else read(place, source, target)
    parts, notes = cleaned(found.pairs, title, longest)
    if sum(map(len, parts.values())) < LEAST:
        total = sum(map(len, parts.values()))
        raise UserError(f"{title} has {total} different pairs", f"{LEAST} or more", "")
    train, held, tested = divided(parts, title, val, test, seed)
    splits = [TextPairs([p.source for p in part], [p.target for p in part], found.languages)
              for part in (train, held, tested)]  # fmt: skip
    return Splits(title, splits[0], splits[1] if held else None, splits[2], found.skipped,
                  [*found.notes, *notes])  # fmt: skip


def read(place: Path, source: str | None, target: str | None) -> Found:
    """All pairs of a table or folder."""
    found = Found()
    if place.is_file():
        if not is_table(place.name):
            raise UserError(
                f"{place} is no table", WANTED, "Name it .csv, .tsv or .jsonl, or pass the folder."
            )
        add_table(place, "", source, target, found)
        return found
    # 1. A folder with tables: those that are named for a part, or the only one.
    tables = [p for p in sorted(place.iterdir()) if is_table(p.name) and p.is_file()]
    by_part = [p for p in tables if part_of(p)]
    if tables:
        if len(tables) > 1 and not by_part:
            listed = ", ".join(p.name for p in tables[:5])
            raise UserError(
                f"{place} holds several tables ({listed})", "one, or train.csv and test.csv", "Name one."
            )
        for each in by_part or tables:
            add_table(each, part_of(each), source, target, found)
        return found
    # 2. Files of lines: one of each language for every part.
    endings, stems = line_files(place, source, target)
    for stem in stems:
        first, second = (place / f"{stem}.{ending}" for ending in endings)
        add_lines((first, second), part_of(first), found)
    found.languages = endings
    return found


def part_of(file: Path) -> str:
    """The part that a file's name says: train.csv, test.de; "" for any other."""
    return SPELLINGS.get(file.name.lower().partition(".")[0], "")


def line_files(place: Path, source: str | None, target: str | None) -> tuple[tuple[str, str], list[str]]:
    """The endings of the two languages, and the names before them of which both files are there.

    Raises:
        UserError: there are not two such files, or it is not clear which ending is the source's.
    """
    names = [p.name for p in sorted(place.iterdir()) if p.is_file() and "." in p.name]
    endings = list(dict.fromkeys(name.rpartition(".")[2] for name in names))
    both = (source, target)
    if source is None or target is None:
        if len(endings) != 2:
            raise UserError(f"{place} holds no pairs of texts", WANTED, "")
        advice = f"Say which is read: --set source={endings[0]} --set target={endings[1]}"
        raise UserError(
            f"{place} has files ending in .{endings[0]} and .{endings[1]}", "the source's ending", advice
        )
    stems = [name.removesuffix(f".{source}") for name in names if name.endswith(f".{source}")]
    stems = [stem for stem in stems if f"{stem}.{target}" in names]
    if not stems:
        what = f"{place} has no two files NAME.{source} and NAME.{target}"
        raise UserError(what, WANTED, f"Its files end in {', '.join(endings[:5]) or 'nothing'}.")
    by_part = [stem for stem in stems if part_of(Path(stem))]
    return (str(both[0]), str(both[1])), by_part or stems


def cleaned(pairs: Sequence[Pair], name: str, longest: int) -> tuple[dict[str, list[Pair]], list[str]]:
    """The pairs by part, without those that nothing can be learnt from, and sentences about the others.

    A pair that stands in two parts is left out of the training part, or a network would be tested on what it
    has seen.
    """
    # 1. What cannot be used, by reason. Spaces at the ends and doubled ones are no part of a text.
    lost: Counter[str] = Counter()
    first: dict[tuple[str, str], Pair] = {}
    same = 0
    for pair in sorted(pairs, key=lambda pair: ORDER.get(pair.part, 3)):
        source, target = (" ".join(text.split()) for text in (pair.source, pair.target))
        reason = why_not(pair, source, target, longest)
        if not reason and (source, target) in first:
            leaks = ORDER[first[source, target].part] != ORDER[pair.part]
            reason = (
                "stood in two parts (a leak; kept in the test or validation part)"
                if leaks
                else "repeated another"
            )
        if reason:
            lost[reason] += 1
            continue
        same += source == target
        first[source, target] = Pair(pair.place, pair.part, source, target)
    notes = [f"{counted(count, 'pair')} of {name} left out: {reason}." for reason, count in lost.items()]
    if same:
        notes.append(f"{counted(same, 'pair')} of {name} with the same text on both sides.")
    # 2. By part, in the order of the file.
    kept: dict[str, list[Pair]] = {part: [] for part in ("train", "val", "test")}
    for pair in first.values():
        kept[pair.part or "train"].append(pair)
    return kept, notes


def why_not(pair: Pair, source: str, target: str, longest: int) -> str:
    """Why a pair cannot be used; "" if it can."""
    if pair.part == UNKNOWN:
        return "of no part that has a known name"
    if not source or not target:
        return "one side is empty"
    if max(len(source), len(target)) > longest and pair.part in ("", "train"):
        return f"longer than {longest:,} characters (--set longest=N keeps more)"
    return ""


def divided(
    parts: dict[str, list[Pair]], title: str, val: float, test: float, seed: int
) -> tuple[list[Pair], list[Pair], list[Pair]]:
    """Training, validation and test part; what the data do not bring is drawn from the training part.

    Raises:
        UserError: there is no training part.
    """
    train, held, tested = parts["train"], parts["val"], parts["test"]
    if not tested:
        train, tested = drawn(train, test, 0)
    if not held and val:
        train, held = drawn(train, val, seed + 1)
    if not train:
        raise UserError(f"{title} has no pairs to train on", "a part called train", "")
    return train, held, tested


def drawn(pairs: Sequence[Pair], share: float, seed: int) -> tuple[list[Pair], list[Pair]]:
    """What stays, and a share of the sources that is drawn with all their translations, one at least: a
    source that was trained on would be translated by heart.
    """
    sources = list(dict.fromkeys(pair.source for pair in pairs))
    count = max(1, round(share * len(sources)))
    order = torch.randperm(len(sources), generator=seeded("pairs", seed))
    chosen = {sources[i] for i in order[:count].tolist()}
    kept = [pair for pair in pairs if pair.source not in chosen]
    return kept, [pair for pair in pairs if pair.source in chosen]
