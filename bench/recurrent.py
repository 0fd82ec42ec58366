"""Recurrent networks, forward and backward on one thread: ours against torch's and minGRU-pytorch.

Rounds are interleaved and processor time counts, so other work on the machine matters less; a ratio above 1
means that ours takes less. One file has all rows: it is written even where a goal is missed.
"""

import json
import os
import statistics
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from minGRU_pytorch import minGRU
from torch import Tensor, nn

from bench.common import RESULTS, iqr, machine, timed
from gradschool import nn as ours
from gradschool.data.text.buckets import Buckets
from gradschool.ops.sequence import recurrent as ops

WIDTH, BATCH, STEPS = 256, 32, 256
TEXTS, VOCABULARY, LONGEST = 512, 5000, 256
Side = Callable[[], float]


def there_and_back(outputs: Callable[[Tensor], Any], x: Tensor) -> float:
    """One forward and backward pass; nothing to return that could be compared."""
    found = outputs(x)
    (found[0] if isinstance(found, tuple) else found).sum().backward()
    return 1.0


def sliced(weights: ops.Weights, x: Tensor) -> Tensor:
    """The loop as it is usually written first: gates of all steps, a slice for each step."""
    u = ops.from_input(x, weights)
    h = c = x.new_zeros(len(x), weights.hh.shape[1])
    outputs = []
    for t in range(x.shape[1]):
        h, c = ops.lstm_cell(u[:, t], ops.from_state(h, weights), c)
        outputs.append(h)
    return torch.stack(outputs, 1)


class Packing(nn.Module):
    """A text classifier as tutorials have it: shuffled batches, packed, in a bidirectional LSTM of torch."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 64)
        self.core: nn.Module = nn.LSTM(64, 64, batch_first=True, bidirectional=True)
        self.output = nn.Linear(128, 2)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        pack = nn.utils.rnn.pack_padded_sequence(self.embedding(x), lengths, True, False)
        _, (h, _) = self.core(pack)
        return self.output(torch.cat([h[0], h[1]], 1))


class Bucketing(Packing):
    """The same network of ours, without packing."""

    def __init__(self) -> None:
        super().__init__()
        self.core = ours.LSTM(64, 64, bidirectional=True)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        _, (h, _) = self.core(self.embedding(x), None, lengths)
        return self.output(torch.cat([h[0], h[1]], 1))


def epoch(model: nn.Module, batches: list[tuple[Tensor, ...]]) -> float:
    """Forward and backward over all batches."""
    for x, lengths, labels in batches:
        nn.functional.cross_entropy(model(x, lengths), labels).backward()
        model.zero_grad()
    return 1.0


def classifiers() -> dict[str, Side]:
    """An epoch over texts of 1 to 256 tokens, most of them short: the lengths' logarithm is uniform."""
    g = torch.Generator().manual_seed(0)
    lengths = torch.exp(torch.rand(TEXTS, generator=g) * 3 + 2.54).long().clamp(1, LONGEST)
    texts = [torch.randint(1, VOCABULARY, (n,), generator=g).tolist() for n in lengths.tolist()]
    labels = torch.randint(2, (TEXTS,), generator=g)
    buckets = Buckets(texts, labels, 32, 0)
    order = torch.randperm(TEXTS, generator=g).tolist()
    mixed = [next(Buckets([texts[i] for i in part], labels[part], 32, 0).epoch(0))
             for part in (order[at : at + 32] for at in range(0, TEXTS, 32))]  # fmt: skip
    return {
        "ours, in buckets": partial(epoch, Bucketing(), list(buckets.epoch(0))),
        "torch, packed, batches shuffled": partial(epoch, Packing(), mixed),
        "torch, packed, the same buckets": partial(epoch, Packing(), list(buckets.epoch(0))),
    }


def cases() -> dict[str, tuple[dict[str, Side], dict[str, float]]]:
    """Sides of each comparison, ours first, and the ratio that is wanted against each peer."""
    torch.manual_seed(0)
    peer, layer = nn.LSTM(WIDTH, WIDTH, batch_first=True), ours.LSTM(WIDTH, WIDTH)
    ih, hh, bias_ih, bias_hh = peer.parameters()
    mine = ops.Weights(ih, hh, bias_ih, bias_hh)
    minimal, theirs, gru = ours.MinGRU(WIDTH, WIDTH), minGRU(WIDTH), nn.GRU(WIDTH, WIDTH, batch_first=True)
    x, long = torch.randn(BATCH, STEPS, WIDTH), torch.randn(4, 2048, WIDTH)
    x.requires_grad_()
    zero = torch.zeros(BATCH, WIDTH)
    loop = partial(there_and_back, lambda x: ops.lstm.plain(x, (zero, zero), mine), x)
    return {
        "lstm, the op's loop": (
            {"ours": loop, "nn.LSTM": partial(there_and_back, peer, x),
             "loop over slices": partial(there_and_back, partial(sliced, mine), x)},
            {"nn.LSTM": 1 / 1.2, "loop over slices": 10},
        ),
        "lstm, the layer": (
            {"ours": partial(there_and_back, layer, x), "nn.LSTM": partial(there_and_back, peer, x)},
            {},
        ),
        "minGRU, 32 x 256 steps": (
            {"ours": partial(there_and_back, minimal, x),
             "minGRU-pytorch": partial(there_and_back, theirs, x),
             "nn.GRU": partial(there_and_back, gru, x)},
            {"minGRU-pytorch": 2, "nn.GRU": 1},
        ),
        "minGRU, 4 x 2048 steps": (
            {"ours": partial(there_and_back, minimal, long),
             "minGRU-pytorch": partial(there_and_back, theirs, long),
             "nn.GRU": partial(there_and_back, gru, long)},
            {"minGRU-pytorch": 2, "nn.GRU": 3},
        ),
        "classifier, an epoch": (classifiers(), {"torch, packed, batches shuffled": 2}),
    }  # fmt: skip


def row(name: str, sides: dict[str, Side], wanted: dict[str, float], repeats: int) -> dict[str, Any]:
    """Interleaved rounds of all sides, after one that is not counted; medians of processor seconds."""
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    for i in range(repeats + 1):
        for side, work in sides.items():
            used = timed(work, "s")["cpu_s"]
            if i:
                seconds[side].append(used)
    medians = {side: statistics.median(each) for side, each in seconds.items()}
    first = next(iter(sides))
    ratios = {side: medians[side] / medians[first] for side in sides if side != first}
    spread = {side: {"median": medians[side], "iqr": iqr(each)} for side, each in seconds.items()}
    return {"case": name, "processor_seconds": spread, "ratios": ratios, "wanted": wanted}


def run(repeats: int = 5) -> dict[str, Any]:
    """All comparisons; writes bench/results/recurrent.json."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else -1.0
    rows = [row(name, sides, wanted, repeats) for name, (sides, wanted) in cases().items()]
    sizes = {"width": WIDTH, "batch": BATCH, "steps": STEPS, "pass": "forward and backward"}
    result = {"name": "recurrent", "n": repeats, "rows": rows, "about": sizes, "load_at_start": load,
              "is_quiet": load <= 1 + torch.get_num_threads(), "machine": machine()}  # fmt: skip
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "recurrent.json").write_text(json.dumps(result, indent=1) + "\n")
    return result


if __name__ == "__main__":
    torch.set_num_threads(1)
    for each in run(int(sys.argv[1]) if len(sys.argv) > 1 else 5)["rows"]:
        print(json.dumps({"case": each["case"], "ratios": each["ratios"], "wanted": each["wanted"]}))
