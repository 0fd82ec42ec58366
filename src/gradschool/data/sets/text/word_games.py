"""Sums and games with words, as questions with answers; it comes with the package."""

from pathlib import Path

from gradschool.data.text.dialogues.dialogueset import DialogueSet

SET = DialogueSet(
    name="word_games",
    title="Sums and games with words, as questions with answers",
    licence="CC0",
    source="written for this course",
    places=[str(Path(__file__).with_name("word_games.jsonl"))],
)
