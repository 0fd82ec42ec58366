"""The loop: resuming is exact, accumulation equals the large batch, bad losses stop, hooks only watch."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from gradschool.engine.device import Machine
from gradschool.engine.loop import Plan, Progress, fit
from gradschool.engine.optim import Optim, make_optimizer
from gradschool.engine.run import RunFolder
from gradschool.engine.schedule import Schedule
from gradschool.engine.update import Stepper, Stepping
from gradschool.errors import UserError, WorkFailed

sys.path.insert(0, str(Path(__file__).parent))
from toys import Noise, Regression, held_out, stepper_for

HOW = Stepping(Schedule("one_cycle", warmup=0.3), ema=0.9, clip=1.0)


def losses(run: RunFolder) -> list[tuple[int, float]]:
    return [(line["step"], line["loss"]) for line in run.metrics() if "loss" in line]


def trained(run: RunFolder | None, steps: int, task=None, progress=None, plan=None, how=HOW, batches=None):
    task = task or Regression()
    stepper = stepper_for(task, how)
    if progress is not None:
        state = stepper.load(run)
        progress = Progress(**{name: state[name] for name in Progress.__annotations__})
        run.forget_after(progress.step)
    plan = plan or Plan(steps, seed=3, evaluate_every=10, monitor="val_loss", save_every=0.0)
    return fit(task, batches or Noise(), held_out, stepper, plan, run, progress=progress), stepper


def test_resuming_gives_the_uninterrupted_run_bit_for_bit(tmp_path):
    """Data order, noise, dropout, running statistics, averages, moments and schedule continue exactly."""
    whole = RunFolder.create("t", root=tmp_path)
    _, straight = trained(whole, 50)
    cut = RunFolder.create("t", root=tmp_path)
    at, stepper = Progress(), None

    class StopError(Exception):
        pass

    def stop_at_23(line):
        if line["step"] == 24:  # step 24 is logged but not saved: it is lost and done again
            raise StopError

    task = Regression()
    plan = Plan(50, seed=3, evaluate_every=10, monitor="val_loss", save_every=0.0)
    with pytest.raises(StopError):
        fit(task, Noise(), held_out, stepper_for(task, HOW), plan, cut, [stop_at_23], at)
    cut.close()
    assert cut.checkpoints.find().name == "step-00000023"
    _, stepper = trained(cut, 50, Regression(seed=99), progress=True)
    assert losses(cut) == losses(whole)
    for part, tensors in straight.tensors().items():
        for name, value in tensors.items():
            torch.testing.assert_close(stepper.tensors()[part][name], value, rtol=0, atol=0)


class Pictures(Regression):
    """The same for images, so that weights have a memory layout."""

    def __init__(self, machine, seed=0):
        torch.manual_seed(seed)
        layers = torch.nn.Conv2d(3, 8, 3), torch.nn.Flatten(), torch.nn.Linear(8 * 36, 1)
        self.parts = {"model": machine.place_module(torch.nn.Sequential(*layers))}


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("name", ["nesterov", "adamw", "rmsprop"])
def test_a_loaded_optimiser_steps_on_bit_for_bit_in_either_layout(tmp_path, name, channels_last):
    """Fused kernels read weights and moments in memory order, so both must lie alike after loading."""
    machine = Machine("cpu", "fp32", channels_last)
    generator = torch.Generator().manual_seed(0)
    batch = machine.place(torch.randn(16, 3, 8, 8, generator=generator)), torch.randn(16, generator=generator)

    def steps(task, stepper, count):
        for _ in range(count):
            stepper.begin(0.5)
            task.step(batch, stepper)

    def made(seed):
        task = Pictures(machine, seed)
        return task, Stepper(task, {"model": make_optimizer(task.parts["model"], Optim(name, 0.01))}, machine)

    straight, stepper = made(0)
    steps(straight, stepper, 5)
    run = RunFolder.create("t", root=tmp_path)
    stepper.save(run, {"step": 5}, best=False)
    resumed, other = made(1)
    other.load(run)
    steps(straight, stepper, 5)
    steps(resumed, other, 5)
    kept = straight.parts["model"].state_dict()
    for key, value in resumed.parts["model"].state_dict().items():
        assert torch.equal(value, kept[key]), key


def test_accumulation_equals_the_large_batch(tmp_path):
    """Without batch statistics and dropout the gradients are sums of the same terms: equal to rounding."""
    ends = []
    for accumulate in (1, 4, 5):  # 5 does not divide 32: the last piece is smaller and weighs less
        torch.manual_seed(0)
        task = Regression()
        task.parts = {"model": torch.nn.Linear(4, 1)}
        torch.nn.init.ones_(task.parts["model"].weight)
        torch.nn.init.zeros_(task.parts["model"].bias)
        trained(None, 20, task, how=Stepping(accumulate=accumulate))
        ends.append(task.parts["model"].weight.detach().clone())
    torch.testing.assert_close(ends[1], ends[0], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(ends[2], ends[0], rtol=1e-5, atol=1e-6)


def test_a_nan_loss_stops_with_step_and_rate_and_keeps_the_last_good_checkpoint(tmp_path):
    run = RunFolder.create("t", root=tmp_path)
    with pytest.raises(WorkFailed, match=r"loss is nan at step 18 with learning rate") as caught:
        trained(run, 50, batches=Noise(bad_at=17))
    assert "learning_rate=" in str(caught.value)
    tensors, state = run.checkpoints.load("last")
    assert state["step"] == 17
    assert all(value.isfinite().all() for value in tensors["model"].values())


def test_early_stopping_waits_for_patience_and_the_best_is_kept(tmp_path):
    run = RunFolder.create("t", root=tmp_path)
    plan = Plan(1000, evaluate_every=10, monitor="val_loss", patience=3)

    class Worse(Regression):
        count = 0

        def evaluate(self, batches):
            self.count += 1
            return {"val_loss": abs(self.count - 4.0)}  # best at the fourth evaluation

    at, _ = trained(run, 1000, Worse(), plan=plan)
    assert at.step == 70
    assert "3 evaluations" in at.stopped
    assert run.checkpoints.find("best").name == "step-00000040"


def test_the_last_epoch_may_be_cut_and_every_step_is_logged_once(tmp_path):
    run = RunFolder.create("t", root=tmp_path)
    trained(run, 37)
    assert [step for step, _ in losses(run)] == list(range(1, 38))


@pytest.mark.long
def test_a_killed_process_loses_only_the_steps_since_its_checkpoint(tmp_path):
    """kill -9 in the middle of training, then go on: the curve equals the one that was never killed."""
    script = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_loop import *
trained(RunFolder(Path({str(tmp_path / "killed")!r})), 150)
"""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    (tmp_path / "killed").mkdir()
    process = subprocess.Popen([sys.executable, "-c", script], env=environment)
    metrics = tmp_path / "killed" / "metrics.jsonl"
    deadline = time.monotonic() + 60
    while not (metrics.exists() and metrics.read_text().count("\n") > 30) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    killed = RunFolder(tmp_path / "killed")
    reached = max(step for step, _ in losses(killed))
    assert 20 < reached < 150
    trained(killed, 150, progress=True)
    whole = RunFolder.create("t", root=tmp_path)
    trained(whole, 150)
    assert losses(killed) == losses(whole)


