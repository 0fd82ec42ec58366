"""Experiments of chapter 15: models of characters that learn in seconds, and one set of published runs."""

import copy
import math
import os
import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gradschool.course.lessons.small_language import (
    CHAPTERS,
    CONTEXT,
    HELD_OUT,
    Draw,
    learn,
    nats,
    prose,
    small,
    spread,
    spreads,
    stretches,
    without,
    writer,
)
from gradschool.data.text.passages import passages_of
from gradschool.data.text.tokens.characters import Characters
from gradschool.evals.language.benchmarks.choice import Question, answered
from gradschool.evals.language.benchmarks.contamination import overlaps, words
from gradschool.evals.language.benchmarks.memory import exposure
from gradschool.evals.language.interpret.inside import watched_heads
from gradschool.evals.language.ngrams import NGram
from gradschool.evals.language.retrieval.ranking import BM25
from gradschool.evals.language.scaling.isoflop import (
    best_runs,
    optimal_size,
    optimal_tokens,
    parabola_minima,
    power_law,
    read_runs,
)
from gradschool.nn.sparse import SparseAutoencoder
from gradschool.ops.compress.integers import dequantise_weight, quantise_weight
from gradschool.ops.decoding.logits import temperature, top_p
from gradschool.ops.interpret.heads import induction_score
from gradschool.ops.interpret.sparse import best_cosines
from gradschool.ops.language import inverse_cdf
from gradschool.ops.tuning.preference import Pair, Rollout, dpo_loss, group_advantages, grpo_loss
from gradschool.ops.tuning.supervised import answer_log_prob, next_token_targets

SEEDS = range(3)
IGNORED = -100
DIGITS = "0123456789+="


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


# A small model of the lectures, looked at from all sides


def writing() -> dict:
    """Three models of the lectures: what they write, choose, keep as integers, and know by heart."""
    looks = {"decoding": decoding, "choosing": choosing, "integers": integers, "memory": memory}
    found: dict[str, list[dict]] = {name: [] for name in ("cost", *looks)}
    for seed, chapter in zip(SEEDS, HELD_OUT, strict=True):
        secrets = codes(seed)
        text = without(chapter) + "".join(told(name, secrets[name]) * 2**i for i, name in enumerate(secrets))
        characters = Characters.train([text, prose(chapter)])
        model = writer(text, characters, seed)
        found["cost"].append({"new": nats(model, characters.encode(prose(chapter))),
                              "seen": nats(model, characters.encode(text[: len(prose(chapter))]))})  # fmt: skip
        for name, look in looks.items():
            found[name].append(look(model, characters, chapter, seed))
    return {name: spreads(rows) for name, rows in found.items()}


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
            if isinstance(layer, nn.Linear):
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


# Evaluation and scaling


def contaminated() -> dict:
    """Nats of a test text under a 6-gram model when a share of it is in the training text; the overlap."""
    shares = {"none": 0.0, "tenth": 0.1, "half": 0.5, "all": 1.0}
    found: dict[str, list[dict]] = {name: [] for name in shares}
    for chapter in HELD_OUT:
        seen, parts = without(chapter), prose(chapter).split("\n\n")
        characters = Characters.train([seen, prose(chapter)])
        rng = np.random.default_rng(chapter)
        for name, rows in found.items():
            leaked = [part for part in parts if rng.random() < shares[name]]
            train = characters.encode("\n\n".join([seen, *leaked]))
            model = NGram.fit(train, 6, len(characters), "kneser-ney")
            over = overlaps(parts, [seen, *leaked], 8)
            rows.append({"nats": model.nats(characters.encode("\n\n".join(parts))),
                         "dirty": float(np.mean([each.dirty for each in over]))})  # fmt: skip
    return {name: spreads(rows) for name, rows in found.items()}


