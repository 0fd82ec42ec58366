"""Pictures in NumPy files: the parts of a MedMNIST .npz, or one .npy stack without classes.

Source: Yang et al. 2023 (MedMNIST v2), whose arrays are train_images, train_labels, val_images and so on.
Deviation: where a picture has several findings (ChestMNIST has 14), they become one: any or none.
"""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gradschool.data.examples import Splits
from gradschool.data.splits import cut
from gradschool.data.vision.images import Images
from gradschool.data.vision.pictureset import Parts
from gradschool.errors import UserError

ENDINGS = ".npz", ".npy"
WANTED = "pictures (n, h, w) or (n, h, w, 3), whole numbers from 0 to 255 or fractions from 0 to 1"
LAYOUT = "MedMNIST's arrays train_images, train_labels, test_images, test_labels"
HELD = 0.2  # of a stack, to test on


def open_stack(path: Path, val: float = 0.1, seed: int = 0) -> Splits[Images]:
    """A .npz of parts, or a .npy stack of which a fifth is held out to test on.

    Args:
        path: the file.
        val: share of the training pictures held out, 0 to below 1, where the file has no validation part.
        seed: of what is held out.

    Raises:
        UserError: the file is damaged, holds Python objects, lacks an array, or holds no pictures.
    """
    if path.suffix == ".npz":
        parts, classes = read_medmnist(path)
        found = {
            name: Images(torch.from_numpy(x), torch.from_numpy(np.asarray(y, np.int64)), classes)
            for name, (x, y) in parts.items()
        }
        train, test, held = found["train"], found["test"], found.get("val")
    else:
        pixels = torch.from_numpy(as_pixels(load(path), str(path)))
        train, held = Images(pixels, torch.zeros(len(pixels), dtype=torch.int64), ("picture",)), None
        train, some = cut(train, HELD, seed)
        if some is None:
            raise UserError(f"{path} holds {len(pixels)} picture", "two or more, to train and to test on", "")
        test = some
    if held is None:
        train, held = cut(train, val, seed + 1)
    return Splits(path.stem, train, held, test)


def read_medmnist(path: Path) -> tuple[Parts, tuple[str, ...]]:
    """The parts of a MedMNIST file, and the names of its classes.

    Raises:
        UserError: see `open_stack`.
    """
    arrays = load(path)
    names = [name for name in ("train", "val", "test") if f"{name}_images" in arrays]
    if lost := [name for name in ("train", "test") if name not in names]:
        raise UserError(
            f"{path} has no {lost[0]}_images (it has: {', '.join(arrays) or 'nothing'})", LAYOUT, ""
        )
    # 1. Pixels, and one class a picture.
    parts: Parts = {}
    several = False
    for name in names:
        pixels = as_pixels(arrays[f"{name}_images"], f"{name}_images of {path}")
        found = arrays.get(f"{name}_labels", np.zeros(len(pixels), np.int64))
        if len(found) != len(pixels):
            raise UserError(
                f"{path} has {len(pixels)} {name}_images and {len(found)} {name}_labels", "as many", ""
            )
        several = several or (found.ndim == 2 and found.shape[1] > 1)
        parts[name] = pixels, labels_of(found)
    # 2. All parts of one shape.
    shapes = {pixels.shape[1:] for pixels, _ in parts.values()}
    if len(shapes) > 1:
        raise UserError(f"the parts of {path} hold pictures of different shapes", "one shape", "")
    # 3. What the classes are called.
    count = 1 + max(int(labels.max(initial=0)) for _, labels in parts.values())
    return parts, ("no finding", "finding") if several else tuple(map(str, range(count)))


def labels_of(found: NDArray[Any]) -> NDArray[np.int64]:
    """(n,), (n, 1): the class; (n, k): 1 where there is any finding."""
    flat = found.reshape(len(found), -1)
    return (flat[:, 0] if flat.shape[1] == 1 else flat.sum(1) > 0).astype(np.int64)


def as_pixels(found: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """Pictures as uint8 (n, c, h, w).

    Raises:
        UserError: these are no pictures, or their numbers are outside the range.
    """
    if found.ndim == 4 and found.shape[1] in (1, 3) and found.shape[3] not in (1, 3):
        found = found.transpose(0, 2, 3, 1)
    if not (found.ndim == 3 or (found.ndim == 4 and found.shape[3] in (1, 3))) or not found.size:
        raise UserError(f"{name} has the shape {found.shape}", WANTED, "")
    if found.dtype != np.uint8:
        low, high = float(found.min()), float(found.max())
        top = 1 if found.dtype.kind == "f" and high <= 1 else 255
        if not 0 <= low <= high <= top:  # also where there is no number
            raise UserError(f"{name} holds numbers from {low:g} to {high:g}", WANTED, "Fill gaps, and scale.")
        found = np.rint(found * (255 / top)).astype(np.uint8)
    found = found[..., None] if found.ndim == 3 else found
    return np.ascontiguousarray(found.transpose(0, 3, 1, 2))


def load(path: Path) -> Any:
    """The array of a .npy, or a dict of those of a .npz; never a pickled object.

    Raises:
        UserError: the file is damaged, or holds Python objects.
    """
    try:
        found = np.load(path, allow_pickle=False)
        return found if isinstance(found, np.ndarray) else {name: found[name] for name in found.files}
    except (ValueError, EOFError, OSError, zipfile.BadZipFile, KeyError) as error:
        raise UserError(
            f"{path} cannot be read ({str(error).splitlines()[0]})",
            f"a whole {path.suffix} file of plain numbers",
            "",
        ) from error
