"""gradschool ensemble RUN RUN...: several runs that answer as one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from gradschool.cli.main import finish
from gradschool.cli.mine import put_in_force, records, tell
from gradschool.phrases import hanging


@dataclass(frozen=True)
class Args:
    """Put finished classifiers together, judge them on the test part, and keep them as one run.

    Weights are fitted on the validation part or on out-of-fold predictions (train RECIPE --folds 5), never
    on the test part; the plain mean stands beside them. The result is a run: predict, report, compare and
    export take it.
    """

    runs: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Two or more runs; RUN@ema, RUN@best and RUN@1234 are weights that a run has kept."""
    how: Literal["mean", "logits", "greedy", "simplex", "stack", "soup", "greedy-soup"] = "mean"
    """Mean of probabilities or logits, greedy selection, best weights on the simplex, stack, model soup."""
    fit: Literal["val", "oof"] | None = None
    """What weights are fitted on: out-of-fold predictions if all members have them, else validation."""
    out: Path | None = None
    """Folder of the ensemble; the next free one under runs/ if not given."""
    mine: bool = False
    """Put your functions in the place of the library's."""
    dir: Path | None = None
    """Your folder, for --mine; else GRADSCHOOL_WORK, else ./gradschool-work."""
    report: bool = True
    """Write the report when done."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Put them together, and print members, scores and the verdict."""
    from gradschool.practice.ensemble.make import ensemble
    from gradschool.runs.reopen import reopen

    overlaid = put_in_force(args.dir) if args.mine else []
    folder = ensemble(args.runs, args.how, args.fit, args.out)
    settings, _ = reopen(folder)
    result = folder.read("result.json")
    width = max(len(each["name"]) for each in result["members"])
    for each in result["members"]:
        loss = f"{each['test_loss']:.4f} nats"
        scores = f"{100 * each['test_accuracy']:>5.1f} %  {loss:>12}  weight {each['weight']:.2f}"
        print(f" member   {each['name']:<{width}}  {scores}")
    for line in settings.conclusion(result, "").splitlines():
        print(hanging(line[:10], line[10:]))
    if overlaid:
        tell(overlaid)
    print(f" run      {folder.path}")
    page = settings.report(folder) if args.report else None
    if page:
        print(f" report   {page}")
    print(f" next     {settings.next_step(folder)}")
    facts = {
        name: result.get(name) for name in ("metrics", "members", "plain_mean", "against_mean", "fitted_on")
    }
    mine = {"mine": records(overlaid)} if overlaid else {}
    known = {"run": folder.path, "how": args.how, "fit": settings.fit, **facts, "told": result["told"]}
    finish(args, known | mine)
    return 0
