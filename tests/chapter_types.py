"""Types of the chapters' Python. Their folders are no packages: mypy sees copies under other names."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COURSE = ROOT / "src" / "gradschool" / "course"
WORDS = [
    "--config-file=", "--ignore-missing-imports", "--implicit-reexport", "--follow-imports=silent",
    "--namespace-packages", "--explicit-package-bases",
    "--disable-error-code=name-defined", "--disable-error-code=valid-type",  # shapes are not types
]  # fmt: skip


def main() -> int:
    """Run mypy over all chapters at once; its paths are told as they are in the source tree."""
    with tempfile.TemporaryDirectory() as place:
        names = {}
        for folder in sorted(COURSE.glob("[0-9]*")):
            name = "chapter_" + folder.name.replace("-", "_")
            names[name] = folder.relative_to(ROOT).as_posix()
            (Path(place) / name).mkdir()
            for file in folder.glob("*.py"):
                shutil.copy(file, Path(place) / name)
        # A cache of its own: in the whole package's, each would find the other's settings and begin anew.
        words = ["-m", "mypy", *WORDS, "--cache-dir", ROOT / ".mypy_cache" / "chapters", "."]
        search = os.environ | {"MYPYPATH": os.pathsep.join([place, str(ROOT / "src")])}
        done = subprocess.run(
            [sys.executable, *words], cwd=place, env=search, capture_output=True, text=True, check=False
        )
    print(
        re.sub(r"\bchapter_\w+", lambda found: names.get(found[0], found[0]), done.stdout + done.stderr),
        end="",
    )
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
