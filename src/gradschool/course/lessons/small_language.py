"""Small language models of characters, trained in seconds on the lectures of this course."""

import re
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradschool.data.text.labelled.opentagged import CODE
from gradschool.data.text.tokens.characters import Characters
from gradschool.models.language.gpt2 import gpt2
from gradschool.ops.language import inverse_cdf

CHAPTERS = range(1, 12)  # later lectures are about text, and change with the experiments
HELD_OUT = (3, 6, 9)
CONTEXT = 64
IGNORED = -100  # a target that does not count
Draw = Callable[[], tuple[Tensor, Tensor]]


def prose(chapter: int) -> str:
    """A lecture as running text: without code, formulas, tables, headings and marks."""
    (file,) = Path(__file__).parents[1].glob(f"{chapter:02d}-*/lecture.md")
    text = re.sub(r"\(?\{\w+\}\)?|\*", "", CODE.sub(r"\1", file.read_text(encoding="utf-8")))
    return re.sub(r"\s*\n\s*\n\s*", "\n\n", re.sub(r"[ \t]+", " ", text)).strip() + "\n"


def without(chapter: int) -> str:
    """All lectures but one."""
    return "\n".join(prose(each) for each in CHAPTERS if each != chapter)


@torch.no_grad()
def small(pieces: int, context: int, width: int, depth: int, heads: int) -> nn.Module:
    """A narrow transformer. Its first weights have variance 1 / inputs: the usual ones are made for width
    768, and with them a narrow model hardly moves in the few steps that it has here.
    """
    model = gpt2(pieces, context, width, depth, heads, 0.0)
    for p in model.parameters():
        if p.dim() == 2:
            p.normal_(std=p.shape[1] ** -0.5)
    return model


def learn(
    model: nn.Module, draw: Draw, steps: int, rate: float, at: Callable[[int], None] | None = None
) -> None:
    """Train a language model in place, with AdamW and a learning rate that falls to 0 as a cosine.

    Args:
        model: tokens to logits.
        draw: tokens and targets of a batch; targets of -100 do not count.
        steps: of the optimiser.
        rate: at the beginning.
        at: called before each step with its number.
    """
    adam = torch.optim.AdamW(model.parameters(), rate, (0.9, 0.98), weight_decay=0.01)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    model.train()
    for step in range(steps):
        if at is not None:
            at(step)
        x, y = draw()
        adam.zero_grad()
        F.cross_entropy(model(x).flatten(0, 1), y.flatten()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        falling.step()
    model.eval()


def stretches(ids: Tensor, rows: int, length: int, seed: int) -> Draw:
    """Rows of so many tokens from random places of a text, and the tokens after each."""
    source = torch.Generator().manual_seed(seed)

    def draw() -> tuple[Tensor, Tensor]:
        start = torch.randint(len(ids) - length, (rows, 1), generator=source)
        each = ids[start + torch.arange(length + 1)]
        return each[:, :-1], each[:, 1:]

    return draw


def writer(text: str, characters: Characters, seed: int, steps: int = 250, width: int = 64) -> nn.Module:
    """A transformer of two layers that has read a text."""
    torch.manual_seed(seed)
    model = small(len(characters), CONTEXT, width, 2, 4)
    learn(model, stretches(torch.tensor(characters.encode(text)), 16, CONTEXT, seed), steps, 6e-3)
    return model


@torch.inference_mode()
def drawn(
    model: nn.Module, prompt: Tensor, length: int, change: Callable[[Tensor], Tensor], source: torch.Generator
) -> Tensor:
    """Go on with texts by so many tokens, drawn from the changed logits."""
    tokens = prompt
    for _ in range(length):
        p = change(model(tokens[:, -CONTEXT:])[:, -1]).double().softmax(1)
        u = torch.rand(len(p), generator=source, dtype=torch.float64)
        tokens = torch.cat([tokens, inverse_cdf(p, u)[:, None]], 1)
    return tokens[:, prompt.shape[1] :]


@torch.inference_mode()
def nats(model: nn.Module, ids: Sequence[int]) -> float:
    """Mean cost of a token of a text that is read in pieces, each token with half a context before it."""
    found, half = [], CONTEXT // 2
    rows = torch.tensor(ids).unfold(0, CONTEXT + 1, half)
    for part in rows.split(64):
        log_p = model(part[:, :-1]).log_softmax(2).gather(2, part[:, 1:, None])
        found.append(-log_p[:, half:].flatten())
    return float(torch.cat(found).mean())


def spread(values: Sequence[float]) -> dict:
    """Mean, deviation and range of repeats."""
    return {"n": len(values), "mean": statistics.fmean(values), "deviation": statistics.stdev(values),
            "lowest": min(values), "highest": max(values)}  # fmt: skip


def spreads(rows: Sequence[dict[str, float]]) -> dict[str, dict]:
    """`spread` of each name, over repeats."""
    return {name: spread([row[name] for row in rows]) for name in rows[0]}
