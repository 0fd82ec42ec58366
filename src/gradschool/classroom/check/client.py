"""Asks for checks: of the warm server on Linux, of a fresh process a check elsewhere.

The first check on Linux starts the server, later ones find it; it belongs to this version of the course
and to its user alone.
"""

import contextlib
import functools
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock

from gradschool.classroom.check.job import Job
from gradschool.classroom.check.report import Result, from_record
from gradschool.classroom.exercise.manifest import PACKAGE
from gradschool.errors import WorkFailed

LONGEST = 80  # bytes of a socket's folder; its whole path may have 103 on macOS
PATIENCE = 120.0  # seconds that torch may take to load on a busy machine


class Server:
    """A warm server behind a socket file; as a context manager it is stopped at the end.

    Args:
        place: of the socket file; None takes that of the user's own server.
        pause: seconds without a check after which it warms up further; 0 to do so at once.
    """

    def __init__(self, place: Path | None = None, pause: float | None = None) -> None:
        self.place, self.pause = place or own_place(), pause

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server, if there is one."""
        with contextlib.suppress(OSError), self.connect() as connection:
            connection.sendall(b"{}\n")

    def check(self, job: Job) -> Result:
        """Run a check; the first starts the server.

        Raises:
            WorkFailed: the server does not start, or ended while it was at it.
        """
        connection = self.reach()
        try:
            with connection, connection.makefile("rw", encoding="utf-8") as lines:
                connection.settimeout(PATIENCE + job.seconds)
                lines.write(json.dumps(asdict(job)) + "\n")
                lines.flush()
                return from_record(json.loads(lines.readline()), Path(job.path))
        except (OSError, ValueError) as error:
            raise WorkFailed(f"the check gave no answer ({error})", "", "Try it again.") from error

    def connect(self) -> socket.socket:
        """A connection to the server that runs now."""
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(self.place))
        except OSError:
            connection.close()
            raise
        return connection

    def reach(self) -> socket.socket:
        """A connection to the server, which is started if it is not there."""
        with FileLock(f"{self.place}.lock"):
            with contextlib.suppress(OSError):
                return self.connect()
            for older in self.place.parent.glob("check-????????????"):
                Server(older).stop()
            self.place.unlink(missing_ok=True)
            words = command(self.place, self.pause)
            process = start(words, self.place.parent)
            end = time.monotonic() + PATIENCE
            while process.poll() is None and time.monotonic() < end:
                with contextlib.suppress(OSError):
                    return self.connect()
                time.sleep(0.02)
        raise WorkFailed("the check server does not start", "", f"See why: {' '.join(words)}")


def command(place: Path, pause: float | None = None) -> list[str]:
    """The words that start a server."""
    words = [] if pause is None else [str(pause)]
    return [sys.executable, "-m", "gradschool.classroom.check.server", str(place), *words]


def start(words: list[str], place: Path) -> subprocess.Popen[bytes]:
    """Start a server, in the folder `place`, that outlives this process."""
    nowhere: Any = subprocess.DEVNULL
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    return subprocess.Popen(
        words, stdin=nowhere, stdout=nowhere, stderr=nowhere, env=environment, cwd=place,
        start_new_session=True,
    )  # fmt: skip


def own_place() -> Path:
    """The user's socket file for this version of the check.

    The path of a socket may have some hundred bytes only, and schedulers of clusters make long TMPDIRs: then
    it lies in the user's runtime folder or in /tmp.

    Raises:
        WorkFailed: the folder for it belongs to somebody else.
    """
    name = f"gradschool-{os.getuid()}"
    places = [tempfile.gettempdir(), os.environ.get("XDG_RUNTIME_DIR", "/tmp"), "/tmp"]
    folder = next(
        (
            Path(place) / name
            for place in places
            if len(os.fsencode(f"{place}/{name}")) <= LONGEST and Path(place).is_dir()
        ),
        Path("/tmp") / name,
    )
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o077:
        raise WorkFailed(f"{folder} is open to others", "a folder of your own", "Remove it.")
    return folder / f"check-{version()}"


def version() -> str:
    """A hash of this Python and of all code that a server has loaded."""
    files = [PACKAGE / "errors.py", *(PACKAGE / "classroom").rglob("*.py")]
    stamps = [f"{file}:{file.stat().st_mtime_ns}" for file in sorted(files)]
    return hashlib.sha256("\n".join([sys.executable, *stamps]).encode()).hexdigest()[:12]


@functools.cache
def own_server() -> Server:
    """The user's server."""
    return Server()


def check(job: Job) -> Result:
    """Run a check the way this system allows.

    Raises:
        WorkFailed: it could not be run.
    """
    if sys.platform == "linux":
        return own_server().check(job)
    from gradschool.classroom.check.spawn import run_spawned

    return run_spawned(job)
