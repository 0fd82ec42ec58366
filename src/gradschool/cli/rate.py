"""What `train RECIPE --find-rate` does: a learning-rate range test in place of a training."""

from typing import Any

from gradschool.cli.main import finish
from gradschool.errors import UserError
from gradschool.phrases import command


def refuse(args: Any) -> None:
    """Refuse what belongs to a training.

    Raises:
        UserError: a run to go on with, or a second set, is named.
    """
    for name in ("resume", "ood"):
        if getattr(args, name) is not None:
            what = f"--find-rate came with --{name}"
            raise UserError(what, "a recipe alone", "It trains nothing that could be kept.")


def search_rate(args: Any, settings: Any, request: Any) -> int:
    """Find a rate, write what was found, and name the command that uses it."""
    from dataclasses import replace

    from gradschool.engine.run import RunFolder
    from gradschool.practice.rates import find_rate, write

    found = find_rate(settings, replace(request, out=None))
    folder = RunFolder.create(f"{request.recipe}-rate", args.out)
    page = write(found, settings, request, folder)
    said = {"steepest descent": found.steepest, "a tenth of the divergence": found.tenth}
    for name, rate in said.items():
        print(f" rate     {name}: " + (f"{rate:.2g}" if rate else "none, the loss did not " + (
            "fall" if name.startswith("steepest") else "diverge")))  # fmt: skip
    print(f" report   {page}")
    best = found.steepest or found.tenth
    if best:
        words = [word for each in args.set for word in ("--set", each)] + (
            ["--data", args.data] if args.data else []
        )
        print(f" next     {command('train', args.recipe, *words, '--set', f'learning_rate={best:.2g}')}")
    finish(args, {
        "recipe": request.recipe, "folder": folder.path, "steepest": found.steepest, "tenth": found.tenth,
        "diverged": found.diverged, "steps": len(found.rates), "report": page,
    })  # fmt: skip
    return 0
