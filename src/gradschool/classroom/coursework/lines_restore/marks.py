"""The mark scheme of restored pictures: a legal file, known pixels unchanged, likeness to the truth."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from gradschool.classroom.coursework.frame import Lost, Mark, marked
from gradschool.ops.similarity import structural_similarity
from gradschool.runs.dense.gaps import Gapped

GOOD = 0.95  # SSIM that a student's network reached on brains
BY_HAND = (
    ("2.1", "ten training pictures and ten with gaps are shown", 10.0, "your notebook"),
    ("2.2", "a network of your own, trained from random weights; choices explained", 30.0, "your notebook"),
)


def likeness(answer: Tensor, truth: Tensor, mask: Tensor) -> dict[str, float]:
    """Mean SSIM of the pictures, and the squared error over all pixels and over those in the gaps."""
    wrong = (answer - truth).square()
    ssim = structural_similarity(answer.clamp(0, 1), truth)
    return {"ssim": float(ssim.mean()), "mse": float(wrong.mean()), "mse_in_gaps": float(wrong[mask].mean())}


def marks(
    given: Gapped, answer: Any, truth: Tensor | None, facts: dict[str, Any]
) -> tuple[list[Mark], dict[str, Any]]:
    """The file counts 20 points, its closeness 40; and the measured numbers."""
    wanted = given.pictures.shape
    fits = isinstance(answer, np.ndarray) and answer.shape == wanted and answer.dtype.kind in "fiu"
    restored = torch.from_numpy(answer.astype(np.float32) / given.scale)[:, None] if fits else None
    found = (
        {}
        if truth is None or restored is None
        else {"restored": likeness(restored.nan_to_num(), truth, given.mask)}
    )

    def shape() -> tuple[float, str]:
        if restored is None:
            came = f"{answer.shape} of {answer.dtype}" if isinstance(answer, np.ndarray) else "several arrays"
            raise Lost(f"The file holds {came}; {wanted} of numbers is wanted.")
        return 1.0, f"The file holds {wanted} of {answer.dtype}."

    def numbers() -> tuple[float, str]:
        good = legal(restored)
        told = f"{100 * good:.1f} % of the pixels are numbers from 0 to {given.scale:g}"
        return (1.0 if good == 1 else 0.5 * good), f"{told}; gaps that are left lose the half."

    def known() -> tuple[float, str]:
        assert restored is not None or legal(restored) == 0
        changed = unchanged(given, restored)
        return changed, f"{100 * changed:.1f} % of the pictures, in the order given, kept what was known."

    def close() -> tuple[float, str]:
        if truth is None or not found:
            raise Lost("Nothing to compare: the truth is not known, or the file does not fit.")
        return level(found["restored"]["ssim"], facts["damaged"]["ssim"], facts["smooth"]["ssim"])

    items = [
        marked("1.1", "as many pictures, of the same size", 5, shape),
        marked("1.2", "numbers, in the range of the given ones", 5, numbers),
        marked("1.3", "known pixels as they were, same order", 10, known),
    ]
    if truth is not None:
        items.append(marked("1.4", "close to the truth (SSIM)", 40, close))
    return items, found


def legal(restored: Tensor | None) -> float:
    """The share of pixels that are numbers from 0 to 1.

    Raises:
        Lost: the file does not fit.
    """
    if restored is None:
        raise Lost("The file does not fit: see 1.1.")
    return float(((restored >= 0) & (restored <= 1)).float().mean())


def unchanged(given: Gapped, restored: Tensor | None) -> float:
    """The share of pictures whose known pixels differ by less than a half grey level.

    Raises:
        Lost: the file does not fit.
    """
    if restored is None:
        raise Lost("The file does not fit: see 1.1.")
    apart = (restored - given.damaged).abs().nan_to_num(1.0).masked_fill(given.mask, 0.0)
    return float((apart.amax((1, 2, 3)) < 0.5 / 255).float().mean())


def level(ssim: float, damaged: float, smooth: float) -> tuple[float, str]:
    """Three levels: above gaps left at 0, above smooth filling, and 0.95 or half of the way from it to 1."""
    best = min(GOOD, (1 + smooth) / 2)
    if best <= smooth:
        best = (1 + smooth) / 2
    reached = sum(ssim > least for least in (damaged, smooth, best))
    told = f"SSIM {ssim:.3f}; level 1 is above gaps left at 0 ({damaged:.3f}), 2 above smooth filling "
    told += f"({smooth:.3f}), 3 above {best:.3f}"
    return (0.0, 0.25, 0.65, 1.0)[reached], f"Level {reached} of 3: {told}."
