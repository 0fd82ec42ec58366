"""Over-fit one small batch: a network that cannot is broken, whatever the data and the learning rate.

Source: Karpathy 2019, A Recipe for Training Neural Networks. Adam with its usual rate stands in for the run's
optimiser, so that a wrong rate is not taken for a broken network.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gradschool.engine.task import Batch, LossOf, Task
from gradschool.engine.update import Stepper
from gradschool.practice.diagnose.measures import median
from gradschool.tasks.classify import Classify
from gradschool.tasks.classify_sequences import ClassifySequences

ROWS = 16  # examples to learn by heart
STEPS, LEAST = 80, 30  # at each rate; and those without which nothing is said
SECONDS = 8.0  # at each rate
RATES = (1e-3, 1e-2)
KNOWN = 0.9  # share of the examples that have to be right
FALL = 0.05  # share by which the loss of other tasks has to fall


@dataclass(frozen=True)
class Memorised:
    """What became of it.

    Args:
        rows: examples.
        steps: taken.
        first: loss at the beginning.
        last: loss at the end.
        accuracy: share of the examples that are right in the end; None where there are no classes.
    """

    rows: int
    steps: int
    first: float
    last: float
    accuracy: float | None

    @property
    def is_done(self) -> bool:
        """Whether the batch was learnt by heart, or its loss fell where that cannot be said."""
        if self.accuracy is not None:
            return self.accuracy >= KNOWN
        return self.last < self.first - FALL * abs(self.first)

    @property
    def is_judged(self) -> bool:
        """Whether there was time for enough steps."""
        return self.is_done or self.steps >= LEAST


class Adam:
    """An `update` of Adam's at a constant rate, without clipping, averaging or accumulation."""

    def __init__(self, modules: Mapping[str, nn.Module], rate: float, stepper: Stepper) -> None:
        self.progress, self.rate, self.stepper = 0.5, rate, stepper
        self.optimizers = {
            name: torch.optim.Adam([p for p in module.parameters() if p.requires_grad], rate)
            for name, module in modules.items()
        }

    def __call__(self, part: str, batch: Batch, loss_of: LossOf) -> dict[str, Tensor]:
        """One step; as `engine.task.Update`."""
        with self.stepper.machine.autocast():
            losses = loss_of(batch)
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        self.optimizers[part].step()
        self.optimizers[part].zero_grad()
        return {name: value.detach() for name, value in losses.items()}


def memorise(task: Task, batch: Batch, stepper: Stepper) -> Memorised:
    """Learn a few examples by heart; the weights are as before when it is over.

    Args:
        task: of one part, whose losses are called "loss".
        batch: of training, on the device.
        stepper: of the run.
    """
    batch = few(batch)
    best: Memorised | None = None
    for rate in RATES:
        with as_before(stepper.modules):
            update = Adam(stepper.modules, rate, stepper)
            losses: list[float] = []
            accuracy, start = None, time.monotonic()
            for step in range(STEPS):
                torch.manual_seed(step)
                losses.append(float(task.step(batch, update)["loss"]))
                accuracy = accuracy_of(task, batch, stepper) if step % 10 == 9 else accuracy
                if (accuracy or 0.0) >= KNOWN or time.monotonic() - start > SECONDS:
                    break
        found = Memorised(len(batch[0]), len(losses), median(losses[:5]), median(losses[-10:]), accuracy)
        best = found if best is None or (found.is_done or found.last < best.last) else best
        if best.is_done:
            break
    assert best is not None, "there is a rate"
    return best


def few(batch: Batch) -> Batch:
    """The first examples of a batch, or all where its tensors do not count the same examples."""
    lengths = {len(value) for value in batch if value.dim()}
    return tuple(value[:ROWS] for value in batch) if len(lengths) == 1 else batch


def accuracy_of(task: Task, batch: Batch, stepper: Stepper) -> float | None:
    """The share of a batch that a classifier has right, training or tested, whichever is more."""
    if not isinstance(task, Classify | ClassifySequences):
        return None
    *x, y = batch
    wanted = y.argmax(1) if y.dim() == 2 else y
    model, found = task.parts["model"], []
    with torch.no_grad(), stepper.machine.autocast():
        for training in (False, True):
            model.train(training)
            found.append(float((model(*x).argmax(-1) == wanted).float().mean()))
    return max(found)


@contextmanager
def as_before(modules: Mapping[str, nn.Module]) -> Iterator[None]:
    """Inside, weights may change; afterwards they are what they were."""
    kept = {name: {k: v.clone() for k, v in module.state_dict().items()} for name, module in modules.items()}
    try:
        yield
    finally:
        for name, module in modules.items():
            module.load_state_dict(kept[name])
            module.train()
            module.zero_grad()
