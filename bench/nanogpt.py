"""Time to the loss that nanoGPT's configuration for processors ends with, beside it at equal parameters.

The peer is Karpathy's nanoGPT (2022) as its README describes it, written anew and plainly here: four layers
of width 128 with four heads, contexts of 64 characters, twelve a step, learned positions, LayerNorm, GELU,
AdamW (0.9, 0.99) with decay 0.1, a rate of 1e-3 that rises over 100 steps and falls as a cosine to a tenth,
gradients clipped at 1, 2,000 steps in float32. Ours is the library's `gpt` of as many weights, taken through
the engine for fewer steps in the precision that is fastest here. Both train on the same characters and are
judged on the same held-out ones in the same windows. They take turns, so that both drift alike as the machine
does; evaluations are not timed.

Usage: python -m bench.nanogpt [--seeds 3] [--steps 2000] [--ours 250] [--threads N]. A seed that is finished
is not measured again; its file lies under runs/nanogpt.
"""

import argparse
import json
import math
import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench import common
from gradschool.engine.device import choose
from gradschool.evals.language.windows import read_windows
from gradschool.models.language.gpt import gpt
from gradschool.runs.language.model import LanguageRun
from gradschool.runs.request import Request, silent

WIDTH, HEADS, LAYERS, CONTEXT, BATCH, STEPS = 128, 4, 4, 64, 12, 2000
OURS = 250  # steps of ours
TURNS = 10  # how often the sides take turns
GOAL = 3.0


class PeerBlock(nn.Module):
    """Attention and a feed-forward layer, each behind a LayerNorm without bias."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (nn.LayerNorm(WIDTH, bias=False) for _ in range(2))
        self.attend = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.join = nn.Linear(WIDTH, WIDTH, bias=False)
        self.widen, self.narrow = (
            nn.Linear(WIDTH, 4 * WIDTH, bias=False),
            nn.Linear(4 * WIDTH, WIDTH, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        b, t, _ = x.shape
        parts = self.attend(self.first(x)).view(b, t, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        query, key, value = parts.unbind(0)
        heads = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.join(heads.transpose(1, 2).reshape(b, t, WIDTH))
        return x + self.narrow(F.gelu(self.widen(self.second(x))))


class Peer(nn.Module):
    """nanoGPT's network without dropout; the output's matrix is the token vectors."""

    has_state = False

    def __init__(self, kinds: int) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(kinds, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(*(PeerBlock() for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(WIDTH, bias=False)
        for name, p in self.named_parameters():
            if p.dim() > 1:
                ends = ("join.weight", "narrow.weight")
                nn.init.normal_(p, std=0.02 / math.sqrt(2 * LAYERS) if name.endswith(ends) else 0.02)

    def forward(self, x: Tensor) -> Tensor:
        h = self.tokens(x) + self.positions(torch.arange(x.shape[1]))
        return F.linear(self.norm(self.blocks(h)), self.tokens.weight)


def peer_rate(step: int, steps: int) -> float:
    """Its learning rate: up over 100 steps, then along a cosine to a tenth."""
    warmup = min(100, steps // 20)
    if step < warmup:
        return 1e-3 * (step + 1) / (warmup + 1)
    return 1e-4 + 0.5 * (1e-3 - 1e-4) * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


def peer_steps(net: nn.Module, train: np.ndarray, seed: int, steps: int) -> Iterator[None]:
    """Its loop, a step at a time: windows at random places, gradients clipped, AdamW."""
    matrices = [p for p in net.parameters() if p.dim() > 1]
    others = [p for p in net.parameters() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99), fused=True)
    text, generator = torch.from_numpy(train.astype(np.int64)), torch.Generator().manual_seed(seed)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = peer_rate(step, steps)
        starts = torch.randint(len(text) - CONTEXT, (BATCH, 1), generator=generator) + torch.arange(CONTEXT)
        loss = F.cross_entropy(net(text[starts]).flatten(0, 1), text[starts + 1].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        yield


def ours_of(seed: int, steps: int) -> tuple[Any, Iterator[None]]:
    """The library's pieces, and its steps through the engine."""
    run = LanguageRun(
        data="tinyshakespeare", model=gpt, model_options={"width": WIDTH, "feed": "relu2"}, depth=LAYERS,
        context=CONTEXT, batch_size=BATCH, epochs=1000, optimizer="muon", momentum=0.95, learning_rate=0.015,
        schedule="linear", warmup=0.02, val=0, test=55_690, precision="auto",
    )  # fmt: skip
    pieces = run.assemble(Request("nanogpt", seed=seed, steps=steps), choose("cpu", "auto"), silent)

    def go() -> Iterator[None]:
        for step in range(steps):
            epoch, position = divmod(step, len(pieces.batches))
            batch = next(pieces.batches.epoch(epoch, position))
            pieces.stepper.begin(step / steps)
            pieces.task.step(batch, pieces.stepper)
            yield

    return pieces, go()


