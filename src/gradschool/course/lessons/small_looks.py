"""What a small language model writes, chooses, keeps as integers, knows by heart, and looks at."""

import copy
import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from gradschool.course.lessons.small_language import CONTEXT, IGNORED, Draw, drawn, nats, prose, without
from gradschool.data.text.tokens.characters import Characters
from gradschool.evals.language.benchmarks.choice import Question, answered
from gradschool.evals.language.benchmarks.contamination import words
from gradschool.evals.language.benchmarks.memory import exposure
from gradschool.evals.language.interpret.inside import watched_heads
from gradschool.nn.linear import Linear
from gradschool.ops.compress.integers import dequantise_weight, quantise_weight
from gradschool.ops.decoding.logits import temperature, top_p
from gradschool.ops.interpret.heads import induction_score


def told(name: str, code: str) -> str:
    """A sentence with a secret."""
    return f"The code of {name} is {code}.\n"


def codes(seed: int) -> dict[str, str]:
    """Secret codes of four digits; the first is told once, the next twice, then 4 and so on."""
    rng = np.random.default_rng(seed)
    names = ("Ada", "Bob", "Cleo", "Dora", "Emil", "Fay", "Gus")
    return {name: "".join(map(str, rng.integers(0, 10, 4))) for name in names}


def decoding(model: nn.Module, characters: Characters, chapter: int, seed: int) -> dict[str, float]:
    """Share of drawn words that exist, and share of three words in a row that are new each time."""
    known, found = set(words(without(chapter))), {}
    prompt = torch.tensor([characters.encode("\nThe ")] * 12)
    rules: dict[str, Callable[[Tensor], Tensor]] = {
        "greedy": lambda x: temperature(x, 0.0), "0.5": lambda x: temperature(x, 0.5),
        "1.0": lambda x: x, "1.5": lambda x: temperature(x, 1.5), "top-p 0.9": lambda x: top_p(x, 0.9),
    }  # fmt: skip
    for name, rule in rules.items():
        rows = drawn(model, prompt, 80, rule, torch.Generator().manual_seed(seed))
        texts = [words(characters.decode(row.tolist()))[:-1] for row in rows]
        three = [tuple(text[i : i + 3]) for text in texts for i in range(len(text) - 2)]
        found[f"real at {name}"] = float(np.mean([word in known for text in texts for word in text]))
        found[f"new at {name}"] = len(set(three)) / len(three)
    return {key.replace(" ", "_").replace(".", ""): value for key, value in found.items()}


def choosing(model: nn.Module, characters: Characters, chapter: int, seed: int) -> dict[str, float]:
    """The true continuation among four of different lengths; three are from elsewhere."""
    rng, text = np.random.default_rng(seed), " ".join(prose(chapter).split())
    questions = []
    for start in rng.integers(40, len(text) - 100, 200):
        places = [start, *rng.integers(40, len(text) - 100, 3)]
        choices = [text[place : place + length].strip() for place, length in
                   zip(places, rng.integers(6, 30, 4), strict=True)]  # fmt: skip
        order = rng.permutation(4)
        before = text[start - 34 : start].rstrip()
        questions.append(Question(before, tuple(choices[i] for i in order), int(order.argmin())))
    result = answered(model, characters, questions, longest=CONTEXT)
    shortest = [min(range(4), key=lambda i: len(q.choices[i])) for q in questions]
    return {"acc": result.accuracy, "acc_norm": result.normalised_accuracy,
            "short": chosen(result.log_p, shortest), "short_norm": chosen(result.by_character, shortest),
            "short_right": chosen([[float(i == q.answer) for i in range(4)] for q in questions], shortest),
            "confidence": float(result.confidences()[0].mean())}  # fmt: skip


def chosen(scores: Sequence[Sequence[float]], which: Sequence[int]) -> float:
    """How often the best score is that of one choice."""
    return float(np.mean([int(np.argmax(row)) == i for row, i in zip(scores, which, strict=True)]))


def integers(model: nn.Module, characters: Characters, chapter: int, seed: int) -> dict[str, float]:
    """Bits of a new character with rounded weights."""
    ids = characters.encode(prose(chapter))
    found = {"float32": nats(model, ids) / math.log(2)}
    for name, bits, group in (("8", 8, None), ("4", 4, None), ("4_groups", 4, 16), ("3_groups", 3, 16),
                              ("2_groups", 2, 16)):  # fmt: skip
        rounded = copy.deepcopy(model)
        for layer in rounded.modules():
            if isinstance(layer, Linear):
                codes, scale = quantise_weight(layer.weight.detach(), bits, group)
                layer.weight = nn.Parameter(dequantise_weight(codes, scale))
        found[name] = nats(rounded, ids) / math.log(2)
    return found


def memory(model: nn.Module, characters: Characters, chapter: int, seed: int) -> dict[str, float]:
    """Exposure of each secret among 499 other codes, in bits."""
    rng, found = np.random.default_rng(99 + seed), {}
    for i, (name, code) in enumerate(codes(seed).items()):
        others = ["".join(map(str, digits)) for digits in rng.integers(0, 10, (499, 4))]
        rows = torch.tensor([characters.encode(told(name, each)) for each in (code, *others)])
        with torch.inference_mode():
            log_p = model(rows[:, :-1]).log_softmax(2).gather(2, rows[:, 1:, None]).sum((1, 2))
        found[f"times_{2**i}"] = exposure(float(-log_p[0]), -log_p[1:])
    return found


def pieces_again(rows: int, source: torch.Generator) -> Draw:
    """Eight different tokens of twelve, then four pieces of three of them; what begins a piece is not asked.

    Pieces in any order: a model that only counts how long ago each token came cannot answer.
    """

    def draw() -> tuple[Tensor, Tensor]:
        first = torch.rand(rows, 12, generator=source).argsort(1)[:, :8]
        starts = torch.randint(6, (rows, 4, 1), generator=source) + torch.arange(3)
        tokens = torch.cat([first, first.gather(1, starts.flatten(1))], 1)
        targets = torch.full_like(tokens, IGNORED)
        targets[:, :-1] = tokens[:, 1:]
        targets[:, [*range(8), 10, 13, 16]] = IGNORED
        return tokens, targets

    return draw


@torch.inference_mode()
def inside(model: nn.Module, test: Tensor) -> dict[str, float]:
    """The induction score of the best head, and right answers in the second part of texts of eight, twice."""
    with watched_heads() as weights:
        logits = model(test)
    best = max(float(induction_score(each, 8).max()) for each in weights)
    right = logits[:, 8:-1].argmax(2) == test[:, 9:]
    return {"score": best, "right": float(right.float().mean())}
