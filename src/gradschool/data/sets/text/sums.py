"""Sums of two numbers below 100, as questions with answers; it comes with the package."""

from pathlib import Path

from gradschool.data.text.dialogues.dialogueset import DialogueSet

SET = DialogueSet(
    name="sums",
    title="Sums of two numbers below 100, as questions with answers",
    licence="CC0",
    source="written for this course",
    places=[str(Path(__file__).with_name("sums.jsonl"))],
)
