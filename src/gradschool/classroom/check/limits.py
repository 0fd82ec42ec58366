"""Limits on the process that runs a learner's code: time, memory, output, and what it may reach.

Resource limits where the system has them (Linux, macOS); an audit hook everywhere. This stops accidents
and tricks, not an attacker with native code: a class that grades strangers' code adds a sandbox around it.
"""

import faulthandler
import importlib.util
import io
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

OUTPUT = 2**20  # bytes that a check may print
REFUSED = frozenset({
    "os.fork", "os.forkpty", "os.exec", "os.spawn", "os.posix_spawn", "os.system", "os.startfile",
    "subprocess.Popen", "os.kill", "os.killpg", "pty.spawn", "signal.pthread_kill",
    "socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "ctypes.dlopen", "ctypes.dlsym",
    "os.remove", "os.rename", "os.rmdir", "os.truncate", "os.chmod", "os.chown", "os.link", "os.symlink",
    "shutil.rmtree", "shutil.move", "shutil.copyfile", "sys.addaudithook", "gc.get_objects",
    "gc.get_referrers", "gc.get_referents",
})  # fmt: skip


class Forbidden(RuntimeError):
    """The learner's code reached for something that a check does without."""


@dataclass(frozen=True)
class Limits:
    """What a check may use.

    Args:
        seconds: of time.
        memory: bytes on top of what Python and torch take.
    """

    seconds: float = 10.0
    memory: int = 2**30


def crowding() -> float:
    """How many times longer work takes now than on an idle machine: programs that want a core for each core,
    from 1 to 4; 1 where the system does not tell. So a right answer on a busy machine is not out of time.
    """
    if not hasattr(os, "getloadavg"):
        return 1.0
    return min(4.0, max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)))


def confine(limits: Limits, closed_files: frozenset[str]) -> None:
    """Bind this process for good.

    Args:
        limits: of time and memory.
        closed_files: files that must not be opened: those that hold the answer.
    """
    # 1. The system's own limits, on top of what this process took to start; the judge's clock and the
    # watcher's eye on memory are there everywhere.
    if os.name == "posix":
        import resource

        for what, most in {
            "RLIMIT_CPU": int(time.process_time() + limits.seconds) + 2,
            "RLIMIT_FSIZE": OUTPUT, "RLIMIT_CORE": 0, "RLIMIT_AS": address_space() + limits.memory,
        }.items():  # fmt: skip
            if most >= 0 and not (sys.platform == "darwin" and what == "RLIMIT_AS"):
                resource.setrlimit(getattr(resource, what), (most, most))
    # 2. Events of the interpreter. The hook cannot be taken out again.
    refused, write = REFUSED, os.O_WRONLY | os.O_RDWR | os.O_CREAT

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in refused:
            raise Forbidden(f"{event} is not there in a check")
        if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            if path in closed_files or compiled_from(path) in closed_files:
                raise Forbidden(f"{Path(path).name} holds the answer and is closed in a check")
            flags = arguments[2] if len(arguments) > 2 else 0
            if path.startswith("/proc/") or (isinstance(flags, int) and flags & write):
                raise Forbidden(f"opening {path} to write is not there in a check")

    sys.addaudithook(hook)


def compiled_from(path: str) -> str:
    """The source of a file of bytecode; "" for any other file."""
    try:
        return importlib.util.source_from_cache(path) if path.endswith(".pyc") else ""
    except ValueError:
        return ""


def address_space() -> int:
    """Bytes of address space this process has mapped; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def quiet(output: int, errors: int | None = None) -> None:
    """Give this process no input; send what it prints to the open file `output`, line by line.

    Args:
        output: descriptor of a file.
        errors: of the file for standard error; `output` as well if None.
    """
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output if errors is None else errors, 2)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace", line_buffering=True)


def tell_where(seconds: float) -> None:
    """Write to standard error where this process is, a second before its time is up, or at half of it."""
    faulthandler.dump_traceback_later(max(seconds - 1, seconds / 2), file=2)
