"""Membranes of ISBI 2012: our recipe beside the default U-Net of segmentation_models.pytorch in equal time.

Usage: python -m bench.membrane [SEEDS] [SECONDS]. Both sides train by `unet_membrane` (crops, changes, loss,
rate, averaged weights, eight views when tested) and see the same crops in the same order; the network and its
format differ: the peer's encoder, a ResNet-34, starts at random and computes in float32, channels first. The
side that has used less processor time takes the next step, so both drift alike as the machine does.
"""

import json
import os
import statistics
import sys
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from bench import common
from bench.by_clock import ByClock, side_by_side
from gradschool.data.cache import cache_folder
from gradschool.data.vision.loader import evaluation_batches
from gradschool.engine.device import Machine, choose
from gradschool.evals.inference import evaluating
from gradschool.recipes.dense.unet_membrane import unet_membrane
from gradschool.runs.dense.segmentation import SegmentRun
from gradschool.tasks.segment import Segment

PLAIN = Machine("cpu", "fp32", False, "float32, channels first")


@dataclass(frozen=True, kw_only=True)
class PeerRun(SegmentRun):
    """The recipe with the peer's network."""

    def network(self) -> str:
        return "segmentation_models_pytorch.Unet"

    def build_model(self, classes: int, channels: int) -> nn.Module:
        from segmentation_models_pytorch import Unet

        return Unet(encoder_weights=None, in_channels=channels, classes=classes)


class Side(ByClock):
    """One network on its way through the same course, by a clock of its own."""

    def __init__(self, run: SegmentRun, seed: int, machine: Machine, seconds: float) -> None:
        super().__init__(run, "unet_membrane", seed, machine, seconds)
        self.run = run

    def scores(self) -> dict[str, Any]:
        """Of the averaged weights, on the test slices."""
        model, pieces = self.pieces.model, self.pieces
        with pieces.stepper.averaged(), evaluating(model), torch.inference_mode():
            batches = evaluation_batches(pieces.splits.test, pieces.pipeline, 2)
            found = Segment(self.run.looking(model, self.machine)).measure(batches)
        iou = dict(zip(pieces.splits.train.classes, found.iou.tolist(), strict=True))
        return {
            "iou_membrane": iou["membrane"], "iou_cell": iou["cell"], "iou": float(found.iou.mean()),
            "pixel_error": 1 - found.accuracy, **super().scores(),
        }  # fmt: skip


def compared(seed: int, seconds: float, here: Machine) -> dict[str, dict[str, Any]]:
    """Both sides from one seed, step by step in turn."""
    run = unet_membrane()
    sides = {"ours": Side(run, seed, here, seconds), "peer": Side(PeerRun(**vars(run)), seed, PLAIN, seconds)}
    side_by_side(sides.values())
    return {name: side.scores() for name, side in sides.items()}


def summary(rows: list[dict[str, dict[str, float]]], side: str) -> dict[str, Any]:
    """Mean and deviation over seeds."""
    found = {}
    for name in rows[0][side]:
        values = [row[side][name] for row in rows]
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        found[name] = {"mean": statistics.mean(values), "deviation": spread}
    return found


def main(seeds: int = 3, seconds: float = 120.0) -> None:
    """Measure, write results/membrane.json, print a table."""
    torch.set_num_threads(1)
    here, load, rows = choose(cache=cache_folder()), os.getloadavg()[0], []
    for seed in range(seeds):
        rows.append(compared(seed, seconds, here))
        print(json.dumps(rows[-1]), flush=True)
        both = {side: summary(rows, side) for side in ("ours", "peer")}
        result = {
            "name": "membrane", "n": len(rows), "cpu_seconds_each": seconds, **both, "seeds": rows,
            "peer_name": "segmentation_models_pytorch.Unet, resnet34 at random, float32, channels first",
            "about": {"ours": f"{here.precision}, {here.reason}", "train": 24, "test": 6},
            "load_at_start": load, "machine": common.machine(),
        }  # fmt: skip
        (common.RESULTS / "membrane.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main(*(kind(word) for kind, word in zip((int, float), sys.argv[1:], strict=False)))
