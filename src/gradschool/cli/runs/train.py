"""gradschool train RECIPE: train, test, report."""

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any

import tyro

from gradschool.cli.diagnosed import diagnosed
from gradschool.cli.listed import tell_recipes
from gradschool.cli.main import finish
from gradschool.cli.mine import put_in_force, records, run_race, tell
from gradschool.cli.rate import refuse, search_rate
from gradschool.cli.runs.report import tell_second_set
from gradschool.cli.words import check_seed
from gradschool.cli.words import parse as parse_words
from gradschool.errors import UserError
from gradschool.phrases import command


@dataclass(frozen=True)
class Args:
    """Train a recipe. Without a recipe: list them. RECIPE --help lists a recipe's settings."""

    recipe: Annotated[str, tyro.conf.Positional] = ""
    """Name of the recipe; `folder` is the one for images of your own."""
    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = field(default=(), metadata={})
    """Change a setting: --set learning_rate=0.01 (again for more)."""
    data: str | None = None
    """Another data set: its name, or a path: a folder or zip of class folders, a text or csv file."""
    seed: int = 0
    """Of split, initialisation, order and augmentation."""
    steps: int | None = None
    """Train so many steps in place of the recipe's epochs."""
    folds: int | None = None
    """Train so many runs of a classifier, each with another part of the training data held out."""
    device: str = "auto"
    """cpu, cuda, cuda:1 or mps."""
    out: Path | None = None
    """Folder of the run; the next free one under runs/ if not given."""
    resume: Path | None = None
    """Go on with this run; recipe and settings are its own."""
    checkpoint: str = "last"
    """Which checkpoint to go on from."""
    plain: bool = False
    """Train with the plain ops in place of their fast twins."""
    mine: bool = False
    """Train with the functions you have written, and race against the library's own."""
    dir: Path | None = None
    """Your folder, for --mine; else GRADSCHOOL_WORK, else ./gradschool-work."""
    find_rate: bool = False
    """Only look for a learning rate: it rises over 100 steps (or --steps) while the loss is watched."""
    diagnose: bool = False
    """Look for what keeps it from training, for a hundred steps at most, and do not train."""
    ood: str | None = None
    """A second set of the same classes to test on when done (out of distribution)."""
    report: bool = True
    """Write the report when done."""
    json: bool = False
    """Print the result as one line of JSON."""


def parse(words: list[str]) -> Args:
    """Read the words; `RECIPE --help` shows the recipe's settings instead of the command's."""
    recipe = words[0] if words and not words[0].startswith("-") else ""
    if recipe and {"-h", "--help"} & set(words):
        from gradschool.recipes import find

        make = find(recipe)
        print(f"{make.__doc__}\n\nSettings, each changed with --set name=value:\n")
        print(settings_table(make()))
        raise SystemExit(0)
    words, known = as_settings(recipe, words) if recipe else (words, [])
    args: Args = parse_words(Args, "train", words, known)
    return args


FIRST = "digits"  # what a newcomer is told to type
SHORT = {"lr": "learning_rate", "bs": "batch_size", "batch": "batch_size", "wd": "weight_decay"}


def as_settings(recipe: str, words: list[str]) -> tuple[list[str], list[str]]:
    """The words with what is a setting of the recipe, as people write it first, in its own form:
    `--epochs 5`, `--lr=0.01` and `--batch-size 32` are `--set epochs=5` and so on.

    Returns:
        The words, and the names of all settings where a word is no option of the command.
    """
    from gradschool.recipes import places

    options = {f"--{field.name.replace('_', '-')}" for field in fields(Args)} | {"--no-report"}
    foreign = [w for w in words[1:] if w.startswith("--") and w.partition("=")[0] not in options]
    if not foreign or recipe.replace("-", "_") not in places():
        return words, []
    from inspect import signature

    from gradschool.recipes import find
    from gradschool.runs.settings import to_dict

    known, read, left = to_dict(find(recipe)()) | signature(find(recipe)).parameters, [], list(words)
    while left:
        word = left.pop(0)
        flag, equals, value = word.partition("=")
        name = flag.removeprefix("--").replace("-", "_")
        name = name if name in known else SHORT.get(name, name)
        if not flag.startswith("--") or flag in options or name not in known:
            read.append(word)
            continue
        if not equals:
            value = left.pop(0) if left and not left[0].startswith("--") else "true"
        read += ["--set", f"{name}={value}"]
    return read, list(known)


