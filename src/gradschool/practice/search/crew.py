"""Several workers: processes on this machine, or tasks of a Ray cluster, all in one study."""

import importlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

from gradschool.errors import Interrupted, UserError, WorkFailed
from gradschool.parts import need
from gradschool.phrases import command, raised
from gradschool.practice.search.storage import VARIABLE
from gradschool.practice.search.study import Study
from gradschool.practice.search.work import Limits

Say = Callable[[str], None]
PROGRAM = "gradschool.practice.search.worker"


def processes(study: Study, limits: Limits, count: int, say: Say) -> None:
    """Let so many processes work, and wait for them.

    Args:
        study: that they work on.
        limits: when each stops.
        count: how many.
        say: told their lines.

    Raises:
        Interrupted: Ctrl-C; each has saved its trial.
        WorkFailed: all have ended without a reason.
    """
    words = [sys.executable, "-m", PROGRAM, str(study.path), str(limits.trials), str(limits.until or 0)]
    workers = []
    for number in range(count):
        log = (study.path / f"worker-{number + 1}.log").open("w")
        workers.append(
            subprocess.Popen(
                [*words, str(os.getpid())], env=surroundings(study, count), stdout=subprocess.PIPE,
                stderr=log, text=True,
            )
        )  # fmt: skip
        log.close()
    readers = [threading.Thread(target=relay, args=(each, say), daemon=True) for each in workers]
    for reader in readers:
        reader.start()
    is_stopped = False
    while any(each.poll() is None for each in workers):
        try:
            for each in workers:
                each.wait()
        except KeyboardInterrupt:  # the terminal has sent it to all of them: they save, and end
            is_stopped = True
            say(" stopping: the running trials are saved")
    for reader in readers:
        reader.join()
    if is_stopped:
        where = command("tune --resume", study.path)
        raise Interrupted("The search was stopped; everything is saved", "", f"Go on with: {where}")
    codes = [each.returncode for each in workers]
    if all(codes):
        wanted = "0 of each"
        what = f"all {count} workers ended with an error ({', '.join(map(str, codes))})"
        raise WorkFailed(what, wanted, f"See {study.path / 'worker-1.log'}.")
    for number, code in enumerate(codes, 1):
        if code:
            say(f" worker {number} ended with {code}: see {study.path / f'worker-{number}.log'}")


def surroundings(study: Study, count: int) -> dict[str, str]:
    """The environment of a worker: its share of the processor, and the database's address."""
    share = str(max(1, (os.cpu_count() or 1) // count))
    threads = {} if "OMP_NUM_THREADS" in os.environ else {"OMP_NUM_THREADS": share, "MKL_NUM_THREADS": share}
    address = study.url.render_as_string(hide_password=False) if study.url is not None else ""
    return {**os.environ, **threads, VARIABLE: address}


def relay(worker: "subprocess.Popen[str]", say: Say) -> None:
    """Pass on what a worker prints."""
    assert worker.stdout is not None, "its output is a pipe"
    for line in worker.stdout:
        say(line.rstrip())


def on_ray(study: Study, limits: Limits, count: int, address: str, say: Say) -> None:
    """Let workers of an existing Ray cluster work, and wait for them. All see the study's folder.

    Args:
        study: that they work on.
        limits: when each stops.
        count: how many; each takes one processor, and one GPU where the cluster has any.
        address: of the cluster: "auto", "local", HOST:PORT or ray://HOST:PORT.
        say: told when one has failed.

    Raises:
        UserError: Ray is not installed, or nothing answers at the address.
        WorkFailed: all workers have failed.
    """
    need("ray", "cluster", "--ray")
    ray: Any = importlib.import_module("ray")
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        ray.init(address=address, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        what = f"no Ray cluster answers at {address!r} ({raised(error)[:120]})"
        wanted = "the address of one that runs"
        raise UserError(what, wanted, "Start one with: ray start --head") from error
    try:
        gpus = 1 if ray.cluster_resources().get("GPU", 0) else 0
        place, url = str(study.path.resolve()), surroundings(study, count)[VARIABLE]
        task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=0)(remotely)
        waiting = [task.remote(place, url, limits.trials, limits.until) for _ in range(count)]
        failed = []
        for each in waiting:
            try:
                ray.get(each)
            except Exception as error:
                failed.append(raised(error))
                say(f" a worker failed: {failed[-1]}")
    finally:
        ray.shutdown()
    if len(failed) == count:
        raise WorkFailed(f"all {count} workers failed: {failed[0]}", "", "See the logs of Ray.")


def remotely(place: str, url: str, trials: int, until: float | None) -> None:
    """A worker in another process: it opens the study by itself."""
    importlib.import_module(PROGRAM).join(place, url, Limits(trials, until), print)
