"""Pictures with gaps in a .npy file: trained for like gaps, restored, written as the hand-in wants them.

The file holds (n, h, w) numbers; a gap is NaN, or 0 where there is no NaN. Pixels that are black without
being missing count as gaps too: from the file alone they cannot be told apart.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Generator, Tensor

from gradschool.data.augment.draw import integers
from gradschool.data.vision.stacks import load
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.inference import device_of
from gradschool.runs.dense.restoration import RestoreRun
from gradschool.runs.finish import rebuilt
from gradschool.runs.reopen import reopen
from gradschool.tasks.restore import Damaging

MOST = 0.95  # of the pixels may be missing
AT_ONCE = 64


@dataclass(frozen=True)
class Gapped:
    """Pictures with gaps.

    Args:
        pictures: as stored.
        mask: True where a pixel is missing.
        scale: what 1 stands for: 1 or 255.
    """

    pictures: NDArray[Any]
    mask: Bool[Tensor, "n 1 h w"]
    scale: float

    @property
    def damaged(self) -> Float[Tensor, "n 1 h w"]:
        """On the scale 0 to 1, 0 in the gaps."""
        known = torch.from_numpy(np.nan_to_num(self.pictures.astype(np.float32))) / self.scale
        return known.unsqueeze(1).masked_fill(self.mask, 0.0)


@dataclass(frozen=True)
class LikeGaps:
    """Hides in pictures what is missing in others, chosen at random and mirrored at random.

    Args:
        masks: True where a pixel is missing.
    """

    masks: Bool[Tensor, "m 1 h w"]

    def __call__(
        self, images: Float[Tensor, "n c h w"], generator: Generator
    ) -> tuple[Float[Tensor, "n c h w"], Bool[Tensor, "n 1 h w"]]:
        """Pictures with 0 in the gaps, and the gaps."""
        # 1. A mask for each picture.
        chosen = integers((len(images),), len(self.masks), generator).cpu()
        mask = self.masks[chosen].to(images.device)
        # 2. Where the gaps differ little, mirroring makes more of them.
        is_turned = (integers((len(images),), 2, generator) == 1)[:, None, None, None]
        mask = torch.where(is_turned.to(images.device), mask.flip(3), mask)
        return images.masked_fill(mask, 0.0), mask


@dataclass(frozen=True, kw_only=True)
class GapsRun(RestoreRun):
    """A restorer that learns gaps like those in a file."""

    kind: ClassVar[str] = "gaps"
    places: ClassVar[tuple[str, ...]] = ("data", "gaps")

    gaps: str = ""
    """A .npy of pictures whose gaps are learned from, e.g. test_set.npy; none: `damage` is done."""

    def damaging(self) -> Damaging:
        """The gaps of the file, or else the damage."""
        return LikeGaps(read_gaps(Path(self.gaps)).mask) if self.gaps else self.damage


def read_gaps(path: Path) -> Gapped:
    """Pictures with gaps from a .npy file.

    Raises:
        UserError: it holds no pictures of one channel, no gaps, little else, or numbers outside the range.
    """
    # 1. Pictures.
    found = load(path) if path.suffix == ".npy" else None
    if not isinstance(found, np.ndarray):
        raise UserError(f"{path} is no .npy file", "pictures (n, h, w) with gaps", "Example: test_set.npy")
    if found.ndim != 3 or not found.size or found.dtype.kind not in "fiu":
        raise UserError(f"{path} has the shape {found.shape} of {found.dtype}", "numbers (n, h, w)", "")
    # 2. Gaps.
    missing = np.isnan(found)
    missing = missing if missing.any() else found == 0
    share = float(missing.mean())
    if not 0 < share <= MOST:
        wanted = f"more than 0 % and at most {100 * MOST:.0f} % (NaN, or 0 where there is no NaN)"
        raise UserError(f"{100 * share:.1f} % of the pixels of {path} are missing", wanted, "")
    # 3. The scale.
    low, high = float(np.nanmin(found)), float(np.nanmax(found))
    scale = 1.0 if found.dtype.kind == "f" and high <= 1 else 255.0
    if not 0 <= low <= high <= scale:
        wanted = "numbers from 0 to 1, or from 0 to 255"
        raise UserError(f"{path} holds numbers from {low:g} to {high:g}", wanted, "Scale them.")
    return Gapped(found, torch.from_numpy(missing).unsqueeze(1), scale)


def fill(folder: RunFolder, given: Gapped) -> NDArray[Any]:
    """The pictures with their gaps restored by a finished run; what is known stays as it is, to the last bit.

    Args:
        folder: a finished run of a restorer of grey pictures.
        given: pictures of the size that it was trained on, or of any if its network takes any.

    Returns:
        (n, h, w) in the order and the type of the given ones; fractions where these are fractions.

    Raises:
        UserError: the run restores nothing, is not finished, or was trained on colour pictures.
    """
    run, _ = reopen(folder)
    if not isinstance(run, RestoreRun):
        raise UserError(f"{folder.path} restores nothing", "a run such as restore_lines", "")
    model, facts = rebuilt(folder, run)
    if facts["channels"] != 1:
        raise UserError(f"{folder.path} was trained on colour pictures", "grey ones", "")
    # 1. Piece by piece.
    pieces = []
    with torch.inference_mode():
        for x, mask in zip(
            torch.split(given.damaged, AT_ONCE), torch.split(given.mask, AT_ONCE), strict=True
        ):
            x, mask = x.to(device_of(model)), mask.to(device_of(model))
            pieces.append(model(x, mask).float().clamp(0, 1).cpu()[:, 0])
    answer = torch.cat(pieces).numpy() * given.scale
    # 2. In the file's own type.
    whole = np.rint(answer) if given.pictures.dtype.kind in "iu" else answer
    missing = given.mask[:, 0].numpy()
    return np.where(missing, whole, np.nan_to_num(given.pictures)).astype(given.pictures.dtype)


def with_gaps(run: RestoreRun, pixels: Tensor, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Pictures as a file for `read_gaps` holds them, NaN in the gaps, and the truth, both (n, h, w).

    Args:
        run: says which gaps.
        pixels: uint8, (n, 1, h, w).
        seed: of the gaps.
    """
    truth = pixels.float() / 255
    _, mask = run.damaging()(truth, Generator().manual_seed(seed))
    return truth.masked_fill(mask, torch.nan)[:, 0].numpy(), truth[:, 0].numpy()
