"""The race: a learner's training curve beside those of the reference over several seeds.

One run is inside the band if its mean height and its end are what one more reference run would give: both
within the two-sided 99 % prediction interval of Student's t over the seeds. A share of right answers may be
better than that; a loss may not, for the learner's own function may be what measures it.
"""

import hashlib
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gradschool.classroom.author.evidence import machine
from gradschool.errors import UserError
from gradschool.recipes import find
from gradschool.runs.request import Request, silent
from gradschool.runs.settings import to_dict
from gradschool.runs.train import train

BANDS = Path(__file__).parent / "bands"
LEVEL = 0.99
SEEDS = 8
HEIGHT, WIDTH = 8, 60


@dataclass(frozen=True)
class Band:
    """Curves of the reference.

    Args:
        recipe: that was trained.
        settings: a hash of its settings; other settings have other curves.
        metric: e.g. test_accuracy, or test_loss.
        across: where it was evaluated, in epochs, or in steps of a run that has no epochs.
        curves: one a seed, (seeds, evaluations).
        resolution: the smallest step of the metric, 1 / test images of a share; 0 of a loss.
        machine: where it was measured.
        unit: of the metric; "share" for numbers from 0 to 1.
        better: which way of the metric is better.
        along: "epochs" or "steps".
    """

    recipe: str
    settings: str
    metric: str
    across: list[float]
    curves: list[list[float]]
    resolution: float
    machine: dict[str, str]
    unit: str
    better: str
    along: str = "epochs"

    @property
    def has_an_outside(self) -> bool:
        """Whether a run that gets nothing right is outside: it is not where some seeds fail themselves."""
        return self.unit != "share" or not race([0.0] * len(self.across), self).inside

    @property
    def more_is_better(self) -> bool:
        """Whether a run may be above the band: a loss that is too low may be measured wrongly."""
        return self.better == "higher"

    def spelt(self, value: float) -> str:
        """A value of the metric for people."""
        return f"{100 * value:.1f} %" if self.unit == "share" else f"{value:#.4g}".rstrip(".")


@dataclass(frozen=True)
class Verdict:
    """Where a curve is (inside, below or above the band), and why, in a sentence."""

    where: str
    said: str

    @property
    def inside(self) -> bool:
        """Whether it is inside the band."""
        return self.where == "inside"


def race(curve: Sequence[float], band: Band) -> Verdict:
    """Compare a curve with the band.

    Args:
        curve: the metric at each of the band's evaluations.

    Raises:
        ValueError: it has another number of points.
    """
    if len(curve) != len(band.across):
        raise ValueError(f"{len(curve)} evaluations, the band has {len(band.across)}: train all epochs")
    reference, mine = np.array(band.curves), np.array(curve)
    parts = {
        "on average": (reference.mean(1), mine.mean()),
        "at the end": (reference[:, -1], mine[-1]),
    }
    told, sides = [], set()
    for name, (values, value) in parts.items():
        low, high = prediction(values, band.resolution)
        wanted = (
            f"at least {band.spelt(low)}"
            if band.more_is_better
            else f"{band.spelt(low)} to {band.spelt(high)}"
        )
        told.append(f"{name} {band.spelt(value)}, {wanted} is expected of one more seed")
        sides |= (
            {"below"} if value < low else {"above"} if value > high and not band.more_is_better else set()
        )
    return Verdict(min(sides, default="inside"), "; ".join(told))


def prediction(values: Any, resolution: float) -> tuple[float, float]:
    """The interval in which one more value lies; Student's t, n - 1 degrees of freedom."""
    from scipy.stats import t

    n = len(values)
    spread = np.sqrt(values.var(ddof=1) + resolution**2)
    half = t.ppf((1 + LEVEL) / 2, n - 1) * spread * np.sqrt(1 + 1 / n)
    return float(values.mean() - half), float(values.mean() + half)


def curve_of(folder: Any, metric: str) -> tuple[list[float], list[float]]:
    """Epochs (steps, where there are none) and values of a metric in a run folder."""
    lines = [line for line in folder.metrics() if metric in line]
    return [line.get("epoch", line.get("step")) for line in lines], [line[metric] for line in lines]


