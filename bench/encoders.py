"""A published sentence encoder on reviews, frozen and fine-tuned, beside models that count words.

Usage: python -m bench.encoders [--seeds 3] [--recipes imdb_minilm_frozen ...] [--set KEY=VALUE]. The counting
rows come first: those of bench.reviews, on all texts that are not of the test part. A row has test accuracy
and seconds of every seed; the first seed of a frozen recipe reads all texts with the encoder, those that
follow find what it made of them in the cache. Goes on where it was interrupted; writes results/encoders.json.
"""

import json
import statistics
from typing import Any

from bench import seeded
from bench.reviews import counting
from gradschool.recipes import find
from gradschool.runs.settings import to_dict

RECIPES = ("sst2_minilm_frozen", "imdb_minilm_frozen", "sst2_minilm", "imdb_minilm")


def main() -> None:
    """Train what is asked for and write the file."""
    args = seeded.options(__doc__, RECIPES)
    # 1. The counting rows of the sets that are asked for, anew.
    result = seeded.before("encoders", {"counting": [], "networks": {}})
    names = dict.fromkeys(find(recipe)().data for recipe in args.recipes)
    kept = [each for each in result["counting"] if each["set"] not in names]
    result["counting"] = kept + [each for name in names for each in counting(name)]

    def row(recipe: str, run: Any, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """What the seeds of a recipe gave, and whether their median is above the best counting row."""
        accuracies = [each["test_accuracy"] for each in runs]
        best = max(each["accuracy"] for each in result["counting"] if each["set"] == run.data)
        middle = statistics.median(accuracies)
        return {
            "n": len(runs), "median": middle, "min": min(accuracies), "max": max(accuracies),
            "interval": seeded.interval(accuracies), "beats_counting": middle > best, "runs": runs,
            "settings": to_dict(run),
        }  # fmt: skip

    # 2. The networks.
    for told in seeded.over_seeds("encoders", args, result, "networks", row):
        print(json.dumps({key: told[key] for key in ("recipe", "median", "min", "max")}))


if __name__ == "__main__":
    main()
