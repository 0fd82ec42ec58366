"""Language models on a CUDA GPU, in one call of eight minutes: tokens/s, and the baby GPT.

Training speed is that of whole steps (forward, backward, fused AdamW) on random tokens in bfloat16, compiled;
steps that compile are not counted. Decoding is one text of GPT-2's shape, greedy, in bfloat16. The baby GPT
is trained on the first nine tenths of tiny Shakespeare and judged on the rest, as nanoGPT's configuration is;
where the text is not at hand it is left out, and said so.

Usage: python -m bench.gpt_gpu [--text tinyshakespeare.txt] [--seconds 25]; writes results/gpt_gpu.json after
each row.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bench import common
from bench.shakespeare import nats, scored, windows
from gradschool.engine.optim import Optim
from gradschool.evals.language.reading import Reader
from gradschool.models.language.gpt import gpt
from gradschool.models.language.gpt2 import gpt2
from gradschool.ops import switch
from gradschool.runs.run import optimizer_for

PIECES = 50_304  # GPT-2's tokens, up to a multiple of 128


@dataclass(frozen=True)
class Shape:
    """A training whose speed is measured.

    Args:
        make: the network.
        kinds: tokens of its vocabulary.
        context: tokens of a row.
        batch: rows a step.
        wanted: tokens/s on an H200.
    """

    make: Callable[[], nn.Module]
    kinds: int
    context: int
    batch: int
    wanted: float


def shapes() -> dict[str, Shape]:
    """What is timed: GPT-2, and 50 million parameters for a training of five minutes."""
    small = partial(gpt2, PIECES, dropout=0.0)
    return {
        "GPT-2, 124 M parameters": Shape(small, PIECES, 1024, 32, 500e3),
        "gpt, depth 10, 51 M parameters": Shape(partial(gpt, 2048, depth=10), 2048, 2048, 32, 2.0e6),
    }


@dataclass(frozen=True)
class Baby:
    """The training on tiny Shakespeare: nanoGPT's sizes, steps until the time is over.

    Args:
        depth: blocks, each with as many heads of 64 numbers.
        context: characters of a window.
        batch: windows a step.
        dropout: in training.
        seconds: of training, compiling not counted.
        rate: learning rate of Muon, which falls to zero.
        weight_decay: decoupled.
    """

    depth: int = 6
    context: int = 256
    batch: int = 64
    dropout: float = 0.2
    seconds: float = 25.0
    rate: float = 3e-3
    weight_decay: float = 0.1


def settled(device: str) -> None:
    """Wait until a GPU has done what it was told."""
    if device == "cuda":
        torch.cuda.synchronize()


def compiled(model: nn.Module, device: str) -> nn.Module:
    """Compiled where that pays."""
    if device != "cuda":
        return model
    switch.find_twins()
    return torch.compile(model)  # type: ignore[return-value]


def training(shape: Shape, steps: int, rounds: int, device: str) -> dict[str, Any]:
    """Tokens/s of whole training steps, by round."""
    # 1. Everything on the device; weights stay in float32.
    torch.manual_seed(0)
    model = shape.make().to(device)
    look = compiled(model, device)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4, fused=True)
    tokens = torch.randint(shape.kinds, (shape.batch, shape.context + 1), device=device)
    x, y = tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()

    def step() -> None:
        with torch.autocast(device, torch.bfloat16):
            loss = nn.functional.cross_entropy(look(x).flatten(0, 1), y.flatten())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    # 2. Two steps to compile, then rounds.
    step()
    step()
    rates = []
    for _ in range(rounds):
        settled(device)
        start = time.perf_counter()
        for _ in range(steps):
            step()
        settled(device)
        rates.append(steps * x.numel() / (time.perf_counter() - start))
    return {"tokens_per_second": statistics.median(rates), "rounds": rates, "wanted": shape.wanted,
            "batch": shape.batch, "context": shape.context,
            "parameters": sum(p.numel() for p in model.parameters())}  # fmt: skip


@torch.inference_mode()
def decoding(make: Callable[[], nn.Module], tokens: int, rounds: int, device: str) -> dict[str, Any]:
    """Tokens/s of one text, with the cache."""
    torch.manual_seed(0)
    model = make().eval().to(device, torch.bfloat16)
    rates = []
    for i in range(rounds + 1):
        reader, new = Reader(model, 1024), torch.zeros(1, 1, dtype=torch.int64, device=device)
        settled(device)
        start = time.perf_counter()
        for _ in range(tokens):
            new = reader(new).argmax(1, keepdim=True)
        settled(device)
        if i:
            rates.append(tokens / (time.perf_counter() - start))
    return {"tokens_per_second": statistics.median(rates), "rounds": rates, "tokens": tokens, "wanted": 4000}


def baby(setting: Baby, file: Path, seed: int, device: str) -> dict[str, Any]:
    """Train on nine tenths of a text for a while, and score the rest."""
    # 1. The text as numbers of characters, and a network.
    text = file.read_text(encoding="utf-8")
    number = {character: i for i, character in enumerate(sorted(set(text)))}
    tokens = torch.tensor([number[character] for character in text])
    train, val = tokens[: int(0.9 * len(tokens))], tokens[int(0.9 * len(tokens)) :]
    torch.manual_seed(seed)
    model = gpt(len(number), depth=setting.depth, dropout=setting.dropout).to(device)
    look = compiled(model, device)
    optim = Optim("muon", setting.rate, setting.weight_decay, 0.95, (0.9, 0.95))
    optimizer = optimizer_for(model, optim, plain=False)

    def step(at: int, factor: float) -> None:
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        x, y = (each.to(device) for each in windows(train, setting.batch, setting.context, seed, at))
        with torch.autocast(device, torch.bfloat16):
            loss = nats(look, x, y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    # 2. Compile without learning anything, then train by the clock.
    step(0, 0.0)
    step(1, 0.0)
    settled(device)
    start, at = time.perf_counter(), 0
    while (done := (time.perf_counter() - start) / setting.seconds) < 1:
        step(at, min(1.0, (at + 1) / 50) * (1 - done))
        at += 1
        if at % 20 == 0:
            settled(device)  # else the clock runs ahead of the work
    return {"val_nats": float(scored(model, val, setting.context).mean()), "steps": at, "seed": seed,
            "seconds": time.perf_counter() - start, "wanted": 1.47}  # fmt: skip


def run(
    file: Path | None, device: str = "cuda", steps: int = 10, rounds: int = 3,
    each: Mapping[str, Shape] | None = None, setting: Baby | None = None, tokens: int = 200,
) -> dict[str, Any]:  # fmt: skip
    """Measure every row and write gpt_gpu.json after each.

    Raises:
        BusyError: there is no CUDA GPU.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise common.BusyError("gpt_gpu needs a CUDA GPU, and none is here. Try bench decoding.")
    torch.set_float32_matmul_precision("high")
    found: dict[str, Any] = {"name": "gpt_gpu", "unit": "tokens/s", "n": rounds, "rows": {},
                             "machine": common.machine()}  # fmt: skip
    known = each or shapes()
    first = next(iter(known.values())).make
    works: dict[str, Callable[[], Any]] = {
        name: partial(training, shape, steps, rounds, device) for name, shape in known.items()
    }
    works["decoding, one text"] = partial(decoding, first, tokens, rounds, device)
    if file is not None:
        for seed in range(rounds):
            works[f"baby GPT, seed {seed}"] = partial(baby, setting or Baby(), file, seed, device)
    for name, work in works.items():
        start = time.perf_counter()
        found["rows"][name] = work() | {"all_seconds": time.perf_counter() - start}
        common.RESULTS.mkdir(parents=True, exist_ok=True)
        (common.RESULTS / "gpt_gpu.json").write_text(json.dumps(found, indent=1) + "\n")
        print(f"{name}: {json.dumps(found['rows'][name])}", file=sys.stderr, flush=True)
    if file is None:
        print("baby GPT: left out, no --text was given", file=sys.stderr)
    return found


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", type=Path)
    parser.add_argument("--seconds", type=float, default=Baby.seconds)
    asked = parser.parse_args()
    try:
        run(asked.text, setting=Baby(seconds=asked.seconds))
    except common.BusyError as busy:
        sys.exit(str(busy))


if __name__ == "__main__":
    main()
