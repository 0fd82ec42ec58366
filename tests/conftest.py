"""Shapes in signatures are checked while testing; one thread a process, so that workers do not fight."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

from jaxtyping import install_import_hook

install_import_hook(
    ["gradschool.ops", "gradschool.fast", "gradschool.nn", "gradschool.data", "gradschool.rl"],
    "beartype.beartype",
)

import json
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import pytest
import torch

torch.set_num_threads(1)

from hypothesis import settings

settings.register_profile("same", derandomize=True, deadline=None)  # a red run must be red again
settings.load_profile("same")


@pytest.fixture
def cut_short(tmp_path):
    """Copies a finished run that saved at every step as if it had been killed before its last."""

    def cut(whole):
        place = tmp_path / "cut"
        shutil.copytree(whole.path, place)
        for name in ("result.json", "model.json", "model.safetensors"):
            (place / name).unlink()
        # 1. The last checkpoint was never written.
        file = place / "checkpoints" / "index.json"
        index = json.loads(file.read_text())
        last = index["all"].pop()
        shutil.rmtree(place / "checkpoints" / last)
        index["best"] = index["all"][-1] if index["best"] == last else index["best"]
        file.write_text(json.dumps(index))
        # 2. There is still something to do.
        assert 0 < int(index["all"][-1].split("-")[1]) < int(last.split("-")[1])
        return place

    return cut


LEFT_OUT = {"slow": 0, "gpu": 0}


def pytest_deselected(items):
    for mark in LEFT_OUT:
        LEFT_OUT[mark] += sum(mark in item.keywords for item in items)


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):  # a worker of xdist tells the main process
        session.config.workeroutput["left_out"] = LEFT_OUT


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    LEFT_OUT.update(getattr(node, "workeroutput", {}).get("left_out", {}))  # all workers select alike


def pytest_terminal_summary(terminalreporter):
    """Say what was left out, so that a green run does not hide it."""
    slow, gpu = LEFT_OUT.values()
    if slow or gpu:
        terminalreporter.write_line(
            f"left out: {slow} slow (run with: -m slow), {gpu} gpu (run with: -m gpu)"
        )
