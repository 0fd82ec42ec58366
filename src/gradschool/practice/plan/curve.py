"""What more data would bring: a power law through the errors of runs on parts of the training set."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from scipy.stats import t as student

from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.ops.practice.power_law import gain_of_more, power_law
from gradschool.runs.ensembles.folded import FoldedRun
from gradschool.runs.kind import Kind
from gradschool.runs.request import Request, Say
from gradschool.runs.settings import to_dict
from gradschool.runs.train import train

LEAST = 3  # runs, of which two fix the line and the rest say how sure it is


@dataclass(frozen=True)
class Curve:
    """A power law with what it predicts.

    Args:
        a: error with one example.
        b: exponent.
        low: lower end of the interval of b.
        high: upper end.
    """

    a: float
    b: float
    low: float
    high: float

    def error(self, n: float) -> float:
        """What it predicts for n examples."""
        return self.a * n**-self.b

    def gain(self, times: float = 2.0) -> tuple[float, float, float]:
        """The share of the error that goes away with so many times the data, and its interval."""
        found = [gain_of_more(b, times) for b in (self.b, self.low, self.high)]
        return found[0], found[1], found[2]


def fitted(n: Sequence[float], error: Sequence[float], level: float = 0.95) -> Curve:
    """Fit a power law to runs on several sizes of data; several seeds of a size may be among them.

    Args:
        n: training examples of each run.
        error: of each run, e.g. 1 - accuracy.
        level: of the interval, 0 to 1: Student's, of the slope of a line between logarithms.

    Raises:
        UserError: there are fewer than three runs or two sizes, or a number is not above 0.
    """
    if len(n) != len(error) or len(n) < LEAST or len(set(n)) < 2:
        what = f"{len(n)} runs of {len(set(n))} sizes and {len(error)} errors"
        raise UserError(what, f"{LEAST} runs or more, of two sizes or more", "Train on a half and a quarter.")
    if not all(0 < value < math.inf for value in (*n, *error)):
        raise UserError("a size or an error is not above 0", "numbers above 0", "Leave that run out.")
    sizes, errors = (torch.tensor(list(values), dtype=torch.float64) for values in (n, error))
    a, b = power_law(sizes, errors)
    # How far the points lie from the line says how sure its slope is.
    x, rest = sizes.log(), errors.log() - a.log() + b * sizes.log()
    spread = (rest.square().sum() / (len(n) - 2) / (x - x.mean()).square().sum()).sqrt()
    half = float(student.ppf((1 + level) / 2, len(n) - 2)) * float(spread)
    return Curve(float(a), float(b), float(b) - half, float(b) + half)


@dataclass(frozen=True)
class Point:
    """A run on a share of the data: training examples, and its error on the test part (1 - accuracy)."""

    share: float
    seed: int
    examples: int
    error: float


@dataclass(frozen=True)
class Learning:
    """Runs on several shares of the data, and what follows from them.

    Args:
        points: the runs.
        curve: through all of them.
        ahead: what the runs on less than all of the data say of the runs on all, predicted and measured
            error; None where they are too few.
    """

    points: Sequence[Point]
    curve: Curve
    ahead: tuple[float, float] | None

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        gain, low, high = self.curve.gain()
        whole = max(each.examples for each in self.points)
        return {
            "points": [vars(each) for each in self.points], "a": self.curve.a, "exponent": self.curve.b,
            "interval": [self.curve.low, self.curve.high], "gain_of_twice": gain,
            "gain_interval": [low, high], "error": self.curve.error(whole),
            "error_with_twice": self.curve.error(2 * whole),
            "ahead": self.ahead and {"predicted": self.ahead[0], "measured": self.ahead[1]},
        }  # fmt: skip


def measured(
    run: Kind, request: Request, shares: Sequence[float], seeds: int, root: Path, say: Say
) -> Learning:
    """Train on shares of the data, with as many steps on each, and fit the law.

    Args:
        run: settings.
        request: recipe, first seed, steps and device.
        shares: of the training part.
        seeds: runs for each share.
        root: where their folders are; a finished one of the same settings is not trained again.
        say: told what a person should read.

    Raises:
        UserError: the run learns no classes, or a run makes no mistake, so that there is no law.
    """
    if not isinstance(run, FoldedRun):
        what = f"{request.recipe} is {getattr(run, 'title', 'a run')}, which learns no classes"
        raise UserError(what, "a classifier, for a learning curve", "Leave --curve out.")
    split = request.seed if run.split_seed is None else run.split_seed
    points = []
    for share in sorted(shares, reverse=True):
        part = replace(run, train_share=share, split_seed=split)
        for seed in range(request.seed, request.seed + seeds):
            folder = finished(part, request, seed, root / f"{share:g}-{seed}", say)
            result = folder.read("result.json")
            count = folder.read("data.json")["parts"]["train"]["count"]
            points.append(Point(share, seed, count, 1 - result["metrics"]["test_accuracy"]))
            request = replace(request, steps=result["steps"])  # the largest share says how many
    points.sort(key=lambda each: (each.share, each.seed))
    # 1. The law through all, and the one that would have been known before the last share.
    curve, less = fit_of(points), [each for each in points if each.share < max(shares)]
    ahead = None
    if len(less) >= LEAST and len({each.examples for each in less}) > 1:
        last = [each for each in points if each.share == max(shares)]
        ahead = fit_of(less).error(last[0].examples), sum(each.error for each in last) / len(last)
    return Learning(points, curve, ahead)


def fit_of(points: Sequence[Point]) -> Curve:
    """The law through these runs.

    Raises:
        UserError: one of them makes no mistake.
    """
    perfect = next((each for each in points if each.error <= 0), None)
    if perfect is not None:
        what = f"the run on {perfect.examples:,} examples makes no mistake on the test part"
        raise UserError(what, "a test part that is large or hard enough", "More data cannot help here.")
    return fitted([each.examples for each in points], [each.error for each in points])


def finished(run: FoldedRun, request: Request, seed: int, place: Path, say: Say) -> RunFolder:
    """The run in this folder: found, if its settings are the same, else trained.

    Raises:
        UserError: the folder holds another run.
    """
    folder = RunFolder(place)
    config = folder.read("config.json")
    same = json.loads(json.dumps(to_dict(run)))
    if config and folder.read("result.json"):
        known = {name: config["settings"].get(name) for name in same if name not in run.places}
        if known == {name: value for name, value in same.items() if name not in run.places}:
            return folder
    if config:
        raise UserError(
            f"{place} holds another run", "an empty folder", "Move it away, or use another --out."
        )
    return train(run, replace(request, seed=seed, out=place), say)
