"""Shapes in signatures are checked while testing; one thread a process, so that workers do not fight."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
os.environ["COLUMNS"] = "100"  # whatever window the tests were started in, lines break alike
os.environ.pop("GRADSCHOOL_CALLED", None)  # however the tests were started, messages print the bare name

from jaxtyping import install_import_hook

install_import_hook(
    ["gradschool.ops", "gradschool.fast", "gradschool.nn", "gradschool.data", "gradschool.rl"],
    "beartype.beartype",
)

import functools
import json
import shutil
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import jaxtyping
import pytest
import torch

torch.set_num_threads(int(os.environ.get("GRADSCHOOL_TEST_THREADS", "1")))

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


@pytest.fixture
def unchecked():
    """Without these checks of types and shapes, which a run does not have and no compiler can trace."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
    if "torch._dynamo" in sys.modules:
        torch.compiler.reset()


@pytest.fixture(scope="session", autouse=True)
def one_probe():
    """A process measures its processor once, whatever cache a test has: on some that takes seconds."""
    from gradschool.engine import device

    device.probe = functools.cache(device.probe)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A warm check server of the tests' own, with all that checks load, so that no check loads it again."""
    from gradschool.classroom.check.client import Server

    with Server(tmp_path_factory.mktemp("server") / "door", pause=0) as server:
        yield server


def pytest_collection_modifyitems(items):
    """Files with long tests come first, and those with most, so that no process has one alone at the end."""
    first = {item.path for item in items if item.get_closest_marker("long")}
    most = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path not in first, -most[item.path], str(item.path)))


LEFT_OUT = {"slow": 0, "gpu": 0, "long": 0}


def pytest_deselected(items):
    for item in items:
        mark = next((mark for mark in LEFT_OUT if item.get_closest_marker(mark)), None)
        if mark:
            LEFT_OUT[mark] += 1


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):  # a worker of xdist tells the main process
        session.config.workeroutput["left_out"] = LEFT_OUT


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    LEFT_OUT.update(getattr(node, "workeroutput", {}).get("left_out", {}))  # all workers select alike


def pytest_terminal_summary(terminalreporter):
    """Say what was left out, so that a green run does not hide it."""
    if any(LEFT_OUT.values()):
        told = [f"{count} {mark} (run with: -m {mark})" for mark, count in LEFT_OUT.items()]
        terminalreporter.write_line(f"left out: {', '.join(told)}")
