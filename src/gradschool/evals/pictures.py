"""Pictures made by a model, as files: one grid, or many single files."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from gradschool.errors import UserError

GAP = 1  # pixels between the pictures of a grid
LEAST = 32  # pixels on the screen that a picture of a sheet should have
FINE: dict[str, Any] = {"quality": 95, "subsampling": 0}  # edges of single pixels stay sharp
SHEETS: dict[str, dict[str, Any]] = {".png": {}, ".jpg": FINE, ".jpeg": FINE, ".webp": {"lossless": True}}
LONGEST = {".jpg": 65_500, ".jpeg": 65_500, ".webp": 16_383}  # side in pixels that the format can hold


def as_bytes(images: Float[Tensor, "n c h w"]) -> UInt8[np.ndarray, "n h w 3"]:
    """Pictures in 0 to 1 as bytes, colours last; grey becomes three equal channels."""
    shown = images.detach().float().cpu().clamp(0, 1).mul(255).round().to(torch.uint8)
    return shown.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).numpy()


def grid(images: Float[Tensor, "n c h w"], columns: int) -> UInt8[np.ndarray, "height width 3"]:
    """All pictures on one sheet, row after row; places that are left over stay white."""
    shown = as_bytes(images)
    n, h, w, _ = shown.shape
    rows = -(-n // columns)
    sheet = np.full((rows * (h + GAP) - GAP, columns * (w + GAP) - GAP, 3), 255, np.uint8)
    for i, picture in enumerate(shown):
        top, left = i // columns * (h + GAP), i % columns * (w + GAP)
        sheet[top : top + h, left : left + w] = picture
    return sheet


def enlarged(pixels: UInt8[np.ndarray, "h w 3"], factor: int) -> Image.Image:
    """A picture magnified by a whole factor, every pixel a square."""
    picture = Image.fromarray(pixels)
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)


def save_grid(path: Path, images: Float[Tensor, "n c h w"], columns: int, factor: int | None = None) -> None:
    """Write a grid in the format that the file's ending names, one of `SHEETS`.

    Args:
        path: of the file.
        images: from 0 to 1.
        columns: of the sheet.
        factor: by which pictures are enlarged; None: by two, very small ones by more.
    Raises:
        UserError: it is larger than the format allows.
    """
    factor = factor or max(2, -(-LEAST // min(images.shape[2:])))
    drawn, form = enlarged(grid(images, columns), factor), path.suffix.lower()
    if max(drawn.size) > (longest := LONGEST.get(form, max(drawn.size))):
        what = f"the sheet {path} would be {drawn.width:,}x{drawn.height:,} pixels"
        raise UserError(what, f"at most {longest:,} a side in {form}", "Ask for fewer, or write a .png.")
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn.save(path, **SHEETS[form])


def save_each(folder: Path, images: Float[Tensor, "n c h w"]) -> list[Path]:
    """Write every picture as a PNG of its own; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{i:04d}.png" for i in range(len(images))]
    for file, picture in zip(files, as_bytes(images), strict=True):
        Image.fromarray(picture).save(file)
    return files
