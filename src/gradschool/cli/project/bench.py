"""gradschool bench NAME: ours beside a peer, interleaved in one run, on this machine."""

import ast
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gradschool.cli.main import finish
from gradschool.cli.project.test import root
from gradschool.errors import UserError
from gradschool.parts import need
from gradschool.phrases import did_you_mean, hanging, nearest


@dataclass(frozen=True)
class Args:
    """Time the library against its peers. Without a name: list the benchmarks."""

    name: Annotated[str, tyro.conf.Positional] = ""
    """Which benchmark."""
    repeats: int = 5
    """How often each side runs; the median counts."""
    save: bool = False
    """Write the result file under bench/results."""
    json: bool = False
    """The last line is JSON with and without this."""


def listing(folder: Path) -> dict[str, str]:
    """Every benchmark's name and the first line of its docstring; a benchmark is a file with a function
    `run`.
    """
    found = {}
    for file in sorted(folder.glob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        if any(isinstance(node, ast.FunctionDef) and node.name == "run" for node in tree.body):
            found[file.stem] = (ast.get_docstring(tree) or "").split("\n")[0]
    return found


def imported(file: Path) -> list[str]:
    """The packages that a benchmark imports at its top."""
    body = ast.parse(file.read_text(encoding="utf-8")).body
    names = [alias.name for node in body if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in body if isinstance(node, ast.ImportFrom)]
    return sorted({name.partition(".")[0] for name in names} - {"bench"})


def run(args: Args) -> int:
    """Run one benchmark in a process of its own; it prints each side, and ours, peer and ratio as JSON."""
    folder = root() / "bench"
    known = listing(folder)
    if not args.name:
        print("\n".join(hanging(f"  {name:<14} ", text) for name, text in known.items()))
        finish(args, {"benchmarks": known})
        return 0
    if args.name not in known:
        guess = did_you_mean(nearest(args.name, known))
        raise UserError(f"there is no benchmark {args.name!r}", f"one of {', '.join(known)}", guess)
    if args.repeats < 5:
        raise UserError(f"repeats is {args.repeats}", "a whole number >= 5", "Example: --repeats 5")
    for package in imported(folder / f"{args.name}.py"):
        need(package, "dev" if package == "pytest" else "peers", f"the benchmark {args.name}")
    with tempfile.TemporaryDirectory() as elsewhere:
        place = folder / "results" if args.save else elsewhere
        environment = os.environ | {"GRADSCHOOL_BENCH_RESULTS": str(place)}
        words = [sys.executable, "-m", f"bench.{args.name}", str(args.repeats)]
        return 1 if subprocess.run(words, cwd=root(), env=environment).returncode else 0
