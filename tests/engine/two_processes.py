"""What the distributed tests start under torchrun: train, save, and leave the losses in a file."""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import torch
from torch import nn
from toys import CPU, Noise, Regression, held_out, stepper_for

from gradschool.engine.loop import Plan, Progress, fit
from gradschool.engine.optim import Optim, make_optimizer
from gradschool.engine.run import RunFolder
from gradschool.engine.schedule import Schedule
from gradschool.engine.shard import shard
from gradschool.engine.update import Stepper, Stepping


class Smooth(Regression):
    """No dropout and no batch statistics: the mean over two halves is the mean over the batch."""

    def __init__(self):
        torch.manual_seed(0)
        self.parts = {"model": nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))}


class Remembering(Smooth):
    """Each row sees a fading sum of what came before it: a state that is carried from step to step."""

    def __init__(self):
        super().__init__()
        self.carried = {}

    def step(self, batch, update):
        x, y = batch
        self.carried = {"sum": 0.9 * self.carried.get("sum", torch.zeros_like(x)) + x}
        return update("model", (x + self.carried["sum"], y), self.loss)


class Halves(Noise):
    """Each process takes its rows of every batch, one after the other."""

    def epoch(self, number, start=0):
        rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
        for x, y in super().epoch(number, start):
            yield x.chunk(world)[rank], y.chunk(world)[rank]


class Share(Noise):
    """Each process takes its part of every batch."""

    def epoch(self, number, start=0):
        rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
        for x, y in super().epoch(number, start):
            yield x[rank::world], y[rank::world]


def trained(folder: Path, steps: int, sharded: bool = False, go_on: bool = False, accumulate: int = 1):
    """Train; with `go_on` from the checkpoint in the folder."""
    task, how = Smooth(), Stepping(Schedule("cosine"), accumulate, clip=1.0, ema=0.9)
    if sharded:
        shard(task.parts["model"], "cpu")
        optimizer = make_optimizer(task.parts["model"], Optim("adamw", 0.01))
        stepper = Stepper(task, {"model": optimizer}, CPU, how)
    else:
        stepper = stepper_for(task, how)
    run, at = RunFolder(folder, writes=stepper.rank == 0), Progress()
    folder.mkdir(parents=True, exist_ok=True)
    if go_on:
        state = stepper.load(run)
        at = Progress(**{name: state[name] for name in Progress.__annotations__})
    plan = Plan(steps, evaluate_every=0 if sharded else 10, save_every=1e9)
    fit(task, Share(), held_out, stepper, plan, run, progress=at)
    run.close()
    return stepper


def remembered(folder: Path, steps: int, go_on: bool = False) -> Stepper:
    """Train what carries a state; with `go_on` from the checkpoint in the folder."""
    task = Remembering()
    stepper = stepper_for(task, Stepping(Schedule("constant")))
    folder.mkdir(parents=True, exist_ok=True)
    run, at = RunFolder(folder, writes=stepper.rank == 0), Progress()
    if go_on:
        state = stepper.load(run)
        at = Progress(**{name: state[name] for name in Progress.__annotations__})
    fit(task, Halves(), None, stepper, Plan(steps, save_every=1e9), run, progress=at)
    run.close()
    return stepper


if __name__ == "__main__":
    place = Path(sys.argv[1])
    trained(place / "ddp", 30)
    trained(place / "ddp-accumulated", 30, accumulate=2)
    remembered(place / "carried", 15)
    remembered(place / "carried", 30, go_on=True)
    stepper = trained(place / "sharded", 30, sharded=True)
    sizes = [p.to_local().numel() for p in stepper.modules["model"].parameters()]
    (place / f"rank{stepper.rank}.json").write_text(json.dumps({"kept": sum(sizes)}))
    torch.distributed.destroy_process_group()
