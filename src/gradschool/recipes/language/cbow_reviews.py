"""Word vectors from 9,229 film reviews by CBOW with negative sampling."""

from gradschool.runs.language.vectors import WordVectorRun


def cbow_reviews() -> WordVectorRun:
    """CBOW word vectors on film reviews (score not measured yet)."""
    return WordVectorRun(data="reviews", method="cbow", epochs=8)
