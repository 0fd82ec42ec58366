"""Find a data set by name, wherever it lies: in a data pack, in the cache, or where a package put it."""

import importlib
import os
from pathlib import Path

from gradschool import scan
from gradschool.data.cache import cache_folder
from gradschool.data.fetch import brought, content_of, fetch, usable
from gradschool.data.setinfo import SetInfo
from gradschool.errors import UserError
from gradschool.phrases import did_you_mean, nearest

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
    guess = did_you_mean(known[spelling].name for spelling in nearest(plain(name), known))
    raise UserError(
        f"there is no data set or folder {name!r}",
        f"one of {', '.join(info.name for info in all_sets())}, or the path of a folder, zip or file",
        f"{guess}List them with: gradschool data",
    )


def located(info: SetInfo) -> Path | None:
    """Where a set lies: in a data pack, in the cache, or where a system package put it."""
    places, fetched = in_pack(info), cache_folder() / info.name
    places += [content_of(info, fetched)] if usable(info, fetched) else []
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


def resolve(name: str | Path) -> tuple[SetInfo | None, Path | None]:
    """The set of this name and where it lies (None: it comes with a package), or None and a path.

    Raises:
        UserError: there is neither, the set is not here, or the path is a device.
    """
    path = Path(name).expanduser()
    if path.is_char_device():
        raise UserError(f"{path} is a device, which may have no end", "a folder, a zip or a file", "")
    is_path = isinstance(name, Path) or bool({"/", os.sep} & set(name)) or path.suffix == ".zip"
    if path.exists() and (is_path or not is_known(str(name))):
        return None, path
    if is_path and not is_known(str(name)):
        raise nothing_at(path)
    info = find(str(name))
    place = located(info) or (fetch(info) if brought(info) else None)
    if place is None and (info.files or info.packs):
        raise missing(info)
    return info, place


def nothing_at(path: Path) -> UserError:
    """A path where nothing lies, and what beside it was probably meant."""
    beside = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
    guess = did_you_mean(str(path.parent / name) for name in nearest(path.name, beside))
    lost = "" if path.parent.is_dir() else f"There is no folder {str(path.parent)!r} either. "
    what = f"there is no data set or folder {str(path)!r}"
    return UserError(what, "the path of a folder, zip or file", guess or f"{lost}Check the path.")


def is_known(name: str) -> bool:
    """Whether a set has this name."""
    return any(plain(name) in spellings(info) for info in all_sets())


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
        f"Fetch it: gradschool data fetch {info.name}. Without a network bring {names}{size} to "
        f"{cache_folder() / info.name}, or pass a folder with --data.{debian}",
    )
