"""Experiments of chapter 15: models of characters that learn in seconds, and one set of published runs."""

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

from gradschool.course.lessons.small_answers import (
    DIGITS,
    ends_in,
    invented,
    log_p,
    names_model,
    preferring,
    reinforced,
    reversals,
    solved,
    sums,
)
from gradschool.course.lessons.small_language import (
    CHAPTERS,
    CONTEXT,
    HELD_OUT,
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
from gradschool.course.lessons.small_looks import (
    choosing,
    codes,
    decoding,
    inside,
    integers,
    memory,
    pieces_again,
    told,
)
from gradschool.data.text.passages import passages_of
from gradschool.data.text.tokens.characters import Characters
from gradschool.evals.language.benchmarks.contamination import overlaps
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
from gradschool.ops.interpret.sparse import best_cosines
from gradschool.ops.tuning.supervised import next_token_targets

SEEDS = range(3)


# A small model of the lectures, looked at from all sides


def writing() -> dict:
    """Three models of the lectures: what they write, choose, keep as integers, and know by heart."""
    looks = {"decoding": decoding, "choosing": choosing, "integers": integers, "memory": memory}
    found: dict[str, list[dict]] = {name: [] for name in ("cost", *looks)}
    for seed, chapter in zip(SEEDS, HELD_OUT, strict=True):
        secrets = codes(seed)
        text = without(chapter) + "".join(told(name, secrets[name]) * 2**i for i, name in enumerate(secrets))
        characters = Characters.train([text, prose(chapter)])
        model = writer(text, characters, seed, 2000)
        cost = {"new": nats(model, characters.encode(prose(chapter)))}
        found["cost"].append(cost | {"seen": nats(model, characters.encode(text[: len(prose(chapter))]))})
        for name, look in looks.items():
            found[name].append(look(model, characters, chapter, seed))
    return {name: spreads(rows) for name, rows in found.items()}


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
    """Transformers of five widths on the same characters: four predict the fifth."""
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


def preferences() -> dict:
    """DPO on names, where those that end in a are preferred: share of them, and how far the model went."""
    betas, found = (0.05, 0.2, 1.0), {}  # type: ignore[var-annotated]
    for seed in SEEDS:
        base, characters = names_model(seed)
        end, a = characters.encode("\na")
        source = torch.Generator().manual_seed(seed)
        tokens, answer = invented(base, end, 1500, source)
        liked = ends_in(tokens, answer, a)
        found.setdefault("base", []).append({"liked": float(liked.float().mean())})
        good, bad = liked.nonzero().flatten(), (~liked).nonzero().flatten()
        n = min(len(good), len(bad), 400)
        for beta in betas:
            model = preferring(base, (tokens, answer), (good[:n], bad[:n]), beta, source)
            with torch.no_grad():
                lead = log_p(model, tokens, answer) - log_p(base, tokens, answer)
                new, counts = invented(model, end, 600, source)
                away = log_p(model, new, counts) - log_p(base, new, counts)
            row = {"liked": float(ends_in(new, counts, a).float().mean()), "kl": float(away.mean())}
            row |= {"chosen": float(lead[good[:n]].mean()), "rejected": float(lead[bad[:n]].mean())}
            found.setdefault(f"beta_{beta}".replace(".", ""), []).append(row)
    return {name: spreads(rows) for name, rows in found.items()}


def rewards() -> dict:
    """GRPO on sums of two digits, from a model that learnt from half wrong answers."""
    found, curves = {"before": [], "after": []}, []  # type: dict[str, list[dict]], list[list[float]]
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


# Looking inside, and looking up


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
    """The chapter of a quiz question, by the best passage: BM25 and two simpler ways to count."""
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