def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path):
    run = RunFolder.create("t", root=tmp_path)
    task = Regression()

    def press(line):
        if line["step"] == 5:
            os.kill(os.getpid(), signal.SIGINT)

    plan = Plan(50, save_every=1e9)
    with pytest.raises(WorkFailed, match=r"step 5 of 50.*--resume"):
        fit(task, Noise(), None, stepper_for(task), plan, run, [press])
    assert run.checkpoints.load("last")[1]["step"] == 5


def test_a_young_run_is_saved_more_often(tmp_path, monkeypatch):
    """A step a second: a run that is killed has lost at most half of itself, or what save_every says."""
    run, task, clock, saved = RunFolder.create("t", root=tmp_path), Regression(), [0.0], []
    monkeypatch.setattr("gradschool.engine.loop.time.monotonic", lambda: clock[0])
    stepper = stepper_for(task)
    step, save = task.step, stepper.save
    task.step = lambda batch, update: (clock.__setitem__(0, clock[0] + 1), step(batch, update))[1]
    monkeypatch.setattr(
        stepper, "save", lambda run, at, best: (saved.append(at["step"]), save(run, at, best))
    )
    fit(task, Noise(), None, stepper, Plan(200, save_every=60.0), run)
    assert saved == [5, 10, 20, 40, 80, 140, 200]


def test_out_of_memory_names_the_batch_that_would_fit(tmp_path):
    class Hungry(Regression):
        def loss(self, batch):
            if len(batch[0]) > 9:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().loss(batch)

    with pytest.raises(WorkFailed, match=r"32 examples .* 8 would. Use --set accumulate=4 .* batch_size=8"):
        trained(None, 3, Hungry())


def test_a_checkpoint_of_another_architecture_is_refused(tmp_path):
    run = RunFolder.create("t", root=tmp_path)
    trained(run, 5)
    other = Regression()
    other.parts = {"model": torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Linear(8, 1))}
    with pytest.raises(UserError, match="architecture"):
        trained(run, 5, other, progress=True)


def test_metrics_survive_a_line_cut_off_by_a_crash(tmp_path):
    run = RunFolder.create("t", root=tmp_path)
    run.log({"step": 1, "loss": 0.5})
    run.close()
    with (run.path / "metrics.jsonl").open("a") as handle:
        handle.write('{"step": 2, "lo')
    assert [json.dumps(line) for line in run.metrics()] == ['{"step": 1, "loss": 0.5}']
    run.forget_after(1)
    assert (run.path / "metrics.jsonl").read_text() == '{"step": 1, "loss": 0.5}\n'
