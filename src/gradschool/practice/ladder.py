"""The coursework's question as an experiment: a baseline that over-fits, then each change alone (an
ablation), then all of them.

Every rung differs from the baseline in one thing only (AdamW is Adam that decays weights), so that its effect
can be read off; the last is `natural_animals`, which combines most of them in a network made for it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev

from gradschool.data.augment.pipeline import Augment
from gradschool.models.vision.quicknet import quicknet
from gradschool.recipes import ask
from gradschool.recipes.vision.natural_animals import natural_animals
from gradschool.recipes.vision.natural_animals_baseline import natural_animals_baseline
from gradschool.runs.classification.image import ImageRun
from gradschool.runs.request import silent
from gradschool.runs.train import train


@dataclass(frozen=True)
class Rung:
    """One row of the table: accuracies over seeds, shares from 0 to 1."""

    name: str
    test: tuple[float, ...]
    train: tuple[float, ...]
    seconds: float

    @property
    def spread(self) -> float:
        """Standard deviation over seeds; 0 for one."""
        return stdev(self.test) if len(self.test) > 1 else 0.0

    @property
    def mean(self) -> float:
        """Mean test accuracy."""
        return mean(self.test)


def rungs(data: str | None = None) -> dict[str, ImageRun]:
    """Every rung's settings by name, in order."""
    start = natural_animals_baseline()
    found = {
        "baseline": start,
        "schedule": replace(start, schedule="one_cycle", warmup=0.2),
        "weight decay": replace(start, weight_decay=0.05, optimizer="adamw"),
        "augmentation": replace(start, augment=Augment(flip=True, crop_padding=6, edge="mirror")),
        "batch norm and depth": replace(start, model=quicknet),
        "label smoothing": replace(start, label_smoothing=0.1),
        "averaged weights": replace(start, ema=0.99),
        "flip at test": replace(start, flip_test=True),
        "all of them": natural_animals(),
    }
    return {name: replace(run, data=data) if data else run for name, run in found.items()}


def climb(
    runs: Mapping[str, ImageRun], seeds: int, out: Path, recipe: str = "natural_animals"
) -> Iterator[Rung]:
    """Train every rung with every seed; yields each row when it is done.

    Args:
        runs: settings by name.
        seeds: how many, from 0.
        out: folder for the runs.
        recipe: the recipe that the settings are of.
    """
    for name, run in runs.items():
        results = []
        for seed in range(seeds):
            place = out / f"{name.replace(' ', '-')}-{seed}"
            folder = train(run, ask(recipe, seed=seed, out=place), say=silent)
            results.append(folder.read("result.json"))
        yield Rung(
            name,
            tuple(r["metrics"]["test_accuracy"] for r in results),
            tuple(r["metrics"]["train_accuracy"] for r in results),
            mean(r["seconds"] for r in results),
        )
