"""A ladder of language models of several sizes, each trained with several compute budgets: a law is fitted to
their losses, and says what the largest will reach before it is trained.

Sources: Kaplan et al. 2020 (power laws); Hoffmann et al. 2022, sections 3.2 and 3.3. Deviation: parameters
are the weights of matrices, without look-up tables, which in small models would be most of them.
"""

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.language.reading import has_state
from gradschool.evals.language.scaling.budgets import in_budgets
from gradschool.evals.language.scaling.flops import weights_in_products
from gradschool.evals.language.scaling.isoflop import FLOPS, Runs, parabola_minima
from gradschool.evals.language.scaling.law import Law, bootstrapped, fit, interval
from gradschool.ops.loss import cross_entropy
from gradschool.runs.config import config
from gradschool.runs.language.model import LanguageRun
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request, Say, silent
from gradschool.runs.settings import to_dict
from gradschool.runs.train import resume, train

LEAST = 20  # steps of a run, below which a learning-rate schedule means nothing
RESAMPLED = 200
CONSTANTS = ("E", "A", "B", "alpha", "beta")


@dataclass(frozen=True)
class Rung:
    """One run of a ladder.

    Args:
        name: of its folder.
        run: its settings.
        steps: of the training.
        parameters: weights of matrices, with which every token is multiplied.
        tokens: that are read in training, repetitions included.
    """

    name: str
    run: LanguageRun
    steps: int
    parameters: int
    tokens: int

    @property
    def compute(self) -> float:
        """Floating-point operations, nearly 6 N D."""
        return float(FLOPS * self.parameters * self.tokens)


@dataclass(frozen=True)
class Ladder:
    """Small runs, and a larger one that is predicted.

    Args:
        rungs: the small ones.
        largest: the one that is predicted.
        left_out: sentences about runs that were planned and are too short.
        trained: tokens of the training part.
    """

    rungs: Sequence[Rung]
    largest: Rung
    left_out: Sequence[str]
    trained: int


def rung(run: LanguageRun, dial: str, size: int, compute: float, kinds: int) -> Rung:
    """A run of a size that uses a compute budget up.

    Args:
        run: settings of all.
        dial: the model option that sets the size, such as depth.
        size: its value.
        compute: floating-point operations.
        kinds: number of different tokens.
    """
    dialled = {"depth": size} if dial == "depth" else {"model_options": run.model_options | {dial: size}}
    sized = replace(run, minutes=None, evaluations=1, **dialled)
    parameters = weights_in_products(sized.build_model(kinds))
    a_step = run.batch_size * run.context
    steps = round(compute / (FLOPS * parameters * a_step))
    return Rung(f"{dial}-{size}-{compute:.0e}", sized, steps, parameters, steps * a_step)


def plan(
    run: LanguageRun, dial: str, sizes: Sequence[int], budgets: Sequence[float], largest: tuple[int, float]
) -> Ladder:
    """Every size with every budget, and the run that is to be predicted.

    Args:
        run: settings of all.
        dial: the model option that sets the size.
        sizes: its values, two or more.
        budgets: of compute, in floating-point operations, two or more.
        largest: size and budget of the run that is predicted.

    Raises:
        UserError: the model has no such option, or too few runs are long enough.
    """
    splits = run.open(0)
    kinds = len(splits.train.tokeniser)
    # 1. What is long enough to mean something.
    every = [rung(run, dial, size, budget, kinds) for budget, size in product(budgets, sizes)]
    kept = [each for each in every if each.steps >= LEAST]
    short = [f"{each.name}: {each.steps} steps, fewer than {LEAST}" for each in every if each.steps < LEAST]
    if len(kept) < len(CONSTANTS) + 1:
        what = f"{len(kept)} of {len(every)} runs have {LEAST} steps or more"
        enough = max(FLOPS * each.parameters for each in every) * LEAST * run.batch_size * run.context
        advice = f"Raise --compute: {enough:.0e} FLOP or a little more is {LEAST} steps of every size."
        raise UserError(what, f"{len(CONSTANTS) + 1} or more, for five constants", advice)
    return Ladder(kept, rung(run, dial, *largest, kinds), short, len(splits.train))


def seconds_for(ladder: Ladder, kinds: int) -> float:
    """How long the whole ladder will take, from a few steps of each size on this machine."""
    known: dict[int, float] = {}
    every = [*ladder.rungs, ladder.largest]
    for each in every:
        if each.parameters not in known:
            known[each.parameters] = seconds_a_step(each.run, kinds)
    return sum(known[each.parameters] * each.steps for each in every)


def seconds_a_step(run: LanguageRun, kinds: int, repeats: int = 3) -> float:
    """The median time of a forward and a backward pass on random tokens."""
    model, found = run.build_model(kinds), []
    x = torch.randint(kinds, (run.batch_size, run.context), generator=torch.Generator().manual_seed(0))
    for _ in range(repeats):
        start = time.perf_counter()
        logits = model(x)[0] if has_state(model) else model(x)
        torch.autograd.backward(cross_entropy(logits.flatten(0, 1), x.flatten()))
        found.append(time.perf_counter() - start)
    return float(np.median(found))


