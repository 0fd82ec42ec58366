"""Sums with a right and a wrong answer; it comes with the package."""

from pathlib import Path

from gradschool.data.text.dialogues.dialogueset import DialogueSet

SET = DialogueSet(
    name="sum_pairs",
    title="Sums with a right and a wrong answer",
    licence="CC0",
    source="written for this course",
    places=[str(Path(__file__).with_name("sum_pairs.jsonl"))],
)
