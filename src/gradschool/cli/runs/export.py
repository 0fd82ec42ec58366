"""gradschool export RUN: the network as ONNX, checked against torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from gradschool.cli.main import finish
from gradschool.errors import UserError
from gradschool.phrases import counted


@dataclass(frozen=True)
class Args:
    """Write a run's network as ONNX and check that it answers as torch does.

    A language model can be written with weights of 8 or 4 bits as well; a classifier of pictures or texts in
    8-bit integers, whose accuracy and latency are measured beside float32.
    """

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a finished run."""
    out: Path | None = None
    """File to write; model.onnx in the run folder if not given, or model-int8.safetensors."""
    weights: Literal["int8", "int4"] | None = None
    """Write the network of a language model with weights of 8 or 4 bits, and say what it loses."""
    int8: bool = False
    """Write a classifier as ONNX in 8-bit integers and measure what it loses and how fast it is here."""
    data: str | None = None
    """Where the data of the run lie now, if they moved; --int8 measures on its test part."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Export and say how far the two differ."""
    from gradschool.engine.run import RunFolder
    from gradschool.runs.reopen import reopen

    folder = RunFolder.open(args.run)
    run = reopen(folder)[0]
    if args.int8 and args.weights:
        what = f"--int8 and --weights {args.weights} are both given"
        raise UserError(what, "--int8 for classifiers, --weights for language models", "Leave one out.")
    # 1. A folder gets a file of the usual name; what cannot be one is refused before the work.
    out = args.out
    if out is not None and out.is_dir():
        out = out / usual_name(args)
    elif out is not None and out.parent.exists() and not out.parent.is_dir():
        raise UserError(f"--out is {out}, and {out.parent} is no folder", "a file in a folder")
    # 2. Write, and say what it is worth.
    if args.weights:
        return compress(args, run.compress(folder, args.weights, out))
    if args.int8:
        found = run.export_int8(folder, out, args.data)
        print("\n".join(found.lines()))
        finish(args, found.facts())
        return 0
    check = run.export(folder, out)
    sizes = ", ".join(map(str, check.batches))
    print(f" {check.path} ({check.size / 1e6:.1f} MB)")
    print(f" within {check.difference:.1e} of torch for batches of {sizes}")
    finish(args, {"onnx": check.path, "difference": check.difference})
    return 0


def usual_name(args: Args) -> str:
    """What the file is called in a folder that is given as its place."""
    if args.weights:
        return f"model-{args.weights}.safetensors"
    return "model-int8.onnx" if args.int8 else "model.onnx"


def compress(args: Args, found: Any) -> int:
    """Say what compression brought and what it lost."""
    before, after = found.sizes
    print(f" {found.path} ({counted(found.layers, 'matrix', 'matrices')} in {args.weights})")
    print(
        f" size     {before / 1e6:.2f} MB before, {after / 1e6:.2f} MB after: {before / after:.1f} times less"
    )
    lost = found.costs[1] - found.costs[0]
    print(f" loss     {found.costs[0]:.4f} {found.unit} before, {found.costs[1]:.4f} after: {lost:+.4f}")
    finish(args, {"file": found.path, "weights": args.weights, "bytes": found.sizes, "loss": found.costs,
                  "unit": found.unit})  # fmt: skip
    return 0
