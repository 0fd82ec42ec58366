"""Names, character by character: n-gram models, Bengio's network and an LSTM on the same lines.

Usage: python -m bench.names [FILE.txt] [--epochs 3] [--seeds 3]. Without a file it is the set `names` of the
package with the recipes' own epochs. An n-gram model counts one stream of names with an end token between
them. Writes results/names.json; a row of another file that was measured before stays.
"""

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench import common
from bench.accuracy import spread, train_one
from gradschool.data.text.vocabulary import END, Vocabulary
from gradschool.engine.run import RunFolder
from gradschool.evals.language.ngrams import NGram
from gradschool.recipes import find

NETWORKS = ("names_mlp", "names_lstm")
ORDERS = range(1, 9)


def stream(texts: Any, vocabulary: Vocabulary) -> Tensor:
    """All names one after the other, an end token before, between and after them."""
    return torch.tensor([t for text in texts for t in (END, *vocabulary.encode(text))] + [END])


def counted(parts: Any) -> dict[str, float]:
    """Nats a character of the test names, end tokens included, by smoothing and order."""
    vocabulary = parts.train.vocabulary
    known, asked = (stream(part.texts, vocabulary) for part in (parts.train, parts.test))
    return {
        f"{n}-gram, {smoothing}": float(
            NGram.fit(known, n, len(vocabulary), smoothing).surprisals(asked)[1:].mean()
        )
        for smoothing in ("kneser-ney", "witten-bell")
        for n in ORDERS
    }


def measure(file: Path | None, epochs: int | None, seeds: int) -> dict[str, Any]:
    """All rows of one set of names."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    networks: dict[str, Any] = {}
    rows: dict[str, float] = {}
    for name in NETWORKS:
        run = find(name)()
        run = replace(run, data=str(file or run.data), epochs=epochs or run.epochs)
        if not rows:
            parts = run.open(0)
            sizes = {part: len(lines) for part, lines in parts.parts.items()}
            rows = counted(parts)
        label = f"{name}-{file.stem}-file" if file else name
        runs = [train_one(run, label, 1, seed) for seed in range(seeds)]
        rows |= RunFolder(Path("runs") / "accuracy" / f"{label}-0").read("result.json")["baselines"]
        networks[name] = {"nats": spread([each["test_loss"] for each in runs]), "epochs": run.epochs,
                          "runs": runs}  # fmt: skip
    return {"names": sizes, "n": seeds, "counting": rows, "networks": networks, "load_at_start": load,
            "machine": common.machine()}  # fmt: skip


def main() -> None:
    """Read the command line, measure, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    found = measure(asked.file, asked.epochs, asked.seeds)
    place = common.RESULTS / "names.json"
    result: dict[str, Any] = {"name": "names", "sets": {}}
    result |= json.loads(place.read_text()) if place.is_file() else {}
    result["sets"][asked.file.name if asked.file else "names"] = found
    result |= {"n": asked.seeds, "unit": "nats a character", "machine": found["machine"]}
    place.write_text(json.dumps(result, indent=1) + "\n")
    best = min(found["counting"], key=found["counting"].__getitem__)
    print(f"{best:<28} {found['counting'][best]:.3f}")
    print(f"{'7-gram, kneser-ney':<28} {found['counting']['7-gram, kneser-ney']:.3f}")
    for name, row in found["networks"].items():
        print(f"{name:<28} {row['nats']['median']:.3f}")


if __name__ == "__main__":
    main()
