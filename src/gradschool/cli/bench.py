"""gradschool bench NAME: ours beside a peer, interleaved in one run, on this machine."""

import ast
import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gradschool.cli.main import finish
from gradschool.cli.test import root
from gradschool.errors import UserError


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
    """Print the result as one line of JSON."""


def listing(folder: Path) -> dict[str, str]:
    """Every benchmark's name and the first line of its docstring; a benchmark is a file with a function `run`."""
    found = {}
    for file in sorted(folder.glob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        if any(isinstance(node, ast.FunctionDef) and node.name == "run" for node in tree.body):
            found[file.stem] = (ast.get_docstring(tree) or "").split("\n")[0]
    return found


def run(args: Args) -> int:
    """Run one benchmark and print ours, peer and ratio."""
    folder = root() / "bench"
    known = listing(folder)
    if not args.name:
        print("\n".join(f"  {name:<12} {text}" for name, text in known.items()))
        return 0
    if args.name not in known:
        raise UserError(f"there is no benchmark {args.name!r}", f"one of {', '.join(known)}", "")
    if args.repeats < 1:
        raise UserError(f"repeats is {args.repeats}", "a whole number >= 1", "Example: --repeats 5")
    sys.path.insert(0, str(root()))
    result = importlib.import_module(f"bench.{args.name}").run(args.repeats)
    from bench import common

    common.show(result)
    if args.save:
        print(f" saved    {common.save(result)}")
    finish(args, {key: result[key] for key in ("name", "unit", "ours", "peer", "ratio", "n")})
    return 0
