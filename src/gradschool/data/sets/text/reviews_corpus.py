"""Film reviews without their ratings, one a line: raw English for tokenisers and language models."""

from gradschool.data.text.running.corpusset import CorpusSet

SET = CorpusSet(
    name="reviews_corpus",
    title="Film reviews without labels",
    licence="none stated; research",
    source="Maas et al. 2011, the unlabelled part of IMDB",
    packs=["text/reviews-corpus.txt.gz"],
)
