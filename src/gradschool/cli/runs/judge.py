"""gradschool judge RUN --network RUN2: is it what it should be, among a classifier's first five guesses?"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gradschool.cli.main import finish
from gradschool.phrases import command


@dataclass(frozen=True)
class Args:
    """Draw pictures and count for how many a class is a classifier's first guess, or among its first five."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a generator's run."""
    network: str
    """Folder of a classifier's run, or a network of timm that knows ImageNet, e.g. resnet50.a1_in1k."""
    label: Annotated[str | None, tyro.conf.arg(name="class")] = None
    """The class that is wanted; that of the generator, if it knows one alone."""
    n: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 100
    """How many pictures."""
    seed: int = 0
    """Of the noise."""
    weights: Path | None = None
    """Weights of a network of timm as a .safetensors file; its published ones are fetched if not given."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Judge, and say by whose eyes."""
    from gradschool.engine.run import RunFolder
    from gradschool.runs.generation.wanted import in_words, judge

    folder = RunFolder.open(args.run)
    found = judge(folder, args.network, args.label, args.n, args.seed, args.weights)
    print(in_words(found))
    print(f" pictures  {folder.path / 'judged.png'}, the most probable first")
    print(f" next      {command('report', folder.path)}")
    finish(args, {"run": folder.path, **found})
    return 0
