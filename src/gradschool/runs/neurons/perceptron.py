"""The oldest learner of all, from the scratch library: a line between two clouds of points, in NumPy.

Source: Rosenblatt 1958. It trains itself, without the engine, so that the very first function that a learner
writes (the perceptron's update) runs for real.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from gradschool.engine.run import RunFolder
from gradschool.evals.metric import ACCURACY, Metric
from gradschool.evals.report import numbers
from gradschool.evals.report.material import Facts
from gradschool.evals.report.page import write_report
from gradschool.phrases import called, command
from gradschool.runs.request import Request, Say
from gradschool.runs.small import SmallRun
from gradschool.scratch.neurons import perceptron as library

LOOKS = 20  # at new points, in each pass


@dataclass(frozen=True)
class PerceptronRun(SmallRun):
    """Settings of the perceptron's run."""

    kind: ClassVar[str] = "perceptron"
    title: ClassVar[str] = "a perceptron"
    metrics: ClassVar[tuple[Metric, ...]] = (ACCURACY, Metric("mistakes", "mistakes on the way", better=""))

    points: Annotated[int, Field(ge=2)] = 200
    """In each of training and test part."""
    gap: Annotated[float, Field(ge=0)] = 0.1
    """Between the classes, in units of the clouds' spread."""
    epochs: Annotated[int, Field(ge=1)] = 3
    """Passes over the training points."""
    learning_rate: Annotated[float, Field(gt=0)] = 1.0
    """Step size, > 0."""
    data: str = "two clouds"
    """Points are drawn, nothing is read."""

    def train(self, request: Request, say: Say) -> RunFolder:
        """Show every point in turn, again and again; after each pass look at points not seen before.

        Args:
            request: as of every run: seed, place, whose functions.
            say: told what a person should read.
        """
        folder, started = self.begin(request), time.monotonic()
        say(f"perceptron · {self.points} points, 2 classes · {self.epochs} passes · seed {request.seed}")
        # 1. Three parts with one line between their classes.
        random = np.random.default_rng(request.seed)
        line = random.normal(size=3)
        (x, y), (x_test, y_test), (x_val, y_val) = (self.draw(random, line) for _ in range(3))
        # 2. Point after point, from nothing; a look at points not seen before every now and then.
        w, mistakes, every = np.zeros(3), 0, max(1, len(x) // LOOKS)
        for n in range(1, self.epochs * len(x) + 1):
            before, i = w, (n - 1) % len(x)
            w = np.asarray(library.update(w, x[i], int(y[i]), self.learning_rate))
            mistakes += not np.array_equal(before, w)
            if n % every == 0:
                right = float((library.predict(w, x_test) == y_test).mean())
                folder.log({"step": n, "epoch": n / len(x), "mistakes": mistakes, "test_accuracy": right})
        # 3. What was reached.
        chosen_by = float((library.predict(w, x_val) == y_val).mean())
        reached = {"test_accuracy": right, "val_accuracy": chosen_by, "train_mistakes": float(mistakes)}
        self.end(folder, reached, len(x_test), time.monotonic() - started)
        return folder

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """Accuracy at new points, and mistakes on the way."""
        m = result["metrics"]
        return (
            f" accuracy {curve}{100 * m['test_accuracy']:.1f} % of {result['tested']} new points, "
            f"{m['train_mistakes']:.0f} mistakes on the way"
        )

    def next_step(self, folder: RunFolder) -> str:
        """The course."""
        return f"{command('check')}, or see the course: {called()}"

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Its curves, and a race where there was one; it has no pictures to show."""
        if ood:
            self.refuse_second(ood)
        return write_report(folder.path, Facts(unit="points"), [numbers.training, numbers.settings])

    def draw(self, random: np.random.Generator, line: Any) -> tuple[Any, Any]:
        """Points on both sides of a line, none of them in the gap."""
        x = random.normal(size=(20 * self.points, 2))
        distance = (x @ line[1:] + line[0]) / np.linalg.norm(line[1:])
        clear = np.flatnonzero(abs(distance) > self.gap / 2)[: self.points]
        return x[clear], (distance[clear] > 0).astype(int)
