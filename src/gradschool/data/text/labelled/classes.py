"""From rows as they were read to texts with classes: what is empty, missing or repeated is left out and
told.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from gradschool.data.text.labelled.columns import UNKNOWN, Row, is_missing
from gradschool.errors import UserError
from gradschool.phrases import counted

FRACTIONS = 20  # different numbers with fractions that may still be classes
MOST = 1000  # classes
LONGEST = 200  # characters of a class's name
UNEVEN = 20  # times that the largest class may be the smallest before it is told
ORDER = {"test": 0, "val": 1, "train": 2, "": 3}  # of two equal texts, the one of the earlier part stays


def cleaned(rows: Sequence[Row], name: str) -> tuple[list[Row], list[str]]:
    """The rows that have a text, a label and a part, each text once, and sentences about the others.

    A text that stands in two parts is left out of the training part, or a network would be tested on what it
    has seen.
    """
    # 1. Nothing to learn from, by reason.
    reasons = [why_not(row) for row in rows]
    notes = told(Counter(filter(None, reasons)), name)
    left = [row for row, reason in zip(rows, reasons, strict=True) if not reason]
    # 2. Each text once, whatever its case and spaces.
    first: dict[str, Row] = {}
    repeated = leaked = contrary = 0
    for row in sorted(left, key=lambda row: ORDER[row.part]):
        key = " ".join(row.text.split()).casefold()
        if key not in first:
            first[key] = row
            continue
        contrary += row.label != first[key].label
        leaked += row.part != first[key].part
        repeated += row.part == first[key].part
    if repeated:
        notes.append(f"{counted(repeated, 'repeated text')} of {name} left out: each text counts once.")
    if leaked:
        notes.append(f"{counted(leaked, 'text')} of {name} stood in two parts (a leak): kept in the "
                     f"test or validation "
                     "part, left out of the other.")  # fmt: skip
    if contrary:
        notes.append(f"{counted(contrary, 'of these texts had', 'of these texts had')} another label "
                     f"than the one that "
                     "was kept, the first.")  # fmt: skip
    kept = set(map(id, first.values()))
    return [row for row in left if id(row) in kept], notes


def why_not(row: Row) -> str:
    """Why nothing can be learnt from a row; "" where something can."""
    if not row.text.strip():
        return "without a text"
    if is_missing(row.label):
        return "without a label"
    return "without a part" if row.part == UNKNOWN else ""


def told(counts: Mapping[str, int], name: str) -> list[str]:
    """A sentence about the rows that are left out, by reason; [] for none."""
    parts = [f"{number:,} {why}" for why, number in counts.items()]
    return (
        [f"{counted(sum(counts.values()), 'row')} of {name} left out: {', '.join(parts)}."] if parts else []
    )


def classes_of(labels: Sequence[str], name: str) -> tuple[dict[str, str], list[str], list[str]]:
    """Label to class, the classes in their order, and sentences about how labels were read.

    Args:
        labels: none of them missing.
        name: of the set, for sentences.

    Raises:
        UserError: there is one class, or there are so many that these are no classes.
    """
    # 1. Numbers as numbers: 1, 1.0 and 01 are one class.
    kinds, notes = list(dict.fromkeys(labels)), []
    values = [number(label) for label in kinds]
    are_numbers = all(value is not None for value in values)
    to_class = {k: f"{v:.12g}" if are_numbers else k for k, v in zip(kinds, values, strict=True)}
    classes = sorted(set(to_class.values()), key=float if are_numbers else None)
    if merged := [label for label in kinds if to_class[label] != label]:
        notes.append(f"Labels of {name} are read as numbers: {merged[0]!r} is class {to_class[merged[0]]!r}.")
    fractions = are_numbers and any(not float(c).is_integer() for c in classes)
    # 2. What are no classes.
    refuse(classes, fractions, len(labels), name)
    if fractions:
        notes.append(
            f"Labels of {name} have fractions: each of the {len(classes)} different numbers is a class."
        )
    if alike := [c for c, n in Counter(c.casefold() for c in classes).items() if n > 1]:
        notes.append(
            f"Classes of {name} that differ in their case only ({alike[0]!r}) are different classes."
        )
    return to_class, classes, notes


def refuse(classes: Sequence[str], fractions: bool, rows: int, name: str) -> None:
    """Refuse labels that are no classes.

    Raises:
        UserError: as for `classes_of`.
    """
    if len(classes) < 2:
        shown = f"one class ({classes[0][:40]!r})" if classes else "no text with a label"
        raise UserError(f"{name} has {shown}", "two classes or more", "Name the column: --set label=NAME")
    if fractions and len(classes) > FRACTIONS:
        advice = "Put the numbers into a few classes, such as low, middle and high, in a column of their own."
        raise UserError(f"the labels of {name} are {len(classes):,} different numbers", "classes", advice)
    if len(classes) > MOST or (len(classes) > 20 and 2 * len(classes) > rows):
        what = f"{name} has {len(classes):,} different labels for {rows:,} texts"
        raise UserError(what, "a few classes that repeat", "Name the column: --set label=NAME")
    if longest := max((c for c in classes if len(c) > LONGEST), key=len, default=""):
        what = f"a label of {name} has {len(longest):,} characters ({longest[:30]!r}...)"
        raise UserError(
            what, f"names of at most {LONGEST}", "Name the columns: --set text=NAME --set label=NAME"
        )


def number(label: str) -> float | None:
    """The finite number that a label is; None where it is none."""
    try:
        value = float(label)
    except ValueError:
        return None
    return value + 0.0 if math.isfinite(value) and "_" not in label else None


def uneven(counts: Mapping[str, int], name: str) -> list[str]:
    """A sentence about classes of very different size, and one about those with a single text."""
    most, least = max(counts, key=lambda c: counts[c]), min(counts, key=lambda c: counts[c])
    notes = []
    if counts[most] >= UNEVEN * counts[least]:
        share = 100 * counts[most] / sum(counts.values())
        notes.append(f"Classes of {name} are uneven: {most} has {counts[most]:,} texts, {least} "
                     f"{counts[least]:,}. Who "
                     f"always says {most} is right in {share:.1f} %: look at macro F1.")  # fmt: skip
    if single := [c for c, n in counts.items() if n == 1]:
        notes.append(f"{counted(len(single), 'class', 'classes')} of {name} with a single text "
                     f"({single[0]} ...) "
                     "cannot be trained and tested.")  # fmt: skip
    return notes
