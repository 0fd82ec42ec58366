"""Find a data set by name, wherever it lies, or open a folder or zip: always three parts of uint8 images."""

import difflib
import hashlib
import importlib
import os
from dataclasses import replace
from pathlib import Path

import torch

from gradschool import scan
from gradschool.data.cache import Arrays, Room, cache_folder, remembered
from gradschool.data.examples import Splits
from gradschool.data.fetch import brought, fetch, usable
from gradschool.data.setinfo import Parts, SetInfo
from gradschool.data.splits import cut
from gradschool.data.vision import stacks
from gradschool.data.vision.folder import open_folder
from gradschool.data.vision.images import Images
from gradschool.errors import UserError

SETS, SETS_FOLDER = "gradschool.data.sets", Path(__file__).parent / "sets"


def all_sets() -> list[SetInfo]:
    """Every set: one file of `data/sets` each, with its record in SET."""
    found = [importlib.import_module(name).SET for name in scan.modules(SETS, SETS_FOLDER)]
    return sorted(found, key=lambda info: info.name)


def plain(name: str) -> str:
    """A name without case, hyphens, underscores and spaces."""
    return name.lower().replace("-", "").replace("_", "").replace(" ", "")


def spellings(info: SetInfo) -> set[str]:
    """A set's names, plain."""
    return {plain(name) for name in (info.name, *info.aliases)}


def find(name: str) -> SetInfo:
    """A set by name or alias.

    Raises:
        UserError: there is none; the nearest is named.
    """
    known = {spelling: info for info in all_sets() for spelling in spellings(info)}
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
    places, fetched = in_pack(info), cache_folder() / info.name
    places += [fetched] if usable(info, fetched) else []
    places += map(Path, info.places)
    return next((place for place in places if place.exists()), None)


def in_pack(info: SetInfo) -> list[Path]:
    """Where the pack in GRADSCHOOL_DATA may hold a set: at a known place, or under the set's own name."""
    if not os.environ.get("GRADSCHOOL_DATA"):
        return []
    pack = Path(os.environ["GRADSCHOOL_DATA"]).expanduser()
    items = sorted(pack.iterdir()) if pack.is_dir() else []
    named = [p for p in items if plain(p.stem if p.suffix in (".zip", ".npz") else p.name) in spellings(info)]
    return [*(pack / inside for inside in info.packs), *named]


def open_set(name: str | Path, *, size: int | None = None, val: float = 0.1, seed: int = 0) -> Splits:
    """Open a data set by name, or a folder, a zip or MedMNIST's .npz by path.

    Args:
        name: of a set, or a path; a bare name that is both is the set.
        size: side to which image files are decoded; None keeps it where all agree, else 64.
        val: share of the training images held out, 0 to below 1, where the set has no validation part.
        seed: of what is held out.

    Raises:
        UserError: it is not here; the sentence says which files to bring where.
    """
    info, place = resolve(name)
    if info is None:
        assert place is not None, "what is no set is a path"
        is_parts = place.suffix == ".npz"
        return stacks.open_stack(place, val, seed) if is_parts else open_folder(place, size, val, seed)
    if info.has_masks:
        raise UserError(
            f"{info.name} has a class for each pixel", "one for each picture", "Try --data natural_animals."
        )
    if info.read is None:
        assert place is not None, "a set of image files lies somewhere"
        return replace(open_folder(place, size, val, seed, info.layout), name=info.name)
    return from_parts(info, read_once(info, place), val, seed)


def resolve(name: str | Path) -> tuple[SetInfo | None, Path | None]:
    """The set of this name and where it lies (None: it comes with a package), or None and a path.

    Raises:
        UserError: there is neither, or the set is not here.
    """
    path = Path(name).expanduser()
    is_path = isinstance(name, Path) or bool({"/", os.sep} & set(name)) or path.suffix == ".zip"
    if path.exists() and (is_path or not is_known(str(name))):
        return None, path
    info = find(str(name))
    place = located(info) or (fetch(info) if brought(info) else None)
    if place is None and (info.files or info.packs):
        raise missing(info)
    return info, place


def is_known(name: str) -> bool:
    """Whether a set has this name."""
    return any(plain(name) in spellings(info) for info in all_sets())


def read_once(info: SetInfo, place: Path | None) -> Parts:
    """A set's arrays, decoded at most once for the same files."""
    read = info.read
    assert read is not None, "a set of image files is opened as a folder"
    if place is None:
        return read(Path())
    files = sorted(place.rglob("*")) if place.is_dir() else [place]
    stats = [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in files if f.is_file()]
    key = f"{info.name}-{hashlib.sha256(repr(stats).encode()).hexdigest()[:16]}"

    def build(room: Room) -> Arrays:
        arrays: Arrays = {}
        for part, (pixels, labels) in read(place).items():
            arrays |= {f"{part}-x": pixels, f"{part}-y": labels}
        return arrays

    found = remembered(key, build)
    parts = {name.split("-")[0] for name in found}
    return {part: (found[f"{part}-x"], found[f"{part}-y"]) for part in parts}  # type: ignore[misc]


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
    pack = os.environ.get("GRADSCHOOL_DATA")
    lost = f" (GRADSCHOOL_DATA is {pack}, which is no folder)" if pack and not Path(pack).is_dir() else ""
    if not info.files:
        wanted = f"a data pack with {' or '.join(info.packs)}"
        advice = "Set GRADSCHOOL_DATA to the pack's folder, or pass a folder or zip with --data"
        return UserError(f"{info.title} is not here{lost}", wanted, advice + ".")
    names = ", ".join(file.name for file in info.files)
    size = f", {info.size / 1e6:,.0f} MB" if info.size else ""
    debian = f" On Debian: apt install {info.package}." if info.package else ""
    return UserError(
        f"{info.title} is not here{lost}",
        "",
        f"Fetch it: gradschool data {info.name}. Without a network bring {names}{size} to "
        f"{cache_folder() / info.name}, or pass a folder with --data.{debian}",
    )
