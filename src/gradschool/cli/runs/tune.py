"""gradschool tune RECIPE: search for good settings."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from gradschool.cli.main import finish
from gradschool.cli.mine import put_in_force, records, tell
from gradschool.cli.words import check_seed
from gradschool.errors import UserError
from gradschool.phrases import as_called, command, counted

USUAL = 20  # trials


@dataclass(frozen=True)
class Args:
    """Search for settings of a recipe by its validation score. The same command goes on where it stopped."""

    recipe: Annotated[str, tyro.conf.Positional] = ""
    """Name of the recipe."""
    over: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = field(default=(), metadata={})
    """A setting and its values (again for more): learning_rate=1e-4..1e-1:log or batch_size=32,64,128."""
    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = field(default=(), metadata={})
    """Change a setting of every trial: --set epochs=5 (again for more)."""
    data: str | None = None
    """Another data set: its name, or a path."""
    trials: int | None = None
    """Trials in all, with those that are pruned or fail; 20 if neither this nor --minutes is given."""
    minutes: float | None = None
    """Begin no further trial after so many minutes; a running one is finished."""
    sampler: Literal["tpe", "random", "grid", "cmaes", "gp"] = "tpe"
    """Where to look next: TPE, at random, a grid, CMA-ES (ranges only), a Gaussian process."""
    pruner: Literal["none", "median", "asha", "hyperband"] = "none"
    """End trials early that do worse than others at the same point of the run."""
    workers: int = 1
    """Processes that train trials side by side."""
    storage: str = ""
    """Address of a database for the study; else GRADSCHOOL_STORAGE, else SQLite in its folder."""
    ray: str = ""
    """Address of a Ray cluster that trains the trials: auto, HOST:PORT; the folder must be seen by all."""
    seed: int = 0
    """Of every trial, and of the sampler."""
    steps: int | None = None
    """Train every trial so many steps in place of the recipe's epochs."""
    device: str = "auto"
    """cpu, cuda, cuda:1 or mps."""
    out: Path | None = None
    """Folder of the study; runs/tune-RECIPE if not given."""
    resume: Path | None = None
    """Go on with this study; recipe, space and methods are its own."""
    mine: bool = False
    """Put your functions in the place of the library's: in the search itself and in every trial."""
    dir: Path | None = None
    """Your folder, for --mine; else GRADSCHOOL_WORK, else ./gradschool-work."""
    report: bool = True
    """Write the report when done."""
    json: bool = False
    """Print the result as one line of JSON."""


OWN = (
    "trials",
    "minutes",
    "workers",
    "storage",
    "ray",
    "resume",
    "mine",
    "dir",
    "report",
    "json",
)  # of every start


def run(args: Args) -> int:
    """Search, say each trial, and report."""
    from gradschool.parts import need

    refuse_numbers(args)
    need("optuna", "practice", "gradschool tune")
    from gradschool.practice.search.found import rows

    overlaid = put_in_force(args.dir) if args.mine else []
    study = study_of(args)
    trials = args.trials or (10**9 if args.minutes else max(USUAL, len(rows(study))))
    print(f" study    {study.path} · {study.asked.recipe} · {study.scored.replace('_', ' ')} · "
          f"{study.asked.sampler}, pruner {study.asked.pruner}")  # fmt: skip
    for each in study.space:
        print(f" over     {each}")
    search(args, study, trials)
    if overlaid:
        tell(overlaid)
    return conclude(args, study, records(overlaid))


def refuse_numbers(args: Args) -> None:
    """Refuse a budget of nothing, and other numbers that mean none.

    Raises:
        UserError: one is below its least.
    """
    check_seed(args.seed)
    for name, value, example in (("trials", args.trials, 20), ("workers", args.workers, 2),
                                 ("steps", args.steps, 100)):  # fmt: skip
        if value is not None and value < 1:
            raise UserError(f"{name} is {value}", "a whole number >= 1", f"Example: --{name} {example}")
    if args.mine and (args.workers > 1 or args.ray):
        raise UserError(
            "--mine came with several workers", "one of the two", "Leave --workers and --ray out."
        )
    if args.minutes is not None and not 0 < args.minutes < 1e7:
        raise UserError(f"minutes is {args.minutes:g}", "a number > 0", "Example: --minutes 30")


