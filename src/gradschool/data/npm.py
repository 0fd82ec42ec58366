"""Files that are published as npm packages, brought by npm itself: it knows where packages come from here."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from gradschool.errors import UserError

SCHEME = "npm:"  # an address of this form names a package and its version, npm:@iconify-json/noto@1.2.9


def pack(package: str, file: Path) -> str:
    """Bring a package's archive without installing it or running anything of it.

    Args:
        package: name@version.
        file: where the archive is put.

    Returns:
        Why it could not be brought; "" if it is there.

    Raises:
        UserError: npm is not installed.
    """
    npm = shutil.which("npm")
    if npm is None:
        advice = "It comes with Node.js: install that, then start again."
        raise UserError(f"{package} is an npm package, and npm is not here", "npm", advice)
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        words = [npm, "pack", package, "--silent", "--ignore-scripts", "--pack-destination", folder]
        done = subprocess.run(words, capture_output=True, text=True, cwd=folder)
        made = list(Path(folder).glob("*.tgz"))
        if done.returncode or len(made) != 1:
            return " ".join(done.stderr.split())[:200] or f"npm ended with {done.returncode}"
        made[0].replace(file)
    return ""
