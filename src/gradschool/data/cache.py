"""Decode once, keep as uint8: arrays in the user's cache, mapped into memory at every later start.

An entry is a folder of .npy files written under a temporary name and renamed, so it is whole or not there;
processes that want the same entry at once take turns. A damaged entry is made again.
"""

import errno
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gradschool.errors import WorkFailed

Arrays = Mapping[str, NDArray[np.generic]]


def cache_folder() -> Path:
    """Where decoded and fetched data lie: GRADSCHOOL_CACHE, else the platform's user cache folder."""
    given = os.environ.get("GRADSCHOOL_CACHE")
    if given:
        return Path(given).expanduser()
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("gradschool"))


def remembered(key: str, build: Callable[[], Arrays]) -> dict[str, NDArray[np.generic]]:
    """The arrays of an entry, memory-mapped; built now if the cache does not hold them whole.

    Args:
        key: names the content: another content must have another key.
        build: makes the arrays.

    Raises:
        WorkFailed: the disk of the cache is full.
    """
    folder = cache_folder() / "decoded" / key
    found = mapped(folder)
    if found is not None:
        return found
    from filelock import FileLock

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            found = mapped(folder)  # another process may have built it while we waited
            return found if found is not None else stored(folder, build())
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            where = cache_folder()
            advice = "Free some space, or set GRADSCHOOL_CACHE to another disk."
            raise WorkFailed(f"the disk of {where} is full", "room for the decoded images", advice) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR):
            return {name: np.asarray(value) for name, value in build().items()}  # no cache: decode every time
        raise


def stored(folder: Path, arrays: Arrays) -> dict[str, NDArray[np.generic]]:
    """Write an entry and map it."""
    new = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(new, ignore_errors=True)
    try:
        new.mkdir()
        for name, value in arrays.items():
            np.save(new / f"{name}.npy", value)
        (new / "whole").write_text("\n".join(sorted(arrays)))
        shutil.rmtree(folder, ignore_errors=True)
        new.replace(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    found = mapped(folder)
    assert found is not None, "what was just written must be readable"
    return found


def mapped(folder: Path) -> dict[str, NDArray[np.generic]] | None:
    """The arrays of an entry as memory maps, or None if it is missing or damaged."""
    try:
        names = (folder / "whole").read_text().split("\n")
        # Copy on write: torch may not wrap read-only memory, and nothing ever writes to these.
        return {name: np.load(folder / f"{name}.npy", mmap_mode="c", allow_pickle=False) for name in names}
    except (OSError, ValueError):
        return None