def settings_table(run: Any) -> str:
    """Every setting of a recipe with its value and its meaning."""
    import inspect
    import re

    from gradschool.runs.settings import to_dict

    meanings: dict[str, str] = {}
    for kind in reversed([c for c in type(run).__mro__ if c is not object]):
        source = inspect.getsource(kind)
        meanings |= dict(re.findall(r'^    (\w+): .*(?:\n    """(.*)""")', source, re.MULTILINE))
    rows = []
    for name, value in to_dict(run).items():
        shown = ", ".join(f"{k}={v}" for k, v in value.items() if v) if isinstance(value, dict) else value
        rows.append(
            f"  {name:<16} {shown if shown not in ('', None) else '-'!s:<18}\n      {meanings.get(name, '')}"
        )
    return "\n".join(rows)


def run(args: Args) -> int:
    """Train, test, report; or go on with a run."""
    from gradschool import recipes

    if args.find_rate:
        refuse(args)
    if args.resume is not None:
        return go_on(args)
    if not args.recipe:
        return tell_recipes(args)
    check_seed(args.seed)
    # 1. The recipe with the person's changes.
    from gradschool.runs.reopen import reopen
    from gradschool.runs.settings import override
    from gradschool.runs.train import train

    settings = recipes.on(args.recipe, args.data, args.set)
    settings = override(settings, args.set, args.recipe)
    if not settings.data:
        raise UserError(f"recipe {args.recipe} has no data yet", settings.takes, "Add --data PATH.")
    if args.steps is not None and args.steps < 1:
        raise UserError(f"steps is {args.steps}", "a whole number >= 1", "Example: --steps 100")
    if args.ood is not None:
        settings.refuse_second(args.ood)
    if args.folds is not None and args.mine:
        raise UserError("--folds came with --mine", "one of the two", "Leave --mine out.")
    # 2. The run, with the learner's functions if they are wanted.
    overlaid = put_in_force(args.dir) if args.mine else []
    request = recipes.ask(
        args.recipe, args.data, args.set, seed=args.seed, steps=args.steps, device=args.device, out=args.out,
        plain=args.plain, mine=records(overlaid),
    )  # fmt: skip
    if args.find_rate:
        return search_rate(args, settings, request)
    if args.diagnose:
        return diagnosed(args, settings, request)
    if args.folds is not None:
        from gradschool.practice.ensemble.folds import train_folds

        folder = train_folds(settings, request, args.folds)
        return conclude(args, reopen(folder)[0], folder, [])
    return conclude(args, settings, train(settings, request), overlaid)