def climb(
    ladder: Ladder, recipe: str, seed: int, out: Path, say: Say = silent
) -> Iterator[tuple[Rung, float]]:
    """Train the small runs one after the other, or take them up where they were left.

    Args:
        ladder: from `plan`.
        recipe: that the settings are of.
        seed: of all.
        out: a folder that holds a folder for each run.
        say: told what a person should read of each run.

    Yields:
        Each rung with its loss on the test part.
    """
    for each in ladder.rungs:
        yield each, loss_of(each, recipe, seed, out, say)


def loss_of(each: Rung, recipe: str, seed: int, out: Path, say: Say = silent) -> float:
    """Train a rung, go on with it, or read what it reached.

    Raises:
        UserError: its folder holds a run of other settings.
    """
    folder = RunFolder(out / each.name)
    request = Request(recipe, seed, each.steps, out=folder.path)
    # 1. A folder without a checkpoint is where a run was killed at once.
    begun = folder.path.is_dir() and not folder.read("result.json")
    if begun and not (folder.path / "checkpoints" / "index.json").is_file():
        shutil.rmtree(folder.path)
    # 2. From the start, from the last checkpoint, or not at all.
    if not folder.read("config.json"):
        train(each.run, request, say)
    else:
        run, asked = reopen(folder)
        wanted = config(each.run, request)["settings"]  # as a run writes them: paths hold from anywhere
        if (to_dict(run), asked.steps, asked.seed) != (wanted, each.steps, seed):
            what = f"{folder.path} holds a run of other settings"
            raise UserError(what, "the same as before, or a new folder", "Use another --out.")
        if not folder.read("result.json"):
            resume(folder, run, asked, say)
    return float(folder.read("result.json")["metrics"]["test_loss"])


@dataclass(frozen=True)
class Fitted:
    """A law with what it predicts.

    Args:
        runs: that it was fitted to.
        law: the best.
        intervals: (name, value, low, high) of each constant, 80 %.
        predicted: (loss, low, high) of the largest run.
        minima: (budget, best number of parameters) by parabolas; empty where these have no minimum.
        note: why there are no minima; "" where there are.
    """

    runs: Runs
    law: Law
    intervals: Sequence[tuple[str, float, float, float]]
    predicted: tuple[float, float, float]
    minima: Sequence[tuple[float, float]]
    note: str


def fitted(ladder: Ladder, losses: Sequence[float], seed: int = 0) -> Fitted:
    """Fit the law to the small runs and predict the largest.

    Args:
        ladder: from `plan`.
        losses: of its rungs, in their order.
        seed: of the resampling.
    """
    # 1. The fit.
    columns = ([each.parameters for each in ladder.rungs], [each.compute for each in ladder.rungs], losses)
    runs = Runs(*(np.array(column, float) for column in columns))
    best, big = fit(runs).law, ladder.largest

    def estimate(drawn: Runs) -> Float[np.ndarray, " 6"]:
        law = fit(drawn, (tuple(best.theta),)).law
        return np.array([*(getattr(law, name) for name in CONSTANTS), law.loss(big.parameters, big.tokens)])

    # 2. How sure it is: the same from resampled runs.
    low, high = interval(bootstrapped(runs, estimate, RESAMPLED, seed))
    values = [*(getattr(best, name) for name in CONSTANTS), float(best.loss(big.parameters, big.tokens))]
    rows = [
        (n, float(v), float(a), float(b))
        for n, v, a, b in zip((*CONSTANTS, ""), values, low, high, strict=True)
    ]
    # 3. The second method: a parabola for each budget.
    minima, note = [], ""
    try:
        budgets, sizes = parabola_minima(in_budgets(runs))
        minima = [(float(c), float(n)) for c, n in zip(budgets, sizes, strict=True)]
    except UserError as error:
        note = f"No parabolas: {error.what}."
    return Fitted(runs, best, rows[:-1], rows[-1][1:], minima, note)


def as_json(ladder: Ladder, found: Fitted, loss: float | None) -> dict[str, Any]:
    """What a file keeps of a ladder."""
    rows = [
        {"run": each.name, "parameters": each.parameters, "tokens": each.tokens, "compute": each.compute,
         "steps": each.steps, "loss": float(value)}
        for each, value in zip(ladder.rungs, found.runs.loss, strict=True)
    ]  # fmt: skip
    big = ladder.largest
    said, low, high = found.predicted
    largest = {"run": big.name, "parameters": big.parameters, "tokens": big.tokens, "compute": big.compute,
               "predicted": said, "interval": [low, high], "loss": loss,
               "off": None if loss is None else abs(said / loss - 1)}  # fmt: skip
    law = {name: {"value": value, "interval": [a, b]} for name, value, a, b in found.intervals}
    return {"runs": rows, "law": law, "largest": largest, "minima": found.minima, "note": found.note,
            "left_out": list(ladder.left_out)}  # fmt: skip