def isoflops() -> dict:
    """72 published runs of 9 compute budgets: the best size by two methods, and what they say far outside."""
    places = [Path(place) for place in os.environ["GRADSCHOOL_DATA"].split(os.pathsep)]
    runs = read_runs(next(f for place in places if (f := place / "scaling/isoflops_curves.json").is_file()))
    found: dict[str, Any] = {"runs": len(runs.loss), "budgets": len(np.unique(runs.compute))}
    for name, method in (("best", best_runs), ("parabola", parabola_minima)):
        law = optimal_size(runs, method)
        budgets, sizes = method(runs)
        # Leave one budget out at a time: how far does the answer move?
        moved = [optimal_size(runs.take(runs.compute != budget), method).at(1e24) for budget in budgets]
        found[name] = {"exponent": law.exponent, "1e23": law.at(1e23), "1e24": law.at(1e24),
                       "tokens": optimal_tokens(law).at(1e24), "sizes": sizes.tolist(),
                       "budgets": budgets.tolist(), "without_one": spread(moved)}  # fmt: skip
    found["ratio"] = found["parabola"]["1e24"] / found["best"]["1e24"]
    found["curves"] = [[b, runs.parameters[runs.compute == b].tolist(), runs.loss[runs.compute == b].tolist()]
                       for b in np.unique(runs.compute)]  # fmt: skip
    return found


def ladder() -> dict:
    """Transformers of five widths on the same characters: a power law from four of them predicts the fifth."""
    widths, rows, errors = (8, 12, 16, 24, 40), [], []
    for seed, chapter in zip(SEEDS, HELD_OUT, strict=True):
        characters = Characters.train([without(chapter), prose(chapter)])
        seen, new = torch.tensor(characters.encode(without(chapter))), characters.encode(prose(chapter))
        sizes, costs = [], []
        for width in widths:
            torch.manual_seed(seed)
            model = small(len(characters), CONTEXT, width, 2, 2)
            sizes.append(float(sum(p.numel() for p in model.parameters())))
            learn(model, stretches(seen, 8, CONTEXT, seed), 150, 1e-2)
            costs.append(nats(model, new))
        law = power_law(np.array(sizes[:-1]), np.array(costs[:-1]))
        rows.append(costs)
        errors.append(law.at(sizes[-1]) / costs[-1] - 1)
    return {"widths": widths, "sizes": sizes, "nats": [spread(each) for each in zip(*rows, strict=True)],
            "error": spread(errors), "off": spread([abs(each) for each in errors])}  # fmt: skip


# Fine-tuning


def reversals(rows: int, source: torch.Generator) -> tuple[Tensor, Tensor]:
    """Four random letters of eight, a mark, and the letters from right to left; True for the answer."""
    letters = torch.randint(8, (rows, 4), generator=source)
    tokens = torch.cat([letters, torch.full((rows, 1), 8), letters.flip(1)], 1)
    return tokens, (torch.arange(9) > 4).expand(rows, -1)


def masks() -> dict:
    """Right answers to 'write it backwards' with three masks of the loss, after equal training."""
    found: dict[str, list[dict]] = {}
    shifts: dict[str, Callable[[Tensor], Tensor | None]] = {
        "right": lambda answer: answer, "off_by_one": lambda answer: answer.roll(1, 1),
        "none": lambda answer: None,
    }  # fmt: skip
    for name, mask in shifts.items():
        for seed in SEEDS:
            torch.manual_seed(seed)
            source = torch.Generator().manual_seed(seed)
            model = small(9, 9, 32, 2, 4)

            def draw(source: torch.Generator = source, mask: Any = mask) -> tuple[Tensor, Tensor]:
                tokens, answer = reversals(48, source)
                return tokens[:, :-1], next_token_targets(tokens, mask(answer))[:, :-1]

            learn(model, draw, 200, 5e-3)
            tokens, _ = reversals(500, torch.Generator().manual_seed(1000 + seed))
            with torch.inference_mode():
                got = model(tokens[:, :-1]).argmax(2)[:, 4:] == tokens[:, 5:]
            row = {"whole": float(got.all(1).float().mean()), "first": float(got[:, 0].float().mean()),
                   "rest": float(got[:, 1:].float().mean())}  # fmt: skip
            found.setdefault(name, []).append(row)
    return {name: spreads(rows) for name, rows in found.items()}


