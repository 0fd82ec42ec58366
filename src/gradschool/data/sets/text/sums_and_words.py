"""9,000 sums and 4,500 lines about words, to learn from before fine-tuning; written by
`data/text/dialogues/games.py`. It comes with the package.
"""

from pathlib import Path

from gradschool.data.text.running.corpusset import CorpusSet

SET = CorpusSet(
    name="sums_and_words",
    title="Sums and words as running text",
    licence="CC0",
    source="written for this course",
    places=[str(Path(__file__).with_name("sums_and_words.txt"))],
)
