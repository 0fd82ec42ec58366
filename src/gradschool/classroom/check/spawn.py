"""Runs one check without fork: the learner's process is started fresh, and this one judges.

The same order as in `runner`: the subject gets one end of a socket and nothing else; the verdict is made
here, in a process that never runs the learner's code.
"""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict
from typing import Any

from gradschool.classroom.check.job import Job
from gradschool.classroom.check.judge import judge
from gradschool.classroom.check.limits import Limits, quiet
from gradschool.classroom.check.report import Result
from gradschool.classroom.check.runner import GLANCE, infra, observed, rss, starved, work_of
from gradschool.classroom.check.subject import Work, serve
from gradschool.classroom.check.wire import Channel

PATIENCE = 120.0  # seconds that torch may take to load
SUBJECT = "from gradschool.classroom.check.spawn import subject; subject()"


class Spare:
    """A started process with torch loaded that waits for its work."""

    def __init__(self) -> None:
        # 1. A door on this machine only; who comes must know the word.
        self.word = secrets.token_hex(16)
        self.output = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `end`
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `end`
        with socket.create_server(("127.0.0.1", 0)) as door:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SUBJECT], stdin=subprocess.PIPE,
                stdout=self.output, stderr=self.errors,
                env=os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
            )  # fmt: skip
            assert self.process.stdin is not None
            self.process.stdin.write(f"{door.getsockname()[1]} {self.word}\n".encode())
            self.process.stdin.close()
            door.settimeout(PATIENCE)
            # 2. It comes once it has loaded torch.
            try:
                self.connection = self.admitted(door)
            except BaseException:
                self.end()
                raise

    def admitted(self, door: socket.socket) -> socket.socket:
        """The connection of the one who knows the word."""
        while True:
            connection, _ = door.accept()
            connection.settimeout(PATIENCE)
            if connection.recv(len(self.word), socket.MSG_WAITALL) == self.word.encode():
                return connection
            connection.close()

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """Leave nothing of it."""
        self.stop()
        self.output.close()
        self.errors.close()


def subject() -> None:
    """What a spare runs: load torch, come to the door, take the work, serve."""
    from gradschool.classroom.check.server import warm_up

    port, word = sys.stdin.readline().split()
    warm_up()
    connection = socket.create_connection(("127.0.0.1", int(port)))
    connection.sendall(word.encode())
    channel = Channel(connection)
    fields: dict[str, Any] = json.loads(channel.receive())
    lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
    quiet(os.dup(1), os.dup(2))
    serve(channel, Work(**fields | lists | {"limits": Limits(**fields["limits"])}))
    os._exit(0)


def run_spawned(job: Job) -> Result:
    """Run a check in a fresh process."""
    try:
        chapter, exercise = job.find()
        work, spare = work_of(job, chapter, exercise), Spare()
    except Exception as error:
        return infra(job, f"{type(error).__name__}: {error}")
    try:
        Channel(spare.connection).send(json.dumps(asdict(work)))
        watcher = Watcher(spare.process.pid, work.limits)
        channel = Channel(spare.connection, time.monotonic() + work.limits.seconds)
        result = judge(chapter, exercise, job.text, job.path, channel)
        watcher.done.set()
        watcher.join()
        spare.stop()
        result = starved(job, result) if watcher.starved else result
        return observed(result, job.text, spare.output, spare.errors)
    finally:
        with contextlib.suppress(OSError):
            spare.connection.close()
        spare.end()


class Watcher(threading.Thread):
    """An eye on a process's memory; ends it if it takes too much."""

    def __init__(self, pid: int, limits: Limits) -> None:
        super().__init__(daemon=True)
        import psutil

        self.process, self.limits = psutil.Process(pid), limits
        self.least, self.starved, self.done = rss(self.process), False, threading.Event()
        self.start()

    def run(self) -> None:
        """Look again and again."""
        while not self.done.wait(GLANCE):
            if rss(self.process) > self.least + self.limits.memory:
                self.starved = True
                self.process.kill()
                return