def go_on(args: Args) -> int:
    """Go on with a run that was cut short."""
    from gradschool.classroom.workspace.overlay import install_again
    from gradschool.engine.run import RunFolder
    from gradschool.runs.reopen import reopen
    from gradschool.runs.train import resume

    assert args.resume is not None
    if args.diagnose:
        raise UserError(
            "--resume came with --diagnose", "a recipe", f"Try {command('train RECIPE --diagnose')}."
        )
    if args.set or args.steps or args.folds is not None:
        what = "--resume came with --set, --steps or --folds"
        raise UserError(what, "--resume alone", "A run keeps its settings.")
    folder = RunFolder.open(args.resume)
    settings, request = reopen(folder)
    for name in ("recipe", "seed", "plain"):
        asked, kept = getattr(args, name), getattr(request, name)
        if asked != Args.__dataclass_fields__[name].default and asked != kept:
            raise UserError(
                f"--resume came with {name} {asked}, and {folder.path} has {kept}", "--resume alone",
                "A run keeps its settings.",
            )  # fmt: skip
    refuse_another_place(args, folder, request)
    if args.ood is not None:
        settings.refuse_second(args.ood)
    if getattr(settings, "folds", 0):
        from gradschool.practice.ensemble.folds import go_on as go_on_with_folds

        if args.data:
            what = f"--resume came with --data, and {folder.path} is a run over folds"
            raise UserError(what, "its data where they lay", "Put them back.")
        return conclude(args, settings, go_on_with_folds(folder), [])
    settings = replace(settings, data=args.data) if args.data else settings  # the same data, moved
    overlaid = install_again(request.mine) if request.mine else []
    resume(folder, settings, replace(request, checkpoint=args.checkpoint))
    return conclude(args, settings, folder, overlaid)


def refuse_another_place(args: Args, folder: Any, request: Any) -> None:
    """A run goes on where it began: in its folder, on its device, with the functions that it was begun with.

    Raises:
        UserError: another folder or device is asked for, or functions of the learner's in a run without.
    """
    device = folder.read("environment.json").get("device", request.device)
    if args.device not in ("auto", request.device, device):
        what, wanted = f"--resume came with --device {args.device}", f"{device}, where {folder.path} began"
    elif args.out is not None and args.out.resolve() != folder.path.resolve():
        what, wanted = f"--resume came with --out {args.out}", f"{folder.path}, the run's own folder"
    elif args.mine and not request.mine:
        what, wanted = "--resume came with --mine", f"--resume alone: {folder.path} began without"
    else:
        return
    raise UserError(what, wanted, "A run keeps its settings.")


def conclude(args: Args, run: Any, folder: Any, overlaid: list[Any]) -> int:
    """Say what was reached, write the report, and name the next step."""
    from gradschool.engine.run import is_main

    if not is_main():
        return 0
    result = folder.read("result.json")
    print(run.conclusion(result, curve(folder, run.monitor)))
    print(f" run      {folder.path}")
    raced, abroad = None, {}
    if overlaid:
        tell(overlaid)
        raced = run_race(folder) if any(one.calls for one in overlaid) else None
    if args.report:
        print(f" report   {run.report(folder, args.ood)}")
        abroad = tell_second_set(folder) if args.ood else {}
    print(f" next     {after(args, run, folder)}")
    recipe = folder.read("config.json")["recipe"]
    finish(
        args,
        {
            "run": folder.path,
            "recipe": recipe,
            "metrics": result["metrics"],
            "seconds": result["seconds"],
            "device": result["device"],
            **abroad,
            **({"race": raced, "mine": records(overlaid)} if overlaid else {}),
        },
    )
    return 0


def after(args: Args, run: Any, folder: Any) -> str:
    """What to do now: after the very first recipe the course, which waits; else what the run is good for."""
    from gradschool.classroom.workspace.layout import find_workspace

    if args.recipe == FIRST and not args.mine and not find_workspace(args.dir).root.exists():
        return f"write one line of it yourself: {command('start neurons')}"
    return str(run.next_step(folder))


def curve(folder: Any, score: str, width: int = 20) -> str:
    """A held-out score over the run as a row of small bars; "" where they cannot be drawn."""
    import sys

    bars = "▁▂▃▄▅▆▇█"
    names = (f"val_{score}", f"test_{score}")
    values = [line[name] for line in folder.metrics() for name in names if name in line]
    if len(values) < 3 or "utf" not in (sys.stdout.encoding or "").lower():
        return ""
    values = (
        [values[i * (len(values) - 1) // (width - 1)] for i in range(width)]
        if len(values) > width
        else values
    )
    low, span = min(values), max(max(values) - min(values), 1e-9)
    return "".join(bars[round(7 * (value - low) / span)] for value in values) + "  "
