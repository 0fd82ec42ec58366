"""What the chapters' figures.py share: what an experiment measured, and empty axes."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from gradschool.classroom.author.evidence import values
from gradschool.classroom.exercise.manifest import read_chapter


def measured(place: str, name: str) -> Any:
    """What an experiment found.

    Args:
        place: any file of the chapter's folder: `__file__`.
        name: of the experiment.

    Raises:
        UserError: it was not measured, or its code has changed since.
    """
    return values(read_chapter(Path(place).parent), name)


def panels(rows: int, columns: int, size: tuple[float, float], **options: Any) -> tuple[Figure, Any]:
    """A figure of so many inches and its axes, whose words do not collide; options as of `plt.subplots`."""
    figure, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", **options)
    for each in figure.axes:
        each.title.set_fontsize(10)
    return figure, axes
