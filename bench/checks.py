"""Verdicts: our warm forked check against a fresh process with pytest and torch, one a submission.

Both sides judge the same perceptron step; ours also walks its whole ladder under limits of time, memory and
output. `about` holds the time to a verdict for each pilot exercise.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest  # noqa: F401 - the peer runs in it

from bench.common import compare, main
from gradschool.classroom.check.client import Server
from gradschool.classroom.check.job import Job
from gradschool.classroom.exercise.manifest import find_exercise
from gradschool.classroom.workspace.layout import text_for

PEER = """
import numpy as np
import torch
from answer import update

def test_update():
    w, x = np.array([-1.5, 0.0, 2.0]), np.array([1.0, 0.0])
    np.testing.assert_allclose(update(w, x, 1), [-0.5, 1.0, 2.0])
    np.testing.assert_allclose(update(w, x, 0), w)
"""
SMALL, OURS_A_ROUND, PEERS_A_ROUND = "perceptron-update", 60, 2


def job_of(name: str, folder: Path) -> Job:
    """The check of an exercise's solution."""
    chapter, exercise = find_exercise(name)
    file = folder / f"{exercise.slug}.py"
    file.write_text(text_for(chapter, exercise, solved=True), encoding="utf-8")
    return Job.of(chapter, exercise, file)


def checked(server: Server, job: Job, count: int) -> int:
    """Check so often, every time to a pass."""
    for _ in range(count):
        assert server.check(job).passed
    return count


def tested(folder: Path, count: int) -> int:
    """Run pytest so often on the same answer."""
    for _ in range(count):
        words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_answer.py"]
        subprocess.run(words, cwd=folder, check=True, capture_output=True)
    return count


def latencies(server: Server, folder: Path) -> dict[str, float]:
    """Median seconds to a verdict of each pilot exercise."""
    found = {}
    for name in (SMALL, "conv2d", "attend"):
        job, times = job_of(name, folder), []
        for _ in range(9):
            start = time.perf_counter()
            assert server.check(job).passed
            times.append(time.perf_counter() - start)
        found[name] = round(statistics.median(times), 4)
    return found


def run(repeats: int = 5) -> dict[str, Any]:
    """Checks a minute on one core, both sides one after the other."""
    with tempfile.TemporaryDirectory() as place, Server(Path(place) / "door") as server:
        folder = Path(place)
        job = job_of(SMALL, folder)
        # 1. The first check starts the server.
        start = time.perf_counter()
        checked(server, job, 1)
        first = time.perf_counter() - start
        about = {"seconds_to_first_verdict": round(first, 2), "seconds_to_verdict": latencies(server, folder)}
        # 2. The peer's answer is the same text.
        (folder / "answer.py").write_text(job.text)
        (folder / "test_answer.py").write_text(PEER)
        peers = {"pytest with torch, a process each": lambda: 60 * tested(folder, PEERS_A_ROUND)}
        return compare(
            "checks", "checks/min", lambda: 60 * checked(server, job, OURS_A_ROUND), peers, repeats, about
        )


if __name__ == "__main__":
    main(run)
