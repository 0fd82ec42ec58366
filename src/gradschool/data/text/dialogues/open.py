"""Open a set of dialogues by name, or a file of JSON lines: three parts, and no question is in two."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from gradschool.data.catalogue import resolve
from gradschool.data.examples import Splits
from gradschool.data.splits import stratified
from gradschool.data.text.dialogues.dialogue import Dialogue
from gradschool.data.text.dialogues.dialogues import Dialogues
from gradschool.data.text.dialogues.dialogueset import DialogueSet
from gradschool.data.text.dialogues.read import EXAMPLE, WANTED, Row, read_dialogues
from gradschool.errors import UserError
from gradschool.phrases import counted

LEAST = 10  # different questions that can be cut into parts

Fits = Callable[[Dialogue], str]
"""Why a dialogue cannot be used, in a few words; "" where it can."""


def fits_all(dialogue: Dialogue) -> str:
    """Leaves nothing out."""
    return ""


def open_dialogues(
    name: str | Path, *, val: float = 0.1, test: float = 0.1, seed: int = 0, fits: Fits = fits_all
) -> Splits[Dialogues]:
    """Open a set by name, or a file of JSON lines by path.

    Args:
        name: of a set, or a path.
        val: share of the training questions held out to choose by, 0 to below 1, where the lines name no such
            part.
        test: share of all questions held out to test on, above 0, where the lines name no such part.
        seed: of what is held out to choose by. The test part is the same for every seed.
        fits: says why a dialogue cannot be used.

    Raises:
        UserError: it is not here, holds no dialogues, or too few.
    """
    info, place = resolve(name)
    if info is not None and not isinstance(info, DialogueSet):
        raise UserError(f"{info.name} ({info.title}) holds no dialogues", WANTED, "Try --data FILE.jsonl.")
    assert place is not None, "a set of dialogues lies in a file"
    if place.is_dir():
        raise UserError(f"{place} is a folder", WANTED, "Name a file: --data FILE.jsonl")
    # 1. Lines that can be used, each once.
    found = read_dialogues(place)
    rows, skipped = usable(found.rows, fits)
    if len({row.dialogue.before for row in rows}) < LEAST:
        reason = f" ({skipped[0][1]})" if skipped else ""
        what = f"{place} has {counted(len(rows), 'dialogue')} that can be used{reason}"
        raise UserError(what, f"{LEAST} different questions or more", EXAMPLE)
    # 2. Their parts.
    parts, leaked = divided(rows, val, test, seed)
    whole = [*found.skipped, *skipped, *leaked]
    notes = [*found.notes]
    if whole:
        notes.append(f"{counted(len(whole), 'line')} of {place.name} cannot be used: the first, "
                     f"{whole[0][0]}, {whole[0][1]}.")  # fmt: skip
    title = info.name if info else place.name
    return Splits(title, parts["train"], parts.get("val"), parts["test"], whole, notes)


def usable(rows: Sequence[Row], fits: Fits) -> tuple[list[Row], list[tuple[str, str]]]:
    """Rows that are used, and (place, reason) of those that are not."""
    kept: dict[bytes, Row] = {}
    skipped = []
    for row in rows:
        content = row.dialogue.content()
        reason = f"is the same as {kept[content].place}" if content in kept else fits(row.dialogue)
        if reason:
            skipped.append((row.place, reason))
        else:
            kept[content] = row
    return [*kept.values()], skipped


def divided(
    rows: Sequence[Row], val: float, test: float, seed: int
) -> tuple[dict[str, Dialogues], list[tuple[str, str]]]:
    """The parts, and what is left out of a part because its question is in a later one."""
    # 1. Parts that the lines name; of a question that is in several the last counts.
    said, order = {row.part for row in rows}, ("", "train", "val", "test")
    of: dict[tuple[str, ...], str] = {}
    for row in rows:
        of[row.dialogue.before] = max(of.get(row.dialogue.before, ""), row.part, key=order.index)
    # 2. Parts that they do not name are cut out of the others, by question.
    for part, share, drawn in (("test", test, 0), ("val", val, seed + 1)):
        free = [before for before, own in of.items() if own in ("", "train")]
        if share and part not in said:
            _, held = stratified(torch.zeros(len(free), dtype=torch.int64), share, drawn)
            of |= {free[i]: part for i in held.tolist()}
    # 3. A line that names another part than its question has is left out.
    parts: dict[str, list[Dialogue]] = {}
    leaked = []
    for row in rows:
        own = of[row.dialogue.before] or "train"
        if row.part and own in said and own != row.part:
            leaked.append((row.place, f"has a question of the {own} part"))
        else:
            parts.setdefault(own, []).append(row.dialogue)
    if lost := next((part for part in ("train", "test") if part not in parts), None):
        raise UserError(f"no dialogue is left for the {lost} part", "some to train and to test on", "")
    return {part: Dialogues(items) for part, items in parts.items()}, leaked
