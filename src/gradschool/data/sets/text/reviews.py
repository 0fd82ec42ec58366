"""Reviews of films without labels: raw English for word vectors, tokenisers and language models."""

from gradschool.data.text.textset import TextSet

SET = TextSet(
    name="reviews",
    title="9,229 film reviews, unlabelled, one a line (2.1 million words)",
    licence="as IMDB's large movie review data set: research",
    source="Maas et al. 2011, Learning word vectors for sentiment analysis (its unlabelled part)",
    packs=["text/reviews-corpus.txt.gz"],
)