def names_model(seed: int) -> tuple[nn.Module, Characters]:
    """A model of given names, each between two line ends."""
    file = Path(__file__).parents[2] / "data/sets/text/names.txt"
    names = file.read_text(encoding="utf-8").split()
    characters = Characters.train(["\n", *names])
    rows = torch.full((len(names), 14), IGNORED)
    for row, name in zip(rows, names, strict=True):
        ids = torch.tensor(characters.encode(f"\n{name[:12]}\n"))
        row[: len(ids)] = ids
    source = torch.Generator().manual_seed(seed)

    def draw() -> tuple[Tensor, Tensor]:
        each = rows[torch.randint(len(rows), (48,), generator=source)]
        return each[:, :-1].clamp(min=0), each[:, 1:]

    torch.manual_seed(seed)
    model = small(len(characters), 14, 32, 2, 4)
    learn(model, draw, 200, 6e-3)
    return model, characters


def invented(model: nn.Module, end: int, n: int, source: torch.Generator) -> tuple[Tensor, Tensor]:
    """Names that a model draws, 14 tokens a row; True for each name's letters and the first end."""
    tokens = torch.full((n, 1), end)
    tokens = torch.cat([tokens, drawn(model, tokens, 13, lambda x: x, source)], 1)
    ends = (tokens[:, 1:] == end).int().cumsum(1)
    counts = (ends == 0) | ((ends == 1) & (tokens[:, 1:] == end))
    return tokens, torch.cat([torch.zeros(n, 1, dtype=torch.bool), counts], 1)


def preferences() -> dict:
    """DPO on names, where those that end in a are preferred: share of them, and how far the model went."""
    betas, found = (0.05, 0.2, 1.0), {}
    for seed in SEEDS:
        base, characters = names_model(seed)
        end, a = characters.encode("\na")
        source = torch.Generator().manual_seed(seed)
        tokens, answer = invented(base, end, 1500, source)
        liked = ends_in(tokens, answer, a)
        found.setdefault("base", []).append({"liked": float(liked.float().mean())})
        good, bad = liked.nonzero().flatten(), (~liked).nonzero().flatten()
        n = min(len(good), len(bad), 400)
        with torch.no_grad():
            reference = log_p(base, tokens, answer)
        for beta in betas:
            model = copy.deepcopy(base)
            adam = torch.optim.AdamW(model.parameters(), 5e-4)
            for _ in range(60):
                rows = torch.randint(n, (2, 32), generator=source)
                pick = good[rows[0]], bad[rows[1]]
                policy = Pair(*(log_p(model, tokens[i], answer[i]) for i in pick))
                loss = dpo_loss(policy, Pair(reference[pick[0]], reference[pick[1]]), beta)
                adam.zero_grad()
                loss.backward()
                adam.step()
            with torch.no_grad():
                lead = log_p(model, tokens, answer) - reference
                new, counts = invented(model, end, 600, source)
                away = log_p(model, new, counts) - log_p(base, new, counts)
            row = {"liked": float(ends_in(new, counts, a).float().mean()), "kl": float(away.mean()),
                   "chosen": float(lead[good[:n]].mean()), "rejected": float(lead[bad[:n]].mean())}  # fmt: skip
            found.setdefault(f"beta_{beta}".replace(".", ""), []).append(row)
    return {name: spreads(rows) for name, rows in found.items()}


def log_p(model: nn.Module, tokens: Tensor, answer: Tensor) -> Tensor:
    """Log-probability of each row's answer."""
    return answer_log_prob(model(tokens), tokens, answer)


def ends_in(tokens: Tensor, answer: Tensor, letter: int) -> Tensor:
    """Whether the last token before the end is a letter."""
    last = answer.sum(1) - 1  # the first token stands before the answer
    return tokens.gather(1, last[:, None]).squeeze(1) == letter


