"""kill -9 in the middle of a training agent: resumed, it is the run that was never killed, bit for bit."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from gradschool.engine.run import RunFolder
from gradschool.recipes import find
from gradschool.runs.request import Request
from gradschool.runs.train import resume, train

USUAL = {"hidden": (8,), "tested": 2, "evaluations": 2, "save_every": 0.0, "worlds": 4}
SMALL = {
    "cartpole_ppo": USUAL | {"batch_size": 64, "timesteps": 64 * 80},
    "cartpole_dqn": USUAL | {
        "batch_size": 32, "timesteps": 32 * 80, "updates": 2, "minibatch": 8, "warm": 32, "memory": 500,
        "priority": 0.6, "steps_ahead": 3,
    },
}  # fmt: skip
SCRIPT = """
import sys
from dataclasses import replace
from pathlib import Path
from gradschool.recipes import find
from gradschool.runs.request import Request
from gradschool.runs.train import train
name, out, settings = sys.argv[1:]
train(replace(find(name)(), **eval(settings)), Request(name, 3, out=Path(out), device="cpu"))
"""


@pytest.mark.long
@pytest.mark.parametrize("name", SMALL)
def test_a_killed_agent_goes_on_bit_for_bit(name, tmp_path):
    # 1. A process that is killed between step 10 and the end.
    command = [sys.executable, "-c", SCRIPT, name, str(tmp_path / "killed"), repr(SMALL[name])]
    process = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL)
    metrics, deadline = tmp_path / "killed" / "metrics.jsonl", time.monotonic() + 100
    while not (metrics.exists() and metrics.read_text().count("\n") > 10) and time.monotonic() < deadline:
        assert process.poll() is None, "it trains until it is killed"
        time.sleep(0.005)
    process.kill()
    process.wait()
    folder = RunFolder(tmp_path / "killed")
    saved = int(folder.checkpoints.index()["all"][-1].partition("-")[2])
    assert 5 < saved < 80 and not folder.read("result.json")
    # 2. It goes on; another one was left alone.
    run = replace(find(name)(), **SMALL[name])
    resume(folder, run, Request(name, 3, device="cpu"), lambda text: None)
    whole = train(run, Request(name, 3, out=tmp_path / "whole", device="cpu"), lambda text: None)
    one, two = (load_file(each.path / "model.safetensors") for each in (folder, whole))
    assert one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)
    assert folder.read("result.json")["returns"] == whole.read("result.json")["returns"]
    assert logged(folder) == logged(whole)


def logged(folder):
    """What metrics.jsonl tells of each step, but for the time."""
    lines = map(json.loads, (folder.path / "metrics.jsonl").read_text().splitlines())
    told = [{name: value for name, value in line.items() if name != "seconds"} for line in lines]
    return {(line["step"], "lr" in line): line for line in told}
