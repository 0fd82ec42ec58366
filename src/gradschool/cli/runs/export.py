"""gradschool export RUN: the network as ONNX, checked against torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gradschool.cli.main import finish


@dataclass(frozen=True)
class Args:
    """Write a run's network as ONNX and check that it answers as torch does."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a finished run."""
    out: Path | None = None
    """File to write; model.onnx in the run folder if not given."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Export and say how far the two differ."""
    from gradschool.engine.run import RunFolder
    from gradschool.runs.reopen import reopen

    folder = RunFolder.open(args.run)
    check = reopen(folder)[0].export(folder, args.out)
    sizes = ", ".join(map(str, check.batches))
    print(f" {check.path} ({check.size / 1e6:.1f} MB)")
    print(f" within {check.difference:.1e} of torch for batches of {sizes}")
    finish(args, {"onnx": check.path, "difference": check.difference})
    return 0
