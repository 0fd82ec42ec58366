"""Writing text token by token: with a cache of keys and values, without one, and with a draft model.

The loop without a cache reads the whole window for every token, as the usual first program does. Rounds are
interleaved on one thread and processor time counts, medians of n. Shares of memory bandwidth are the bytes of
weights a token needs, times tokens/s, over the measured speed of reading memory. For speculative decoding two
models are trained on tiny Shakespeare first, and kept.

Usage: python -m bench.decoding [--rounds 7] [--minutes 4] [--rows steps texts speculation].
Writes results/decoding.json; rows that were measured before and are not asked for stay.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_model, save_model
from torch import nn

from bench import common
from bench.shakespeare import characters, nats, scored, windows
from gradschool.engine.optim import Optim
from gradschool.evals.language.reading import Reader
from gradschool.models.language.gpt import gpt
from gradschool.models.language.gpt2 import gpt2
from gradschool.runs.language.generate import Drawing, drawn
from gradschool.runs.language.speculated import Counted, Pair, speculated
from gradschool.runs.run import optimizer_for

CONTEXTS = {64: 5.0, 512: 20.0}  # tokens of the window, and how many times as fast the cache should be
SHAPES: dict[str, Callable[[], nn.Module]] = {
    "gpt, depth 4, 3.1 M parameters": partial(gpt, 65, depth=4),
    "GPT-2, 124 M parameters": partial(gpt2, 50_257, dropout=0.0),
}
STEP = "with a cache", "without"
TRAINED = {"large": 4, "small": 1}  # depths of the models for speculative decoding
CONTEXT, WRITTEN, PROMPTS = 128, 100, 5  # of the texts of speculative decoding


def interleaved(sides: dict[str, Callable[[], object]], rounds: int) -> dict[str, dict[str, Any]]:
    """Processor seconds of each side, in turn, after a round that is not counted."""
    taken: dict[str, list[float]] = {side: [] for side in sides}
    for i in range(rounds + 1):
        for side, work in sides.items():
            start = time.process_time()
            work()
            if i:
                taken[side].append(time.process_time() - start)
    return {
        side: {"median": statistics.median(each), "iqr": common.iqr(each)} for side, each in taken.items()
    }


@torch.inference_mode()
def step(model: nn.Module, context: int, rounds: int) -> dict[str, Any]:
    """One token behind a window that is full but for it: with the cache, and by reading all of it."""
    kinds, repeats = 65, 5
    tokens = torch.randint(kinds, (1, context), generator=torch.Generator().manual_seed(0))
    reader = Reader(model, context)
    reader(tokens[:, :-1])

    def cached() -> None:
        for _ in range(repeats):
            reader(tokens[:, -1:]).argmax(1)
            reader.back(1)

    def whole() -> None:
        model(tokens)[:, -1].argmax(1)

    found = interleaved({"with a cache": cached, "without": whole}, rounds)
    for key in ("median", "iqr"):
        value = found["with a cache"][key]
        found["with a cache"][key] = [v / repeats for v in value] if key == "iqr" else value / repeats
    return found


def steps(rounds: int) -> list[dict[str, Any]]:
    """Seconds of one token, by network and window."""
    rows = []
    for shape, make in SHAPES.items():
        torch.manual_seed(0)
        model = make().eval()
        for context, wanted in CONTEXTS.items():
            found = step(model, context, rounds)
            ratio = found["without"]["median"] / found["with a cache"]["median"]
            rows.append(
                {"network": shape, "context": context, "seconds": found, "ratio": ratio, "wanted": wanted}
            )
            print(f"{shape}, window of {context}: {ratio:.1f} times as fast", flush=True)
    return rows


def read_speed(megabytes: int = 512) -> float:
    """Bytes/s of reading memory that no cache holds, with one thread: the best of five."""
    numbers = torch.ones(megabytes * 2**20 // 4)
    best = 0.0
    for _ in range(5):
        start = time.process_time()
        numbers.sum()
        best = max(best, numbers.nbytes / (time.process_time() - start))
    return best


def weight_bytes(model: nn.Module) -> int:
    """Bytes that every token reads: all weights; of positions one row, of tokens the output's matrix."""
    positions = getattr(model, "positions", None)
    apart = 0 if positions is None else positions.weight.nbytes
    return sum(p.nbytes for p in model.parameters()) - apart


