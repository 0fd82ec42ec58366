"""gradschool test: everything the project holds itself to, in one command."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gradschool.errors import UserError
from gradschool.parts import need

HELP = """usage: gradschool test [PYTEST WORDS ...]

Lint, types, import contracts, size budgets, tests.
With words, only pytest runs: gradschool test tests/engine, gradschool test -m slow."""


@dataclass(frozen=True)
class Args:
    """Lint, types, import contracts, size budgets and the fast tests."""

    words: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Further words for pytest, after --, e.g. tests/engine, or -m slow."""


def root() -> Path:
    """The source tree that this package was installed from.

    Raises:
        UserError: it was installed as a wheel, which carries no tests.
    """
    found = Path(__file__).resolve().parents[4]
    if not (found / "tests").is_dir():
        raise UserError("this gradschool was installed without its tests", "a clone of the repository", "")
    return found


def parse(words: list[str]) -> Args:
    """All words go to pytest as they are; --help explains."""
    if {"-h", "--help"} & set(words):
        print(HELP)
        raise SystemExit(0)
    return Args(tuple(word for word in words if word != "--"))


def run(args: Args) -> int:
    """Run every check, go on after a failure, and fail if one did."""
    here = root()
    need("pytest", "dev", "gradschool test")
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NO_COLOR": "1"}
    python = [sys.executable, "-m"]
    pytest = [*python, "pytest", *(args.words or ["-n", str(min(os.cpu_count() or 1, 4))])]
    steps = {
        "lint": [*python, "ruff", "check", "."],
        "format": [*python, "ruff", "format", "--check", "."],
        "types": [*python, "mypy"],
        "chapters": [sys.executable, "tests/chapter_types.py"],
        "imports": [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as c; c()",
            "--no-cache",
        ],
        "budgets": [sys.executable, "tests/budgets.py"],
    }
    failed = []
    for name, command in [*({} if args.words else steps).items(), ("tests", pytest)]:
        start = time.monotonic()
        quiet = name != "tests"
        done = subprocess.run(command, cwd=here, env=environment, capture_output=quiet, text=True)
        if done.returncode:
            failed.append(name)
            print((done.stdout or "") + (done.stderr or ""), end="")
        print(f"{name:<8} {'FAILED' if done.returncode else 'ok'}  {time.monotonic() - start:.1f} s")
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0
