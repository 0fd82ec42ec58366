"""Files of the ESE courseworks on X-rays: pictures as JPEG, labels as csv, and what is wrong with them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from gradschool.data.vision.decode import Unreadable, decoded
from gradschool.errors import UserError

LABELS = "real", "vae", "gan"  # 0, 1, 2 in the csv
JPEG = b"\xff\xd8\xff"  # how such a file begins
ENDINGS = ".jpeg", ".jpg", ".png"


def save_jpegs(folder: Path, pixels: UInt8[Tensor, "n c h w"], stem: str) -> list[Path]:
    """Write every picture as STEM_0001.jpeg and so on, as the courseworks name them; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{stem}_{i:04d}.jpeg" for i in range(1, len(pixels) + 1)]
    for file, picture in zip(files, pixels.permute(0, 2, 3, 1).numpy(), strict=True):
        Image.fromarray(picture.squeeze()).save(file, quality=95)
    return files


@dataclass(frozen=True)
class HandedIn:
    """A folder of pictures as it was found.

    Args:
        names: of all files, hidden ones left out.
        jpegs: of those that are JPEG by their content.
        pictures: (h, w, channels) of those that can be read, by name.
        broken: why the others cannot, by name.
    """

    names: Sequence[str]
    jpegs: Sequence[str]
    pictures: dict[str, NDArray[np.uint8]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)

    def of_shape(self, shape: tuple[int, int, int]) -> UInt8[Tensor, "n c h w"]:
        """Those of (channels, height, width); colour pictures of three equal channels pass as grey ones."""
        channels, height, width = shape
        kept = []
        for picture in self.pictures.values():
            if channels == 1 and picture.shape[2] == 3 and np.ptp(picture, axis=2).max() <= 8:
                picture = picture[:, :, :1]
            if picture.shape == (height, width, channels):
                kept.append(torch.from_numpy(picture.copy()).permute(2, 0, 1))
        return torch.stack(kept) if kept else torch.zeros((0, *shape), dtype=torch.uint8)


def read_pictures(folder: Path) -> HandedIn:
    """All files directly in a folder.

    Raises:
        UserError: it is no folder, or empty.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder", "a folder of pictures", "Check the spelling.")
    files = sorted(f for f in folder.iterdir() if f.is_file() and not f.name.startswith("."))
    if not files:
        raise UserError(f"{folder} is empty", "pictures in it", "")
    jpegs, pictures, broken = [], {}, {}
    for file in files:
        content = file.read_bytes()
        if content.startswith(JPEG):
            jpegs.append(file.name)
        try:
            pictures[file.name] = decoded(content)
        except Unreadable as reason:
            broken[file.name] = str(reason)
    return HandedIn([f.name for f in files], jpegs, pictures, broken)


def write_labels(path: Path, labels: dict[str, int]) -> None:
    """Write lines "test_hand_0001.jpeg, 2"."""
    path.write_text("".join(f"{name}, {label}\n" for name, label in sorted(labels.items())), encoding="utf-8")


def read_labels(path: Path) -> tuple[dict[str, int], list[str]]:
    """Labels by file name, and a sentence for each line that is none.

    Raises:
        UserError: the file is not there, or is no text.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} cannot be read ({error})", "lines such as: test_hand_0001.jpeg, 2", ""
        ) from error
    found: dict[str, int] = {}
    wrong = []
    for number, line in enumerate(lines, 1):
        name, _, label = (part.strip() for part in line.partition(","))
        if not name or (number == 1 and not label.isdigit() and not name.lower().endswith(ENDINGS)):
            continue  # an empty line or a head
        if label not in ("0", "1", "2"):
            wrong.append(f"line {number} has the label {label!r}, not 0, 1 or 2")
        elif name in found:
            wrong.append(f"line {number} names {name} again")
        else:
            found[name] = int(label)
    return found, wrong
