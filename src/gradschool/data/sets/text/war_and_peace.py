"""Tolstoy's novel in English: three million characters by one hand."""

from gradschool.data.text.running.corpusset import CorpusSet

SET = CorpusSet(
    name="war_and_peace",
    title="War and Peace",
    licence="public domain",
    source="Tolstoy 1869, Project Gutenberg",
    packs=["text/war-and-peace.txt.gz"],
)
