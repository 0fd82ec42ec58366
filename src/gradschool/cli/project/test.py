"""gradschool test: everything the project holds itself to, in one command."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gradschool.errors import UserError
from gradschool.parts import need
from gradschool.phrases import as_called, command

HELP = """usage: gradschool test [--quick | --processors] [PYTEST WORDS ...]

Lint, types, import contracts, size budgets, tests.
--quick leaves out the tests that take long: for daily work.
--processors runs the numeric tests and all gates as other processors compute: slow.
With further words, only pytest runs. For example: gradschool test tests/engine"""
QUICK = ("-m", "not slow and not gpu and not long")
# Libraries choose other kernels for these, so that sums run in another order. ATen, oneDNN and MKL only go
# down from what the machine has; MKL obeys MKL_CBWR on processors of any maker, and only down to the lowest.
PROCESSORS = {
    "no vector units": {
        "ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "OPENBLAS_CORETYPE": "Prescott",
        "MKL_CBWR": "COMPATIBLE", "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 X86_V3 X86_V4",
    },
    "Nehalem": {
        "ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "OPENBLAS_CORETYPE": "Nehalem",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2", "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4",
    },
    "Sandy Bridge": {
        "ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "AVX", "OPENBLAS_CORETYPE": "Sandybridge",
        "MKL_ENABLE_INSTRUCTIONS": "AVX", "MKL_CBWR": "COMPATIBLE",
    },
    "Haswell": {
        "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "OPENBLAS_CORETYPE": "Haswell",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    },
    "Skylake with AVX-512": {"OPENBLAS_CORETYPE": "SkylakeX", "ONEDNN_MAX_CPU_ISA": "AVX512_CORE"},
    "two threads": {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2", "GRADSCHOOL_TEST_THREADS": "2"},
}  # fmt: skip
# Small products of every library: an instruction that this processor lacks ends the process.
PROBE = (
    "import numpy, torch; a = torch.randn(99, 99); (a @ a).exp().sum(1); c = a[None, None];"
    "torch.conv2d(c, c); b = a.numpy(); numpy.exp(b @ b); b.astype(float) @ b.astype(float)"
)
NUMERIC = (
    "tests/ops", "tests/nn", "tests/scratch", "tests/models", "tests/tasks", "tests/rl", "tests/practice",
    "tests/evals", "tests/test_course.py", "tests/classroom/test_gates.py",
)  # fmt: skip
ILLEGAL_INSTRUCTION = 0xC000001D  # Windows' status; elsewhere a signal ends the process


@dataclass(frozen=True)
class Args:
    """Lint, types, import contracts, size budgets and the fast tests."""

    words: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Further words for pytest, after --, e.g. tests/engine, or -m slow."""
    quick: bool = False
    """Leave out the tests that take long."""
    processors: bool = False
    """Run the numeric tests and all gates as other processors compute."""


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
    """All words but our own go to pytest as they are; --help explains."""
    if {"-h", "--help"} & set(words):
        print(as_called(HELP))
        raise SystemExit(0)
    own = ("--", "--quick", "--processors")
    return Args(tuple(w for w in words if w not in own), "--quick" in words, "--processors" in words)


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
    everything = ["-n", workers, "--dist", "loadfile", "--no-loadscope-reorder", "--durations", "50"]
    return [sys.executable, "-m", "pytest", *(QUICK if args.quick else ()), *(args.words or everything)]


def passes(name: str, command: list[str], processor: Mapping[str, str] | None = None) -> bool:
    """Run a check and say how it went; what it printed is shown only if it failed, but for the tests."""
    start, quiet = time.monotonic(), "pytest" not in command
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NO_COLOR": "1"}
    environment |= processor or {}
    done = subprocess.run(command, cwd=root(), env=environment, capture_output=quiet, text=True)
    said = f"{done.stdout or ''}{done.stderr or ''}" if done.returncode else ""
    verdict = "FAILED" if done.returncode else "ok"
    print(f"{said}{name:<8} {verdict}  {time.monotonic() - start:.1f} s")
    return not done.returncode


def elsewhere(args: Args) -> int:
    """The numeric tests once for each processor that can be emulated here."""
    words = args.words or (*tests(args)[3:], *NUMERIC)
    command = [sys.executable, "-m", "pytest", *words]
    failed, absent = [], []
    for name, processor in PROCESSORS.items():
        probe = subprocess.run([sys.executable, "-c", PROBE], env=os.environ | processor, capture_output=True)
        if probe.returncode < 0 or probe.returncode == ILLEGAL_INSTRUCTION:
            absent.append(name)
            continue
        # What was compiled for one processor is no code for another.
        with tempfile.TemporaryDirectory() as own:
            if not passes(name, command, processor | {"TORCHINDUCTOR_CACHE_DIR": own}):
                failed.append(name)
    if absent:
        print(f"left out, as this processor lacks their instructions: {', '.join(absent)}")
    if failed:
        print(f"failed as: {', '.join(failed)}")
    return 1 if failed else 0


def run(args: Args) -> int:
    """Run every check, go on after a failure, and fail if one did."""
    root()
    need("pytest", "dev", command("test"))
    if args.processors:
        return elsewhere(args)
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
