"""One way to compare programs fairly: interleaved rounds in one process tree, median and spread.

A round times ours, then each peer, so that both sides drift alike as the machine does. Where there are
several peers the fastest counts. A result is a file with the hardware, versions and commit it was
measured on; on a busy machine nothing is measured.
"""

import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import torch

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(os.environ.get("GRADSCHOOL_BENCH_RESULTS", ROOT / "bench" / "results"))
RETURNED = ("seconds to goal", "seconds an epoch")  # units of what a work returns by itself
LESS_IS_BETTER = ("s", *RETURNED)
KEYS = ("name", "unit", "ours", "peer", "ratio", "n")
Work = Callable[[], float]


class BusyError(RuntimeError):
    """The machine is doing something else, so that a measurement would be worthless."""


def compare(
    name: str,
    unit: str,
    ours: Work,
    peers: Mapping[str, Work],
    repeats: int = 5,
    about: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Time ours against its peers and write `bench/results/<name>.json`.

    Args:
        name: of the comparison.
        unit: "images/s", "steps/s" ...: what a work returns, per second; more is better. "steps/processor s":
            per second of the processor, for work of one thread on a machine that is busy. "s": the wall time,
            "seconds to goal", "seconds an epoch": what the work returns; less is better.
        ours: does the work once and returns how much it did (a count of images, steps ...; ignored for "s").
        peers: the same work by others, by name.
        repeats: rounds, 5 or more, after one round that warms up and is not counted.
        about: what else a reader should know (sizes, settings).
    Returns:
        What was written; `ratio` above 1 means that ours is faster. The result of another processor stays:
            the new one stands beside it, under a name with the processor's.
    Raises:
        BusyError: the load is above 1 + threads (GRADSCHOOL_BENCH_BUSY=1 measures anyway).
    """
    if repeats < 5:
        raise ValueError(f"repeats is {repeats}, 5 or more are needed for a median. Try 5.")
    load = wait_until_quiet()
    sides = {"ours": ours, **peers}
    # 1. One round to warm up, then every side once a round.
    rounds: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    for i in range(repeats + 1):
        for side, work in sides.items():
            measured = timed(work, unit)
            if i:
                rounds[side].append(measured)
    # 2. The best peer by its median; ratio so that above 1 is ours faster.
    more_is_better = unit not in LESS_IS_BETTER
    values = {side: [measured["value"] for measured in rounds[side]] for side in sides}
    medians = {side: statistics.median(each) for side, each in values.items()}
    best = (max if more_is_better else min)(peers, key=lambda side: medians[side])
    ratios = {
        peer: medians["ours"] / medians[peer] if more_is_better else medians[peer] / medians["ours"]
        for peer in peers
    }
    # 3. Everything a reader needs to judge it.
    spread = {
        side: {"median": medians[side], "iqr": iqr(values[side]), "rounds": rounds[side]} for side in sides
    }
    about_machine = machine()
    result = {
        "name": name, "unit": unit, "ours": medians["ours"], "peer": medians[best], "ratio": ratios[best],
        "n": repeats, "peer_name": best, "ratios": ratios, "sides": spread, "about": about or {},
        "load_at_start": load, "is_quiet": load <= 1 + torch.get_num_threads(), "machine": about_machine,
    }  # fmt: skip
    RESULTS.mkdir(parents=True, exist_ok=True)
    place(name, about_machine["cpu"]).write_text(json.dumps(result, indent=1) + "\n")
    return result


def place(name: str, cpu: str) -> Path:
    """The file of a result: one that another processor measured is not written over."""
    file = RESULTS / f"{name}.json"
    if not file.is_file() or json.loads(file.read_text(encoding="utf-8"))["machine"]["cpu"] == cpu:
        return file
    return RESULTS / f"{name}-on-{re.sub('[^a-z0-9]+', '-', cpu.lower()).strip('-')}.json"


def timed(work: Work, unit: str) -> dict[str, float]:
    """One run: its value in `unit`, wall seconds, and processor seconds of this process and its children."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    used, start = processor_seconds(), time.perf_counter()
    done = work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    wall = time.perf_counter() - start
    cpu = processor_seconds() - used
    rate = done / (cpu if unit.endswith("/processor s") else wall)
    value = wall if unit == "s" else done if unit in RETURNED else rate
    return {"value": value, "wall_s": wall, "cpu_s": cpu}


def processor_seconds() -> float:
    """Used so far by this process and its children, finished or not."""
    living = sum(sum(child.cpu_times()[:2]) for child in psutil.Process().children())
    return sum(os.times()[:4]) + living


def iqr(values: list[float]) -> list[float]:
    """First and third quartile."""
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return [low, high]


def wait_until_quiet(patience: float = 120) -> float:
    """The load once it is at most 1 + threads; gives up after `patience` seconds."""
    if not hasattr(os, "getloadavg"):
        return -1.0  # Windows keeps no load average
    allowed, start = 1 + torch.get_num_threads(), time.monotonic()
    while (load := os.getloadavg()[0]) > allowed:
        if os.environ.get("GRADSCHOOL_BENCH_BUSY"):
            break
        if time.monotonic() - start > patience:
            raise BusyError(
                f"the load is {load:.1f}, at most {allowed} is wanted. Stop other work, try again."
            )
        time.sleep(5)
    return load


def machine() -> dict[str, Any]:
    """Hardware, versions and commit."""
    import torchvision

    from gradschool import __version__
    from gradschool.engine.device import cpu_name

    git = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return {
        "cpu": cpu_name(), "cores": os.cpu_count(), "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "platform": platform.platform(), "python": platform.python_version(), "torch": torch.__version__,
        "torchvision": torchvision.__version__, "gradschool": __version__,
        "commit": git.stdout.strip() or None, "date": datetime.now(UTC).date().isoformat(),
    }  # fmt: skip


def main(run: Callable[[int], dict[str, Any]], threads: int = 1) -> None:
    """Run a comparison from the command line, `[REPEATS]`, on so many threads, and print its line of JSON."""
    torch.set_num_threads(threads)
    try:
        result = run(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
    except BusyError as busy:
        sys.exit(str(busy))
    for side, each in result["sides"].items():
        low, high = each["iqr"]
        print(
            f"{side:>28}: {each['median']:12,.1f} {result['unit']}  (middle half {low:,.1f} to {high:,.1f})"
        )
    print(json.dumps({key: result[key] for key in KEYS}))