def study_of(args: Args) -> Any:
    """The study that is meant: a new one, or one that was begun.

    Raises:
        UserError: neither a recipe nor a study is named, or both are.
    """
    from gradschool.practice.search.storage import given
    from gradschool.practice.search.study import Asked, begin, open_study

    if args.resume is not None:
        if other := [each.name for each in fields(args)
                     if each.name not in OWN and getattr(args, each.name) != Args.__dataclass_fields__[
                         each.name].default]:  # fmt: skip
            what = f"--resume came with {'a recipe' if other[0] == 'recipe' else f'--{other[0]}'}"
            raise UserError(what, "--resume alone", "A study keeps what it was started with.")
        return open_study(args.resume, given(args.storage))
    if not args.recipe:
        example = command("tune digits --over learning_rate=1e-4..1e-1:log --trials 20")
        raise UserError("no recipe is named", "a recipe and --over", f"Example: {example}")
    recipe = args.recipe.replace("-", "_")
    asked = Asked(
        recipe, args.over, args.set, args.data, args.sampler, args.pruner, args.seed, args.steps, args.device
    )  # fmt: skip
    return begin(asked, args.out or Path("runs") / f"tune-{recipe}", given(args.storage))


def search(args: Args, study: Any, trials: int) -> None:
    """Let the workers work.

    Raises:
        Interrupted: Ctrl-C; everything is saved.
    """
    import time

    from gradschool.errors import Interrupted
    from gradschool.practice.search.crew import on_ray, processes
    from gradschool.practice.search.work import Limits, work
    from gradschool.practice.search.worker import tell as told_of

    limits = Limits(trials, time.time() + 60 * args.minutes if args.minutes else None)
    if args.ray:
        on_ray(study, limits, args.workers, args.ray, print)
    elif args.workers > 1:
        processes(study, limits, args.workers, print)
    else:
        try:
            work(study, limits, told_of(study, print))
        except Interrupted as error:
            again = command("tune --resume", study.path)
            raise Interrupted(
                "The search was stopped; everything is saved", "", f"Go on with: {again}"
            ) from error


def conclude(args: Args, study: Any, mine: tuple[Any, ...] = ()) -> int:
    """Say the best trial, write the report, and name the next step.

    Raises:
        WorkFailed: no trial went to its end.
    """
    from gradschool.errors import WorkFailed
    from gradschool.practice.search.found import best_of, rows, valued
    from gradschool.practice.search.report import write_report

    found = rows(study)
    best = best_of(study, found)
    page = write_report(study) if args.report else None
    failed = [row for row in found if row.state == "failed"]
    if best is None:
        first = f": {failed[0].why}" if failed else ""
        raise WorkFailed(f"none of {counted(len(found), 'trial')} went to its end{first}", "", "")
    value = study.metric.shown(best.row.value)
    settings = " ".join(f"{name}={valued(each)}" for name, each in best.row.params.items())
    test = f", test {best.shown}" if best.shown else ""
    title = study.metric.title or study.metric.name
    print(f" best     trial {best.row.number}: validation {title} {value}{test}")
    print(f"          {settings}")
    states = {state: sum(row.state == state for row in found) for state in ("done", "pruned", "failed")}
    print(f" trials   {', '.join(f'{count} {state}' for state, count in states.items() if count)}")
    if page:
        print(f" report   {page}")
    print(f" next     {as_called(best.command)}")
    finish(args, {
        "study": study.path, "recipe": study.asked.recipe, "trials": [row.facts() for row in found],
        "best": best.row.facts() | {"test": best.test, "command": best.command}, "report": page,
        **({"mine": mine} if mine else {}),
    })  # fmt: skip
    return 0
