"""What two layers of attention can do that one cannot: induction heads, found, patched and read out.

Usage: python -m bench.interpret [--seeds 3] [--steps 1500] [--quick]. Decoders of one and of two layers are
trained on rows of random tokens that repeat after 8 to 32 places and, every other step, on tiny Shakespeare.
Measured on fresh rows: induction and previous-token scores of every head; loss in the first and in a later
period; which place and layer repairs a corrupt text; the logit lens; and, on text, what a sparse autoencoder
of the first block's output explains beside as many principal components as it has active features, and what
either costs when it stands in for the block. A seed that is done is kept, so the same command goes on where
it was stopped. Writes results/interpret.json.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench import common
from gradschool.data.catalogue import resolve
from gradschool.data.text.running.chunks import Chunks
from gradschool.data.text.running.running import open_running
from gradschool.data.text.tokens.characters import Characters
from gradschool.data.text.vocabulary import Vocabulary
from gradschool.evals.language.interpret.inside import (
    changed,
    logit_lens,
    patching_effects,
    recorded,
    watched_heads,
)
from gradschool.models.language.gpt import GPT, gpt
from gradschool.nn.sparse import SparseAutoencoder
from gradschool.ops.interpret.heads import induction_score, looking_back
from gradschool.ops.interpret.sparse import explained_variance
from gradschool.ops.loss import cross_entropy

LENGTH, BATCH, PERIODS = 64, 32, (8, 32)
ACTIVE, WIDER = 16, 4  # features that are active at a time, and how many more than numbers there are
HEADS = 2


def text() -> tuple[np.ndarray, int]:
    """The tokens of tiny Shakespeare, and how many different ones there are."""
    place = resolve("tinyshakespeare")[1]
    assert place is not None
    running = open_running(place)
    tokeniser = Characters(Vocabulary("".join(running.alphabet)))
    return np.array(tokeniser.encode("".join(running.blocks())), np.uint16), len(tokeniser)


def repeated(rows: int, kinds: int, generator: torch.Generator, period: int | None = None) -> Tensor:
    """Rows of random tokens that repeat; each row has its own period if none is given."""
    low, high = PERIODS
    drawn = torch.randint(1, kinds, (rows, high), generator=generator)
    each = torch.randint(low, high + 1, (rows, 1), generator=generator)
    each = each if period is None else torch.full_like(each, period)
    return drawn.gather(1, torch.arange(LENGTH + 1).expand(rows, -1) % each)


def loss_of(model: nn.Module, x: Tensor) -> Tensor:
    """Nats of every token but the first, (rows, length)."""
    nats = cross_entropy(model(x[:, :-1]).flatten(0, 1), x[:, 1:].flatten(), reduction="none")
    return nats.view(len(x), -1)


def trained(depth: int, kinds: int, tokens: np.ndarray, steps: int, seed: int) -> GPT:
    """A decoder of so many layers, trained on repetitions and on text in turn."""
    torch.manual_seed(seed)
    model, generator = gpt(kinds, depth=depth, width=64 * HEADS), torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=0.01)
    chunks = Chunks(tokens, BATCH, LENGTH, seed, walks=False)
    windows = chunks.epoch(0)
    for step in range(steps):
        # 1. The rate falls to nothing.
        for group in optimiser.param_groups:
            group["lr"] = 3e-3 * min(1, step / 50) * (1 - step / steps)
        # 2. Repetitions, then text.
        if step % 2:
            x, y, _ = next(windows)
            loss = cross_entropy(model(x).flatten(0, 1), y.flatten())
        else:
            loss = loss_of(model, repeated(BATCH, kinds, generator)).mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    return model.eval()


@torch.inference_mode()
def heads_of(model: GPT, kinds: int) -> dict[str, Any]:
    """What every head looks at, and what the network makes of a repetition."""
    period, generator = 24, torch.Generator().manual_seed(10_000)
    x = repeated(64, kinds, generator, period)
    nats = loss_of(model, x)
    with watched_heads() as weights:
        model(x[:, : 2 * period])
    return {
        "induction": [induction_score(each, period).tolist() for each in weights],
        "previous": [looking_back(each, 1).tolist() for each in weights],
        "first_period_nats": float(nats[:, : period - 1].mean()),
        "later_nats": float(nats[:, period:].mean()), "chance_nats": float(np.log(kinds - 1)),
    }  # fmt: skip


def patched(model: GPT, kinds: int, texts: int = 16) -> list[list[float]]:
    """Mean share of the answer that each layer (rows) repairs at the place where the texts differ, between it
    and the end, and at the end.

    The clean text ends on the first token of its second period, whose answer is the second token; in the
    corrupt text that token is another one, at its first occurrence.
    """
    period, generator, found = 16, torch.Generator().manual_seed(20_000), []
    names = [f"blocks.{i}" for i in range(len(model.blocks))]
    for _ in range(texts):
        clean = torch.randperm(kinds - 2, generator=generator)[:period][None] + 1
        clean = torch.cat([clean, clean[:, :1]], 1)
        corrupt = clean.clone()
        corrupt[0, 1] = kinds - 1
        answer, other = int(clean[0, 1]), kinds - 1

        def score(logits: Tensor, answer: int = answer, other: int = other) -> Tensor:
            return logits[0, -1, answer] - logits[0, -1, other]

        effects = patching_effects(model, clean, corrupt, names, score)
        found.append(torch.stack([effects[:, 1], effects[:, 2:-1].sum(1), effects[:, -1]], 1))
    return torch.stack(found).mean(0).tolist()


@torch.inference_mode()
def lens(model: GPT, kinds: int) -> list[float]:
    """Nats of a later period if the network stopped after its input and after each block."""
    x = repeated(64, kinds, torch.Generator().manual_seed(30_000), 24)
    names = ["enter", *(f"blocks.{i}" for i in range(len(model.blocks)))]
    every = logit_lens(model, x[:, :-1], names, lambda h: model.output(model.norm(h)))
    wanted = x[:, 25:].flatten()
    return [float(cross_entropy(each[:, 24:].flatten(0, 1), wanted)) for each in every]


def sparse(model: GPT, tokens: np.ndarray, steps: int, seed: int) -> dict[str, float]:
    """A sparse autoencoder of the first block's output on text, beside as many principal components."""
    chunks = Chunks(tokens[:-20_000], BATCH, LENGTH, seed, walks=False)
    test = torch.from_numpy(tokens[-20_000:].astype(np.int64))[: 300 * LENGTH].view(-1, LENGTH)
    # 1. Activations to learn from and to test on.
    with torch.no_grad(), recorded(model, ["blocks.0"]) as given:
        parts = []
        for _, (x, _, _) in zip(range(60), chunks.epoch(0), strict=False):
            model(x)
            parts.append(given["blocks.0"].flatten(0, 1))
        known, plain = torch.cat(parts), loss_of(model, test).mean()
        asked = given["blocks.0"].flatten(0, 1)
    # 2. The autoencoder.
    torch.manual_seed(seed)
    width = known.shape[1]
    net = SparseAutoencoder(width, WIDER * width, ACTIVE)
    net.centre.data = known.mean(0)
    optimiser = torch.optim.Adam(net.parameters(), 1e-3)
    for _ in range(steps):
        batch = known[torch.randint(len(known), (1024,))]
        loss = (net(batch) - batch).square().sum(1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    # 3. The best directions that every activation shares.
    _, _, directions = torch.linalg.svd(known - known.mean(0), full_matrices=False)
    kept = directions[:ACTIVE]

    def components(x: Tensor) -> Tensor:
        return (x - known.mean(0)) @ kept.T @ kept + known.mean(0)

    found = {"nats": float(plain), "features": float(WIDER * width), "active": float(ACTIVE)}
    with torch.no_grad():
        for name, form in (("sparse", net), ("components", components)):
            found[f"{name}_explained"] = float(explained_variance(asked, form(asked)))
            with changed(model, {"blocks.0": form}):
                found[f"{name}_nats"] = float(loss_of(model, test).mean())
    return found


def one_seed(seed: int, steps: int, place: Path) -> dict[str, Any]:
    """Everything of one seed; read from its file if it is done."""
    file = place / f"seed-{seed}-{steps}.json"
    if file.is_file():
        return dict(json.loads(file.read_text()))
    tokens, kinds = text()
    found: dict[str, Any] = {"seed": seed}
    for depth in (1, 2):
        model = trained(depth, kinds, tokens, steps, seed)
        found[f"layers_{depth}"] = heads_of(model, kinds) | {"lens_nats": lens(model, kinds)}
    found["patching"] = patched(model, kinds)
    found["sparse"] = sparse(model, tokens, steps, seed)
    place.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(found))
    return found


def main() -> None:
    """Read the command line, train, look inside, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--quick", action="store_true", help="a few steps: does it run?")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    steps, name = (20, "interpret-quick") if asked.quick else (asked.steps, "interpret")
    seeds = [one_seed(seed, steps, Path("runs") / "interpret") for seed in range(asked.seeds)]
    best = {
        depth: [float(np.max(each[f"layers_{depth}"]["induction"])) for each in seeds] for depth in (1, 2)
    }
    result = {
        "name": name, "n": asked.seeds, "steps": steps, "best_induction": best, "seeds": seeds,
        "load_at_start": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "machine": common.machine(),
    }  # fmt: skip
    common.RESULTS.mkdir(parents=True, exist_ok=True)
    (common.RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    for depth, scores in best.items():
        nats = [each[f"layers_{depth}"]["later_nats"] for each in seeds]
        print(f"{depth} layers: best induction score {np.median(scores):.2f}")
        print(f"  {np.median(nats):.2f} nats in a later period")


if __name__ == "__main__":
    main()
