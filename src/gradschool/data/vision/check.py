"""Look a data set over: counts, sizes, kinds of pixels, files left out, leaks."""

import io
import textwrap
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

from gradschool.data.source import open_source
from gradschool.data.vision.layouts import entries
from gradschool.data.vision.leaks import find_leaks
from gradschool.data.vision.open import open_set, resolve_pictures
from gradschool.data.vision.pictureset import PictureSet
from gradschool.errors import UserError
from gradschool.phrases import command

SHOWN = 8  # lines of a list; the rest is counted
HEADS = 2000  # files whose heads are read for size and mode, evenly spread
PARTS = ("train", "val", "test")


def look_over(name: str | Path) -> dict[str, Any]:
    """All findings about a set or a folder, as plain values; see `sentences`.

    Raises:
        UserError: there is no such set, or its classes are those of pixels.
    """
    info, place = resolve_pictures(name)
    if info is not None and info.has_masks:
        known = f"{command('data', info.name)} counts its pictures."
        raise UserError(f"{info.name} has a class for each pixel", "a set with one for each picture", known)
    splits = open_set(name, val=0.0)
    parts = {p: getattr(splits, p) for p in PARTS if getattr(splits, p) is not None}
    counts = {
        p: images.labels.bincount(minlength=len(images.classes)).tolist() for p, images in parts.items()
    }
    train = counts["train"]
    leaks = find_leaks(splits)
    named = {p: images.names for p, images in parts.items()}
    _, channels, height, width = splits.train.pixels.shape
    is_files = place is not None and (info is None or info.read is None)
    return {
        "name": splits.name,
        "classes": list(splits.train.classes),
        "counts": counts,
        "imbalance": max(train) / max(1, min(train)),
        "channels": channels,
        "size": [width, height],
        "files": heads(place, info) if place is not None and is_files else None,
        "skipped": [list(pair) for pair in splits.skipped],
        "notes": list(splits.notes),
        "leaked": leaks.leaked,
        "held_out": leaks.held_out,
        "twins": [[label(named, twin.first), label(named, twin.second), twin.exact] for twin in leaks.twins],
        "leak_sentence": leaks.sentence(),
    }


def heads(place: Path, info: PictureSet | None) -> dict[str, Any]:
    """What the image files of a folder or zip say of themselves: sizes, and modes such as RGB, L, CMYK."""
    from PIL import Image

    source = open_source(place)
    found = (info.layout if info else entries)(source).found
    sizes, modes = [], Counter[str]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of decompression bombs: only heads are read
        for entry in found[:: max(1, len(found) // HEADS)]:
            try:
                with Image.open(io.BytesIO(source.read(entry.name))) as image:
                    sizes.append(image.size)
                    modes[image.mode] += 1
            except Exception:  # a file that is left out: opening the set has told why
                continue
    sizes.sort(key=lambda size: size[0] * size[1])
    picked = {"smallest": sizes[0], "median": sizes[len(sizes) // 2], "largest": sizes[-1]} if sizes else {}
    return {"looked_at": len(sizes), "modes": dict(modes.most_common()), **picked}


def label(names: dict[str, Any], place: tuple[str, int]) -> str:
    """A file name where there is one, else part and number."""
    part, index = place
    return names[part][index] if names[part] else f"{part} image {index}"


def sentences(found: dict[str, Any]) -> list[str]:
    """The findings as lines for a person."""
    # 1. What there is.
    classes, counts, train = found["classes"], found["counts"], found["counts"]["train"]
    totals = " / ".join(f"{sum(values):,} {part}" for part, values in counts.items())
    kind = "grey" if found["channels"] == 1 else "colour"
    width, height = found["size"]
    lines = [f"{found['name']}: {len(classes)} classes, {totals}, {width}x{height} {kind}"]
    lines += file_lines(found["files"])
    # 2. Of each class.
    each = [f"{c} {'/'.join(str(counts[p][i]) for p in counts)}" for i, c in enumerate(classes)]
    lines += textwrap.wrap(f"{'/'.join(counts)} of each class: {', '.join(each)}", 98, subsequent_indent="  ")
    balance = f"the largest class has {found['imbalance']:.2f} times the images of the smallest"
    advice = ": consider --set balance=true" if found["imbalance"] > 3 else ""
    lines += [f"{balance} ({max(train):,} and {min(train):,}){advice}", *found["notes"]]
    # 3. What is wrong.
    lines += shortened([f"left out: {file}: {reason}" for file, reason in found["skipped"]], "files left out")
    if not found["leak_sentence"]:
        return [*lines, f"no twins between the parts ({found['held_out']:,} held-out images compared)"]
    twins = [f"{'same' if exact else 'near'}: {one} = {other}" for one, other, exact in found["twins"]]
    return [*lines, found["leak_sentence"], *shortened(twins, "twins")]


def file_lines(files: dict[str, Any] | None) -> list[str]:
    """The line about sizes and modes of the files, if there are files."""
    if not files or not files["looked_at"]:
        return []
    small, middle, large = (f"{w}x{h}" for w, h in (files[k] for k in ("smallest", "median", "largest")))
    sizes = f"all {small}" if small == large else f"{small} to {large}, median {middle}"
    modes = ", ".join(f"{count:,} {mode}" for mode, count in files["modes"].items())
    return [f"files: {sizes} pixels; {modes} ({files['looked_at']:,} looked at)"]


def shortened(lines: list[str], what: str) -> list[str]:
    """The first few lines, and how many more there are."""
    more = len(lines) - SHOWN
    return lines[:SHOWN] + ([f"... and {more} more {what}"] if more > 0 else [])
