"""How much memory a training step takes, against what `gradschool plan` says before it.

A child process opens the data, warms the libraries up, and takes three steps; its growth is the highest
resident memory less what was resident before the model was built (Linux). The C library keeps pieces of freed
memory, so each case is measured twice: with every large piece returned at once, which is what the step needs,
and as usual.
"""

import ctypes
import gc
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import torch

from bench.common import RESULTS, machine
from gradschool import recipes
from gradschool.ops import switch
from gradschool.practice.plan.memory import Opened, at_precision, opened, predict, set_up
from gradschool.runs.request import Request
from gradschool.runs.run import Run
from gradschool.runs.settings import override

CASES: dict[str, tuple[str, ...]] = {
    "mnist": ("batch_size=512",),
    "cifar10": (),
    "natural_animals_baseline": ("batch_size=256",),
    "vae_mnist": ("batch_size=4096",),
    "shakespeare_gpt_short": (),
    "unet_membrane": ("batch_size=2",),
    "digits_spoken_gru": (),
    "names_mlp": ("batch_size=65536",),
}
STEPS = 3


def case(name: str, sets: tuple[str, ...]) -> tuple[Run, Opened]:
    """A recipe in float32 with its data."""
    run = override(recipes.find(name)(), (*sets, "precision=fp32"), name)
    return run, opened(run, Request(name, device="cpu"))


def warm() -> None:
    """Let the libraries take what they take once."""
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.ReLU(), torch.nn.Flatten(),
        torch.nn.Linear(288, 10), torch.nn.Linear(10, 10),
    )  # fmt: skip
    optimizer = torch.optim.AdamW(net.parameters(), fused=True)
    for _ in range(2):
        net(torch.randn(4, 3, 8, 8)).square().mean().backward()
        optimizer.step()


def growth(run: Run, known: Opened) -> int:
    """Bytes by which resident memory grows at most while a model is built and takes its steps."""
    warm()
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    batch = tuple(value[: run.batch_size].clone() for value in known.batch)
    before = psutil.Process().memory_info().rss - sum(value.nbytes for value in batch)
    Path("/proc/self/clear_refs").write_text("5")
    with switch.using("fast"):
        update = set_up(run, known, at_precision(run, known.machine), plain=False, is_real=True)
        for step in range(STEPS):
            torch.manual_seed(step)
            update.task.step(batch, update)
    status = Path("/proc/self/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return 1024 * peak - before


def child(name: str, sets: tuple[str, ...], is_usual: bool = False) -> dict[str, Any]:
    """What a process of its own measures, whose C library returns large pieces at once or as usual."""
    words = [sys.executable, "-m", "bench.memory", "child", name, *sets]
    at_once = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    place = os.environ | ({} if is_usual else at_once)
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=place)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(words: list[str]) -> None:
    """Measure one recipe (child), or all."""
    if words[:1] == ["child"]:
        run, known = case(words[1], tuple(words[2:]))
        print(json.dumps({"growth": growth(run, known)}))
        return
    rows = []
    for name in words or CASES:
        run, known = case(name, CASES[name])
        said, found = predict(run, known), child(name, CASES[name])["growth"]
        off = said.peak / found - 1
        usual = child(name, CASES[name], is_usual=True)["growth"]
        row = {"recipe": name, "set": CASES[name], "predicted": said.facts(), "measured": found, "off": off,
               "as_usual": usual}  # fmt: skip
        rows.append(row)
        numbers = f"predicted {said.peak / 1e6:8.1f} MB, measured {found / 1e6:8.1f} MB: {100 * off:+.1f} %"
        print(f"{name:<26} {numbers}, as usual {usual / 1e6:8.1f} MB", flush=True)
    if not words:
        worst = max(abs(row["off"]) for row in rows)
        about = {"name": "memory", "unit": "bytes", "n": len(rows), "worst_off": worst, "cases": rows,
                 "machine": machine()}  # fmt: skip
        (RESULTS / "memory.json").write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