def metric_of(folder: Any, score: str) -> str:
    """The score's name in the lines of a run: of the validation part, of the test part without one."""
    names = {name for line in folder.metrics() for name in line}
    return f"val_{score}" if f"val_{score}" in names else f"test_{score}"


def draw(curve: Sequence[float], band: Band) -> list[str]:
    """The band in grey blocks and the curve as dots over it, as lines of text."""
    reference, mine = np.array(band.curves), np.array(curve)
    columns = np.linspace(0, len(mine) - 1, min(WIDTH, 2 * len(mine))).round().astype(int)
    # 1. From the lowest to the highest; the early climb or fall is cut where it would flatten the rest.
    top, bottom = max(reference.max(), mine.max()), min(reference.min(), mine.min())
    if band.more_is_better:
        bottom = min(np.median(reference[:, 0]), np.quantile(mine, 0.1))
    else:
        top = max(np.median(reference[:, 0]), np.quantile(mine, 0.9))
    heights = np.array([reference.min(0), reference.max(0), mine])
    scaled = (heights - bottom) / max(top - bottom, 1e-9) * (HEIGHT - 1)
    low, high, dots = np.clip(scaled.round(), 0, HEIGHT - 1)
    # 2. Row by row from the top.
    lines = []
    for row in range(HEIGHT - 1, -1, -1):
        signs = ["●" if dots[c] == row else "░" if low[c] <= row <= high[c] else " " for c in columns]
        label = band.spelt(bottom + (top - bottom) * row / (HEIGHT - 1))
        lines.append(f" {label:>7} │{''.join(signs)}")
    legend = f"░ reference, {len(reference)} seeds   ● yours   {band.across[-1]:g} {band.along}"
    return [*lines, f" {'':7} └{'─' * len(columns)}", f" {'':9}{legend}"]


def smallest_step(curves: Sequence[Sequence[float]]) -> float:
    """The least distance of two different values: a share of few strings has large steps; 0 of one value."""
    steps = np.diff(np.unique(np.array(curves).round(9)))
    return float(steps.min()) if len(steps) else 0.0


def fingerprint(settings: dict[str, Any]) -> str:
    """A hash of a recipe's settings."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:16]


def find_band(recipe: str, settings: dict[str, Any]) -> Band | None:
    """The band of a recipe with these settings, if it was measured."""
    file = BANDS / f"{recipe.replace('-', '_')}.json"
    if not file.is_file():
        return None
    band = Band(**json.loads(file.read_text(encoding="utf-8")))
    return band if band.settings == fingerprint(settings) else None


def measure(recipe: str, seeds: int = SEEDS) -> Path:
    """Train the reference over several seeds and keep its curves.

    Raises:
        UserError: too few seeds, or seeds so far apart that every curve would be inside.
    """
    if seeds < 5:
        raise UserError(f"{seeds} seeds", "5 or more", "")
    # 1. The same training as anybody's, for each seed.
    settings = find(recipe)()
    score = settings.metrics[0]
    metric, along, curves, across, tested = "", "epochs", [], [0.0], 1
    with tempfile.TemporaryDirectory() as scrap:
        for seed in range(100, 100 + seeds):
            folder = train(settings, Request(recipe, seed, out=Path(scrap) / str(seed)), silent)
            metric = metric_of(folder, score.name)
            across, curve = curve_of(folder, metric)
            along = "epochs" if any("epoch" in line for line in folder.metrics()) else "steps"
            tested = folder.read("result.json")["tested"]
            curves.append(curve)
    # 2. With all that a reader needs.
    step = max(1 / tested, smallest_step(curves)) if score.unit == "share" else 0.0
    known = fingerprint(to_dict(settings))
    band = Band(recipe, known, metric, across, curves, step, machine(), score.unit, score.better, along)
    if not band.has_an_outside:
        ends = f"{band.spelt(min(c[-1] for c in curves))} to {band.spelt(max(c[-1] for c in curves))}"
        came = f"the seeds of {recipe} end at {ends}, so that every curve would be inside their band"
        raise UserError(came, "seeds that end nearly alike", "Train longer, or race another recipe.")
    file = BANDS / f"{recipe}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(asdict(band)) + "\n", encoding="utf-8")
    return file


if __name__ == "__main__":
    print(measure(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else SEEDS))
