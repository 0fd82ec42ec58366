"""Fetch a set's files: with resume, checked, and unpacked so that half a set is never left behind.

A file is downloaded as NAME.part and renamed when its size and checksum are right; archives are unpacked
into a temporary folder that is renamed when it is whole. Files brought by hand are checked and unpacked in
the same way.
"""

import hashlib
import shutil
import tarfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from gradschool.data.cache import cache_folder
from gradschool.data.setinfo import RemoteFile, SetInfo
from gradschool.errors import UserError, WorkFailed

Told = Callable[[str, int, int], None]
"""Called with (file, bytes so far, bytes in all, 0 if unknown)."""

ARCHIVES = (".zip", ".tar.gz", ".tgz", ".tar")
BLOCK = 1 << 18


def fetch(info: SetInfo, told: Told = lambda name, done, of: None) -> Path:
    """Bring a set into the cache.

    Args:
        info: the set.
        told: hears the progress.

    Returns:
        The folder of the set.

    Raises:
        UserError: the set has no address.
        WorkFailed: no network, or a file that is not what it should be; what was fetched so far is kept.
    """
    if not info.files:
        wanted = (
            f"a data pack with {' or '.join(info.packs)}"
            if info.packs
            else "nothing: it comes with a package"
        )
        raise UserError(
            f"{info.title} has no address to fetch it from", wanted, "Set GRADSCHOOL_DATA to the pack."
        )
    final = cache_folder() / info.name
    if final.exists():
        return final
    coming = final.with_name(f"{info.name}.coming")
    coming.mkdir(parents=True, exist_ok=True)
    # 1. Every file, resumed where it was cut off.
    for file in info.files:
        if not (coming / file.name).exists():
            download(file, coming, final, told)
        check(file, coming / file.name)
    # 2. Archives are unpacked; only then the set gets its name.
    for file in info.files:
        if file.name.endswith(ARCHIVES):
            unpack(coming / file.name, coming)
            (coming / file.name).unlink()
    coming.replace(final)
    return final


def download(file: RemoteFile, folder: Path, place: Path, told: Told) -> None:
    """Fetch one file, from where an earlier attempt was cut off.

    Raises:
        WorkFailed: the address cannot be reached, or answers with something else.
    """
    part = folder / f"{file.name}.part"
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(file.url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            if have and answer.status != 206:
                have = 0  # a server without resume sends the whole file again
            of = have + int(answer.headers.get("Content-Length") or 0)
            with part.open("ab" if have else "wb") as handle:
                while block := answer.read(BLOCK):
                    handle.write(block)
                    have += len(block)
                    told(file.name, have, of)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # asked for bytes beyond the end: the part is complete, its checksum decides
            raise unreachable(file, place, error) from error
    except (urllib.error.URLError, TimeoutError, OSError) as error:
        raise unreachable(file, place, error) from error
    expected = file.size or (of if have else 0)
    if expected and have < expected:
        raise WorkFailed(
            f"{file.name} broke off after {have:,} of {expected:,} bytes",
            "all of it",
            "Start again to go on from there.",
        )
    part.replace(folder / file.name)


def unreachable(file: RemoteFile, place: Path, error: Exception) -> WorkFailed:
    """One sentence with the file to bring and where to put it."""
    return WorkFailed(
        f"{file.name} could not be fetched ({error})",
        "",
        f"With a network start again; without one bring it to {place}.coming and start again.",
    )


def check(file: RemoteFile, path: Path) -> None:
    """Refuse a file of another size or checksum, and move it out of the way.

    Raises:
        WorkFailed: it is not the file that was published.
    """
    size = path.stat().st_size
    problem = f"has {size:,} bytes, not {file.size:,}" if file.size and size != file.size else ""
    if not problem and file.checksum:
        kind, _, wanted = file.checksum.partition(":")
        with path.open("rb") as handle:
            found = hashlib.file_digest(handle, kind).hexdigest()
        problem = "" if found == wanted else f"has another {kind} than was published"
    if problem:
        path.replace(path.with_name(f"{path.name}.bad"))
        raise WorkFailed(
            f"{file.name} {problem}", "the published file", "It was set aside; start again to fetch it anew."
        )


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar beside itself; names that lead out of the folder are refused.

    Raises:
        WorkFailed: it is damaged, or a name leads outside.
    """
    inside = folder / "unpacking"
    shutil.rmtree(inside, ignore_errors=True)
    inside.mkdir()
    try:
        if archive.name.endswith(".zip"):
            with zipfile.ZipFile(archive) as opened:
                for name in opened.namelist():
                    refuse_outside(archive, name)
                opened.extractall(inside)
        else:
            with tarfile.open(archive) as opened_tar:
                for member in opened_tar.getmembers():
                    refuse_outside(archive, member.name)
                opened_tar.extractall(inside, filter="data")
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
        shutil.rmtree(inside, ignore_errors=True)
        raise WorkFailed(
            f"{archive.name} is damaged ({error})", "a whole archive", "Fetch it again."
        ) from error
    for item in inside.iterdir():
        item.replace(folder / item.name)
    inside.rmdir()


def refuse_outside(archive: Path, name: str) -> None:
    """Refuse a name that leads out of the folder it is unpacked into.

    Raises:
        WorkFailed: it does.
    """
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if name.startswith(("/", "\\")) or ".." in parts or ":" in (parts[0] if parts else ""):
        raise WorkFailed(
            f"{archive.name} holds {name!r}", "names that stay inside it", "Do not use this archive."
        )
