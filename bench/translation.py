"""Translators on Multi30k: BLEU of the test part of 2016, greedily and by beam search, over seeds.

Usage: python -m bench.translation [--minutes 15] [--seeds 3] [--set KEY=VALUE] [RECIPE:SOURCE-TARGET ...].
Every network is trained for so many minutes on all cores and stands beside the copied source and a
dictionary. Nothing is chosen by the test part. A seed that is finished is not trained again, and one that was
cut short goes on from its last checkpoint. The result is results/translation.json; a shorter run, or one with
other settings, has a name of its own.
"""

import argparse
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import common
from bench.accuracy import spread, train_one
from gradschool.engine.run import RunFolder
from gradschool.recipes import find
from gradschool.runs.reopen import reopen
from gradschool.runs.settings import override, to_dict
from gradschool.runs.train import resume

GOALS = {
    "multi30k_transformer:de-en": 42.0, "multi30k_transformer:en-de": 38.0, "multi30k_seq2seq:de-en": 34.0,
    "multi30k_seq2seq:en-de": None,
}  # fmt: skip
FULL = 15.0  # minutes
SCORES = ("test_bleu", "test_chrf", "test_greedy_bleu", "test_loss", "val_loss")


def go_on(label: str, seed: int) -> None:
    """Finish a seed that was cut short, if there is one."""
    folder = RunFolder(Path("runs") / "accuracy" / f"{label}-{seed}")
    if (folder.path / "checkpoints" / "index.json").is_file() and not folder.read("result.json"):
        resume(folder, *reopen(folder))


def known(words: list[str]) -> list[str]:
    """A short name for settings that are not the recipe's; none for none."""
    return [hashlib.sha256(repr(sorted(words)).encode()).hexdigest()[:6]] if words else []


def measure(name: str, minutes: float, seeds: int, threads: int, words: list[str]) -> dict[str, Any]:
    """Train one network in one direction with every seed."""
    recipe, _, direction = name.partition(":")
    source, target = direction.split("-")
    run = override(find(recipe)(), words, recipe)
    run = replace(run, source=source, target=target, minutes=minutes, threads=threads)
    label = "-".join([recipe, direction, f"{minutes:g}-minutes", *known(words)])
    runs = []
    for seed in range(seeds):
        go_on(label, seed)
        runs.append(train_one(run, label, threads, seed))
    results = [
        RunFolder(Path("runs") / "accuracy" / f"{label}-{seed}").read("result.json") for seed in range(seeds)
    ]
    return {
        **{score: spread([each[score] for each in runs]) for score in SCORES}, "goal": GOALS.get(name),
        "steps": spread([each["steps"] for each in results]), "without_a_network": results[0]["rows"][:2],
        "signature": results[0]["signature"], "runs": runs, "settings": to_dict(run),
    }  # fmt: skip


def main() -> None:
    """Read the command line, measure, and write the file after every network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(GOALS), metavar="RECIPE:SOURCE-TARGET")
    parser.add_argument("--minutes", type=float, default=FULL)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    asked = parser.parse_args()
    length = [] if asked.minutes == FULL else [f"{asked.minutes:g}-minutes"]
    title = "-".join(["translation", *length, *known(asked.set)])
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    about = {
        "name": title, "unit": "BLEU", "n": asked.seeds, "minutes": asked.minutes,
        "threads": asked.threads, "load_at_start": load, "machine": common.machine(),
    }  # fmt: skip
    models: dict[str, Any] = {}
    for name in asked.names:
        models[name] = found = measure(name, asked.minutes, asked.seeds, asked.threads, asked.set)
        text = json.dumps({**about, "models": models}, indent=1)
        (common.RESULTS / f"{title}.json").write_text(text + "\n")
        bleu, greedy, loss = (found[key]["median"] for key in ("test_bleu", "test_greedy_bleu", "val_loss"))
        print(f"{name:<32} {bleu:.1f} BLEU, {greedy:.1f} greedily, validation loss {loss:.3f}")
    print(found["signature"])


if __name__ == "__main__":
    main()
