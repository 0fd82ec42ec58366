"""One process in float32 takes the steps that Accelerate would take, bit for bit."""

import inspect

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from toys import CPU, Regression, stepper_for

from gradschool.engine import update as engine
from gradschool.engine.alone import Alone
from gradschool.engine.device import Machine, accelerator
from gradschool.engine.update import Stepping


def stepped(how):
    """Weights after five clipped steps."""
    task = Regression()
    stepper = stepper_for(task, how)
    for _ in range(5):
        task.step((torch.randn(8, 4), torch.randn(8)), stepper)
    return [parameter.detach().clone() for parameter in task.parts["model"].parameters()]


@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_same_steps_as_by_accelerate(monkeypatch, accumulate):
    how = Stepping(accumulate=accumulate, clip=0.5)
    alone = stepped(how)
    AcceleratorState._reset_state()  # an earlier test of this process may have had another precision
    monkeypatch.setattr(engine, "accelerator", lambda machine: Accelerator(cpu=True, mixed_precision="no"))
    for ours, theirs in zip(alone, stepped(how), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_who_is_alone(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert isinstance(accelerator(CPU), Alone)
    assert isinstance(accelerator(Machine("cpu", "bf16", False)), Accelerator)


@pytest.mark.parametrize("name", [name for name in vars(Alone) if not name.startswith("__")])
def test_names_are_those_of_accelerate(name):
    assert hasattr(Accelerator, name) or name == "scaler"
    if inspect.isfunction(getattr(Alone, name)):
        assert inspect.getdoc(getattr(Alone, name))
