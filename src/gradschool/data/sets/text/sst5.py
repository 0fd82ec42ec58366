"""Sentences of film reviews in five classes from very negative to very positive.

Source: Socher et al. 2013, "Recursive deep models for semantic compositionality over a sentiment treebank";
whole sentences only, none of their phrases.
"""

from gradschool.data.text.labelled.labelledset import LabelledSet

SET = LabelledSet(
    name="sst5",
    title="Stanford Sentiment Treebank, 5 classes",
    licence="none stated; research use",
    source="https://nlp.stanford.edu/sentiment/",
    packs=["sentiment/sst.csv.gz"],
    text="sentence",
    label="label5",
    names={"0": "very negative", "1": "negative", "2": "neutral", "3": "positive", "4": "very positive"},
)
