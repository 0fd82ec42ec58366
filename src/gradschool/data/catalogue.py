"""Find a data set by name, wherever it lies, or open a folder or zip: always three parts of uint8 images."""

import difflib
import importlib
import os
import pkgutil
from pathlib import Path

import numpy as np
import torch

from gradschool.data import sets
from gradschool.data.cache import cache_folder, remembered
from gradschool.data.folder import open_folder
from gradschool.data.images import Images, Splits
from gradschool.data.setinfo import Parts, SetInfo
from gradschool.data.splits import cut
from gradschool.errors import UserError


def all_sets() -> list[SetInfo]:
    """Every set: one file of `data/sets` each, with its record in SET."""
    names = sorted(module.name for module in pkgutil.iter_modules(sets.__path__))
    return [importlib.import_module(f"{sets.__name__}.{name}").SET for name in names]


def plain(name: str) -> str:
    """A name without case, hyphens and underscores."""
    return name.lower().replace("-", "").replace("_", "").replace(" ", "")


def find(name: str) -> SetInfo:
    """A set by name or alias.

    Raises:
        UserError: there is none; the nearest is named.
    """
    known = {plain(spelling): info for info in all_sets() for spelling in (info.name, *info.aliases)}
    if plain(name) in known:
        return known[plain(name)]
    near = difflib.get_close_matches(plain(name), known, 1, 0.6)
    guess = f"Did you mean {known[near[0]].name}? " if near else ""
    raise UserError(
        f"there is no data set or folder {name!r}",
        f"one of {', '.join(info.name for info in all_sets())}, or the path of a folder or zip",
        f"{guess}List them with: gradschool data",
    )


def located(info: SetInfo) -> Path | None:
    """Where a set lies: in a data pack, in the cache, or where a system package put it."""
    pack = os.environ.get("GRADSCHOOL_DATA")
    places = [Path(pack).expanduser() / inside for inside in info.packs] if pack else []
    places += [cache_folder() / info.name, *map(Path, info.places)]
    return next((place for place in places if place.exists()), None)


def open_set(name: str | Path, *, size: int | None = None, val: float = 0.1, seed: int = 0) -> Splits:
    """Open a data set by name, or a folder or zip by path.

    Args:
        name: of a set, or a path.
        size: side to which image files are decoded; None keeps it where all agree, else 64.
        val: share of the training images held out, 0 to below 1, where the set has no validation part.
        seed: of what is held out.

    Raises:
        UserError: it is not here; the sentence says which files to bring where.
    """
    path = Path(name).expanduser()
    if path.exists() and (os.sep in str(name) or path.suffix == ".zip" or not is_known(str(name))):
        return open_folder(path, size, val, seed)
    info = find(str(name))
    place = located(info)
    if info.read is None:
        if place is None:
            raise missing(info)
        splits = open_folder(place / info.root if place.is_dir() else place, size, val, seed)
        return Splits(info.name, splits.train, splits.val, splits.test, splits.skipped, splits.notes)
    if place is None and info.files:
        raise missing(info)
    return from_parts(info, read_once(info, place), val, seed)


def is_known(name: str) -> bool:
    """Whether a set has this name."""
    return any(plain(name) == plain(n) for info in all_sets() for n in (info.name, *info.aliases))


def read_once(info: SetInfo, place: Path | None) -> Parts:
    """A set's arrays, decoded at most once for the same files."""
    assert info.read is not None
    if place is None:
        return info.read(Path())
    files = sorted(place.rglob("*")) if place.is_dir() else [place]
    stats = [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in files if f.is_file()]
    key = f"{info.name}-{abs(hash_of(stats)):016x}"

    def build() -> dict[str, np.ndarray]:
        parts = info.read(place)  # type: ignore[misc]
        return {
            f"{part}-{kind}": a
            for part, arrays in parts.items()
            for kind, a in zip("xy", arrays, strict=True)
        }

    found = remembered(key, build)
    parts = {name.split("-")[0] for name in found}
    return {part: (found[f"{part}-x"], found[f"{part}-y"]) for part in parts}  # type: ignore[misc]


def hash_of(value: object) -> int:
    """The same number for the same value in every process."""
    import hashlib

    return int.from_bytes(hashlib.blake2b(repr(value).encode(), digest_size=8).digest(), "big")


def from_parts(info: SetInfo, parts: Parts, val: float, seed: int) -> Splits:
    """Arrays as three parts."""
    found = {}
    for part, (pixels, labels) in parts.items():
        y = torch.from_numpy(labels.astype("int64"))
        found[part] = Images(torch.from_numpy(pixels), y, tuple(info.classes))
    train, test = found["train"], found["test"]
    if "val" in found:
        return Splits(info.name, train, found["val"], test)
    kept, held = cut(train, val, seed + 1)
    return Splits(info.name, kept, held, test)


def missing(info: SetInfo) -> UserError:
    """What to bring where."""
    place = cache_folder() / info.name
    names = ", ".join(file.name for file in info.files) or " or ".join(info.packs)
    size = f", {info.size / 1e6:.0f} MB" if info.size else ""
    fetch = f"Fetch it: gradschool data {info.name}. Without a network bring " if info.files else "Bring "
    debian = f" On Debian: apt install {info.places[0].split('/')[-1]}." if info.places else ""
    return UserError(
        f"{info.title} is not here",
        "",
        f"{fetch}its files ({names}{size}) to {place}, or pass a folder with --data.{debian}",
    )
