"""gradschool scaling RECIPE: small language models say what a larger one will reach."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from gradschool.cli.main import finish

MOST = 1e30  # of a size or a compute budget, far beyond any


@dataclass(frozen=True)
class Args:
    """Train a ladder of small language models, fit a scaling law, predict the largest, and train it.

    The same command goes on where it was stopped.
    """

    recipe: Annotated[str, tyro.conf.Positional]
    """A recipe of a language model."""
    dial: str = "depth"
    """The option of the model that sets its size."""
    sizes: tuple[int, ...] = (1, 2, 3)
    """Its values in the small runs."""
    compute: tuple[float, ...] = (2e11, 6e11, 2e12)
    """Compute budgets of the small runs, in floating-point operations; each size is trained with each."""
    largest: int = 4
    """Size of the run that is predicted."""
    largest_compute: float = 8e12
    """Its compute budget."""
    data: str | None = None
    """Another text: a set's name or a path."""
    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = field(default=(), metadata={})
    """Change a setting of every run: --set batch_size=16 (again for more)."""
    seed: int = 0
    """Of all runs."""
    out: Path = Path("runs/scaling")
    """Folder for the runs, the law and the report."""
    dry: bool = False
    """Only say what it would cost."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Say the cost, train, predict, train the largest, and report."""
    import json

    from gradschool.engine.run import RunFolder
    from gradschool.practice.scaling import as_json, climb, fitted, loss_of

    base, ladder = planned(args)
    tell_cost(ladder, base)
    if args.dry:
        finish(args, {"runs": [each.name for each in ladder.rungs], "left_out": ladder.left_out})
        return 0
    # 1. The small runs.
    losses = []
    for each, loss in climb(ladder, args.recipe, args.seed, args.out):
        losses.append(loss)
        print(
            f" {each.name:<22} {each.parameters:>10,} parameters {each.tokens:>12,} tokens  {loss:.4f} nats"
        )
    # 2. The prediction is on the disk before the largest run begins.
    found = fitted(ladder, losses)
    folder = RunFolder(args.out)
    folder.write("prediction.json", json.dumps(as_json(ladder, found, None), indent=1))
    said, low, high = found.predicted
    print(f" predicted {ladder.largest.name}: {said:.4f} nats, 80 % interval {low:.4f} to {high:.4f}")
    loss = loss_of(ladder.largest, args.recipe, args.seed, args.out)
    told = as_json(ladder, found, loss)
    folder.write("scaling.json", json.dumps(told, indent=1))
    print(f" found     {loss:.4f} nats: the prediction is {100 * told['largest']['off']:.1f} % off")
    # 3. The page.
    page = report(args.out, ladder, found, loss)
    print(f" report    {page}")
    finish(args, {**told, "report": page})
    return 0


def planned(args: Args) -> tuple[Any, Any]:
    """The settings of all runs, and the ladder."""
    from dataclasses import replace

    from gradschool import recipes
    from gradschool.errors import UserError
    from gradschool.practice.scaling import plan
    from gradschool.runs.language.model import LanguageRun
    from gradschool.runs.settings import override

    base = recipes.find(args.recipe)()
    if not isinstance(base, LanguageRun):
        raise UserError(f"{args.recipe} is {base.title}", "a recipe of a language model on running text")
    # 1. Numbers that mean something, and a place to write.
    for name, values, least in (
        ("sizes", args.sizes, 2), ("compute", args.compute, 2), ("largest", [args.largest], 1),
        ("largest-compute", [args.largest_compute], 1),
    ):  # fmt: skip
        if len(set(values)) < least or not all(0 < value < MOST for value in values):
            wanted = "two different numbers > 0, or more" if least > 1 else "a number > 0"
            raise UserError(f"{name} is {' '.join(f'{value:g}' for value in values)}", wanted)
    if args.out.exists() and not args.out.is_dir():
        raise UserError(f"--out is {args.out}, a file", "a folder, which may be new", "Use another --out.")
    # 2. What the ladder sets itself is not set beside it.
    mine = {args.dial, "epochs", "minutes", "evaluations"}
    if taken := next((word for word in args.set if word.partition("=")[0].strip() in mine), ""):
        what = f"--set {taken} would be ignored: each run's size and length come from the ladder"
        raise UserError(what, "--sizes and --compute", "Leave it out.")
    base = override(replace(base, data=args.data) if args.data else base, args.set, args.recipe)
    return base, plan(base, args.dial, args.sizes, args.compute, (args.largest, args.largest_compute))


def tell_cost(ladder: Any, base: Any) -> None:
    """How many runs, how much compute, how long here, and how often the text is repeated."""
    from gradschool.practice.scaling import seconds_for

    every = [*ladder.rungs, ladder.largest]
    seconds = seconds_for(ladder, len(base.open(0).train.tokeniser))
    repeated = max(each.tokens for each in every) / ladder.trained
    compute = sum(each.compute for each in every)
    print(f" {len(every)} runs, {compute:.1e} FLOP: about {seconds / 60:.1f} minutes here")
    print(f" the text is read {repeated:.1f} times at most")
    for said in ladder.left_out:
        print(f" left out  {said}")


def report(out: Path, ladder: Any, found: Any, loss: float) -> Path:
    """Write the page."""
    from gradschool.evals.report.page import write_report
    from gradschool.evals.report.text import scaling as sections

    warnings = [found.note] if found.note else []
    facts = sections.ScalingFacts(
        names=[each.name for each in ladder.rungs], runs=found.runs, law=found.law, intervals=found.intervals,
        minima=found.minima, predicted=found.predicted, found=loss, warnings=warnings,
    )  # fmt: skip
    return write_report(out, facts, [sections.constants, sections.against_compute, sections.rungs])
