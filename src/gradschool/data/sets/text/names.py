"""2,000 given names from many languages, in the letters a to z: small enough to come with the package."""

from pathlib import Path

from gradschool.data.text.textset import TextSet

SET = TextSet(
    name="names",
    title="Given names",
    licence="CC0",
    source="collected for this course",
    places=[str(Path(__file__).with_name("names.txt"))],
)
