"""One megabyte of text and as many passes as one likes: what more computing gives where data are the limit.

Every model reads the training part of tiny Shakespeare again and again, and is judged where its validation
loss is lowest. The single run is a decoder without regularisation, stopped early; of three lengths of its
learning-rate schedule the validation loss chooses the best. Against it stand the same decoder with weight
decay, dropout and averaged weights, and an ensemble of four of these, whose probabilities are averaged
(Hinton et al. 2015, section 3). Members differ in seed alone.

Usage: python -m bench.datalimited [--seeds 3] [--depth 3] [--steps 10000] [--device cuda]. Every model is
kept as it is finished, so the bench goes on where it was interrupted; writes results/datalimited.json.
"""

import argparse
import json
import math
import statistics
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench import common
from bench.shakespeare import Kept, characters, nats, scored, windows
from gradschool.engine.device import choose
from gradschool.engine.ema import Ema
from gradschool.engine.optim import Optim
from gradschool.models.language.gpt import GPT, gpt
from gradschool.runs.run import optimizer_for

MEMBERS = 4


@dataclass(frozen=True)
class Setting:
    """What is the same for all models.

    Args:
        depth: blocks of the decoder.
        context: characters of a window.
        batch: windows a step.
        steps: most steps of a model.
        every: steps between two looks at the validation part.
        patience: looks without improvement after which a model stops.
        device: where it is trained.
        bf16: whether products are in bfloat16.
    """

    depth: int = 3
    context: int = 128
    batch: int = 16
    steps: int = 10_000
    every: int = 250
    patience: int = 8
    device: str = "cpu"
    bf16: bool = False


@dataclass(frozen=True)
class Way:
    """How a model is trained.

    Args:
        dropout: probability of silence.
        weight_decay: decoupled.
        averaged: how much of the averaged weights survives a step; 0: the weights themselves are used.
        rate: learning rate of Muon.
        length: share of the most steps over which the rate falls to zero.
    """

    dropout: float = 0.0
    weight_decay: float = 0.0
    averaged: float = 0.0
    rate: float = 5e-3
    length: float = 1.0


SINGLES = tuple(Way(length=share) for share in (0.15, 0.3, 0.5))
REGULARISED = Way(dropout=0.2, weight_decay=0.3, averaged=0.998)


class Lesson:
    """Trains and scores models.

    Args:
        setting: of all.
        file: the text; None: that of the data pack.
        place: folder where the test part's log-probabilities are kept.
    """

    def __init__(self, setting: Setting, place: Path, file: Path | None = None) -> None:
        self.setting, self.place = setting, place
        self.train, self.val, self.test, self.kinds = characters(file)
        place.mkdir(parents=True, exist_ok=True)

    def trained(self, way: Way, seed: int, name: str) -> dict[str, float]:
        """Train a model and keep what it says of the test part where its validation loss was lowest."""
        s, start = self.setting, time.process_time()
        # 1. A network, its optimiser and its average.
        torch.manual_seed(seed)
        model = gpt(self.kinds, depth=s.depth, dropout=way.dropout).to(s.device)
        optim = Optim("muon", way.rate, way.weight_decay, 0.95, (0.9, 0.95))
        optimizer = optimizer_for(model, optim, plain=False)
        average = Ema(model, way.averaged) if way.averaged else None
        best, at, step, most = math.inf, 0, 0, round(way.length * s.steps)
        # 2. Pass after pass, until it gets no better.
        while step < most and (step - at) // s.every < s.patience:
            self.learn(model, optimizer, min(1.0, (step + 1) / 100) * (1 - step / most), (seed, step))
            step += 1
            if average is not None:
                average.update(model)
            if step % s.every == 0 or step == most:
                with average.applied(model) if average is not None else nullcontext():
                    if (loss := float(scored(model, self.val, s.context).mean())) < best:
                        best, at = loss, step
                        np.save(self.place / f"{name}.npy", scored(model, self.test, s.context).numpy())
        passes = at * s.batch * s.context / len(self.train)
        return {"val": best, "test": float(np.load(self.place / f"{name}.npy").mean()), "step": at,
                "passes": passes, "processor_seconds": time.process_time() - start}  # fmt: skip

    def learn(self, model: GPT, optimizer: torch.optim.Optimizer, factor: float, at: tuple[int, int]) -> None:
        """One step with so large a share of the rate, on the batch of (seed, step)."""
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        x, y = windows(self.train, self.setting.batch, self.setting.context, *at)
        with torch.autocast(self.setting.device, torch.bfloat16, self.setting.bf16):
            loss = nats(model, x.to(self.setting.device), y.to(self.setting.device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def together(self, names: list[str]) -> float:
        """Mean nats of the mean of some models' probabilities."""
        each = np.stack([np.load(self.place / f"{name}.npy") for name in names]).astype(np.float64)
        return float(-(np.logaddexp.reduce(-each, 0) - math.log(len(each))).mean())


def measure(setting: Setting, seeds: int, place: Path, file: Path | None = None) -> dict[str, Any]:
    """All models of all seeds, and what they reach alone and together."""
    lesson = Lesson(setting, place, file)
    ways = {"single": [asdict(way) for way in SINGLES], "regularised": asdict(REGULARISED)}
    about = {"unit": "nats a character", "n": seeds, "setting": asdict(setting), "members": MEMBERS}
    about |= {"ways": ways}
    kept, table = Kept("datalimited", about), []
    for seed in range(seeds):
        # 1. The early-stopped run, and the members.
        tried = []
        for way in SINGLES:
            name = f"single-{seed}-{way.length:g}"
            tried.append(kept.row(name, partial(lesson.trained, way, seed, name)))
        single = min(tried, key=lambda row: row["val"])
        names = [f"member-{seed}-{i}" for i in range(MEMBERS)]
        members = []
        for i, name in enumerate(names):
            own = MEMBERS * seed + i
            members.append(kept.row(name, partial(lesson.trained, REGULARISED, own, name)))
        # 2. All together.
        row = {
            "single": single["test"],
            "regularised": members[0]["test"],
            "ensemble": lesson.together(names),
        }
        table.append(row)
        print(json.dumps({"seed": seed, **row}), flush=True)
    medians = {way: statistics.median(row[way] for row in table) for way in table[0]}
    spread = {way: [min(row[way] for row in table), max(row[way] for row in table)] for way in table[0]}
    gains = [row["single"] - row["ensemble"] for row in table]
    return kept.write({"median": medians, "range": spread, "gain": statistics.median(gains),
                       "gains": gains, "wanted": 0.10})  # fmt: skip


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--depth", type=int, default=Setting.depth)
    parser.add_argument("--steps", type=int, default=Setting.steps)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--work", type=Path, default=common.ROOT / "runs" / "datalimited")
    asked = parser.parse_args()
    bf16 = choose(asked.device).precision == "bf16"
    setting = Setting(depth=asked.depth, steps=asked.steps, device=asked.device, bf16=bf16)
    found = measure(setting, asked.seeds, asked.work)
    print(json.dumps({key: found[key] for key in ("median", "gain", "wanted")}))


if __name__ == "__main__":
    main()
