"""Reviews by counting and by networks: imdb, sst2, sst5; what each reaches on the test part, and which wins.

Usage: python -m bench.reviews [--counting] [--seeds 3] [--recipes imdb_bag ...]. Counting rows come first,
on all texts that are not of the test part; then the recipes with so many seeds, and a blend of the best
network's probabilities with the counting scores, weighed on the validation part. Writes
results/reviews.json; rows that were measured before and are not asked for stay.
"""

import argparse
import json
import os
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from bench import common
from gradschool.data.text.labelled.openlabelled import open_labelled
from gradschool.engine.run import RunFolder
from gradschool.evals.language import linear
from gradschool.evals.language.classified import logits_of
from gradschool.recipes import find
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.train import train

RECIPES = ("sst2_bag", "sst2_lstm", "imdb_bag", "imdb_lstm", "imdb_lstm_tuned")
WEIGHTS = np.linspace(0, 1, 21)  # of the network in a blend


def counting(name: str) -> list[dict[str, Any]]:
    """Linear models on counts; no choice is made on the test part, all rows are shown.

    The rows named "sklearn" use its own tokeniser (words of two letters or more), the others ours.
    """
    splits = open_labelled(name, val=0.0)
    train = [splits.train]
    texts = [text for part in train for text in part.texts]
    labels = np.concatenate([part.labels.numpy() for part in train])
    tested = splits.test.labels.numpy()
    rows = []

    def row(model: str, work: Any) -> None:
        start = time.process_time()
        accuracy = float((work() == tested).mean())
        seconds = time.process_time() - start
        rows.append(
            {
                "set": name,
                "model": model,
                "accuracy": accuracy,
                "n": len(tested),
                "processor_seconds": seconds,
            }
        )
        print(f"{name:5} {100 * accuracy:6.2f} %  {seconds:6.1f} s  {model}", flush=True)

    counts = linear.Counts.of(texts, splits.test.texts)
    for model, ask in linear.MODELS.items():
        row(model, lambda ask=ask: ask(counts, labels)[0])
    for penalty in (0.01, 1.0):
        row(f"words and pairs, naive-Bayes weights, linear SVM, C {penalty}",
            lambda c=penalty: linear.NaiveBayesSVM(c).fit(counts.train, labels).predict(
                counts.test))  # fmt: skip
    simple = CountVectorizer(binary=True)
    row("sklearn: words, logistic regression",
        lambda: LogisticRegression(max_iter=500).fit(simple.fit_transform(texts), labels).predict(
            simple.transform(splits.test.texts)))  # fmt: skip
    pairs = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    row("sklearn: words and pairs, TF-IDF, linear SVM",
        lambda: LinearSVC().fit(pairs.fit_transform(texts), labels).predict(
            pairs.transform(splits.test.texts)))  # fmt: skip
    return rows


def network(recipe: str, seed: int) -> tuple[dict[str, Any], RunFolder]:
    """One seed of a recipe; a finished run is not trained again."""
    folder = RunFolder(Path("runs") / "reviews" / f"{recipe}-{seed}")
    used = time.process_time()
    if not folder.read("result.json"):
        folder = train(find(recipe)(), Request(recipe, seed=seed, out=folder.path))
    result = folder.read("result.json")
    accuracy = result["metrics"]["test_accuracy"]
    row = {"recipe": recipe, "seed": seed, "accuracy": accuracy, "n": result["tested"],
           "seconds": result["seconds"], "processor_seconds": time.process_time() - used}  # fmt: skip
    print(json.dumps(row), flush=True)
    return row, folder


def blend(folder: RunFolder) -> dict[str, Any]:
    """The network's probabilities and those of naive-Bayes counting, weighed on the validation part;
    two classes.
    """
    run, _ = reopen(folder)
    model, reading, _ = run.reopened(folder)
    splits = run.open(folder.read("config.json")["seed"])
    if splits.val is None or len(splits.train.classes) != 2:
        raise ValueError("a blend needs two classes and a validation part")
    sides = {}
    for part in (splits.val, splits.test):
        own = logits_of(model, reading.of(part.texts)).softmax(1)[:, 1].numpy()
        counts = linear.Counts.of(splits.train.texts, part.texts)
        far = (
            linear.NaiveBayesSVM()
            .fit(counts.train, splits.train.labels.numpy())
            .decision_function(counts.test)
        )
        sides[id(part)] = own, 1 / (1 + np.exp(-far)), part.labels.numpy()
    net, counted, true = sides[id(splits.val)]
    scores = [float(((w * net + (1 - w) * counted > 0.5) == true).mean()) for w in WEIGHTS]
    weight = float(WEIGHTS[int(np.argmax(scores))])
    net, counted, true = sides[id(splits.test)]
    accuracy = float(((weight * net + (1 - weight) * counted > 0.5) == true).mean())
    return {"run": folder.path.name, "weight_of_network": weight, "accuracy": accuracy, "n": len(true)}


def winners(result: dict[str, Any]) -> dict[str, str]:
    """For every set, which row is best, in a sentence."""
    told = {}
    for name in ("imdb", "sst2", "sst5"):
        # Rows with another penalty show how much it matters; the test part may not choose it.
        counted = [r for r in result.get("counting", []) if r["set"] == name and ", C " not in r["model"]]
        nets = {key: row for key, row in result.get("networks", {}).items() if key.startswith(name)}
        if not counted:
            continue
        best = max(counted, key=lambda row: row["accuracy"])
        text = f"best counting row {100 * best['accuracy']:.2f} % ({best['model']})"
        if nets:
            key = max(nets, key=lambda each: nets[each]["median"])
            wins = "beats" if nets[key]["median"] > best["accuracy"] else "does not beat"
            text = f"{key} (median {100 * nets[key]['median']:.2f} %) {wins} the {text}"
        for key, rows in result.get("blends", {}).items():
            if key.startswith(name):
                median = statistics.median(row["accuracy"] for row in rows)
                text += f"; {key} blended with counting {100 * median:.2f} %"
        told[name] = text
    return told


def main() -> None:
    """Measure what is asked for and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counting", action="store_true", help="the counting rows alone")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--recipes", nargs="*", default=RECIPES)
    args = parser.parse_args()
    torch.set_num_threads(1)
    path = common.RESULTS / "reviews.json"
    result: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"name": "reviews"}
    result["counting"] = [row for name in ("imdb", "sst2", "sst5") for row in counting(name)]
    for recipe in () if args.counting else args.recipes:
        rows, folders = zip(*(network(recipe, seed) for seed in range(args.seeds)), strict=True)
        accuracies = [row["accuracy"] for row in rows]
        spread = {"median": statistics.median(accuracies), "min": min(accuracies), "max": max(accuracies)}
        result.setdefault("networks", {})[recipe] = {"n": len(rows), **spread, "runs": list(rows)}
        if "lstm" in recipe:
            result.setdefault("blends", {})[recipe] = [blend(folder) for folder in folders]
    result["says"] = winners(result)
    result["load_at_start"] = os.getloadavg()[0]
    result["machine"] = common.machine()
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["says"], indent=1))


if __name__ == "__main__":
    main()
