"""A vision transformer, convolutions, and both in one network, at equal parameters and equal minutes.

Usage: python -m bench.image_transformers [--seeds 3] [--recipes cifar10_vit ...] [--set minutes=15]. Recipes
of CIFAR-10 and of the 20 animals; a row has the accuracy on the test part for every seed, their mean and its
95 % interval (Student's t over seeds), parameters and seconds. Goes on where it was interrupted; writes
results/image_transformers.json.
"""

import json
import statistics
from pathlib import Path
from typing import Any

from bench import seeded
from gradschool.engine.run import RunFolder
from gradschool.runs.settings import to_dict

RECIPES = tuple(
    f"{data}_{net}" for data in ("cifar10", "natural_animals") for net in ("vit", "coatnet", "cnn")
)


def row(recipe: str, run: Any, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """What the seeds of a recipe gave."""
    accuracies = [each["test_accuracy"] for each in runs]
    facts = RunFolder.open(Path("runs", "accuracy", f"{recipe}-{runs[0]['seed']}")).read("model.json")
    return {
        "recipe": recipe, "n": len(runs), "seeds": [each["seed"] for each in runs], "accuracies": accuracies,
        "mean": statistics.mean(accuracies), "median": statistics.median(accuracies),
        "interval": seeded.interval(accuracies),
        "seconds": statistics.median(each["seconds"] for each in runs), "parameters": facts["parameters"],
        "settings": to_dict(run),
    }  # fmt: skip


def main() -> None:
    """Train what is asked for and write the file."""
    args = seeded.options(__doc__, RECIPES)
    result = seeded.before("image_transformers", {"rows": {}})
    for told in seeded.over_seeds("image_transformers", args, result, "rows", row):
        print(json.dumps({key: told[key] for key in ("recipe", "mean", "interval", "parameters", "seconds")}))


if __name__ == "__main__":
    main()
