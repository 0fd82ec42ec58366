"""A toy project around the real launcher, for its tests: toy locks, stand-ins for Python and uv, no network.

The stand-ins are scripts that write down how they were called. Only venv's `create` is replaced, by one that
lays them out. A file `slow` makes uv sleep, `broken` makes it fail with what the file says, `small` lets it
find torch's CPU build.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

LAUNCHER = Path(__file__).resolve().parent.parent / "gradschool"
FAKE_PYTHON = """\
#!/bin/sh
here=$(cd "$(dirname "$0")/../.." && pwd)
case "$1" in
  -c) test -f "$here/.venv/pyvenv.cfg"; exit ;;
esac
echo "python $*" >> "$here/log"
case "$*" in
  *"pip install"*) cp "$here/fake-uv" "$here/.venv/bin/uv" ;;
  *) echo "ran $*" ;;
esac
"""
FAKE_UV = """\
#!/bin/sh
here=$(cd "$(dirname "$0")/../.." && pwd)
if [ "$1" = --version ]; then exit 0; fi
case "$*" in *--dry-run*) test -f "$here/small"; exit ;; esac
echo "uv $*" >> "$here/log"
if [ -f "$here/slow" ]; then sleep "$(cat "$here/slow")"; fi
if [ -f "$here/broken" ]; then cat "$here/broken" >&2; exit 3; fi
"""
START = """
import shutil, sys, venv
from pathlib import Path
def create(env, with_pip, clear):
    shutil.rmtree(env, ignore_errors=True)
    (env / "bin").mkdir(parents=True)
    shutil.copy(env.parent / "fake-python", env / "bin" / "python")
    (env / "pyvenv.cfg").touch()
    with (env.parent / "log").open("a") as log:
        log.write("venv\\n")
venv.create = create
import importlib.machinery, importlib.util
loader = importlib.machinery.SourceFileLoader("launcher", "gradschool")
spec = importlib.util.spec_from_loader("launcher", loader)
launcher = importlib.util.module_from_spec(spec)
loader.exec_module(launcher)
launcher.main()
"""
TABLE = """\
[{name}]
purpose = "{name} things"
megabytes = 40
seconds = 6
"""
SET_UP = ["venv", "python -m pip install uv", "uv pip sync base", "uv pip install"]


def laid_out(folder: Path) -> Path:
    """The launcher and all that it reads."""
    shutil.copy(LAUNCHER, folder / "gradschool")
    (folder / "locks").mkdir()
    for name in ("uv", "base", "dev", "rl", "tables"):
        (folder / f"locks/{name}.txt").write_text(f"{name}==2.0 \\\n    --hash=sha256:00\n")
    (folder / "src/gradschool").mkdir(parents=True)
    rows = [TABLE.format(name=name) for name in ("dev", "rl", "tables")]
    (folder / "src/gradschool/parts.toml").write_text("".join(rows))
    (folder / "pyproject.toml").write_text("[project]\n")
    (folder / "start.py").write_text(START)
    for name, text in (("fake-python", FAKE_PYTHON), ("fake-uv", FAKE_UV)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder


def begin(project: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    """The launcher as a process, with `venv` replaced."""
    clean = {k: v for k, v in os.environ.items() if k != "UV_TORCH_BACKEND"} | environment
    pipes: dict[str, Any] = {
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
        "start_new_session": True,
    }
    if os.name == "posix":  # a suite that was started in the background ignores Ctrl-C, and so would this
        pipes["preexec_fn"] = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen([sys.executable, "start.py", *words], cwd=project, env=clean, **pipes)


def start(project: Path, *words: str, **environment: str) -> tuple[int, str, str]:
    """Exit code, output and errors of a whole start."""
    process = begin(project, *words, **environment)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def steps(project: Path) -> list[str]:
    """What was called since the last look, with which locks, without the calls of the command line itself."""
    log = project / "log"
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    found = []
    for line in lines:
        words = line.split()[: 4 if "-m pip" in line else 3]
        if "gradschool.cli" not in line:
            found.append(" ".join(words + re.findall(r"locks/(\w+)\.txt", line)))
    return found


def logged(project: Path, text: str) -> bool:
    """Whether a step has been called by now."""
    return (project / "log").exists() and text in (project / "log").read_text()


def wait_for(happened: Callable[[], bool], seconds: float = 60) -> None:
    """Look again and again until it has happened."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
