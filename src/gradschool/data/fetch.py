"""Fetch a set's files: with resume, checked, and unpacked so that half a set is never left behind.

Everything happens in a folder NAME.coming, which is renamed to NAME when it is whole; a file is downloaded
as FILE.part and renamed when it is complete. Files brought by hand to NAME go the same way.
"""

import errno
import hashlib
import http.client
import shutil
import ssl
import tarfile
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from gradschool import parts
from gradschool.data import npm
from gradschool.data.cache import cache_folder
from gradschool.data.record import fetched, write
from gradschool.data.setinfo import RemoteFile, SetInfo
from gradschool.data.source import leads_outside, wanted
from gradschool.errors import UserError, WorkFailed

Told = Callable[[str, int, int], None]
"""Called with (file, bytes so far, bytes in all, 0 if unknown)."""

ARCHIVES = (".zip", ".tar.gz", ".tgz", ".tar")
BLOCK = 1 << 18  # bytes
PATIENCE = 30.0  # seconds without a byte
BROKEN = (urllib.error.URLError, TimeoutError, ConnectionError, ssl.SSLError, http.client.HTTPException)


def usable(info: SetInfo, place: Path) -> bool:
    """Whether a set's folder in the cache is whole: its archives unpacked, or its other files all there."""
    have = {path.name for path in place.iterdir()} if place.is_dir() else set()
    if info.build is not None:
        return info.made in have
    packed = [file.name for file in info.files if file.name.endswith(ARCHIVES)]
    plain = [file.name for file in info.files if not file.name.endswith(ARCHIVES)]
    unpacked = wanted(list(have - set(packed))) if packed else plain
    return bool(unpacked) and not have & set(packed) and all(n in have or stem(n) in have for n in plain)


def content_of(info: SetInfo, place: Path) -> Path:
    """What of a set's folder in the cache is opened: the file that was built, or all of it."""
    return place / info.made if info.build is not None else place


def stem(name: str) -> str:
    """The name of a gzipped file once it is not."""
    return name.removesuffix(".gz")


def brought(info: SetInfo) -> bool:
    """Whether all files of a set have been brought by hand and only wait to be checked and unpacked."""
    final = cache_folder() / info.name
    places = final, coming_folder(final)
    return bool(info.files) and all(any((p / f.name).is_file() for p in places) for f in info.files)


def coming_folder(final: Path) -> Path:
    """Where everything happens until a set is whole."""
    return final.with_name(f"{final.name}.coming")


def fetch(info: SetInfo, told: Told = lambda name, done, of: None) -> Path:
    """Bring a set into the cache; what has been brought there by hand is not fetched.

    Args:
        info: the set.
        told: hears the progress.

    Returns:
        The folder of the set.

    Raises:
        UserError: the set has no address.
        WorkFailed: no network, no room, or a file that is not what it should be; what was fetched so far is
            kept.
    """
    if not info.files:
        place = f"a data pack with {' or '.join(info.packs)}" if info.packs else "nothing: it comes along"
        advice = "Set GRADSCHOOL_DATA to the pack's folder." if info.packs else ""
        raise UserError(f"{info.title} has no address to fetch it from", place, advice)
    if info.needs:
        parts.need(*info.needs, f"building {info.title}")
    final = cache_folder() / info.name
    coming = coming_folder(final)
    try:
        coming.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{coming}.lock"):
            if not usable(info, final):
                bring(info, final, coming, told)
            shutil.rmtree(coming, ignore_errors=True)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        problem = "is on a full disk" if full else f"cannot be written ({error})"
        advice = "Free some space, or set GRADSCHOOL_CACHE to another place; then start again."
        raise WorkFailed(f"{cache_folder()} {problem}", "room for the data set", advice) from error
    return content_of(info, final)


def bring(info: SetInfo, final: Path, coming: Path, told: Told) -> None:
    """The steps of `fetch`, one process at a time."""
    coming.mkdir(exist_ok=True)  # another process may have finished with it
    # 1. Every file: from the hand, or the network, resumed where it was cut off.
    for file in info.files:
        if (final / file.name).is_file():
            (final / file.name).replace(coming / file.name)
        if not (coming / file.name).is_file():
            lacking = [f.name for f in info.files if not any((p / f.name).is_file() for p in (final, coming))]
            download(file, coming, told, f"bring {', '.join(lacking)} to {final}")
        check(file, coming / file.name)
    # 2. Archives are unpacked into one folder beside them.
    inside = coming / "unpacked"
    shutil.rmtree(inside, ignore_errors=True)
    inside.mkdir()
    if info.build is not None:
        make(info, coming, inside)
    for file in info.files if info.build is None else ():
        if file.name.endswith(ARCHIVES):
            unpack(coming / file.name, inside)
        else:
            shutil.copy2(coming / file.name, inside / file.name)
    # 3. What was fetched is written down, and only now the set gets its name.
    seen = fetched(info, coming)
    if final.exists() and wanted([path.name for path in final.iterdir()]):
        raise WorkFailed(f"{final} holds other files", "only the files of the set", "Move them away.")
    shutil.rmtree(final, ignore_errors=True)
    inside.replace(final)
    write(info, seen)


