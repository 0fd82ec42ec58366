"""gradschool prune RUN: a finished classifier without its smallest weights or channels."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from gradschool.cli.main import finish
from gradschool.phrases import hanging


@dataclass(frozen=True)
class Args:
    """Prune a finished image classifier, train what is left, and measure it beside the run that it was.

    The result is a run: predict, report, compare and export take it. Accuracy right after the cut and after
    training on, sizes of the files, plain and compressed, and latency are printed.
    """

    run: Annotated[str, tyro.conf.Positional]
    """Folder of a finished classifier."""
    share: float = 0.8
    """Of the weights, or of the channels that may go."""
    by: Literal["weight", "channel"] = "weight"
    """Single weights, the smallest of the whole network, or whole channels, which leave a smaller network."""
    epochs: float | None = None
    """To train what is left; a quarter of the run's own if not given."""
    steps: int | None = None
    """To train, in place of epochs."""
    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = field(default=(), metadata={})
    """Other settings of the training, as key=value."""
    out: Path | None = None
    """Folder of the pruned run; the next free one under runs/ if not given."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Prune, train and say what it was worth."""
    from gradschool.practice.prune import Wanted, lines, prune
    from gradschool.runs.reopen import reopen

    folder = prune(args.run, Wanted(args.share, args.by, args.epochs, args.set, args.out, args.steps))
    found = folder.read("result.json")["pruning"]
    for line in lines(found):
        print(hanging(line[:10], line[10:]))
    print(f" run      {folder.path}")
    print(f" next     {reopen(folder)[0].next_step(folder)}")
    finish(args, {"run": folder.path, **found})
    return 0