@torch.inference_mode()
def texts(rounds: int, tokens: int = 200) -> list[dict[str, Any]]:
    """A text of 200 tokens of GPT-2's shape, in float32 and in bfloat16."""
    rows, speed = [], read_speed()
    for kind in (torch.float32, torch.bfloat16):
        torch.manual_seed(0)
        model = gpt2(50_257, dropout=0.0).eval().to(kind)

        def written(cached: bool, model: nn.Module = model) -> None:
            reader, new = Reader(model, 1024, cached), torch.tensor([[464]])
            for _ in range(tokens):
                new = reader(new).argmax(1, keepdim=True)

        found = interleaved({name: partial(written, name == STEP[0]) for name in STEP}, rounds)
        rate = tokens / found[STEP[0]]["median"]
        share = rate * weight_bytes(model) / speed
        rows.append({
            "network": "GPT-2, 124 M parameters", "type": str(kind).removeprefix("torch."), "tokens": tokens,
            "seconds": found, "tokens_per_second": rate, "read_bytes_per_second": speed,
            "share_of_bandwidth": share, "ratio": found[STEP[1]]["median"] / found[STEP[0]]["median"],
            "wanted": {"share_of_bandwidth": 0.45},
        })  # fmt: skip
        print(f"{kind}: {rate:.1f} tokens/s, {share:.0%} of what memory allows", flush=True)
    return rows


def trained(name: str, minutes: float, place: Path) -> nn.Module:
    """A model that was trained for so long on tiny Shakespeare, or is there already."""
    train, _, _, kinds = characters()
    torch.manual_seed(0)
    model, file = gpt(kinds, depth=TRAINED[name]), place / f"{name}-{minutes:g}.safetensors"
    if file.exists():
        load_model(model, file)
        return model.eval()
    optimizer = optimizer_for(model, Optim("muon", 5e-3, 0.0, 0.95, (0.9, 0.95)), plain=False)
    start, at = time.process_time(), 0
    while (done := (time.process_time() - start) / (60 * minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * min(1, (at + 1) / 50, 2 * (1 - done))
        optimizer.zero_grad()
        nats(model, *windows(train, 16, CONTEXT, name, at)).backward()
        optimizer.step()
        at += 1
    place.mkdir(parents=True, exist_ok=True)
    save_model(model, str(file))
    return model.eval()


def speculation(rounds: int, minutes: float, place: Path) -> list[dict[str, Any]]:
    """Greedy texts of the large model, alone and with the small one's proposals."""
    large, small = (trained(name, minutes, place) for name in TRAINED)
    _, _, test, _ = characters()
    starts = torch.linspace(0, len(test) - 20, PROMPTS).long().tolist()
    prompts = [test[at : at + 20].tolist() for at in starts]
    greedy, counts = Drawing(temperature=0), Counted()

    def alone() -> list[int]:
        return [int(t) for p in prompts for t in drawn(large, p, 1, WRITTEN, greedy, CONTEXT)]

    def both(counted: Counted) -> list[int]:
        found = []
        for prompt in prompts:
            pair, own = Pair(Reader(large, CONTEXT), Reader(small, CONTEXT), prompt), Counted()
            found += [token for new in speculated(pair, WRITTEN, greedy, own) for token in new]
            for each in ("proposed", "accepted", "tokens", "passes"):
                setattr(counted, each, getattr(counted, each) + getattr(own, each))
        return found

    equal = alone() == both(counts)
    found = interleaved({"alone": alone, "with a draft": lambda: both(Counted())}, rounds)
    losses = {name: float(scored(model, test, CONTEXT).mean()) for name, model in
              (("large", large), ("small", small))}  # fmt: skip
    row = {
        "test_nats": losses, "depths": TRAINED, "minutes_of_training": minutes, "texts_are_equal": equal,
        "acceptance": counts.accepted / counts.proposed, "tokens_a_pass": counts.tokens / counts.passes,
        "seconds": found, "gain": found["alone"]["median"] / found["with a draft"]["median"],
    }  # fmt: skip
    print(
        f"accepted {row['acceptance']:.0%}, {row['tokens_a_pass']:.1f} tokens a pass, gain {row['gain']:.2f}"
    )
    return [row]


def measure(names: list[str], rounds: int, minutes: float, place: Path) -> dict[str, Any]:
    """The rows that are asked for; writes results/decoding.json after each."""
    file = common.RESULTS / "decoding.json"
    before = json.loads(file.read_text()) if file.exists() else {}
    works: dict[str, Callable[[], Any]] = {
        "steps": partial(steps, rounds), "texts": partial(texts, max(3, rounds // 2)),
        "speculation": partial(speculation, rounds, minutes, place),
    }  # fmt: skip
    found = {"name": "decoding", "unit": "processor seconds", **{k: before[k] for k in works if k in before}}
    for name in names:
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        found[name] = {"n": rounds, "rows": works[name](), "load": load, "machine": common.machine()}
        common.RESULTS.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(found, indent=1) + "\n")
    return found


def main() -> None:
    """Read the command line, measure, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--rows", nargs="*", default=["steps", "texts", "speculation"])
    parser.add_argument("--work", type=Path, default=common.ROOT / "runs" / "decoding")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    measure(asked.rows, asked.rounds, asked.minutes, asked.work)


if __name__ == "__main__":
    main()
