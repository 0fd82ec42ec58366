"""gradschool test: everything the project holds itself to, in one command."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gradschool.errors import UserError
from gradschool.parts import need
from gradschool.phrases import command

HELP = """usage: gradschool test [--quick] [PYTEST WORDS ...]

Lint, types, import contracts, size budgets, tests.
--quick leaves out the tests that take long: for daily work.
With further words, only pytest runs: gradschool test tests/engine, gradschool test -m slow."""
QUICK = ("-m", "not slow and not gpu and not long")


@dataclass(frozen=True)
class Args:
    """Lint, types, import contracts, size budgets and the fast tests."""

    words: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Further words for pytest, after --, e.g. tests/engine, or -m slow."""
    quick: bool = False
    """Leave out the tests that take long."""


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
    """All words but --quick go to pytest as they are; --help explains."""
    if {"-h", "--help"} & set(words):
        print(HELP)
        raise SystemExit(0)
    return Args(tuple(word for word in words if word not in ("--", "--quick")), "--quick" in words)


def sources() -> dict[str, list[str]]:
    """The checks that read the source alone, by name."""
    python = [sys.executable, "-m"]
    return {
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


def tests(args: Args) -> list[str]:
    """The command that runs the tests: those of a file in one process, as they share what is costly."""
    workers = str(min(os.cpu_count() or 1, 4))
    everything = ["-n", workers, "--dist", "loadfile", "--no-loadscope-reorder"]
    return [sys.executable, "-m", "pytest", *(QUICK if args.quick else ()), *(args.words or everything)]


def passes(name: str, command: list[str]) -> bool:
    """Run a check and say how it went; what it printed is shown only if it failed, but for the tests."""
    start, quiet = time.monotonic(), name != "tests"
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=root(), env=environment, capture_output=quiet, text=True)
    said = f"{done.stdout or ''}{done.stderr or ''}" if done.returncode else ""
    verdict = "FAILED" if done.returncode else "ok"
    print(f"{said}{name:<8} {verdict}  {time.monotonic() - start:.1f} s")
    return not done.returncode


def run(args: Args) -> int:
    """Run every check, go on after a failure, and fail if one did."""
    root()
    need("pytest", "dev", command("test"))
    steps = {} if args.words else sources()
    # 1. What reads the source, side by side; then the tests, which want all cores.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        passed = dict(zip(steps, pool.map(passes, steps, steps.values()), strict=True))
    passed["tests"] = passes("tests", tests(args))
    # 2. The verdict.
    failed = [name for name, fine in passed.items() if not fine]
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0
