"""The warm server: a process with torch loaded that forks for every check and ends itself when idle.

It speaks JSON lines over a socket file that only its owner can open. It runs on Linux; elsewhere a forked
copy of a process with torch in it is not safe, and `spawn` starts a fresh one for every check.
"""

import contextlib
import json
import os
import socket
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gradschool.classroom.check.job import Job
from gradschool.classroom.check.report import Result
from gradschool.classroom.check.runner import infra, run_forked
from gradschool.classroom.check.subject import kernel_guard

PAUSE, IDLE = 3.0, 600.0  # seconds without a check after which the server warms up further, and ends


def warm_up() -> None:
    """Load what checks need, once, on one thread; none of it holds an answer."""
    import jaxtyping  # noqa: F401
    import numpy.testing  # noqa: F401
    import psutil  # noqa: F401
    import torch

    torch.set_num_threads(1)


def warm_up_further() -> None:
    """Load what can wait for a pause: what torch loads when its kernels are first watched, scikit-learn."""
    kernel_guard(("aten::nothing",))
    import sklearn.datasets
    import sklearn.linear_model  # noqa: F401


def run(job: Job) -> Result:
    """A check's result, whatever happens."""
    try:
        return run_forked(job)
    except Exception as error:
        return infra(job, f"{type(error).__name__}: {error}")


def serve(place: Path, pause: float = PAUSE) -> None:
    """Run one job a connection until nobody has come for a while, or an empty job says stop."""
    warm_up()
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(place))
        door.listen()
        for seconds, then in ((pause, warm_up_further), (IDLE, bool)):
            door.settimeout(seconds)
            if not answer_all(door):
                break
            then()
    place.unlink(missing_ok=True)


def answer_all(door: socket.socket) -> bool:
    """Answer until nobody comes for a while, then True; False at once if someone said stop."""
    try:
        while answer(door.accept()[0]):
            pass
        return False
    except (TimeoutError, BlockingIOError):
        return True


def answer(client: socket.socket) -> bool:
    """Run one client's job; False if it said stop. A client that has gone is no matter."""
    client.settimeout(5.0)
    with contextlib.suppress(OSError, ValueError, TypeError), client, client.makefile("rw") as lines:
        asked: dict[str, Any] = json.loads(lines.readline())
        if not asked:
            return False
        lines.write(json.dumps(asdict(run(Job(**asked)))) + "\n")
    return True


if __name__ == "__main__":
    os.umask(0o077)
    serve(Path(sys.argv[1]), *map(float, sys.argv[2:]))
