"""What is learning without labels worth when few pictures are labelled? Accuracy over the share of labels.

Usage: python -m bench.self_supervised [--data digits | natural_animals] [--seeds 3] [--shares 0.01 0.1 1]
[--steps 300] [--pretrain STEPS] [--only WAY ...] [--side 128]. Ways: `simclr`, `mae`, `dino`, each with its
encoder frozen (a linear probe) and fine-tuned; the same networks from random weights (labels only); and
features of EfficientNet-Lite0 that has learnt from ImageNet (transfer). An encoder sees all training pictures
without labels; a classifier sees the labelled ones, the same for every way of a seed, for the same number of
steps. Goes on after the last finished row; writes results/self_supervised.json.
"""

import argparse
import json
import os
import statistics
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from bench import common
from bench.seeded import interval
from bench.shakespeare import Kept
from gradschool import recipes
from gradschool.engine.run import RunFolder
from gradschool.runs.classification.image import ImageRun
from gradschool.runs.classification.transfer import TransferRun
from gradschool.runs.request import Request, silent
from gradschool.runs.train import train

ROOT = Path("runs", "self_supervised")
ENCODERS = {
    "digits": {"simclr": "digits_simclr", "mae": "digits_mae", "dino": "digits_dino"},
    "natural_animals": {"simclr": "animals_simclr", "mae": "animals_mae", "dino": "animals_dino"},
}
SHARES = (0.01, 0.03, 0.1, 0.3, 1.0)
WAYS = (
    "simclr frozen", "simclr finetune", "mae frozen", "mae finetune", "dino frozen", "dino finetune",
    "simclr scratch", "mae scratch", "transfer",
)  # fmt: skip
BACKBONE, WEIGHTS = "tf_efficientnet_lite0", "tf_efficientnet_lite0.safetensors"


def encoder(asked: argparse.Namespace, method: str, seed: int) -> RunFolder:
    """The encoder of a method and seed: learnt now, or found."""
    name = ENCODERS[asked.data][method]
    place = ROOT / asked.data / f"{name}-{seed}"
    folder = RunFolder(place)
    if folder.read("result.json"):
        return folder
    run = recipes.find(name)()
    return train(run, Request(name, seed=seed, steps=asked.pretrain, out=place), silent)


def classifier(asked: argparse.Namespace, way: str, share: float, seed: int) -> ImageRun:
    """The settings of a classifier."""
    if way == "transfer":
        return TransferRun(
            data=asked.data, backbone=BACKBONE, weights=str(asked.weights), mode="frozen",
            image_size=asked.side, labels=share, batch_size=64, learning_rate=3e-3, weight_decay=0.01,
            warmup=0.1, val=0.0, evaluations=1,
        )  # fmt: skip
    method, mode = way.split()
    folder = encoder(asked, method, seed)
    run = recipes.on("from_encoder", None, [f"start={folder.path}"])
    return replace(run, mode=mode, labels=share, val=0.0, evaluations=1)


def measured(asked: argparse.Namespace, way: str, share: float, seed: int) -> dict[str, Any]:
    """Test accuracy of one way with a share of the labels, and how many pictures that are."""
    place = ROOT / asked.data / f"{way.replace(' ', '-')}-{share:g}-{seed}"
    folder = RunFolder(place)
    if not folder.read("result.json"):
        run = classifier(asked, way, share, seed)
        folder = train(run, Request("from_encoder", seed=seed, steps=asked.steps, out=place), silent)
    result, parts = folder.read("result.json"), folder.read("data.json")["parts"]
    return {
        "accuracy": result["metrics"]["test_accuracy"], "labelled": parts["train"]["count"],
        "tested": result["test_images"],
    }  # fmt: skip


def of_encoder(asked: argparse.Namespace, method: str, seed: int) -> dict[str, Any]:
    """What an encoder's own run says of it."""
    result = encoder(asked, method, seed).read("result.json")
    kept = ("test_loss", "test_knn_accuracy", "test_spread", "test_information")
    scores = {name: result["metrics"][name] for name in kept if name in result["metrics"]}
    return scores | {
        "steps": result["steps"],
        "seconds": result["seconds"],
        "untrained": result["untrained"],
        "collapsed": result["collapsed"],
    }


def summary(rows: Mapping[str, Any], ways: list[str], shares: list[float]) -> dict[str, Any]:
    """Mean accuracy and 95 % interval over seeds for every way and share, and against labels only.

    The difference is paired: the same seed, the same network, the same labelled pictures.
    """
    table: dict[str, dict[str, Any]] = {}
    for way in ways:
        for share in shares:
            own = {
                key.rsplit(" ", 1)[1]: row["accuracy"]
                for key, row in rows.items()
                if key.startswith(f"{way} {share:g} ")
            }
            if not own:
                continue
            cell: dict[str, Any] = {
                "mean": statistics.mean(own.values()),
                "interval": interval([*own.values()]),
            }
            base = "mae scratch" if way.startswith("mae") else "simclr scratch"
            alone = {
                key.rsplit(" ", 1)[1]: row["accuracy"]
                for key, row in rows.items()
                if key.startswith(f"{base} {share:g} ")
            }
            gaps = [own[seed] - alone[seed] for seed in own if seed in alone]
            if gaps and way != base:
                cell |= {"against_labels_only": statistics.mean(gaps), "against_interval": interval(gaps)}
            table.setdefault(way, {})[f"{share:g}"] = cell | {"seeds": len(own)}
    return {"table": table}


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", choices=sorted(ENCODERS), default="digits")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--shares", nargs="*", type=float, default=list(SHARES))
    parser.add_argument("--steps", type=int, default=300, help="of every classifier")
    parser.add_argument(
        "--pretrain", type=int, help="steps of every encoder; as its recipe has it if not given"
    )
    parser.add_argument("--only", nargs="*", choices=WAYS, default=list(WAYS))
    parser.add_argument("--side", type=int, default=128, help="pixels that EfficientNet-Lite0 sees")
    packed = Path(os.environ.get("GRADSCHOOL_DATA", "../shared/data")) / "weights" / WEIGHTS
    parser.add_argument("--weights", type=Path, default=packed, help="of EfficientNet-Lite0")
    return parser.parse_args()


def main() -> None:
    """Read the command line, train what is missing, write the file, print the table."""
    asked = options()
    ways = [way for way in asked.only if way != "transfer" or asked.weights.is_file()]
    about = {name: getattr(asked, name) for name in ("data", "steps", "pretrain", "side")}
    kept = Kept("self_supervised", about)
    for seed in range(asked.seeds):
        for way in ways:
            method = way.split()[0]
            if way != "transfer":
                kept.row(f"encoder {method} {seed}", partial(of_encoder, asked, method, seed))
            for share in asked.shares:
                kept.row(f"{way} {share:g} {seed}", partial(measured, asked, way, share, seed))
            kept.write(summary(kept.rows, ways, asked.shares))
    for way, cells in summary(kept.rows, ways, asked.shares)["table"].items():
        told = "  ".join(
            f"{100 * float(share):g} %: {100 * cell['mean']:.1f}" for share, cell in cells.items()
        )
        print(f"{way:<16} {told}")
    print(json.dumps({"name": "self_supervised", "file": str(common.RESULTS / "self_supervised.json")}))


if __name__ == "__main__":
    main()