def make(info: SetInfo, coming: Path, inside: Path) -> None:
    """Build a set of its fetched files.

    Raises:
        WorkFailed: they are not what was published.
    """
    assert info.build is not None, "a set of plain files is not built"
    try:
        info.build(coming, inside / info.made)
    except (
        ValueError,
        KeyError,
        EOFError,
        RuntimeError,
        zlib.error,
        zipfile.BadZipFile,
        tarfile.TarError,
    ) as error:
        for file in info.files:
            set_aside(coming / file.name)
        what = f"{info.title} cannot be built from {', '.join(file.name for file in info.files)} ({error})"
        advice = f"They are now in {coming} under names that end in .bad; start again for new ones."
        raise WorkFailed(what, "the files as published", advice) from error


def download(file: RemoteFile, folder: Path, told: Told, by_hand: str) -> None:
    """Fetch one file, from where an earlier attempt was cut off.

    Args:
        file: what to fetch.
        folder: where to put it.
        told: hears the progress.
        by_hand: what to do where there is no network.

    Raises:
        WorkFailed: the address cannot be reached, or the connection broke.
    """
    if file.url.startswith(npm.SCHEME):
        if problem := npm.pack(file.url.removeprefix(npm.SCHEME), folder / file.name):
            raise unreachable(file, by_hand, problem)
        return
    part = folder / f"{file.name}.part"
    have = part.stat().st_size if part.exists() else 0
    if file.size and have > file.size:
        have = 0  # not the beginning of this file: begin anew
    if not (file.size and have == file.size):
        request = urllib.request.Request(file.url, headers={"Range": f"bytes={have}-"} if have else {})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                resumed = have if answer.status == 206 else 0  # a server without resume sends it all again
                take(answer, part, resumed, lambda done, of: told(file.name, done, of))
        except urllib.error.HTTPError as error:
            if error.code != 416 or file.size:
                raise unreachable(file, by_hand, str(error)) from error
            # Bytes beyond the end were asked for: the part is complete, and its content will be checked.
        except BROKEN as error:
            raise unreachable(file, by_hand, str(error)) from error
    part.replace(folder / file.name)


def take(answer: http.client.HTTPResponse, part: Path, have: int, told: Callable[[int, int], None]) -> None:
    """Write what a server sends behind the bytes there are.

    Raises:
        WorkFailed: it ended before its announced length.
    """
    length = answer.headers.get("Content-Length")
    of = have + int(length) if length else 0
    with part.open("ab" if have else "wb") as handle:
        while block := answer.read1(BLOCK):  # what has come, so that little is lost if we are killed
            handle.write(block)
            have += len(block)
            told(have, of)
    if of and have < of:
        raise WorkFailed(
            f"{part.stem} broke off after {have:,} of {of:,} bytes",
            "all of it",
            "Start again: it goes on from there.",
        )


def unreachable(file: RemoteFile, by_hand: str, reason: str) -> WorkFailed:
    """One sentence with the files to bring and where to put them."""
    return WorkFailed(
        f"{file.name} could not be fetched from {file.url} ({reason})",
        "",
        f"With a network start again; without one {by_hand} and start again.",
    )


def check(file: RemoteFile, path: Path) -> None:
    """Refuse a file of another size or checksum, and move it out of the way.

    Raises:
        WorkFailed: it is not the file that was published.
    """
    size = path.stat().st_size
    problem = f"has {size:,} bytes, not {file.size:,}" if file.size and size != file.size else ""
    if not problem and file.checksum:
        kind, _, published = file.checksum.partition(":")
        with path.open("rb") as handle:
            found = hashlib.file_digest(handle, kind).hexdigest()
        problem = "" if found == published else f"has another {kind} than was published"
    if problem:
        set_aside(path)
        raise WorkFailed(
            f"{file.name} {problem}",
            "the published file",
            f"It is now {path}.bad; start again for a new one.",
        )


def set_aside(path: Path) -> None:
    """Rename a file that is no use, so that the next attempt begins anew."""
    path.replace(path.with_name(f"{path.name}.bad"))


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar; names that lead out of the folder are refused before anything is written.

    Raises:
        WorkFailed: it is damaged, or a name leads outside.
    """
    try:
        if archive.name.endswith(".zip"):
            with zipfile.ZipFile(archive) as opened:
                refuse_outside(archive, opened.namelist())
                opened.extractall(folder)
        else:
            with tarfile.open(archive) as opened_tar:
                refuse_outside(archive, opened_tar.getnames())
                opened_tar.extractall(folder, filter="data")
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, RuntimeError) as error:
        set_aside(archive)
        raise WorkFailed(
            f"{archive.name} is damaged ({error})", "a whole archive", "Start again for a new one."
        ) from error


def refuse_outside(archive: Path, names: list[str]) -> None:
    """Refuse an archive with a name that leads out of the folder it is unpacked into.

    Raises:
        WorkFailed: it does.
    """
    for name in names:
        if leads_outside(name):
            set_aside(archive)
            raise WorkFailed(
                f"{archive.name} holds {name!r}", "names that stay inside it", "Do not use this archive."
            )
