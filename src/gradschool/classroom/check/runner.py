"""Runs one check: forks (or starts) the learner's process, then the judge, and watches both.

The order is the protection: the learner's process is forked before the judge and before the pipe that
carries the verdict exist, so nothing in it can write a verdict or read the truth.
"""

import contextlib
import json
import os
import re
import select
import signal
import socket
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, BinaryIO

from gradschool.classroom.check.job import Job
from gradschool.classroom.check.judge import NEXT, judge
from gradschool.classroom.check.limits import Limits, quiet
from gradschool.classroom.check.report import Result, first_lines, from_record
from gradschool.classroom.check.subject import Work, serve
from gradschool.classroom.check.wire import Channel
from gradschool.classroom.exercise.manifest import Chapter, Exercise

GRACE = 20.0  # seconds that a judge may take on top of its subject's time: some oracles load slowly
GLANCE = 0.05  # seconds between two looks at the memory of a subject


def work_of(job: Job, chapter: Chapter, exercise: Exercise) -> Work:
    """What a subject needs to know; the chapter's own oracles are closed to it."""
    return Work(
        job.text, job.path, exercise.function, exercise.hidden, exercise.forbid, exercise.allow,
        tuple(map(str, chapter.checks)), job.limits(exercise),
    )  # fmt: skip


def infra(job: Job, said: str) -> Result:
    """A fault of ours."""
    return Result(job.exercise, "infra_error", said=said, next=NEXT["infra_error"], file=job.path)


def run_forked(job: Job) -> Result:
    """Run a check by forking this process, which must be single-threaded and must have loaded no answers."""
    start = time.monotonic()
    chapter, exercise = job.find()
    work = work_of(job, chapter, exercise)
    # 1. The learner's process, which is left nothing but its end of the channel.
    ours, theirs = socket.socketpair()
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        subject = os.fork()
        if subject == 0:
            os.setsid()
            quiet(output.fileno(), errors.fileno())
            keep_only(theirs.fileno())
            serve(Channel(theirs), work)
            os._exit(0)
        theirs.close()
        # 2. The judge, and only now the pipe for its verdict.
        read, write = os.pipe()
        judging = os.fork()
        if judging == 0:
            try:
                quiet(os.open(os.devnull, os.O_WRONLY))
                os.close(read)
                channel = Channel(ours, time.monotonic() + work.limits.seconds)
                verdict = judge(chapter, exercise, job.text, job.path, channel)
                with os.fdopen(write, "w", encoding="utf-8") as pipe:
                    json.dump(asdict(verdict), pipe)
            finally:
                os._exit(0)  # whatever happens, so that it never goes on as a second server
        ours.close()
        os.close(write)
        # 3. Wait, with an eye on memory; then nothing of either is left.
        try:
            said, is_starved = watched(read, subject, work.limits, start)
        finally:
            os.close(read)
            for process, kill in ((subject, os.killpg), (judging, os.kill)):
                end(process, kill)
        return observed(concluded(job, said, is_starved), job.text, output, errors)


def keep_only(fd: int) -> None:
    """Close every file of this process but the standard three and one."""
    most = min(os.sysconf("SC_OPEN_MAX"), 65536)
    os.closerange(3, fd)
    os.closerange(fd + 1, most)


def end(process: int, kill: Any) -> None:
    """Kill a child (or its whole group) and reap it."""
    for way in (kill, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            way(process, signal.SIGKILL)
    os.waitpid(process, 0)


def watched(read: int, subject: int, limits: Limits, start: float) -> tuple[bytes, bool]:
    """The judge's verdict, b"" if none came in time; and whether the subject was ended for its memory."""
    import psutil

    data, is_starved = bytearray(), False
    process = psutil.Process(subject)
    try:
        least = process.memory_info().rss
    except psutil.Error:
        least = 0
    while time.monotonic() < start + limits.seconds + GRACE:
        if select.select([read], [], [], GLANCE)[0]:
            chunk = os.read(read, 65536)
            if not chunk:
                break
            data += chunk
        elif not is_starved and rss(process) > least + limits.memory:
            is_starved = True
            process.kill()
    return bytes(data), is_starved


def rss(process: Any) -> int:
    """A process's memory in bytes; 0 when it has gone."""
    import psutil

    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def concluded(job: Job, said: bytes, is_starved: bool) -> Result:
    """The result out of a judge's JSON, or our fault where there is none."""
    try:
        result = from_record(json.loads(said), Path(job.path))
    except (ValueError, TypeError):
        return infra(job, "The judge gave no verdict.")
    return starved(job, result) if is_starved else result


def starved(job: Job, result: Result) -> Result:
    """The result of a subject that was ended for its memory."""
    if result.passed:
        return result
    told = "It asked for more memory than a check may use."
    return Result(job.exercise, "memory", result.stage, told, "", NEXT["memory"], result.seconds,
                  job.path, result.sha256, result.stages)  # fmt: skip


def observed(result: Result, text: str, output: BinaryIO, errors: BinaryIO) -> Result:
    """A result with what the learner's process printed, and for a timeout the line where it was.

    Args:
        result: the verdict.
        text: of the learner's file.
        output, errors: files behind the process's standard output and standard error.
    """
    if result.outcome == "timeout" and (line := line_reached(content(errors), result.file)):
        quoted = text.splitlines()[line - 1].strip()
        said = f"It was still running when its time was up, at line {line}: `{quoted}`."
        result = replace(result, said=said)
    return replace(result, printed=first_lines(content(output)))


def content(file: BinaryIO) -> str:
    """A whole file as text."""
    file.seek(0)
    return file.read().decode(errors="replace")


def line_reached(trace: str, path: str) -> int:
    """The line of a file that runs in the last traceback of `faulthandler`; 0 if none does."""
    shown = path.encode("ascii", "backslashreplace").decode()
    last = trace.rpartition("Timeout (")[2]
    found = re.search(rf'File "{re.escape(shown)}", line (\d+) in', last)
    return int(found[1]) if found else 0
