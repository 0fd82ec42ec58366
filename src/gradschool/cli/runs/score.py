"""gradschool score RUN: how good generated pictures are, as a classifier sees them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from gradschool.cli.main import finish


@dataclass(frozen=True)
class Args:
    """Compare generated pictures with real ones: Frechet distance, KID, precision, recall, copies."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a generator's run."""
    network: Path | None = None
    """Folder of a classifier's run: the distances are between what it sees. If not given, a small classifier
    of the generator's own set is trained at first need and kept. The word inception: Inception v3, which
    published distances are measured with, from a file of weights that you bring."""
    against: str | None = None
    """Real pictures: a set, folder or zip; what the generator was trained on if not given."""
    part: Literal["test", "train"] = "test"
    """Which real pictures; published Frechet distances are from the training part."""
    n: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 2000
    """How many pictures of each kind; scores of different n cannot be compared."""
    seed: int = 0
    """Of the noise."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Score, and say by whose eyes."""
    from gradschool.engine.run import RunFolder
    from gradschool.runs.generation.judge import judge_of
    from gradschool.runs.generation.score import in_words, score

    folder = RunFolder.open(args.run)
    network = None
    if str(args.network) != "inception":
        network = RunFolder.open(args.network) if args.network else judge_of(folder)
    found = score(folder, network, args.against, args.n, args.seed, args.part)
    print(in_words(found))
    print(f" nearest   {folder.path / 'nearest.png'}")
    finish(args, {"run": folder.path, **found})
    return 0
