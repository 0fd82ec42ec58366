"""What a run tells while it goes (a file of lines, a view for the terminal), and how it hears Ctrl-C."""

import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor

from gradschool.engine.run import RunFolder, is_main
from gradschool.engine.update import Stepper
from gradschool.errors import WorkFailed
from gradschool.parts import need

Hook = Callable[[dict[str, Any]], None]
Shown = Callable[[str, float], str]
PLAIN_EVERY, LIVE_EVERY = 10.0, 0.1  # seconds between two plain lines, two looks of the live bar
LAZY = 20  # on an accelerator, steps between two looks at the losses: each look waits for the device


class Journal:
    """Collects lines, reads their losses off the device now and then, and hands them to file and hooks."""

    def __init__(self, run: RunFolder | None, hooks: Sequence[Hook], stepper: Stepper) -> None:
        self.run, self.hooks, self.stepper = run, hooks, stepper
        self.every = 1 if stepper.machine.device == "cpu" else LAZY
        self.waiting: list[tuple[dict[str, Any], Mapping[str, Tensor]]] = []

    def note(self, line: dict[str, Any], losses: Mapping[str, Tensor]) -> None:
        """Take a line; its losses are still on the device."""
        self.waiting.append((line, losses))
        if len(self.waiting) >= self.every:
            self.flush()

    def flush(self) -> None:
        """Write all lines that wait.

        Raises:
            WorkFailed: a value is NaN or infinite.
        """
        waiting, self.waiting = self.waiting, []
        for line, losses in waiting:
            means = self.stepper.accelerator.reduce(dict(losses), "mean") if losses else {}
            whole = line | {name: value.item() for name, value in means.items()}
            refuse_nonsense(whole, self.stepper.rate)
            if self.run:
                self.run.log(whole)
            for hook in self.hooks:
                hook(whole)


def refuse_nonsense(line: Mapping[str, Any], rate: float) -> None:
    """End the run when a value is NaN or infinite, saying where, at which rate, and what to try."""
    bad = next((name for name, value in line.items() if not math.isfinite(value)), None)
    if bad is None:
        return
    raise WorkFailed(
        f"{bad} is {line[bad]} at step {line['step']} with learning rate {rate:.3g}",
        "a finite number",
        f"Try --set learning_rate={rate / 10:.2g}, --set clip=1 or --set precision=fp32; "
        "a checkpoint from before it stays.",
    )  # fmt: skip


def plainly(name: str, value: float) -> str:
    """A score as a few signs."""
    return f"{name.replace('_', ' ')} {value:.3f}"


class View:
    """The terminal: a live bar with rate, time left, loss and score, or plain lines when nobody watches.

    Args:
        steps: of the whole run.
        per_epoch: steps in an epoch.
        batch_size: examples a step, for the rate.
        unit: what an example is called, e.g. "images".
        shown: a score's name and value as a few signs.
        budget: seconds after which the run ends, if it has not taken all steps by then.
    """

    def __init__(
        self, steps: int, per_epoch: int, batch_size: int, unit: str = "examples", shown: Shown = plainly,
        budget: float | None = None,
    ) -> None:  # fmt: skip
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self.console = Console(stderr=True)
        self.shown, self.budget = shown, budget
        self.steps, self.per_epoch, self.batch_size, self.unit = steps, per_epoch, batch_size, unit
        self.scores, self.spoken = "", time.monotonic()
        self.losses, self.rate = "", 0.0
        self.first: tuple[int, float] | None = None
        self.waiting: tuple[int, float, float] | None = None  # step, epoch, seconds not shown yet
        self.bar = None
        if self.console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(20),
                TaskProgressColumn(),
                TextColumn("{task.fields[told]}"),
            )
            left = TimeRemainingColumn(elapsed_when_finished=True)
            self.bar = Progress(*columns, left, console=self.console)
            self.task = self.bar.add_task("", total=steps, told="")
            self.bar.start()

    def __call__(self, line: dict[str, Any]) -> None:
        """Show one line of the journal."""
        scored = "loss" not in line and "lr" not in line
        if scored:
            self.scores = "  ".join(self.shown(k, v) for k, v in main_scores(line).items())
        else:
            self.first = self.first or (line["step"], line["seconds"])
            self.losses = "  ".join(f"{name} {value:.3f}" for name, value in main_losses(line).items())
            steps, seconds = line["step"] - self.first[0], line["seconds"] - self.first[1]
            self.rate = steps * self.batch_size / seconds if seconds > 0 else 0.0
        self.waiting = line["step"], line["epoch"], line["seconds"]
        often = LIVE_EVERY if self.bar else PLAIN_EVERY
        if (scored and self.bar) or time.monotonic() - self.spoken > often:
            self.show()

    def show(self) -> None:
        """Draw the bar anew, or print a plain line."""
        if self.waiting is None:
            return
        (step, epoch, seconds), self.waiting = self.waiting, None
        epochs = math.ceil(self.steps / self.per_epoch)
        head, reached = f" epoch {min(math.ceil(epoch), epochs)}/{epochs}", f"step {step}/{self.steps}"
        if self.budget:
            head, reached = f" epoch {math.ceil(epoch)}", f"step {step}, {seconds:.0f}/{self.budget:.0f} s"
        told = f"{self.losses}  {self.scores}  {self.rate:,.0f} {self.unit}/s"
        if self.bar is not None:
            spent = self.steps * seconds / self.budget if self.budget else 0
            self.bar.update(self.task, completed=max(step, spent), description=head, told=told)
        else:
            print(f"{head}  {reached}  {told}", file=sys.stderr, flush=True)
        self.spoken = time.monotonic()

    def close(self) -> None:
        """Show what has not been shown yet, and leave the terminal as it was."""
        self.show()
        if self.bar is not None:
            self.bar.stop()


def main_scores(line: Mapping[str, Any]) -> dict[str, Any]:
    """What a line says of held-out data, in short: its losses only where there is nothing else."""
    scores = {k: v for k, v in line.items() if k not in ("step", "epoch", "seconds")}
    return {k: v for k, v in scores.items() if not k.endswith("loss")} or scores


def main_losses(line: Mapping[str, Any]) -> dict[str, float]:
    """What a training line says in short: its loss, or the first two numbers of a game that has several."""
    losses = {k: v for k, v in line.items() if k not in ("step", "epoch", "lr", "seconds")}
    loss = next((v for k, v in losses.items() if k.endswith("loss")), None)
    return dict(list(losses.items())[:2]) if loss is None else {"loss": loss}


@contextmanager
def patiently(doing: str) -> Iterator[None]:
    """Say what is being done, and since when, as often as a run says its steps: no screen stays blank."""
    if not is_main():
        yield
        return
    done, start = threading.Event(), time.monotonic()

    def speak() -> None:
        while not done.wait(PLAIN_EVERY):
            print(f" still {doing}, {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)

    speaker = threading.Thread(target=speak, daemon=True)
    speaker.start()
    try:
        yield
    finally:
        done.set()
        speaker.join()


class TensorBoard:
    """A hook that writes TensorBoard events beside the metrics file.

    Raises:
        UserError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        need("tensorboard", "practice", "tensorboard=true")
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(folder / "tensorboard"))

    def __call__(self, line: dict[str, Any]) -> None:
        """Write every number of a line."""
        for name, value in line.items():
            if name not in ("step", "epoch", "seconds"):
                self.writer.add_scalar(name, value, line["step"])


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C (or a scheduler's SIGTERM) into a flag that the loop reads between two steps."""
    flag = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return

    def ask(signum: int, frame: object) -> None:
        if flag.is_set():
            raise KeyboardInterrupt
        flag.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield flag
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
