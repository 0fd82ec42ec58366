"""Look a data set over before training: counts, sizes, files left out, leaks."""

from pathlib import Path
from typing import Any

from gradschool.data.catalogue import open_set
from gradschool.data.leaks import find_leaks

SHOWN = 8  # lines of a list; the rest is counted


def look_over(name: str | Path) -> dict[str, Any]:
    """All findings about a set or a folder, as plain values; see `sentences`."""
    splits = open_set(name, val=0.0)
    parts = {p: getattr(splits, p) for p in ("train", "val", "test") if getattr(splits, p) is not None}
    counts = {
        p: images.labels.bincount(minlength=len(images.classes)).tolist() for p, images in parts.items()
    }
    train = counts["train"]
    leaks = find_leaks(splits)
    named = {p: images.names for p, images in parts.items()}
    _, channels, height, width = splits.train.pixels.shape
    return {
        "name": splits.name,
        "classes": list(splits.train.classes),
        "counts": counts,
        "imbalance": max(train) / max(1, min(train)),
        "channels": channels,
        "size": [width, height],
        "skipped": [list(pair) for pair in splits.skipped],
        "notes": list(splits.notes),
        "leaked": leaks.leaked,
        "held_out": leaks.held_out,
        "twins": [[label(named, twin.first), label(named, twin.second), twin.exact] for twin in leaks.twins],
        "leak_sentence": leaks.sentence(),
    }


def label(names: dict[str, Any], place: tuple[str, int]) -> str:
    """A file name where there is one, else part and number."""
    part, index = place
    return names[part][index] if names[part] else f"{part} image {index}"


def sentences(found: dict[str, Any]) -> list[str]:
    """The findings as lines for a person."""
    totals = " / ".join(f"{sum(values):,} {part}" for part, values in found["counts"].items())
    kind = "grey" if found["channels"] == 1 else "colour"
    width, height = found["size"]
    lines = [f"{found['name']}: {len(found['classes'])} classes, {totals}, {width}x{height} {kind}"]
    train = found["counts"]["train"]
    order = sorted(range(len(train)), key=lambda i: train[i])
    few, many = order[0], order[-1]
    lines.append(
        f"largest class {found['classes'][many]} ({train[many]:,}), "
        f"smallest {found['classes'][few]} ({train[few]:,}): "
        f"{found['imbalance']:.2f}x" + (", consider --set balance=true" if found["imbalance"] > 3 else "")
    )
    lines += found["notes"]
    lines += shortened([f"left out: {file}: {reason}" for file, reason in found["skipped"]], "files left out")
    if found["leak_sentence"]:
        lines.append(found["leak_sentence"])
        twins = [f"{'same' if exact else 'near'}: {one} = {other}" for one, other, exact in found["twins"]]
        lines += shortened(twins, "twins")
    else:
        lines.append(f"no twins between the parts ({found['held_out']:,} held-out images compared)")
    return lines


def shortened(lines: list[str], what: str) -> list[str]:
    """The first few lines, and how many more there are."""
    more = len(lines) - SHOWN
    return lines[:SHOWN] + ([f"... and {more} more {what}"] if more > 0 else [])
