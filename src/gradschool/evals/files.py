"""Pictures that a person names: files and folders, and what a network says of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradschool.data.vision.decode import ENDINGS
from gradschool.errors import UserError

JUNK = ("__MACOSX", ".")

Progress = Callable[[int, int], None]
Skip = Callable[[Path, str], None]


@dataclass(frozen=True)
class Prediction:
    """The most probable classes of one file, best first, each with its probability in [0, 1].

    Of a file whose pixels were given classes: the share of the picture that each covers, and the mask's file.
    """

    file: Path
    top: list[tuple[str, float]]
    mask: Path | None = None

    def line(self) -> str:
        """For a terminal."""
        best = "  ".join(f"{name} {100 * share:.1f} %" for name, share in self.top)
        return f"{self.file}  {best}{f'  {self.mask}' if self.mask else ''}"

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        told = {"file": self.file, "top": [{"class": c, "probability": p} for c, p in self.top]}
        return told | ({"mask": self.mask} if self.mask else {})


def pictures_in(paths: Sequence[Path]) -> list[Path]:
    """All files named, and all pictures in the folders named, each once, in order.

    Raises:
        UserError: a path does not exist, or there is no picture.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())
            found += [
                p for p in inside if not any(part.startswith(JUNK) for part in p.relative_to(path).parts)
            ]
        elif path.exists():
            found.append(path)
        else:
            raise UserError(f"{path} does not exist", "a picture or a folder of pictures", "Check the path.")
    if not found:
        where = ", ".join(map(str, paths)) or "nothing"
        raise UserError(f"No picture in {where}", f"files such as {', '.join(ENDINGS[:4])}", "")
    return list(dict.fromkeys(found))
