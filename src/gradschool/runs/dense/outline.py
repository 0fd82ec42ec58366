"""Masks for picture files of any size, by a finished segmenter."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from gradschool.data.vision.decode import Unreadable, decoded
from gradschool.data.vision.masks import MaskPipeline
from gradschool.engine.checkpoint import disk_errors
from gradschool.errors import WorkFailed
from gradschool.evals.files import Prediction, Progress, Skip, pictures_in
from gradschool.evals.report.masks import coloured


def outline(
    out: Path, look: nn.Module, pipeline: MaskPipeline, facts: dict[str, Any], files: Sequence[Path],
    progress: Progress, skip: Skip,
) -> Iterator[Prediction]:  # fmt: skip
    """Write a mask for every file to the folder `out`, and say which classes cover how much.

    A mask is a PNG of class numbers with a palette, as large as its picture.

    Args:
        out: where masks are written.
        look: pictures to scores of every pixel.
        pipeline: prepares pictures.
        facts: of model.json: classes and channels.
        files: pictures, and folders that are searched through.
        progress: called with (files done, files in all) after each file.
        skip: called with (file, reason) for each file that cannot be read.
    Raises:
        UserError: a path does not exist, or no picture is found.
        WorkFailed: none of the files could be read, or the disk is full.
    """
    classes, done = facts["classes"], 0
    found = pictures_in(files)
    names = distinct(found)
    for number, file in enumerate(found, start=1):
        # 1. The picture at its own size, grey or in colour as the network has learned.
        try:
            pixels = decoded(file.read_bytes())
        except (Unreadable, OSError) as reason:
            skip(file, str(reason))
            continue
        image = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0])
        plain = np.array(image.convert("L" if facts["channels"] == 1 else "RGB"))
        x = torch.from_numpy(plain).view(1, *plain.shape[:2], facts["channels"]).permute(0, 3, 1, 2)
        # 2. Its mask.
        with torch.inference_mode():
            mask = look(pipeline.normalise(x))[0].argmax(0).to(torch.uint8).cpu().numpy()
        with disk_errors(out, "Free some space and ask again."):
            out.mkdir(exist_ok=True)
            save_mask(out / f"{names[file]}.png", mask, len(classes))
        # 3. How much of the picture each class covers.
        shares = np.bincount(mask.ravel(), minlength=len(classes)) / mask.size
        top = [(classes[i], float(shares[i])) for i in shares.argsort()[::-1] if shares[i] > 0]
        done += 1
        yield Prediction(file, top, out / f"{names[file]}.png")
        progress(number, len(found))
    if not done:
        raise WorkFailed(f"none of {len(found)} files could be read", "pictures such as JPEG or PNG", "")


def distinct(files: Sequence[Path]) -> dict[Path, str]:
    """A name for every file's mask: its stem, with a number where that is taken."""
    names: dict[Path, str] = {}
    for file in files:
        name, count = file.stem, 2
        while name in names.values():
            name, count = f"{file.stem}-{count}", count + 1
        names[file] = name
    return names


def save_mask(path: Path, mask: np.ndarray, classes: int) -> None:
    """Write class numbers as a PNG whose palette makes them visible."""
    image = Image.fromarray(mask, "P")
    every = np.arange(256, dtype=np.uint8)[None]
    image.putpalette(coloured(every, classes)[0].tobytes())
    image.save(path)