def one(seed: int, steps: int, ours: int) -> dict[str, Any]:
    """Both sides with one seed, in turns: seconds, processor seconds and held-out loss of each."""
    # 1. Both networks, on the same text.
    pieces, our_steps = ours_of(seed, ours)
    splits = pieces.splits
    torch.manual_seed(seed)
    net = Peer(len(splits.train.tokeniser))
    sides = {
        "ours": (pieces.model, our_steps, ours),
        "peer": (net, peer_steps(net, splits.train.tokens, seed, steps), steps),
    }
    # 2. In turns, a tenth of each run at once.
    spent = {name: [0.0, 0.0] for name in sides}
    for _ in range(TURNS):
        for name, (_, work, count) in sides.items():
            wall, used = time.perf_counter(), time.process_time()
            for _ in range(count // TURNS):
                next(work)
            spent[name][0] += time.perf_counter() - wall
            spent[name][1] += time.process_time() - used
    # 3. The same windows for both.
    found: dict[str, Any] = {"seed": seed, "steps": steps, "steps_ours": ours}
    for name, (model, _, _) in sides.items():
        loss = float(read_windows(model.eval(), splits.test.tokens, CONTEXT).nats.mean())
        weights = sum(p.numel() for p in model.parameters())
        found[name] = {
            "seconds": spent[name][0], "processor_seconds": spent[name][1], "loss": loss, "weights": weights
        }  # fmt: skip
    return found


def measure(seeds: int, steps: int, ours: int, threads: int) -> dict[str, Any]:
    """All seeds, each from its file where it is finished."""
    torch.set_num_threads(threads)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    runs = []
    for seed in range(seeds):
        file = Path("runs") / "nanogpt" / f"{steps}-{ours}-{threads}-{seed}.json"
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(one(seed, steps, ours)))
        runs.append(json.loads(file.read_text()))
    faster = [run["peer"]["seconds"] / run["ours"]["seconds"] for run in runs]
    return {
        "name": "nanogpt", "unit": "seconds to the peer's final loss", "n": seeds, "threads": threads,
        **{side: statistics.median(run[side]["seconds"] for run in runs) for side in ("ours", "peer")},
        "peer_name": "nanoGPT's configuration, written anew", "ratio": statistics.median(faster),
        "ratios": faster, "wanted": GOAL,
        "ratio_processor": statistics.median(
            run["peer"]["processor_seconds"] / run["ours"]["processor_seconds"] for run in runs
        ),
        "reached": all(run["ours"]["loss"] <= run["peer"]["loss"] for run in runs),
        "runs": runs, "load_at_start": load, "machine": common.machine(),
    }  # fmt: skip


def main() -> None:
    """Read the command line, measure, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--ours", type=int, default=OURS)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    if asked.steps % TURNS or asked.ours % TURNS:
        parser.error(f"--steps and --ours are multiples of {TURNS}: the sides take so many turns")
    found = measure(asked.seeds, asked.steps, asked.ours, asked.threads)
    if (asked.steps, asked.ours) == (STEPS, OURS):
        (common.RESULTS / "nanogpt.json").write_text(json.dumps(found, indent=1) + "\n")
    for run in found["runs"]:
        for side in ("peer", "ours"):
            print(f"seed {run['seed']}  {side}: {run[side]['loss']:.3f} nats, {run[side]['seconds']:.1f} s")
    print(f"{found['ratio']:.2f} times faster, loss reached: {found['reached']}")


if __name__ == "__main__":
    main()
