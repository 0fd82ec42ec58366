"""gradschool report RUN: everything about a run on one page."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gradschool.cli.main import finish


@dataclass(frozen=True)
class Args:
    """Write a run's report as one self-contained HTML file."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of the run, e.g. runs/digits-0001."""
    ood: str | None = None
    """A second set of the same classes (name, folder or zip) to compare with."""
    data: str | None = None
    """Where the run's data lie now, if they moved."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Write the report and say where it is."""
    from gradschool.engine.run import RunFolder
    from gradschool.runs.reopen import reopen

    folder = RunFolder.open(args.run)
    path = reopen(folder)[0].report(folder, args.ood, args.data)
    print(f" report   {path}")
    finish(args, {"run": folder.path, "report": path})
    return 0
