"""Resolve base and parts together, then write a lock for each: .venv/bin/python locks/refresh.py [--upgrade].

One resolution for all platforms fixes every version, so any parts fit together. base.txt holds what the base
needs, PART.txt what a part adds to it, uv.txt the installer. Versions stay as they are where they can;
--upgrade takes the newest that are a week old.
"""

import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

LOCKS = Path(__file__).resolve().parent
ROOT = LOCKS.parent
FORM = ("--universal", "--generate-hashes", "--no-header", "--no-annotate", "--exclude-newer", "1 week")


def compiled(out: Path, *words: object) -> list[str]:
    """The entries of a resolution, each a pin with its hashes; pins that `out` held before are kept."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "-q", *FORM, "pyproject.toml", "-o", out, *words]
    # A torch build that this machine chose for itself must not get into a lock for all.
    clean = {name: value for name, value in os.environ.items() if name != "UV_TORCH_BACKEND"}
    quiet = subprocess.DEVNULL
    subprocess.run([str(word) for word in command], cwd=ROOT, env=clean, check=True, stdout=quiet)
    return entries(out)


def entries(lock: Path) -> list[str]:
    """The entries of a lock: a line that is not indented begins one."""
    found: list[str] = []
    for line in lock.read_text(encoding="utf-8").splitlines(keepends=True):
        if line[0] in " #":
            found[-1:] = [found[-1] + line]
        else:
            found.append(line)
    return found


def main() -> None:
    """Write every lock anew and remove those of parts that are gone."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    parts = [name for name in project["optional-dependencies"] if name != "all"]
    with tempfile.TemporaryDirectory() as folder:
        together, alone = Path(folder) / "together.txt", Path(folder) / "alone.txt"
        if "--upgrade" not in sys.argv:
            known = {entry for lock in LOCKS.glob("*.txt") for entry in entries(lock)}
            together.write_text("".join(sorted(known)), encoding="utf-8")
        uv = [entry for entry in compiled(together, "--all-extras") if entry.startswith("uv==")]
        base = compiled(alone, "-c", together)
        locks = {"base": base, "uv": uv}
        for part in parts:
            found = compiled(alone, "-c", together, "--extra", part)
            locks[part] = [entry for entry in found if entry not in base]
    for old in LOCKS.glob("*.txt"):
        old.unlink()
    for name, lock in locks.items():
        (LOCKS / f"{name}.txt").write_text("".join(lock), encoding="utf-8")
        print(f"{name:<10} {len(lock)} packages")


if __name__ == "__main__":
    main()
