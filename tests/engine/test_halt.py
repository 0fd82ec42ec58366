"""A plan may be asked after every step whether the run should end: it ends whole, with its reason."""

import sys
from pathlib import Path

import pytest

from gradschool.engine.loop import Plan, fit
from gradschool.engine.run import RunFolder
from gradschool.engine.schedule import Schedule
from gradschool.engine.update import Stepping

sys.path.insert(0, str(Path(__file__).parent))
from toys import Noise, Regression, held_out, stepper_for


def halted(folder: RunFolder, at: int):
    """A run of 30 steps that is asked to end once so many lines have been seen."""
    seen = []
    task, asked = Regression(), []

    def halt() -> str:
        asked.append(len(seen))
        return "enough" if seen and seen[-1]["step"] >= at else ""

    plan = Plan(30, seed=1, evaluate_every=5, monitor="val_loss", halt=halt)
    progress = fit(
        task, Noise(), held_out, stepper_for(task, Stepping(Schedule())), plan, folder, [seen.append]
    )
    return progress, seen, asked


@pytest.mark.parametrize("at", [1, 7, 10, 29])
def test_a_run_ends_at_the_step_that_it_was_asked_to_end_at(tmp_path, at):
    folder = RunFolder.create("t", root=tmp_path)
    progress, seen, _ = halted(folder, at)
    assert progress.step == at and progress.stopped == "enough"
    assert seen[-1]["step"] == at
    assert folder.checkpoints.index()["all"][-1] == f"step-{at:08d}"  # what it ends with is saved


def test_the_last_step_is_nobodys_to_halt(tmp_path):
    progress, _, asked = halted(RunFolder.create("t", root=tmp_path), 30)
    assert progress.step == 30 and progress.stopped == ""
    assert len(asked) == 29
