"""Sentences of film reviews, favourable or not: the Stanford Sentiment Treebank without its neutral
sentences.

Source: Socher et al. 2013, "Recursive deep models for semantic compositionality over a sentiment treebank";
whole sentences only, none of their phrases. Sentences without a label in two classes are the neutral ones.
"""

from gradschool.data.text.labelled.labelledset import LabelledSet

SET = LabelledSet(
    name="sst2",
    title="Stanford Sentiment Treebank, 2 classes",
    licence="none stated; research use",
    source="https://nlp.stanford.edu/sentiment/",
    packs=["sentiment/sst.csv.gz"],
    text="sentence",
    label="label2",
    names={"0": "negative", "1": "positive"},
)