def sums(rows: int, right: float, source: torch.Generator) -> tuple[Tensor, Tensor]:
    """Rows such as 3+4=07, of which a share is right and the others have a random answer."""
    a, b = torch.randint(10, (2, rows), generator=source)
    random = torch.randint(19, (rows,), generator=source)
    answer = torch.where(torch.rand(rows, generator=source) < right, a + b, random)
    plus, equals = torch.full_like(a, 10), torch.full_like(a, 11)
    return torch.stack([a, plus, b, equals, answer // 10, answer % 10], 1), a + b


def rewards() -> dict:
    """GRPO on sums of two digits, from a model that learnt from a text with half of the answers wrong."""
    found: dict[str, list[dict]] = {"before": [], "after": []}
    curves = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        source = torch.Generator().manual_seed(seed)
        model = small(len(DIGITS), 6, 32, 2, 4)

        def noisy(source: torch.Generator = source) -> tuple[Tensor, Tensor]:
            tokens, _ = sums(64, 0.5, source)
            return tokens[:, :-1], next_token_targets(tokens, (torch.arange(6) > 3).expand(64, -1))[:, :-1]

        learn(model, noisy, 300, 6e-3)
        found["before"].append(solved(model, source))
        curves.append(reinforced(model, source))
        found["after"].append(solved(model, source))
    means = [spread(each) for each in zip(*curves, strict=True)]
    return {name: spreads(rows) for name, rows in found.items()} | {"curve": means}


def solved(model: nn.Module, source: torch.Generator) -> dict[str, float]:
    """Right answers to all hundred sums: of one draw, of the best of 8 draws, and of the most probable one."""
    a, b = torch.arange(100) // 10, torch.arange(100) % 10
    prompt = torch.stack([a, torch.full_like(a, 10), b, torch.full_like(a, 11)], 1)
    got = drawn(model, prompt.repeat_interleave(8, 0), 2, lambda x: x, source)
    right = (got[:, 0] * 10 + got[:, 1] == (a + b).repeat_interleave(8)).view(100, 8)
    sure = drawn(model, prompt, 2, lambda x: temperature(x, 0.0), source)
    return {"one": float(right.float().mean()), "eight": float(right.any(1).float().mean()),
            "greedy": float((sure[:, 0] * 10 + sure[:, 1] == a + b).float().mean())}  # fmt: skip


def reinforced(model: nn.Module, source: torch.Generator, steps: int = 60, group: int = 8) -> list[float]:
    """Train with GRPO in place, one step a batch; the mean reward of each ten steps."""
    adam, found = torch.optim.AdamW(model.parameters(), 5e-4), []
    counts = (torch.arange(5) > 2).expand(16 * group, -1)
    for _ in range(steps):
        # 1. A group of answers to each of 16 questions; 1 for a right one.
        tokens, true = sums(16, 1.0, source)
        prompt = tokens[:, :4].repeat_interleave(group, 0)
        got = drawn(model, prompt, 2, lambda x: x, source)
        reward = (got[:, 0] * 10 + got[:, 1] == true.repeat_interleave(group)).float()
        found.append(float(reward.mean()))
        # 2. One step; drawn by the model as it is, the ratio is 1 and its gradient is that of log p.
        whole = torch.cat([prompt, got], 1)
        each = model(whole[:, :-1]).log_softmax(2).gather(2, whole[:, 1:, None]).squeeze(2)
        advantage = group_advantages(reward.view(16, group)).flatten()
        loss = grpo_loss(each, Rollout(each.detach(), advantage, counts), beta=0.0)
        adam.zero_grad()
        loss.backward()
        adam.step()
    return [float(np.mean(found[i : i + 10])) for i in range(0, steps, 10)]


# Looking inside, and looking up


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


def induction() -> dict:
    """Models of one and of two layers learn to go on with pieces of a text: answers, and the best head."""
    found: dict[str, list[dict]] = {}
    curves: dict[str, list[list[float]]] = {}
    for depth in (1, 2):
        for seed in SEEDS:
            torch.manual_seed(seed)
            model = small(12, 20, 32, depth, 2)
            source = torch.Generator().manual_seed(77)
            test = torch.rand(64, 12, generator=source).argsort(1)[:, :8].repeat(1, 2)
            curve: list[float] = []

            def look(step: int, model: nn.Module = model, test: Tensor = test, curve: Any = curve) -> None:
                if step % 50 == 0:
                    curve.append(inside(model, test)["score"])

            learn(model, pieces_again(32, torch.Generator().manual_seed(seed)), 500, 4e-3, look)
            found.setdefault(f"layers_{depth}", []).append(inside(model, test))
            curves.setdefault(f"layers_{depth}", []).append(curve)
    return {name: spreads(rows) for name, rows in found.items()} | {"curves": curves, "every": 50}


@torch.inference_mode()
def inside(model: nn.Module, test: Tensor) -> dict[str, float]:
    """The induction score of the best head, and right answers in the second part of texts of eight, twice."""
    with watched_heads() as weights:
        logits = model(test)
    best = max(float(induction_score(each, 8).max()) for each in weights)
    right = logits[:, 8:-1].argmax(2) == test[:, 9:]
    return {"score": best, "right": float(right.float().mean())}


def directions() -> dict:
    """Activations of 32 numbers made of few of 64 directions: how many a sparse autoencoder finds, by k."""
    found: dict[str, list[dict]] = {}
    for seed in SEEDS:
        source = torch.Generator().manual_seed(seed)
        true = nn.functional.normalize(torch.randn(64, 32, generator=source))
        active = torch.rand(20_000, 64, generator=source) < 3 / 64
        x = (active * (0.5 + torch.rand(20_000, 64, generator=source))) @ true
        for k in (1, 3, 32):
            torch.manual_seed(seed)
            model = SparseAutoencoder(32, 128, k)
            adam = torch.optim.Adam(model.parameters(), 3e-3)
            for step in range(400):
                each = x[step * 128 % 19_968 :][:128]
                loss = (model(each) - each).square().mean()
                adam.zero_grad()
                loss.backward()
                adam.step()
            near = best_cosines(model.directions.detach(), true)
            row = {"found": float((near > 0.9).float().mean()), "cosine": float(near.mean()),
                   "error": float(loss.detach() / x.square().mean())}  # fmt: skip
            found.setdefault(f"k_{k}", []).append(row)
    return {name: spreads(rows) for name, rows in found.items()}


def retrieving() -> dict:
    """The chapter that a quiz question belongs to, by the best passage: BM25 and two simpler ways to count."""
    passages, owners, questions, right = [], [], [], []
    for chapter in CHAPTERS:
        (folder,) = Path(__file__).parents[1].glob(f"{chapter:02d}-*")
        for each in passages_of(prose(chapter), folder):
            passages.append(each.text)
            owners.append(chapter)
        quiz = tomllib.loads((folder / "quiz.toml").read_text(encoding="utf-8"))
        for question in quiz["question"]:
            questions.append(re.sub(r"@\{\w+\}", "", question["ask"]))
            right.append(chapter)
    found: dict[str, Any] = {"questions": len(questions), "passages": len(passages)}
    ways = {"bm25": BM25(passages), "no_length": BM25(passages, b=0.0), "whether": BM25(passages, k1=0.0)}
    for name, way in ways.items():
        hits = [scores.topk(3).indices.tolist() for scores in map(way.scores, questions)]
        first = [owners[each[0]] == wanted for each, wanted in zip(hits, right, strict=True)]
        found[name] = {"first": interval_of(first),
                       "three": interval_of([wanted in [owners[i] for i in each]
                                             for each, wanted in zip(hits, right, strict=True)])}  # fmt: skip
    return found


def interval_of(right: Sequence[bool]) -> dict[str, float]:
    """A share with the half width of its 95 % interval."""
    share = float(np.mean(right))
    return {"share": share, "half": 1.96 * math.sqrt(share * (1 - share) / len(right)), "n": len(right)}
