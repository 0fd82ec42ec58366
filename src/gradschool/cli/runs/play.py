"""gradschool play RUN: a film of a trained agent, with its policy or its values beside the picture."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gradschool.cli.main import finish
from gradschool.cli.words import check_seed
from gradschool.phrases import command


@dataclass(frozen=True)
class Args:
    """Film a trained agent as it plays, in a world that it was not trained in.

    Beside the picture stand the probabilities or the values of its actions, and what the state is worth to
    it. Where a state is two numbers, the values of all states are drawn as well.
    """

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of the run."""
    n: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 1
    """How many episodes."""
    seed: int = 0
    """Of the episodes: the same seed gives the same film."""
    out: Path | None = None
    """The .gif or .mp4 file to write; play-SEED.gif in the run's folder, for its report, if not given."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Play, say how it went and where the film lies."""
    from gradschool.engine.run import RunFolder
    from gradschool.runs.kind import check_count
    from gradschool.runs.reopen import reopen

    check_seed(args.seed)
    check_count("n", args.n, 100, "-n 3")
    folder = RunFolder.open(args.run)
    found = reopen(folder)[0].play(folder, args.n, args.seed, args.out)
    for line in found.lines:
        print(f" {line}")
    for file in found.facts["files"]:
        print(f" written  {file}")
    if args.out is None:
        print(f" next     {command('report', args.run)}")
    finish(args, {"run": folder.path, **found.facts})
    return 0
