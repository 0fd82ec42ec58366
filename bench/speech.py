"""Spoken digits on voices that were never heard: six recurrent networks beside classifiers without a network.

Usage: python -m bench.speech [three | ten | ten_mfcc | all] [EPOCHS]. Three folds each hold out two of six
speakers, so that every speaker is tested on once; fold i trains with seed i. Training is that of the recipes
`spoken_three`, `digits_spoken_gru` and `digits_spoken_mfcc`. The coursework of 2021 had other data, so its
numbers are no goal. A bench that is cut short goes on after its last training, unless settings have changed.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from bench import common
from gradschool.models import catalogue
from gradschool.recipes import find
from gradschool.runs.request import Request
from gradschool.runs.settings import to_dict
from gradschool.runs.train import train

FOLDS = (("george", "jackson"), ("lucas", "nicolas"), ("theo", "yweweler"))
NETWORKS = ("lstm_1", "bilstm_1", "gru_2", "bigru_2", "lstm_2", "bilstm_2", "time_conv")
RECIPES = {"three": "spoken_three", "ten": "digits_spoken_gru", "ten_mfcc": "digits_spoken_mfcc"}
COURSEWORK = {
    "lstm_1": 0.60,
    "bilstm_1": 0.76,
    "gru_2": 0.81,
    "bigru_2": 0.90,
    "lstm_2": 0.85,
    "bilstm_2": 0.89,
}


def one(recipe: str, network: str, fold: int, epochs: float | None) -> dict[str, Any]:
    """Train one network on one fold; accuracies, and processor seconds of all of it."""
    run = replace(find(recipe)(), model=catalogue.find(network, "bands"), tested=FOLDS[fold], evaluations=1)
    run = replace(run, epochs=epochs) if epochs else run
    start = time.process_time()
    with tempfile.TemporaryDirectory() as place:
        request = Request(recipe, seed=fold, device="cpu", out=Path(place) / "run")
        result = train(run, request, say=lambda text: None).read("result.json")
    return {
        **{name: result["metrics"][name] for name in ("test_accuracy", "train_accuracy")},
        "speakers": result["speakers"], "baselines": result["baselines"], "tested": result["tested"],
        "processor_seconds": time.process_time() - start,
    }  # fmt: skip


def row(name: str, values: list[float], **more: Any) -> dict[str, Any]:
    """Mean, median and ends over the folds."""
    return {
        "name": name, "mean": statistics.mean(values), "median": statistics.median(values),
        "min": min(values), "max": max(values), "folds": values, **more,
    }  # fmt: skip


def measure(words: str, epochs: float | None, trials: dict[str, Any], told: Any) -> list[dict[str, Any]]:
    """The baselines first, then every network; trainings that `trials` holds are not repeated.

    Args:
        words: a name of RECIPES.
        epochs: in place of the recipe's.
        trials: results by network and fold; new ones are added.
        told: called after every training.
    """
    rows: list[dict[str, Any]] = []
    for network in NETWORKS:
        own = trials.setdefault(network, {})
        for fold in map(str, range(len(FOLDS))):
            if fold not in own:
                own[fold] = one(RECIPES[words], network, int(fold), epochs)
                told()
                print(words, network, fold, f"{own[fold]['test_accuracy']:.3f}", flush=True)
        found = [own[str(fold)] for fold in range(len(FOLDS))]
        if not rows:
            rows += [row(name, [each["baselines"][name] for each in found]) for name in found[0]["baselines"]]
        speakers = {who: share for each in found for who, share in each["speakers"].items()}
        used = statistics.median(each["processor_seconds"] for each in found)
        rows.append(row(
            network, [each["test_accuracy"] for each in found], speakers=speakers, processor_seconds=used,
            train_accuracy=[each["train_accuracy"] for each in found],
        ))  # fmt: skip
    return rows


def main(which: str = "all", epochs: float | None = None) -> None:
    """Measure, write results/speech.json; trials go to results/speech-trials.json until all are there."""
    torch.set_num_threads(1)
    file, unfinished = common.RESULTS / "speech.json", common.RESULTS / "speech-trials.json"
    result: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
    trials: dict[str, Any] = json.loads(unfinished.read_text()) if unfinished.is_file() else {}
    for words in RECIPES if which == "all" else (which,):
        known = json.dumps([to_dict(find(RECIPES[words])()), epochs], default=str)
        if trials.get(words, {}).get("settings") != known:
            trials[words] = {"settings": known, "networks": {}}

        def told() -> None:
            unfinished.write_text(json.dumps(trials))

        result |= {
            "name": "speech", "n": len(FOLDS), "seeds": list(range(len(FOLDS))), "folds": FOLDS,
            "about": "accuracy on two speakers that were not trained on; every speaker is tested on once",
            "coursework_2021": {"test_accuracy": COURSEWORK, "note": "three words of Speech Commands"},
            "load_at_start": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            "machine": common.machine(), words: measure(words, epochs, trials[words]["networks"], told),
        }  # fmt: skip
        file.write_text(json.dumps(result, indent=1) + "\n")
    unfinished.unlink(missing_ok=True)


if __name__ == "__main__":
    main(*(kind(word) for kind, word in zip((str, float), sys.argv[1:], strict=False)))
