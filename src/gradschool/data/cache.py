"""Decode once, keep as uint8: arrays in the user's cache, mapped into memory at every later start.

An entry is a folder of .npy files written under a temporary name and renamed, so it is whole or not there;
processes that want the same entry at once take turns. A damaged entry is made again.
"""

import errno
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gradschool.errors import WorkFailed

Arrays = dict[str, NDArray[np.generic]]
Room = Callable[[str, tuple[int, ...]], NDArray[np.uint8]]
"""Name and shape to an array of zeros to fill: on the disk, so that it may be larger than the memory."""


def cache_folder() -> Path:
    """Where decoded and fetched data lie: GRADSCHOOL_CACHE, else the platform's user cache folder."""
    given = os.environ.get("GRADSCHOOL_CACHE")
    if given:
        return Path(given).expanduser()
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("gradschool"))


def remembered(key: str, build: Callable[[Room], Arrays]) -> Arrays:
    """The arrays of an entry, memory-mapped; built now if the cache does not hold them whole.

    Args:
        key: names the content: another content must have another key.
        build: makes the arrays; large ones in the room it is handed. Called again without a cache if the
            cache cannot be written.

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
            return found if found is not None else stored(folder, build)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            where = cache_folder()
            advice = "Free some space, or set GRADSCHOOL_CACHE to another disk."
            raise WorkFailed(f"the disk of {where} is full", "room for the decoded images", advice) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
            return build(lambda name, shape: np.zeros(shape, np.uint8))  # no cache: decode every time
        raise


def stored(folder: Path, build: Callable[[Room], Arrays]) -> Arrays:
    """Build an entry in its place and map it; the lock is held, so whatever lies half built is dead."""
    for dead in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(dead, ignore_errors=True)
    new = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        new.mkdir()
        arrays = build(lambda name, shape: room_in(new, name, shape))
        names = sorted(arrays)
        for name in names:
            value = arrays.pop(name)
            if isinstance(value, np.memmap):
                value.flush()
            else:
                np.save(new / f"{name}.npy", value)
            del value  # Windows renames no folder with a mapped file in it
        (new / "whole").write_text("\n".join(names))
        shutil.rmtree(folder, ignore_errors=True)
        new.replace(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    found = mapped(folder)
    assert found is not None, "what was just written must be readable"
    return found


def room_in(folder: Path, name: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """A mapped file of zeros; its bytes are claimed now, because a full disk cannot be told of later.

    Raises:
        OSError: they are not to be had.
    """
    size = math.prod(shape)
    if size > shutil.disk_usage(folder).free:
        raise OSError(errno.ENOSPC, "the disk is full")
    file = folder / f"{name}.npy"
    array = np.lib.format.open_memmap(file, "w+", np.uint8, shape)
    if hasattr(os, "posix_fallocate"):
        with file.open("r+b") as handle:
            os.posix_fallocate(handle.fileno(), 0, file.stat().st_size)
    return array


def mapped(folder: Path) -> Arrays | None:
    """The arrays of an entry as memory maps, or None if it is missing or damaged."""
    try:
        names = (folder / "whole").read_text().split("\n")
        # Copy on write: torch may not wrap read-only memory, and nothing ever writes to these.
        return {name: np.load(folder / f"{name}.npy", mmap_mode="c", allow_pickle=False) for name in names}
    except (OSError, ValueError, EOFError):
        return None
