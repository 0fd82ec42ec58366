"""Two processes give one process's curve; shared-out weights are saved by two and read by one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gradschool.engine import device
from gradschool.engine.run import RunFolder
from gradschool.engine.shard import shard
from gradschool.errors import UserError, WorkFailed

sys.path.insert(0, str(Path(__file__).parent))
from toys import CPU, Regression, stepper_for
from two_processes import Remembering, Smooth, remembered, trained


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """One start of torchrun serves all tests: most of its time is imports."""
    place = tmp_path_factory.mktemp("two")
    script = Path(__file__).parent / "two_processes.py"
    words = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        str(script),
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run([*words, str(place)], env=environment, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr[-3000:]
    return place


def losses(folder: Path) -> list[float]:
    return [line["loss"] for line in RunFolder(folder).metrics() if "loss" in line]


@pytest.mark.long
@pytest.mark.parametrize("kind", ["ddp", "ddp-accumulated", "sharded"])
def test_two_processes_give_the_curve_of_one(two, tmp_path, kind):
    """Equal to rounding: sums are taken in another order (measured difference below 1e-6)."""
    trained(tmp_path / "one", 30)
    one, pair = losses(tmp_path / "one"), losses(two / kind)
    assert len(pair) == 30
    assert pair == pytest.approx(one, rel=1e-4)
    assert one[-1] < 0.7 * one[0]


@pytest.mark.long
def test_each_process_keeps_a_share_of_the_weights(two):
    whole = sum(p.numel() for p in Smooth().parts["model"].parameters())
    kept = [json.loads((two / f"rank{rank}.json").read_text())["kept"] for rank in (0, 1)]
    assert sum(kept) == whole
    assert max(kept) < 0.7 * whole


@pytest.mark.long
def test_one_process_reads_what_two_saved_and_trains_on(two, tmp_path):
    checkpoint = RunFolder(two / "sharded").checkpoints.find() / "shards"
    assert {file.suffix for file in checkpoint.iterdir()} == {".safetensors"}
    assert len(list(checkpoint.iterdir())) == 2
    whole = trained(tmp_path / "one", 30)
    read = trained(two / "sharded", 30, go_on=True)
    for part, tensors in whole.tensors().items():
        for name, value in tensors.items():
            torch.testing.assert_close(read.tensors()[part][name], value, rtol=1e-4, atol=1e-5)
    trained(tmp_path / "one", 40, go_on=True)
    trained(two / "sharded", 40, go_on=True)
    assert losses(two / "sharded")[30:] == pytest.approx(losses(tmp_path / "one")[30:], rel=1e-3)


@pytest.mark.long
def test_what_a_task_carries_is_saved_whole_and_given_back_by_rows(two, tmp_path):
    """Two processes that broke off and went on, and then one process, equal one that never stopped."""
    one = remembered(tmp_path / "one", 40)
    whole = remembered(two / "carried", 40, go_on=True)
    assert losses(two / "carried") == pytest.approx(losses(tmp_path / "one"), rel=1e-4)
    torch.testing.assert_close(whole.task.carried, one.task.carried)
    kept = RunFolder(two / "carried").checkpoints.load("step-00000030")[0]["carried"]["sum"]
    assert len(kept) == len(one.task.carried["sum"]) == 32


def test_a_task_that_carries_a_state_is_not_sharded(monkeypatch):
    monkeypatch.setattr("gradschool.engine.update.is_sharded", lambda module: True)
    with pytest.raises(UserError, match="shard is on in a run that carries a state"):
        stepper_for(Remembering())


def test_a_silently_single_process_is_refused(monkeypatch):
    """The launcher promised two; Accelerate would train one without a word."""
    # Begun alone, which holds for this process whatever is promised later; in fp32 Accelerate is not asked.
    device.accelerator(device.Machine("cpu", "bf16", False))
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    with pytest.raises(WorkFailed, match="1 process joined"):
        device.accelerator(CPU)


def test_sharding_alone_is_refused():
    with pytest.raises(UserError, match="torchrun"):
        shard(Regression().parts["model"], "cpu")
