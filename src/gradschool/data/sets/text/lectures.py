"""The lectures of this course as running English, without code and formulas: it comes with the package."""

from pathlib import Path

from gradschool.data.text.labelled.proseset import ProseSet

SET = ProseSet(
    name="lectures",
    title="The lectures of this course",
    licence="as this package",
    source="this course",
    places=[str(Path(__file__).parents[3] / "course")],
)
